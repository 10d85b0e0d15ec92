"""The table on a real PostgreSQL server: the same behaviour, and several windows at once."""

import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from tests.postgres_fixture import PASSWORD

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    PairMark,
    differences,
    postgres,
    schema,
)
from napari_lookalike.core.hard_negatives.columns import flipped
from napari_lookalike.core.hard_negatives.database import refuse_password, without_password

pytestmark = pytest.mark.processes

MARK = PairMark(
    slide_a="S1",
    slide_b="S2",
    subtype_a="medulloblastoma",
    subtype_b="ATRT",
    strength=0.8,
    reason="small blue cells – 100 % 'alike'",
    expert="Dr Ä",
)
TILE = EvidenceTile(mark=1, slide_id="S1", x=64, y=0, size=32, expert="Dr Ä")


@pytest.fixture
def table(shared_place):
    return HardNegativeTable(shared_place, timeout_s=20)


def test_looking_makes_nothing(table):
    assert table.held() == ((), (), 0)
    assert table.shared
    with table.database.engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_the_same_deeds_give_the_same_table_as_in_a_file(table, tmp_path):
    both = (table, HardNegativeTable(tmp_path / "marks.sqlite"))
    for each in both:
        seen = each.add(MARK)
        each.add_all([replace(MARK, expert="Dr B"), replace(MARK, slide_b="S3")], by="Dr B")
        each.add(flipped(replace(MARK, strength=0.3)))
        each.update(1, by="Dr B", test="INI1", status="agreed")
        each.update(1, by="Dr C", seen=seen, test="LIN28A")
        each.retire(2, by="Dr B")
        each.restore(2, by="Dr B")
        each.add_evidence(TILE)
        each.second_opinion(1, "Dr B", "disputed")
        assert each.add_evidence(replace(TILE, x=128, unchecked=True)).waits
        assert each.evidence()[1].unchecked is True
        assert each.look_again(2, by="Dr Ä").used
        with pytest.raises(TableError, match="already marked"):
            each.update(3, slide_b="S2")
        assert differences(each) == ()
    rows, tiles = (
        ([replace(r, time="") for r in t.rows()] for t in both),
        [[replace(x, time="") for x in t.evidence()] for t in both],
    )
    first, second = rows
    assert first == second
    assert [r.revision for r in first] == [r.revision for r in second]
    assert tiles[0] == tiles[1]
    logs = [[(e.subject, e.what, e.who, e.row) for e in t.log()] for t in both]
    assert logs[0] == logs[1]
    assert table.last_change() == len(logs[0])


def test_the_log_cannot_be_rewritten(table):
    table.add(MARK)
    for statement in ("DELETE FROM log", "UPDATE log SET who = 'x'", "TRUNCATE log"):
        with (
            pytest.raises(DBAPIError, match="append-only"),
            table.database.engine.begin() as connection,
        ):
            connection.execute(sa.text(statement))
    assert len(table.log()) == 1


def test_the_migrations_give_what_the_program_declares(table):
    table.add(MARK)
    with table.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.METADATA) == []
        assert schema.is_ready(connection)


def test_many_windows_lose_no_mark_and_the_log_has_one_order(shared_place, table):
    failures = []

    def work(n):
        own = HardNegativeTable(shared_place, timeout_s=60)
        try:
            for i in range(8):
                own.add(replace(MARK, slide_b=f"T{n}-{i}"))
                own.update(1, by=f"Dr {n}", strength=(n + i) / 20)
        except TableError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({row.slide_b for row in table.rows()}) == 32
    assert differences(table) == ()
    for before, after in zip(table.log(), table.log()[1:], strict=False):
        if before.row == after.row == 1:
            assert after.before == before.after


def test_a_conflict_of_two_windows_keeps_both(shared_place, table):
    seen = table.add(MARK)
    other = HardNegativeTable(shared_place)
    other.update(1, by="Dr B", seen=seen, reason="theirs")
    after = table.update(1, by="Dr A", seen=seen, reason="mine")
    assert (after.status, after.reason) == ("disputed", "theirs")
    assert other.log()[-1].other["reason"] == "mine"


