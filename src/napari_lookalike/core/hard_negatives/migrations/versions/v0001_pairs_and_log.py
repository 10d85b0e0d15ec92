"""Marks and their log, as the first tables had them.

Such files have no version: whatever is there already is left as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables and keep the log from being rewritten."""
    inspector = sa.inspect(op.get_bind())
    if not inspector.has_table("pairs"):
        op.create_table(
            "pairs",
            sa.Column("id", sa.Integer(), primary_key=True),
            _text("level", "slide"),
            *(_text(name) for name in ("slide_a", "slide_b", "subtype_a", "subtype_b")),
            sa.Column("strength", sa.Float(), nullable=False, server_default=sa.text("1.0")),
            *(_text(name) for name in ("reason", "expert", "time")),
            _text("status", "active"),
            *(_text(name) for name in ("fingerprint_a", "fingerprint_b", "model_version")),
            sqlite_autoincrement=True,
        )
    if not inspector.has_table("log"):
        op.create_table(
            "log",
            sa.Column("id", sa.Integer(), primary_key=True),
            sa.Column("time", sa.String(), nullable=False),
            sa.Column("who", sa.String(), nullable=False),
            sa.Column("what", sa.String(), nullable=False),
            sa.Column("row", sa.Integer(), nullable=False),
            sa.Column("before", sa.JSON(none_as_null=True)),
            sa.Column("after", sa.JSON(none_as_null=True)),
            sqlite_autoincrement=True,
        )
    _append_only()


def _text(name: str, default: str = "") -> "sa.Column[str]":
    return sa.Column(name, sa.String(), nullable=False, server_default=default)


def _append_only() -> None:
    """Not even a slip of ours may rewrite what an expert did."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS log_no_{verb.lower()} BEFORE {verb} ON log "
                "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION lookalike_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''the log is append-only''; END'"
    )
    op.execute(
        "CREATE TRIGGER log_no_change BEFORE UPDATE OR DELETE ON log "
        "FOR EACH ROW EXECUTE FUNCTION lookalike_append_only()"
    )
    op.execute(
        "CREATE TRIGGER log_no_truncate BEFORE TRUNCATE ON log "
        "FOR EACH STATEMENT EXECUTE FUNCTION lookalike_append_only()"
    )
