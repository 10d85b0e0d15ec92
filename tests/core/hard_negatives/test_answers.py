"""Answers to suggestions: rows that are only added, logged, replayed, merged and exchanged."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from tests.postgres_fixture import PASSWORD

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import (
    Decision,
    HardNegativeTable,
    PairMark,
    answer_store,
    differences,
    merge,
    outbox,
    postgres,
    replay,
)
from napari_lookalike.core.hard_negatives.answers import latest
from napari_lookalike.core.hard_negatives.history import history_of
from napari_lookalike.core.hard_negatives.jsonl_io import export_jsonl, import_jsonl
from napari_lookalike.core.hard_negatives.outbox import Outbox
from napari_lookalike.core.hard_negatives.replay import replay_answers
from napari_lookalike.core.hard_negatives.sending import send

NO = Decision("reject", "slide", "S1", "S2", "Dr A", reasons=("confusion", "textbook"), note="pale")
MARK = PairMark(slide_a="S1", slide_b="S2", subtype_a="MB", subtype_b="ATRT", expert="Dr A")


@pytest.fixture
def table(tmp_path):
    return HardNegativeTable(tmp_path / "here.sqlite", timeout_s=0.2)


@pytest.fixture
def other(tmp_path):
    return HardNegativeTable(tmp_path / "there.sqlite", timeout_s=0.2)


def whats(table):
    return [answer.what for answer in table.answers()]


def test_an_answer_gets_a_time_a_name_and_a_line_of_the_log(table):
    assert table.answers() == ()
    stored = table.answer(NO)
    assert stored.time.endswith("+00:00")
    assert len(stored.deed) == 32
    assert table.answers() == (replace(NO, time=stored.time),)
    (entry,) = table.log()
    assert (entry.subject, entry.what, entry.who, entry.before) == (
        "answer", "reject", "Dr A", None,
    )  # fmt: skip
    assert entry.after["note"] == "pale"
    assert table.last_change() == 1  # so that other windows see that there is news


def test_marks_and_their_version_know_nothing_of_answers(table):
    table.add(MARK)
    before = table.rows(), table.version, table.held()[:2]
    table.answer(NO)
    assert (table.rows(), table.version, table.held()[:2]) == before
    assert replay(table.log()) == before[2]


def test_nothing_can_rewrite_an_answer(table):
    table.answer(NO)
    with closing(sqlite3.connect(table.path)) as raw:
        for statement in ("DELETE FROM answers", "UPDATE answers SET who = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"what": "burn"}, "accept, reject, later or withdraw"),
        ({"level": "tile"}, "accept, reject, later or withdraw"),
        ({"a": " "}, "accept, reject, later or withdraw"),
        ({"b": "S1"}, "no pair"),
        ({"time": "yesterday"}, "not a time"),
    ],
)
def test_a_wrong_answer_is_refused(table, change, words):
    with pytest.raises(TableError, match=words):
        table.answer(replace(NO, **change))
    assert table.answers() == ()


def test_what_is_said_later_holds_though_the_clock_was_set_back(table):
    table.answer(replace(NO, time="2026-05-01T00:00:00+00:00"))
    table.answer(replace(NO, what="withdraw", a="S2", b="S1", time="2026-04-01T00:00:00+00:00"))
    assert whats(table) == ["reject", "withdraw"]
    assert latest(table.answers()) == {}
    other = table.answer(replace(NO, who="Dr B", time="2026-04-01T00:00:00+00:00"))
    assert other.time.startswith("2026-04")  # a colleague's clock is his own


def test_the_history_tells_of_answers_in_words(table):
    table.add(MARK)
    table.answer(NO)
    table.answer(replace(NO, what="withdraw", note=""), by="Dr B")
    steps = history_of(table.log())
    assert [step.what for step in steps[1:]] == [
        "Reject the suggestion S1 and S2, pale",
        "Take back the answer to the suggestion S1 and S2, by Dr A",
    ]
    assert [step.mark for step in steps] == [1, 0, 0]
    assert len(history_of(table.log(), 1)) == 1


def test_an_answer_that_was_written_past_the_log_is_found(table):
    table.answer(NO)
    with table.database.writing() as connection:
        answer_store.put_missing(connection, [replace(NO, deed="x")], None)
    assert differences(table) == ("Answer 2 is not what its log says.",)


@pytest.fixture
def third(table):
    """A table as the version before answers made it."""
    table.add(MARK)
    with closing(sqlite3.connect(table.path)) as raw:
        raw.executescript("DROP TABLE answers; UPDATE alembic_version SET version_num = '0003';")
    return HardNegativeTable(table.path)


def test_a_table_of_before_is_read_as_it_is_and_gets_answers_at_the_first_write(third):
    before = third.rows(), third.log(), third.version
    assert third.answers() == ()
    with closing(sqlite3.connect(third.path)) as raw:
        found = raw.execute("SELECT name FROM sqlite_master WHERE name = 'answers'").fetchall()
    assert found == []
    third.answer(NO)
    assert (third.rows(), third.log()[:1], third.version) == before
    assert whats(third) == ["reject"]
    assert differences(third) == ()


experts = st.sampled_from(["Dr A", "Dr B"])
answers = st.builds(
    Decision,
    what=st.sampled_from(["accept", "reject", "later", "withdraw"]),
    level=st.sampled_from(["slide", "subtype"]),
    a=st.just("S1"),
    b=st.sampled_from(["S2", "S3"]),
    who=experts,
    note=st.text(max_size=5),
    reasons=st.lists(st.sampled_from(["confusion", "expert"]), unique=True).map(tuple),
)
steps = st.lists(st.one_of(answers, st.just(MARK), st.just("retire")), max_size=10)


def do(table, step):
    if isinstance(step, Decision):
        table.answer(step)
    elif isinstance(step, PairMark):
        table.add(step)
    elif table.rows():
        table.retire(1)


@settings(max_examples=30, deadline=None)
@given(steps)
def test_the_log_replayed_is_the_table(deeds):
    with tempfile.TemporaryDirectory() as folder:
        table = HardNegativeTable(Path(folder) / "marks.sqlite")
        moments = [(0, (), ())]
        for step in deeds:
            do(table, step)
            moments.append((len(table.log()), table.rows(), table.answers()))
        log = table.log()
        for n, rows, said in moments:
            assert replay(log[:n])[0] == rows
            assert replay_answers(log[:n]) == tuple(sorted(said, key=lambda a: a.id))
        assert differences(table) == ()


@settings(max_examples=20, deadline=None)
@given(steps, st.lists(st.integers(0, 10), max_size=4))
def test_what_is_sent_again_and_again_arrives_once(deeds, starts):
    with tempfile.TemporaryDirectory() as folder:
        here, there = (HardNegativeTable(Path(folder) / f"{n}.sqlite") for n in "ht")
        for step in deeds:
            do(here, step)
        for start in [*sorted(starts, reverse=True), 0, 0]:
            with there.database.writing() as connection:
                send(connection, [e for e in here.log()[start:] if e.subject == "answer"], {})
        assert sorted(a.deed for a in there.answers()) == sorted(a.deed for a in here.answers())
        assert set(there.answers()) == set(here.answers())
        assert differences(there) == ()


def test_two_tables_become_one_without_loss_and_merging_again_changes_nothing(table, other):
    both = table.answer(NO)
    other.add_answers([both], what="merge")
    table.answer(replace(NO, who="Dr C"))
    other.answer(replace(NO, what="withdraw", time="2100-01-01T00:00:00+00:00"))
    other.answer(replace(NO, level="subtype", a="MB", b="ATRT", who="Dr B"))
    report = merge(table, other, by="Dr M")
    assert report.answers == 2
    assert {a.deed for a in table.answers()} > {a.deed for a in other.answers()}
    assert [who for who, _ in latest(table.answers())] == ["Dr C", "Dr B"]
    assert differences(table) == ()
    before = table.log()
    assert merge(table, other, by="Dr M").answers == 0
    assert table.log() == before


COHORT = Cohort(
    (
        SlideRecord("S1", Path("a.svs"), label="MB", patient_id="P0042", fingerprint="f1"),
        SlideRecord("S2", Path("b.svs"), label="ATRT", patient_id="P0043", fingerprint="f2"),
    )
)


def test_answers_go_through_json_lines_once_and_without_patients(table, other, tmp_path):
    table.add(MARK)
    table.answer(replace(NO, note="P0042 has rosettes", fingerprint_a="f1"))
    table.answer(replace(NO, level="subtype", a="MB", b="ATRT", who="Dr B"))
    file = tmp_path / "pairs.jsonl"
    assert export_jsonl(table.rows(), (), file, COHORT, table.answers()) == 1
    assert "P0042" not in file.read_text()
    report = import_jsonl(file, other, COHORT, by="Dr M")
    assert (report.added, report.answers, report.problems) == (1, 2, ())
    kept = other.answers()
    assert [a.note for a in kept] == ["[patient] has rosettes", "pale"]
    assert [a.deed for a in kept] == [a.deed for a in table.answers()]
    assert import_jsonl(file, other, COHORT).answers == 0
    assert differences(other) == ()


def test_a_file_of_before_answers_comes_in_and_one_with_answers_alone(other, tmp_path):
    head = {"kind": "table", "format": "napari-lookalike pairs", "number": 1}
    said = {"what": "reject", "level": "slide", "a": "S1", "b": "S2", "who": "Dr A"}
    timed = {**said, "time": "2026-01-01T00:00:00+00:00"}
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_text(f'{json.dumps(head)}\n{{"kind": "mark", "slide_a": "S1", "slide_b": "S2"}}\n')
    assert import_jsonl(old, other).added == 1
    new.write_text("\n".join(json.dumps(x) for x in (head, {"kind": "answer", "of": timed})))
    assert import_jsonl(new, other).answers == 1
    assert import_jsonl(new, other).answers == 0  # it has no name: what it says tells


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"what": "burn"}, "no answer"),
        ({"a": "S9"}, "S9"),
        ({"fingerprint_a": "f9"}, "names another slide"),
        ({"level": "subtype"}, "No slide of this project has the subtype"),
        ({"b": "S1"}, "no pair"),
    ],
)
def test_a_bad_answer_of_a_file_is_named_and_the_others_go_on(other, tmp_path, change, words):
    head = {"kind": "table", "format": "napari-lookalike pairs", "number": 1}
    said = {"what": "reject", "level": "slide", "a": "S1", "b": "S2", "who": "Dr A"}
    lines = [head, {"kind": "answer", "of": {**said, **change}}, {"kind": "answer", "of": said}]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    report = import_jsonl(file, other, COHORT)
    assert report.answers == 1
    [(line, sentence)] = report.problems
    assert line == 2
    assert words in sentence


WRITER = """
    from pathlib import Path
    from napari_lookalike.core.hard_negatives import Decision, HardNegativeTable
    table = HardNegativeTable(Path({path!r}), timeout_s=30)
    print("ready", flush=True)
    for i in range(100_000):
        print(table.answer(Decision("reject", "slide", "S0", f"X{{i}}", "Dr A")).deed, flush=True)
