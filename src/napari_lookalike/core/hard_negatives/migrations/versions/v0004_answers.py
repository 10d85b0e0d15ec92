"""Answers to suggestions, which were lines of a file in each project.

Like the log they are only ever added to. Those of the file are taken over by the program
(`core.suggest.decisions`): a migration knows no project.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table, keep it from being rewritten, and open it to whoever marks."""
    if not sa.inspect(op.get_bind()).has_table("answers"):
        op.create_table(
            "answers",
            sa.Column("id", sa.Integer(), primary_key=True),
            *(sa.Column(n, sa.String(), nullable=False) for n in ("what", "level", "a", "b")),
            *(_text(n) for n in ("who", "time", "fingerprint_a", "fingerprint_b")),
            *(_text(n) for n in ("model_version", "reasons", "note")),
            sa.Column("deed", sa.String(), nullable=False, unique=True),
            sqlite_autoincrement=True,
        )
    if op.get_bind().dialect.name == "sqlite":
        _append_only_sqlite()
    else:
        _append_only_server()
        _same_rights_as_marks()


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), nullable=False, server_default="")


def _append_only_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER IF NOT EXISTS answers_no_{verb.lower()} BEFORE {verb} ON answers "
            "BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END"
        )


def _append_only_server() -> None:
    for name, when, each in (
        ("answers_no_change", "UPDATE OR DELETE", "ROW"),
        ("answers_no_truncate", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(f"DROP TRIGGER IF EXISTS {name} ON answers")
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {when} ON answers "
            f"FOR EACH {each} EXECUTE FUNCTION lookalike_append_only()"
        )


def _same_rights_as_marks() -> None:
    """Who may read or add marks may do so with answers: rights name each table by itself."""
    given = sa.text(
        "SELECT DISTINCT grantee, privilege_type FROM information_schema.role_table_grants "
        "WHERE table_schema = current_schema() AND table_name = 'pairs' "
        "AND privilege_type IN ('SELECT', 'INSERT') AND grantee <> current_user "
        "ORDER BY grantee, privilege_type"
    )
    for grantee, right in op.get_bind().execute(given).all():
        role = "PUBLIC" if grantee == "PUBLIC" else '"' + grantee.replace('"', '""') + '"'
        op.execute(f"GRANT {right} ON answers TO {role}")
        if right == "INSERT":
            op.execute(f"GRANT USAGE ON SEQUENCE answers_id_seq TO {role}")