def test_a_mark_of_one_window_is_seen_by_another_within_seconds(shared_place, table):
    seen = table.last_change()
    code = f"""
        from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
        HardNegativeTable({shared_place!r}).add(PairMark(slide_a="S1", slide_b="S2"))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    start = time.monotonic()
    while table.last_change() == seen and time.monotonic() - start < 30:
        time.sleep(0.05)
    assert [row.slide_b for row in table.rows()] == ["S2"]


def test_a_window_that_is_killed_blocks_nobody(shared_place, table):
    table.add(MARK)
    code = f"""
        from napari_lookalike.core.hard_negatives import HardNegativeTable
        with HardNegativeTable({shared_place!r}).database.writing() as connection:
            print("holds the lock", flush=True)
            input()
    """
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "holds the lock\n"
        with pytest.raises(TableError, match="Somebody else is writing"):
            HardNegativeTable(shared_place, timeout_s=0.2).retire(1)
        assert len(table.rows()) == 1  # reading goes on
        holder.kill()
    assert table.retire(1).status == "retired"


def test_what_goes_wrong_is_a_sentence_without_names_or_passwords(
    server, shared_place, monkeypatch
):
    host = server.split("@")[1]
    for place, words in (
        (f"{server}/nowhere", "no such database"),
        (shared_place.replace(host, "127.0.0.1:1"), "cannot be reached"),
        (shared_place.replace("keeper", "nobody"), "does not let you in"),
    ):
        with pytest.raises(TableError, match=words) as caught:
            HardNegativeTable(place).rows()
        said = f"{caught.value!s} {caught.value.__cause__!s}"
        assert "127.0.0.1" not in said
        assert PASSWORD not in said
    monkeypatch.setenv("PGPASSWORD", "wrong-password")
    with pytest.raises(TableError, match="does not let you in") as caught:
        HardNegativeTable(f"{shared_place}?application_name=again").add(MARK)
    assert "wrong-password" not in str(caught.value)


def test_a_password_file_is_read(shared_place, monkeypatch, tmp_path):
    monkeypatch.delenv("PGPASSWORD")
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:*:*:keeper:{PASSWORD}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    assert HardNegativeTable(shared_place).add(MARK).id == 1


def role_for(place):
    """The name of a role that no other test makes: roles are the server's, not a database's."""
    return f"of_{place.rpartition('/')[2]}"


def test_a_reader_who_may_not_write_is_told(shared_place, table):
    table.add(MARK)
    name = role_for(shared_place)
    with table.database.engine.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"))
        connection.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"))
    reader = HardNegativeTable(shared_place.replace("keeper", name))
    assert len(reader.rows()) == 1
    with pytest.raises(TableError, match="may not write"):
        reader.retire(1)


def test_what_an_older_program_made_is_read_until_its_owner_writes(shared_place, table):
    table.add(MARK)
    tile, name = table.add_evidence(TILE), role_for(shared_place)
    with table.database.engine.begin() as connection:
        for statement in (
            "ALTER TABLE evidence DROP COLUMN unchecked",
            "ALTER TABLE log DROP COLUMN deed",
            "UPDATE alembic_version SET version_num = '0002'",
            f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'",
            f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {name}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}",
        ):
            connection.execute(sa.text(statement))
    postgres.close_connections()
    expert = HardNegativeTable(shared_place.replace("keeper", name))
    assert expert.evidence() == (tile,)
    assert [entry.deed for entry in expert.log()] == ["", ""]
    with pytest.raises(TableError, match="may not write"):
        expert.retire(1)
    owner = HardNegativeTable(shared_place)
    owner.retire(1, by="Dr A")
    assert differences(owner) == ()
    assert HardNegativeTable(shared_place.replace("keeper", name)).restore(1).active


def test_addresses():
    pytest.importorskip("psycopg")
    full = "postgres://anna:secret@server:5433/marks"
    assert without_password(full) == "postgresql://anna@server:5433/marks"
    refuse_password("postgresql://anna@server/marks")
    for place in (full, "postgresql://server/marks?password=secret"):
        with pytest.raises(TableError, match="holds a password") as caught:
            refuse_password(place)
        assert "secret" not in str(caught.value)
    for wrong in ("mysql://server/marks", "postgresql://server", "postgresql://a:secret@:x/y"):
        with pytest.raises(TableError, match="not the address") as caught:
            HardNegativeTable(wrong)
        assert "secret" not in str(caught.value)
