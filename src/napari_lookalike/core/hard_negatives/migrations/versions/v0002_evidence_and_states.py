"""Evidence tiles; what tells a pair apart; revisions; a fuller log.

Rows that were "active" stay so: they are read as "proposed", which is used all the same.
Rewriting them here would be a change that no expert made and no log tells of.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what the first tables lack."""
    _add(
        "pairs",
        *(_text(name) for name in ("features", "test", "test_result", "confidence")),
        _number("revision"),
    )
    _add(
        "log",
        _text("subject", "mark"),
        _text("model_version"),
        sa.Column("other", sa.JSON(none_as_null=True)),
        sa.Column("applied", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    if not sa.inspect(op.get_bind()).has_table("evidence"):
        op.create_table(
            "evidence",
            sa.Column("id", sa.Integer(), primary_key=True),
            _number("mark"),
            _text("slide_id"),
            *(_number(name) for name in ("x", "y", "size")),
            _text("kind", "diagnostic"),
            *(_text(name) for name in ("expert", "time", "second_expert", "second_says")),
            _text("status", "active"),
            _text("fingerprint"),
            sqlite_autoincrement=True,
        )


def _add(table: str, *columns: "sa.Column[object]") -> None:
    there = {c["name"] for c in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)


def _text(name: str, default: str = "") -> "sa.Column[object]":
    return sa.Column(name, sa.String(), nullable=False, server_default=default)


def _number(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
