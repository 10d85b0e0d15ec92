"""JSON Lines: marks with their evidence go out and come back; what is wrong is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import EvidenceTile, HardNegativeTable, PairMark
from napari_lookalike.core.hard_negatives.jsonl_io import export_jsonl, import_jsonl

COHORT = Cohort(
    (
        SlideRecord("S1", Path("x"), "PAT-1", "A", fingerprint="aa"),
        SlideRecord("S2", Path("x"), "PAT-2", "B", fingerprint="bb"),
    )
)
MARK = PairMark(
    slide_a="S1", slide_b="S2", subtype_a="A", subtype_b="B", strength=0.8, expert="Dr Ä",
    reason="as in PAT-1, see /data/PAT-2/x.svs", features="rosettes; of PAT-2", test="INI1",
    test_result="lost", confidence="sure", status="agreed", fingerprint_a="aa", fingerprint_b="bb",
)  # fmt: skip
TILE = EvidenceTile(mark=1, slide_id="S1", x=64, y=3, size=32, expert="Dr Ä", fingerprint="aa")


@pytest.fixture
def table(tmp_path):
    return HardNegativeTable(tmp_path / "a.sqlite")


@pytest.fixture
def file(table, tmp_path):
    table.add(replace(MARK, slide_b="S0", reason="", features=""))
    table.retire(1)
    table.add(MARK)
    table.add_evidence(replace(TILE, mark=2))
    table.second_opinion(1, "Dr B", "confirmed")
    path = tmp_path / "marks.jsonl"
    assert export_jsonl(table.rows(), table.evidence(), path, COHORT) == 2
    return path


def test_it_goes_out_and_comes_back(table, file, tmp_path):
    other = HardNegativeTable(tmp_path / "b.sqlite")
    other.add(replace(MARK, expert="Dr C"))  # so that numbers differ
    report = import_jsonl(file, other, by="Dr C")
    assert (report.added, report.updated, report.problems) == (2, 0, ())
    rows = [replace(r, id=0, reason="", features="") for r in other.rows()[1:]]
    assert rows == [replace(r, id=0, reason="", features="") for r in table.rows()]
    (tile,) = other.evidence()
    assert tile == replace(table.evidence()[0], mark=3)
    again = import_jsonl(file, other, by="Dr C")
    assert (again.added, again.updated) == (0, 2)
    assert len(other.evidence()) == 1


def test_no_patient_and_no_path_goes_out(file):
    text = file.read_text(encoding="utf-8")
    assert "PAT-" not in text
    assert "/data" not in text
    assert "rosettes; of [patient]" in text


def test_bad_lines_are_named_and_the_others_go_on(file, tmp_path):
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    head, first, mark, tile = lines
    bad = [
        head,
        {**first, "slide_b": "S9"},  # not in the cohort
        mark,
        tile,
        {**mark, "strength": "high"},
        {**mark, "id": None},
        {"kind": "evidence", "of": {**tile["of"], "mark": 99}},
        {"kind": "evidence"},
        {"kind": "other"},
    ]
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(json.dumps(b) for b in bad) + "\nno json\n\n", encoding="utf-8")
    table = HardNegativeTable(tmp_path / "b.sqlite")
    report = import_jsonl(path, table, COHORT)
    assert report.added == 1
    assert [line for line, _ in report.problems] == [2, 5, 6, 7, 8, 9, 10]
    assert len(table.evidence()) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "first line"),
        ("a,b\n1,2\n", "first line"),
        ('{"kind": "mark"}\n', "first line"),
        ('{"format": "napari-lookalike pairs", "number": 2}\n', "newer version"),
    ],
)
def test_a_file_that_is_no_table(table, tmp_path, content, words):
    path = tmp_path / "x.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TableError, match=words):
        import_jsonl(path, table)
    assert table.rows() == ()


def test_where_no_file_can_be_written(tmp_path):
    with pytest.raises(TableError, match="cannot be written") as caught:
        export_jsonl([MARK], [], tmp_path / "no" / "x.jsonl")
    assert str(tmp_path) not in str(caught.value)
