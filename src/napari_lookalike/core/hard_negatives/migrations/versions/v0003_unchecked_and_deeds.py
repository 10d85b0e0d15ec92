"""Tiles that their expert has yet to look at again; a name for each change.

Tiles that were there before count as looked at: nobody noted it, and they were learnt from.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what the second tables lack."""
    _add("evidence", sa.Column("unchecked", sa.Boolean(), nullable=False, server_default=_NO))
    _add("log", sa.Column("deed", sa.String(), nullable=False, server_default=""))


_NO = sa.false()


def _add(table: str, column: "sa.Column[object]") -> None:
    there = {c["name"] for c in sa.inspect(op.get_bind()).get_columns(table)}
    if column.name not in there:
        op.add_column(table, column)