"""


@pytest.mark.processes
def test_a_kill_loses_no_answer_that_was_told(tmp_path):
    path = tmp_path / "marks.sqlite"
    told: set[str] = set()
    for pause_s in (0.21, 0.0):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER).format(path=str(path))],
            stdout=subprocess.PIPE,
            text=True,
        )
        with writer:
            assert writer.stdout.readline() == "ready\n"
            told.add(writer.stdout.readline().strip())
            time.sleep(pause_s)
            writer.kill()
            told |= {line.strip() for line in writer.stdout if len(line) == 33}
        table = HardNegativeTable(path)
        assert {answer.deed for answer in table.answers()} >= told
        assert differences(table) == ()


# ---- on a server, and on the way to it


@pytest.mark.processes
def test_a_servers_tables_of_before_get_answers_and_whoever_could_mark_may_answer(shared_place):
    owner = HardNegativeTable(shared_place, timeout_s=20)
    owner.add(MARK)
    role = f"answers_of_{shared_place.rpartition('/')[2]}"  # roles outlast a database
    with owner.database.engine.begin() as connection:
        for statement in (
            "DROP TABLE answers",
            "UPDATE alembic_version SET version_num = '0003'",
            f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'",
            f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
        ):
            connection.execute(sa.text(statement))
    postgres.close_connections()
    expert = HardNegativeTable(shared_place.replace("keeper", role))
    assert (len(expert.rows()), expert.answers()) == (1, ())
    with pytest.raises(TableError, match="may not write"):
        expert.answer(NO)
    owner = HardNegativeTable(shared_place)
    owner.retire(1, by="Dr A")
    answer = HardNegativeTable(shared_place.replace("keeper", role)).answer(NO)
    assert owner.answers() == (answer,)
    assert owner.rows()[0].status == "retired"
    assert differences(owner) == ()
    for statement in ("DELETE FROM answers", "UPDATE answers SET who = 'x'", "TRUNCATE answers"):
        with pytest.raises(DBAPIError), owner.database.engine.begin() as connection:
            connection.execute(sa.text(statement))
    assert owner.answers() == (answer,)


@pytest.fixture
def own(shared_place):
    table = Outbox(shared_place)
    table.sync()
    return table


@pytest.mark.processes
def test_an_answer_is_here_at_once_and_there_when_it_was_sent_once(own, shared_place, monkeypatch):
    server = HardNegativeTable(shared_place, timeout_s=20)
    own.answer(NO)
    assert (own.waiting(), whats(own), server.answers()) == (1, ["reject"], ())
    with monkeypatch.context() as patch:  # it arrives, and the word that it did is lost
        patch.setattr(outbox, "set_state", lambda *_: (_ for _ in ()).throw(TableError("killed")))
        with pytest.raises(TableError, match="killed"):
            own.sync()
    done = own.sync()
    assert (done.waiting, done.answers) == (0, own.answers())
    assert server.answers() == own.answers()
    assert len(server.log()) == 1
    assert differences(server) == ()
    assert own.sync(done.held[2]) is None


@pytest.mark.processes
def test_colleagues_see_each_others_answers_also_while_something_waits(
    own, shared_place, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(outbox.platform, "node", lambda: "other")
        theirs = Outbox(shared_place)
        theirs.sync()
        theirs.answer(replace(NO, who="Dr B"))
        theirs.sync()
    plain = HardNegativeTable.held

    def meanwhile(table):
        if not isinstance(table, Outbox) and not own.waiting():
            own.answer(replace(NO, what="later"))
        return plain(table)

    with monkeypatch.context() as patch:
        patch.setattr(HardNegativeTable, "held", meanwhile)
        done = own.sync()
    assert done.waiting == 1
    assert {(a.who, a.what) for a in done.answers} == {("Dr B", "reject"), ("Dr A", "later")}
    assert own.sync().waiting == 0
    assert len(HardNegativeTable(shared_place).answers()) == 2
