"""Bringing a database to the present schema: Alembic's migrations, in a transaction of ours."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.schema import add_declared_columns

FIRST = "0001"
"""What a file is that was made before tables had a version."""


def upgrade(connection: sa.Connection) -> None:
    """Do the migrations that the database lacks, then add columns declared since.

    Parameters
    ----------
    connection
        In a transaction that writes; the caller commits it, so that a migration that is
        cut off leaves nothing behind.

    Raises
    ------
    TableError
        If a newer version of the program made the database.
    """
    # Imported here: only a new or an older table needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config(attributes={"connection": connection})
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise TableError(
            "A newer version of this program made the hard-negative table.",
            "Update the program.",
        ) from error
    add_declared_columns(connection)
