"""The table on disk: rows, versions, log, older files, locks and kills."""

import hashlib
import json
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    PairMark,
    columns,
    differences,
    schema,
    sqlite,
    version_of,
)
from napari_lookalike.core.hard_negatives.columns import flipped

MIGRATIONS = tuple(Path(sqlite.__file__).parent.glob("migrations/versions/v*.py"))
MARK = PairMark(
    slide_a="S1",
    slide_b="S2",
    subtype_a="medulloblastoma",
    subtype_b="ATRT",
    strength=0.8,
    reason="small blue cells",
    expert="Dr A",
)


@pytest.fixture
def table(tmp_path):
    return HardNegativeTable(tmp_path / "marks.sqlite", timeout_s=0.2)


def test_no_file_is_made_by_looking(table):
    assert table.rows() == ()
    assert table.log() == ()
    assert table.version == "empty"
    assert not table.path.exists()


def test_a_mark_gets_id_and_utc_time_and_comes_back_the_same(table):
    stored = table.add(MARK)
    assert stored.id == 1
    assert stored.time.endswith("+00:00")
    assert replace(stored, id=0, time="") == MARK
    assert HardNegativeTable(table.path).rows() == (stored,)


def test_every_declared_column_is_a_database_column_with_its_default(table):
    table.add(MARK)
    with closing(sqlite3.connect(table.path)) as raw:
        found = {row[1] for row in raw.execute("PRAGMA table_info(pairs)")}
        raw.execute("INSERT INTO pairs (slide_a) VALUES ('S9')")
        raw.commit()
    assert found == set(columns())
    assert table.rows()[1] == PairMark(id=2, slide_a="S9")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strength": 1.01}, "0 to 1"),
        ({"strength": -0.01}, "0 to 1"),
        ({"strength": float("nan")}, "0 to 1"),
        ({"strength": "high"}, "0 to 1"),
        ({"level": "tile"}, "two slides or two subtypes"),
        ({"status": "deleted"}, "proposed, agreed, disputed or retired"),
        ({"confidence": "80 %"}, "unsure, fairly sure or sure"),
        ({"slide_b": ""}, "needs two slides"),
        ({"slide_b": " S1 "}, "same slide"),
        ({"fingerprint_a": "ab", "fingerprint_b": "ab"}, "same slide"),
        ({"subtype_b": "medulloblastoma"}, "two different subtypes"),
        ({"level": "subtype", "subtype_b": ""}, "two subtypes"),
        ({"level": "subtype", "subtype_b": "medulloblastoma"}, "like itself"),
        ({"time": "yesterday"}, "not a time"),
    ],
)
def test_a_wrong_mark_is_refused_with_a_sentence_and_a_remedy(table, change, words):
    with pytest.raises(TableError, match=words) as caught:
        table.add(replace(MARK, **change))
    assert caught.value.remedy
    assert table.rows() == ()


def test_what_tells_a_pair_apart_is_kept_and_a_new_mark_without_a_word_keeps_it(table):
    said = {
        "features": " rosettes;pale ; rosettes;",
        "test": "INI1",
        "test_result": "lost",
        "confidence": "sure",
    }
    stored = table.add(replace(MARK, **said))
    assert stored.features == "rosettes; pale"
    assert stored.tags == ("rosettes", "pale")
    assert table.add(replace(MARK, strength=0.2)) == replace(stored, strength=0.2)
    assert table.add(replace(MARK, test="LIN28A")).test == "LIN28A"


def test_disputed_marks_are_kept_and_not_used(table):
    table.add(MARK)
    proposed = table.version
    assert table.update(1, by="Dr B", status="agreed").active
    assert not table.update(1, by="Dr B", status="disputed").active
    assert table.version == "empty"
    assert table.add(MARK).status == "disputed"  # its expert alone does not settle it
    table.update(1, status="agreed")
    agreed = table.version
    table.retire(1)
    assert table.restore(1).status == "agreed"
    assert table.version == agreed != proposed


def test_two_edits_of_different_columns_both_hold(table):
    seen = table.add(MARK)
    table.update(1, by="Dr B", seen=seen, strength=0.1)
    after = table.update(1, by="Dr C", seen=seen, reason="pale")
    assert (after.strength, after.reason, after.status) == (0.1, "pale", "proposed")
    assert after.revision == 2


