"""CSV in and out: nothing lost, nothing that runs in a spreadsheet, nothing that identifies."""

import csv
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import (
    HardNegativeTable,
    PairMark,
    columns,
    export_csv,
    import_csv,
)
from napari_lookalike.core.hard_negatives.csv_io import _as_typed, _neutral, _value

COHORT = Cohort(
    tuple(
        SlideRecord(f"S{i}", Path(f"/archive/{i}.svs"), f"PAT-{i}", label, fingerprint=f"f{i}")
        for i, label in enumerate("ABAB")
    )
)
MARK = PairMark(slide_a="S0", slide_b="S1", subtype_a="A", subtype_b="B", expert="Dr Ä")


@pytest.fixture
def table(tmp_path):
    return HardNegativeTable(tmp_path / "marks.sqlite")


def test_a_table_goes_out_and_comes_back(table, tmp_path):
    reason = 'rosettes, "true" ones;\nsecond line – µm'
    table.add(replace(MARK, reason=reason, strength=0.35, fingerprint_a="f0", fingerprint_b="f1"))
    table.add(PairMark(level="subtype", subtype_a="A", subtype_b="B", expert="@lab"))
    table.retire(2)
    assert export_csv(table.rows(), tmp_path / "pairs.csv") == 2
    other = HardNegativeTable(tmp_path / "other.sqlite")
    report = import_csv(tmp_path / "pairs.csv", other, COHORT)
    assert (report.added, report.updated, report.problems) == (2, 0, ())
    assert other.rows() == table.rows()
    assert other.version == table.version
    report = import_csv(tmp_path / "pairs.csv", other)
    assert (report.added, report.updated) == (0, 2)
    assert [e.what for e in other.log()] == ["import", "import"]


def test_titles_semicolons_decimal_commas_and_byte_order_mark_are_understood(table, tmp_path):
    path = tmp_path / "excel.csv"
    path.write_text(
        "Slide A;Slide B;Strength;Expert;Mood\nS0;S1;0,5;Dr A;fine\n", encoding="utf-8-sig"
    )
    report = import_csv(path, table, COHORT)
    assert report.problems == ()
    (row,) = table.rows()
    assert row.strength == 0.5
    # labels and content ids come from the cohort where the file has none
    assert (row.subtype_a, row.subtype_b, row.fingerprint_a) == ("A", "B", "f0")


def test_an_older_file_without_new_columns_gets_defaults(table, tmp_path):
    path = tmp_path / "old.csv"
    path.write_text("subtype_a,subtype_b\nA,B\n", encoding="utf-8")
    import_csv(path, table)
    (row,) = table.rows()
    assert (row.level, row.strength, row.status, row.model_version) == (
        "subtype",
        1.0,
        "proposed",
        "",
    )


def test_bad_rows_are_named_by_line_and_the_others_go_on(table, tmp_path):
    path = tmp_path / "bad.csv"
    lines = [
        "slide_a,slide_b,strength,reason,fingerprint_a",
        'S0,S1,0.5,"two\nlines",',  # lines 2 and 3
        "S0,S1,much,,",  # 4
        "",
        "S0,S9,1,,",  # 6: not in the cohort
        "S0,S2,1,,",  # 7: same label
        "S0,S3,7,,",  # 8
        "S0,S3,1,,other",  # 9: another slide of that name
        "S2,S3,1,,",  # 10
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    report = import_csv(path, table, COHORT)
    assert report.added == 2
    assert [line for line, _ in report.problems] == [4, 6, 7, 8, 9]
    assert "not a number" in report.problems[0][1]
    assert "S9" in report.problems[1][1]
    assert "another slide" in report.problems[4][1]


def test_no_patient_and_no_path_leaves(table, tmp_path):
    text = r"same as PAT-3, see /archive/PAT-3/x.svs, C:\data\x.svs and \\srv\y.svs; and/or stays"
    table.add(replace(MARK, reason=text))
    export_csv(table.rows(), tmp_path / "pairs.csv", COHORT)
    written = (tmp_path / "pairs.csv").read_text(encoding="utf-8")
    for secret in ("PAT-", "archive", ".svs", "srv"):
        assert secret not in written
    assert "and/or stays" in written
    assert table.rows()[0].reason == text  # the table itself is untouched
    assert not {f.name for f in fields(PairMark)} & {"path", "patient_id"}


DANGER = st.text(st.sampled_from("'=+-@\t\r\n＝ a1"), max_size=6)


@given(DANGER)
@example("'=1+1")
@example("''=1")
@example("'quoted'")
def test_no_cell_is_a_formula_and_each_comes_back(text):
    cell = _neutral(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    assert _as_typed(cell) == text


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(DANGER)
def test_words_survive_the_file(tmp_path, text):
    path = tmp_path / "one.csv"
    mark = replace(MARK, reason=f"x{text}", expert=f"={text}")
    export_csv([mark], path)
    with path.open(encoding="utf-8", newline="") as file:
        header, row = list(csv.reader(file))
    assert header == [n for n in columns() if n != "revision"]
    assert row[columns().index("expert")].startswith("'=")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"name,age\nx,3\n", "slide_a"),
        (b"", "slide_a"),
        ("slide_a,slide_b\nS\xe4,S1\n".encode("latin-1"), "UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_refused(table, tmp_path, data, words):
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(TableError, match=words):
        import_csv(path, table)
    assert not table.path.exists()


def test_files_that_cannot_be_opened_are_sentences_without_the_path(table, tmp_path):
    with pytest.raises(TableError) as caught:
        import_csv(tmp_path / "none.csv", table)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(TableError) as caught:
        export_csv([MARK], tmp_path / "no" / "x.csv")
    assert str(tmp_path) not in str(caught.value)
    (tmp_path / "folder").mkdir()
    with pytest.raises(TableError):
        export_csv([MARK], tmp_path / "folder")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder"]


@pytest.mark.parametrize("value", [7, 0.25, True, False, "text, 1"])
def test_cells_become_values_of_their_column_whatever_its_type(value):
    found = _value(str(value), type(value), "Column")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("kind", [int, float, bool])
def test_cells_of_another_type_are_refused(kind):
    with pytest.raises(TableError, match="Column"):
        _value("perhaps", kind, "Column")
