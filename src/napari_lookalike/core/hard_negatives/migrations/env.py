"""What Alembic runs: the migrations, on the connection that `migrate.upgrade` gives."""

from alembic import context

from napari_lookalike.core.hard_negatives.schema import METADATA


def run() -> None:
    """Do the migrations in the transaction of whoever called Alembic."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        # SQLite's DDL is transactional where Python's driver does not interfere, as in `sqlite`.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if hasattr(context, "config"):  # Alembic is running, and nobody just looks at the module
    run()