def test_of_two_edits_of_one_column_neither_is_lost(table):
    seen = table.add(MARK)
    table.update(1, by="Dr B", seen=seen, strength=0.1)
    after = table.update(1, by="Dr C", seen=seen, strength=0.9, reason="pale")
    assert (after.strength, after.reason, after.status) == (0.1, MARK.reason, "disputed")
    last = table.log()[-1]
    assert (last.what, last.who) == ("conflict", "Dr C")
    assert (last.other["strength"], last.other["reason"]) == (0.9, "pale")
    assert table.update(1, by="Dr C", seen=seen, strength=0.1) == after  # the same wish: no quarrel


def test_slides_without_a_label_yet_can_be_marked(table):
    assert table.add(replace(MARK, subtype_a="", subtype_b="")).id == 1


def test_the_same_pair_by_the_same_expert_is_updated_not_doubled(table):
    first = table.add(replace(MARK, fingerprint_a="aa", fingerprint_b="bb"))
    again = table.add(
        PairMark(
            slide_a="S2",
            slide_b="S1",
            subtype_a="ATRT",
            subtype_b="medulloblastoma",
            fingerprint_a="bb",
            fingerprint_b="aa",
            strength=0.3,
            expert="Dr A",
        )
    )
    assert again == replace(first, strength=0.3)  # sides as first marked, reason kept
    assert table.add(replace(MARK, expert="Dr B")).id == 2
    assert table.find(flipped(MARK)) == again


def test_marking_a_retired_pair_again_brings_it_back(table):
    table.add(MARK)
    table.retire(1)
    assert table.add(MARK).status == "proposed"
    assert len(table.rows()) == 1


def test_version_changes_exactly_with_the_active_rows(table):
    table.add(MARK)
    one = table.version
    assert one.startswith("1-")
    other = table.add(replace(MARK, slide_b="S3"))
    two = table.version
    table.update(other.id, strength=0.1)
    assert len({one, two, table.version}) == 3
    table.update(other.id, strength=0.8)
    assert table.version == two
    table.retire(other.id)
    assert table.version == one
    table.update(other.id, reason="retired rows do not count")
    assert table.version == one
    table.update(other.id, reason=MARK.reason)
    table.restore(other.id)
    assert table.version == two


@given(st.permutations(range(4)))
def test_version_does_not_depend_on_order_or_numbers(order):
    rows = [replace(MARK, id=i, slide_b=f"X{i}") for i in range(4)]
    mixed = [replace(rows[i], id=10 + n) for n, i in enumerate(order)]
    assert version_of(mixed) == version_of(rows)


@pytest.mark.parametrize(
    "column",
    [
        f.name
        for f in fields(PairMark)
        if f.name not in ("id", "level", "status", "time", "revision")
    ],
)
def test_version_sees_every_column(column):
    changed = 0.123 if column == "strength" else "other"
    assert version_of([replace(MARK, **{column: changed})]) != version_of([MARK])


def test_edits_that_cannot_be_are_refused(table):
    table.add(MARK)
    table.add(replace(MARK, slide_b="S3"))
    for change in ({"id": 5}, {"time": ""}, {"colour": "red"}):
        with pytest.raises(TableError, match="cannot be changed"):
            table.update(1, **change)
    with pytest.raises(TableError, match="no mark number 7"):
        table.retire(7)
    with pytest.raises(TableError, match="already marked"):
        table.update(2, slide_b="S2")
    with pytest.raises(TableError, match="0 to 1"):
        table.update(1, strength=2.0)
    assert table.rows()[0].strength == 0.8


