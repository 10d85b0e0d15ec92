"""The log tells the table: as a property, and after a kill in the middle of a write."""

import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import (
    EvidenceTile,
    HardNegativeTable,
    PairMark,
    differences,
    replay,
)
from napari_lookalike.core.hard_negatives.columns import STATES, flipped

names = st.sampled_from(["Dr A", "Dr B"])
numbers = st.integers(1, 5)
marks = st.builds(
    PairMark,
    slide_a=st.just("S0"),
    slide_b=st.sampled_from(["S1", "S2"]),
    strength=st.floats(0, 1),
    reason=st.text(max_size=5),
    features=st.text("ab; ", max_size=6),
    confidence=st.sampled_from(["", "sure"]),
    expert=names,
    status=st.sampled_from(STATES),
)
tiles = st.builds(
    EvidenceTile,
    mark=numbers,
    slide_id=st.sampled_from(["S0", "S1", "S2"]),
    x=st.sampled_from([0, 64]),
    size=st.just(64),
    kind=st.sampled_from(["diagnostic", "look-alike"]),
    expert=names,
)
deeds = st.one_of(
    st.tuples(st.just("add"), marks),
    st.tuples(st.just("add_flipped"), marks),
    st.tuples(st.just("strength"), numbers, st.floats(0, 1), names),
    st.tuples(st.just("stale"), numbers, st.floats(0, 1), names),
    st.tuples(st.just("status"), numbers, st.sampled_from(STATES)),
    st.tuples(st.just("retire"), numbers),
    st.tuples(st.just("restore"), numbers),
    st.tuples(st.just("point"), tiles),
    st.tuples(st.just("opinion"), numbers, names, st.sampled_from(["", "confirmed", "disputed"])),
    st.tuples(st.just("take back"), numbers),
)


def do(table, what, *given):
    if what in ("add", "add_flipped"):
        table.add(given[0] if what == "add" else flipped(given[0]))
    elif what == "strength":
        table.update(given[0], strength=given[1], by=given[2])
    elif what == "stale":  # edited on the ground of what the row first was
        entries = [e for e in table.log() if e.subject == "mark" and e.row == given[0]]
        seen = replay(entries[:1])[0][0] if entries else None
        table.update(given[0], strength=given[1], by=given[2], seen=seen)
    elif what == "status":
        table.update(given[0], status=given[1])
    elif what in ("retire", "restore"):
        getattr(table, what)(given[0])
    elif what == "point":
        table.add_evidence(given[0])
    elif what == "opinion":
        table.second_opinion(*given)
    else:
        table.retire_evidence(given[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(deeds, max_size=10))
def test_the_log_replayed_is_the_table(steps):
    with tempfile.TemporaryDirectory() as folder:
        table = HardNegativeTable(Path(folder) / "marks.sqlite")
        moments = [(0, (), ())]
        for step in steps:
            with suppress(TableError):  # an edit of what is not there changes nothing
                do(table, *step)
            rows, evidence, _ = table.held()
            moments.append((len(table.log()), rows, evidence))
        log = table.log()
        for n, rows, evidence in moments:  # also as it was after each step
            assert replay(log[:n]) == (rows, evidence)
        revisions = {row.id: row.revision for row in replay(log)[0]}
        assert revisions == {row.id: row.revision for row in table.rows()}
        assert differences(table) == ()


def test_a_row_that_is_written_past_the_log_is_found(tmp_path):
    table = HardNegativeTable(tmp_path / "marks.sqlite")
    table.add(PairMark(slide_a="S0", slide_b="S1", expert="Dr A"))
    table.add_evidence(EvidenceTile(mark=1, slide_id="S0", size=9, expert="Dr A"))
    with table.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE pairs SET strength = 0.1"))
        connection.execute(sa.text("DELETE FROM evidence"))
    assert differences(table) == (
        "Mark 1 is not what its log says.",
        "Evidence tile 1 is not what its log says.",
    )


WRITER = """
    from pathlib import Path
    from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable, PairMark
    table = HardNegativeTable(Path({path!r}), timeout_s=30)
    print("ready", flush=True)
    for i in range(100_000):
        mark = table.add(PairMark(slide_a="S0", slide_b=f"X{{i}}", expert="Dr A"))
        print(mark.id, flush=True)
        table.update(mark.id, strength=0.5)
        table.add_evidence(EvidenceTile(mark=mark.id, slide_id="S0", x=i, size=9, expert="Dr A"))
"""


@pytest.mark.processes
def test_a_kill_in_the_middle_of_writing_loses_no_mark_that_was_told(tmp_path):
    path = tmp_path / "marks.sqlite"
    for pause_s in (0.31, 0.0, 0.07):  # not at the same point of a write
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER).format(path=str(path))],
            stdout=subprocess.PIPE,
            text=True,
        )
        with writer:
            assert writer.stdout.readline() == "ready\n"
            told = [int(writer.stdout.readline())]
            time.sleep(pause_s)
            writer.kill()
            told += [int(line) for line in writer.stdout if line.strip()]
        table = HardNegativeTable(path)
        assert {row.id for row in table.rows()} >= set(told)
        assert differences(table) == ()
        assert table.add(replace(table.rows()[0], reason=f"after {pause_s}")).id == 1