def test_the_log_keeps_everything_and_cannot_be_rewritten(table):
    table.add(MARK)
    table.update(1, by="Dr B", strength=0.5)
    table.retire(1)
    table.retire(1)  # changes nothing: not logged
    log = table.log()
    assert [(e.what, e.who, e.row) for e in log] == [
        ("add", "Dr A", 1),
        ("edit", "Dr B", 1),
        ("retire", "", 1),
    ]
    assert log[0].before is None
    assert log[1].before["strength"] == 0.8
    assert log[1].after["strength"] == 0.5
    with closing(sqlite3.connect(table.path)) as raw:
        for statement in ("DELETE FROM log", "UPDATE log SET who = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)


FIRST = {
    "level": "slide",
    "slide_a": "S1",
    "slide_b": "S2",
    "subtype_a": "A",
    "subtype_b": "B",
    "strength": 0.8,
    "reason": "why",
    "expert": "Dr A",
    "time": "2026-01-01T00:00:00+00:00",
    "status": "active",
    "fingerprint_a": "",
    "fingerprint_b": "",
    "model_version": "v1",
}
"""A row of the first tables, which had no versions and no evidence."""


@pytest.fixture
def first(tmp_path):
    path = tmp_path / "first.sqlite"
    marks = ", ".join(f"{k} {'FLOAT' if k == 'strength' else 'VARCHAR'}" for k in FIRST)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"CREATE TABLE pairs (id INTEGER PRIMARY KEY AUTOINCREMENT, {marks})")
        raw.execute(
            "CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, time VARCHAR NOT NULL, "
            "who VARCHAR NOT NULL, what VARCHAR NOT NULL, row INTEGER NOT NULL, "
            "before JSON, after JSON)"
        )
        for i, row in enumerate((FIRST, {**FIRST, "slide_b": "S3", "status": "retired"}), start=1):
            holes = ", ".join("?" * len(row))
            raw.execute(f"INSERT INTO pairs ({', '.join(row)}) VALUES ({holes})", [*row.values()])
            raw.execute(
                "INSERT INTO log (time, who, what, row, after) VALUES ('t', 'Dr A', 'add', ?, ?)",
                (i, json.dumps({"id": i, **row})),
            )
        raw.commit()
    return HardNegativeTable(path)


def test_a_first_file_is_read_as_it_is(first):
    rows = first.rows()
    assert [row.status for row in rows] == ["proposed", "retired"]
    assert [row.active for row in rows] == [True, False]
    assert first.evidence() == ()
    line = json.dumps(FIRST, sort_keys=True)  # what models of that time name
    assert first.version == f"1-{hashlib.sha256(line.encode()).hexdigest()[:8]}"
    with closing(sqlite3.connect(first.path)) as raw:
        assert (
            raw.execute("SELECT name FROM sqlite_master WHERE name = 'evidence'").fetchall() == []
        )


def test_a_first_file_is_migrated_at_the_first_write(first):
    before, version = first.rows(), first.version
    assert first.update(1, reason="other").revision == 1
    first.update(1, reason="why")
    assert first.rows() == before
    assert first.version == version
    assert first.add_evidence(EvidenceTile(mark=1, slide_id="S1", size=9)).id == 1
    assert first.version != version
    version = first.version
    assert first.add_evidence(
        EvidenceTile(mark=1, slide_id="S1", x=9, size=9, unchecked=True)
    ).waits
    assert first.version == version  # nothing is learnt from it
    assert not first.look_again(2, by="Dr A").waits
    assert differences(first) == ()
    with closing(sqlite3.connect(first.path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(schema.HEAD,)]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute("DELETE FROM log")


def test_a_migration_that_is_cut_off_leaves_the_file_as_it_was(first, monkeypatch):
    def broken(connection):
        raise sqlite3.OperationalError("disk is full")

    monkeypatch.setattr("napari_lookalike.core.hard_negatives.migrate.add_declared_columns", broken)
    with pytest.raises(TableError, match="full"):
        first.retire(1)
    with closing(sqlite3.connect(first.path)) as raw:
        names = {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
    assert names.isdisjoint({"evidence", "alembic_version"})
    monkeypatch.undo()
    assert first.retire(1).status == "retired"


def test_a_column_declared_since_the_last_migration_is_added(table):
    table.add(MARK)
    with closing(sqlite3.connect(table.path)) as raw:
        raw.execute("ALTER TABLE pairs DROP COLUMN test_result")
        raw.commit()
    again = HardNegativeTable(table.path)
    assert again.rows()[0].test_result == ""  # reading needs no change of the file
    assert again.update(1, test_result="lost").test_result == "lost"


def test_a_file_of_a_newer_program_can_be_read_and_not_written(table):
    table.add(MARK)
    with closing(sqlite3.connect(table.path)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    again = HardNegativeTable(table.path)
    assert len(again.rows()) == 1
    with pytest.raises(TableError, match="newer version"):
        again.retire(1)


def test_the_migrations_give_what_the_program_declares(table):
    table.add(MARK)
    assert [m.name for m in sorted(MIGRATIONS)][-1].startswith(f"v{schema.HEAD}")
    with table.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, schema.METADATA) == []
        assert schema.missing_columns(connection) == []


def test_a_newer_file_with_unknown_columns_still_works(table):
    table.add(MARK)
    with closing(sqlite3.connect(table.path)) as raw:
        raw.execute("ALTER TABLE pairs ADD COLUMN evidence VARCHAR NOT NULL DEFAULT ''")
        raw.execute("UPDATE pairs SET evidence = 'kept'")
        raw.commit()
    table.update(1, strength=0.4)
    assert table.add(replace(MARK, slide_b="S3")).id == 2
    with closing(sqlite3.connect(table.path)) as raw:
        assert raw.execute("SELECT evidence FROM pairs").fetchall() == [("kept",), ("",)]


def test_a_locked_table_says_so_and_changes_nothing(table):
    table.add(MARK)
    with closing(sqlite3.connect(table.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TableError, match="in use by another program"):
            table.retire(1)
        assert table.rows()[0].active  # reading goes on
        other.execute("ROLLBACK")
    assert table.retire(1).status == "retired"


def test_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written(table, monkeypatch):
    stored = table.add(MARK)
    # Root may write anywhere, so the answer of the operating system is replaced.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    reopened = HardNegativeTable(table.path)
    assert reopened.rows() == (stored,)
    with pytest.raises(TableError, match="cannot be written") as caught:
        reopened.retire(1)
    assert "writable" in caught.value.remedy
    side = table.path.with_name(table.path.name + "-wal")
    side.write_bytes(b"marks that were not merged yet")
    with pytest.raises(TableError, match="read-only"):
        reopened.rows()


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(TableError) as caught:
        HardNegativeTable(tmp_path / "no" / "marks.sqlite").add(MARK)
    assert str(tmp_path) not in str(caught.value)


def test_a_damaged_file_is_a_sentence(table):
    table.path.write_bytes(b"this is not a database, though it is long enough " * 40)
    with pytest.raises(TableError, match="damaged"):
        table.rows()
    with pytest.raises(TableError, match="damaged"):
        table.add(MARK)


@pytest.mark.processes
def test_marks_survive_a_kill(table):
    code = f"""
        import os
        from pathlib import Path
        from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
        table = HardNegativeTable(Path({str(table.path)!r}))
        for i in range(3):
            table.add(PairMark(slide_a="S1", slide_b=f"X{{i}}"))
        os.kill(os.getpid(), 9) if os.name == "posix" else os._exit(9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode != 0
    assert [row.slide_b for row in table.rows()] == ["X0", "X1", "X2"]


@pytest.mark.processes
def test_many_threads_lose_no_mark(tmp_path):
    table = HardNegativeTable(tmp_path / "marks.sqlite", timeout_s=30)
    failures = []

    def work(n):
        try:
            for i in range(5):
                table.add(replace(MARK, slide_b=f"T{n}-{i}"))
        except TableError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []
    assert len({row.slide_b for row in table.rows()}) == 20


def test_several_marks_are_stored_all_or_none(table):
    with pytest.raises(TableError):
        table.add_all([MARK, replace(MARK, strength=3.0)])
    assert table.rows() == ()


def test_a_folder_with_an_odd_name_works(tmp_path):
    folder = tmp_path / "50% ?mode=ro#ü &"
    folder.mkdir()
    table = HardNegativeTable(folder / "marks.sqlite")
    table.add(MARK)
    assert len(HardNegativeTable(folder / "marks.sqlite").rows()) == 1
    assert "marks.sqlite" in {p.name for p in folder.iterdir()}


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("C:/a b/m.sqlite", "file:///C:/a%20b/m.sqlite"),
        ("//server/share/m.sqlite", "file:////server/share/m.sqlite"),
    ],
)
def test_windows_paths_become_sqlite_uris(path, uri):
    class WindowsPath(type(Path())):
        def absolute(self):
            return self

        def as_posix(self):
            return path

    assert sqlite._uri(WindowsPath(path)) == uri
