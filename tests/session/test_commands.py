"""Edits, undo and redo; a failed edit leaves everything as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.project_fixtures import FIRST, SECOND

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.errors import LookalikeError, ProjectError, ScaleError, TableError
from napari_lookalike.core.hard_negatives.csv_io import export_csv
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.session import marks, trial
from napari_lookalike.session.cohort_commands import add_new_slides
from napari_lookalike.session.commands import (
    AddSlides,
    EditMark,
    EditRecord,
    ExcludeSlide,
    ImportMarks,
    RemoveSlides,
)
from napari_lookalike.session.history import LIMIT
from napari_lookalike.session.session import Session


def on_disk(session: Session) -> Project:
    assert session.project is not None
    return Project.open(session.project.root)


def state(session: Session) -> tuple[object, ...]:
    rows = HardNegativeTable(session.project.table_path).rows()
    return session.cohort, session.marks, on_disk(session).cohort, rows


def test_an_edit_reaches_disk_session_and_project(opened) -> None:
    seen = []
    opened.events.cohort.connect(lambda new, old: seen.append((new, old)))
    before = opened.cohort
    assert opened.history.do(EditRecord("S01", label=" gamma "))
    assert opened.cohort["S01"].label == on_disk(opened).cohort["S01"].label == "gamma"
    assert opened.cohort is opened.project.cohort
    assert seen == [(opened.cohort, before)]
    assert opened.history.undo_text == "Set label of S01"
    opened.history.undo()
    assert opened.cohort == on_disk(opened).cohort == before
    assert (opened.history.can_undo, opened.history.redo_text) == (False, "Set label of S01")
    opened.history.redo()
    assert opened.cohort["S01"].label == "gamma"


def test_an_edit_that_changes_nothing_is_not_remembered(opened) -> None:
    assert not opened.history.do(EditRecord("S01", label="alpha"))
    assert not opened.history.can_undo


def test_several_slides_are_edited_and_brought_back_each_to_its_own(opened) -> None:
    before = opened.cohort
    opened.history.do(EditRecord(("S01", "S05", "S09"), site="Basel", state="to review"))
    assert {opened.cohort[s].site for s in ("S01", "S05", "S09")} == {"Basel"}
    assert opened.history.undo_text == "Set centre of 3 slides"
    opened.history.undo()
    assert opened.cohort == before


def test_undo_takes_back_its_own_fields_only(opened) -> None:
    opened.history.do(EditRecord("S01", label="gamma"))
    other = on_disk(opened)  # a job in another process learns something meanwhile
    other.save(cohort=other.cohort.with_record(replace(other.cohort["S01"], fingerprint="f")))
    opened.history.undo()
    record = on_disk(opened).cohort["S01"]
    assert (record.label, record.fingerprint) == ("alpha", "f")


def test_an_mpp_becomes_the_users(opened) -> None:
    opened.history.do(EditRecord("S01", level0_tiles=True))
    opened.history.do(EditRecord("S01", mpp=0.25))
    record = opened.cohort["S01"]
    assert (record.mpp, record.mpp_source, record.level0_tiles) == (0.25, "user", False)
    opened.history.undo()
    assert opened.cohort["S01"].mpp_source == "manifest"
    assert opened.cohort["S01"].level0_tiles
    opened.history.do(EditRecord("S01", mpp=None))
    assert (opened.cohort["S01"].mpp, opened.cohort["S01"].mpp_source) == (None, "")


@pytest.mark.parametrize("mpp", [0.0, 352.78, -1, float("nan"), "0.5"])
def test_a_false_mpp_is_refused(opened, mpp) -> None:
    with pytest.raises(ScaleError, match="plausible"):
        EditRecord("S01", mpp=mpp)


@pytest.mark.parametrize("field", ["slide_id", "path", "fingerprint", "colour"])
def test_what_cannot_be_edited(field) -> None:
    with pytest.raises(ValueError, match="not an editable"):
        EditRecord("S01", **{field: "x"})


def test_exclude_and_include(opened) -> None:
    opened.history.do(ExcludeSlide(["S01", "S02"]))
    assert opened.cohort["S01"].excluded
    assert opened.history.undo_text == "Exclude 2 slides"
    opened.history.do(ExcludeSlide("S01", False))
    assert not opened.cohort["S01"].excluded
    assert opened.cohort["S02"].excluded


def test_removed_slides_leave_the_canvas_and_come_back_in_their_place(opened) -> None:
    before = opened.cohort
    opened.slide_id, opened.selection = "S01", ("S01", "S02", "S24")
    at_event = []
    opened.events.cohort.connect(lambda: at_event.append((opened.slide_id, opened.selection)))
    opened.history.do(RemoveSlides(["S24", "S01", "S12"]))
    assert at_event == [(None, ("S02",))]
    assert len(opened.cohort) == 21
    opened.history.undo()
    assert opened.cohort == before == on_disk(opened).cohort


def test_added_slides_and_their_edits_come_back_with_a_redo(opened, tmp_path) -> None:
    opened.history.do(AddSlides([SlideRecord("N1", tmp_path / "n.svs")]))
    opened.history.do(EditRecord("N1", label="new"))
    opened.history.undo()
    opened.history.undo()
    assert "N1" not in opened.cohort
    opened.history.redo()
    opened.history.redo()
    assert on_disk(opened).cohort["N1"].label == "new"


def test_adding_passes_over_what_is_there(opened, tmp_path) -> None:
    same_file = SlideRecord("X1", opened.cohort["S01"].path)
    assert add_new_slides(opened, [same_file]) == ("S01",)
    assert not opened.history.can_undo
    fresh = SlideRecord("X2", tmp_path / "new.svs", fingerprint="f1")
    copy = SlideRecord("X3", tmp_path / "copy.svs", fingerprint="f1")
    assert add_new_slides(opened, [fresh]) == ()
    assert add_new_slides(opened, [copy]) == ("X2",)
    with pytest.raises(ProjectError, match="called X2"):
        add_new_slides(opened, [SlideRecord("X2", tmp_path / "other.svs", fingerprint="f2")])


def test_a_new_edit_forgets_what_was_undone(opened) -> None:
    opened.history.do(EditRecord("S01", label="a"))
    opened.history.undo()
    opened.history.do(EditRecord("S02", label="b"))
    assert not opened.history.can_redo


def test_every_change_of_the_history_is_an_event(opened) -> None:
    seen = []
    opened.events.history_changed.connect(lambda: seen.append(opened.history.undo_text))
    opened.history.do(EditRecord("S01", label="a"))
    opened.history.undo()
    opened.history.undo()  # nothing left: no event
    opened.history.redo()
    assert seen == ["Set label of S01", "", "Set label of S01"]


def test_the_history_has_an_end(opened) -> None:
    class Nothing:
        text = "x"

        def apply(self, session):
            return True

        def undo(self, session):
            pass

    for _ in range(LIMIT + 5):
        opened.history.do(Nothing())
    undone = 0
    while opened.history.can_undo:
        opened.history.undo()
        undone += 1
    assert undone == LIMIT


# -- marks ----------------------------------------------------------------------------


def test_a_mark_is_retired_by_undo_and_comes_back(opened) -> None:
    mark = marks.mark_pair(opened, "S01", "S05", "rosettes", 0.5)
    assert (mark.id, mark.status, mark.expert, mark.model_version) == (1, "proposed", "Dr A", FIRST)
    assert opened.marks == (mark,)
    assert opened.history.undo_text == "Mark S01 and S05"
    opened.history.undo()
    assert [m.status for m in opened.marks] == ["retired"]
    opened.history.redo()
    assert opened.marks == (mark,)
    log = [entry.what for entry in HardNegativeTable(opened.project.table_path).log()]
    assert log == ["add", "retire", "restore"]


def test_undoing_a_second_mark_of_a_pair_brings_the_first_back(opened) -> None:
    first = marks.mark_pair(opened, "S01", "S05", "rosettes", 0.5)
    again = marks.mark_pair(opened, "S05", "S01", "pale", 0.9)
    assert (again.id, again.slide_a, again.strength) == (1, "S01", 0.9)
    opened.history.undo()
    assert opened.marks == (first,)
    opened.history.redo()
    assert opened.marks == (again,)


def test_marking_the_same_again_is_not_remembered(opened) -> None:
    marks.mark_pair(opened, "S01", "S05", "rosettes", 0.5)
    marks.mark_pair(opened, "S01", "S05", "rosettes", 0.5)
    opened.history.undo()
    assert not opened.history.can_undo


def test_edit_retire_restore(opened) -> None:
    mark = marks.mark_subtypes(opened, "alpha", "beta", "small cells", 0.5)
    marks.change(opened, mark.id, strength=0.7)
    marks.retire(opened, mark.id)
    assert not opened.marks[0].active
    marks.restore(opened, mark.id)
    assert opened.marks == (replace(mark, strength=0.7),)
    for _ in range(3):
        opened.history.undo()
    assert opened.marks == (mark,)


def test_an_import_is_taken_back_whole(opened, tmp_path) -> None:
    first = marks.mark_pair(opened, "S01", "S05", "rosettes", 0.5)
    marks.mark_pair(opened, "S02", "S06", "", 1.0)
    rows = (replace(opened.marks[0], strength=0.9), opened.marks[1])
    export_csv(rows, tmp_path / "rows.csv")
    opened.history.undo()
    marks.retire(opened, first.id)
    before = opened.marks
    report = marks.import_marks(opened, tmp_path / "rows.csv")
    assert (report.added, report.updated) == (0, 2)
    assert [m.strength for m in opened.marks if m.active] == [0.9, 1.0]
    assert opened.notice.text == "0 marks added, 2 updated."
    after = opened.marks
    opened.history.undo()
    assert opened.marks == before
    opened.history.redo()
    assert opened.marks == after


def test_rows_that_an_import_left_out_are_said(opened, tmp_path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("level,slide_a,slide_b,expert\nslide,S01,S05,Dr B\nslide,S01,S02,Dr B\n")
    report = marks.import_marks(opened, path)
    assert report.added == 1
    assert "1 row left out; line 3: S01 and S02" in opened.notice.text
    assert opened.notice.kind == "warning"


def test_of_many_rows_that_were_left_out_the_first_are_said(opened, tmp_path) -> None:
    wrong = [f"slide,S01,S9{n},Dr B\n" for n in range(7)]
    path = tmp_path / "rows.csv"
    path.write_text("level,slide_a,slide_b,expert\n" + "".join(wrong))
    marks.import_marks(opened, path)
    lines = opened.notice.text.splitlines()
    assert "7 rows left out; line 2: " in lines[0] and "S90" in lines[0]
    assert [line.split(":")[0] for line in lines[1:]] == [
        *[f"line {n}" for n in range(3, 7)],
        "… and 2 more.",
    ]


# -- failures -------------------------------------------------------------------------

FAILING = {
    "unknown slide": lambda tmp: EditRecord("S99", label="x"),
    "remove unknown": lambda tmp: RemoveSlides(["S01", "S99"]),
    "slide_id taken": lambda tmp: AddSlides([SlideRecord("S01", tmp / "x")]),
    "unsafe slide_id": lambda tmp: AddSlides([SlideRecord("a/b", tmp / "x")]),
    "no such mark": lambda tmp: EditMark(99, strength=0.5),
    "false strength": lambda tmp: EditMark(1, strength=2.0),
    "no such file": lambda tmp: ImportMarks(tmp / "none.csv"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_failed_edit_leaves_everything_as_it_was(opened, tmp_path, name) -> None:
    marks.mark_pair(opened, "S01", "S05")
    before, text = state(opened), opened.history.undo_text
    with pytest.raises(LookalikeError):
        opened.history.do(FAILING[name](tmp_path))
    assert state(opened) == before
    assert opened.history.undo_text == text


def test_a_read_only_project_refuses_every_edit(opened) -> None:
    marks.mark_pair(opened, "S01", "S05")
    opened.history.do(EditRecord("S01", label="x"))
    before = state(opened)
    opened.project.read_only = True
    edits = [
        lambda: opened.history.do(EditRecord("S02", label="x")),
        lambda: marks.mark_pair(opened, "S02", "S06"),
        opened.history.undo,
    ]
    for edit in edits:
        with pytest.raises(ProjectError, match="read-only"):
            edit()
    assert state(opened) == before
    assert opened.history.can_undo
    opened.project.read_only = False
    opened.history.undo()  # it can be tried again
    assert opened.cohort["S01"].label == "alpha"


def test_without_a_project_nothing_can_be_edited() -> None:
    with pytest.raises(ProjectError, match="No project is open"):
        Session().history.do(EditRecord("S01", label="x"))


@pytest.mark.parametrize("a", ["S02", "S01"])
def test_what_is_no_pair_is_refused(opened, a) -> None:
    with pytest.raises(TableError):
        marks.mark_pair(opened, "S01", a)
    assert opened.marks == ()


# -- models ---------------------------------------------------------------------------


def try_out(session: Session) -> None:
    trial.show_new_model(session, load_results(session.project.version_dir(SECOND)))


def versions(session: Session) -> tuple[object, ...]:
    before = session.results_before
    return session.results.version, before and before.version, on_disk(session).current_version


@pytest.mark.parametrize(("choose", "chosen"), [(trial.keep, SECOND), (trial.roll_back, FIRST)])
def test_the_choice_of_a_model_can_be_taken_back(opened, choose, chosen) -> None:
    try_out(opened)
    assert versions(opened) == (SECOND, FIRST, FIRST)
    choose(opened)
    assert versions(opened) == (chosen, None, chosen)
    opened.history.undo()
    assert versions(opened) == (SECOND, FIRST, FIRST)
    opened.history.redo()
    assert versions(opened) == (chosen, None, chosen)


def test_a_choice_before_another_training_stays(opened) -> None:
    opened.history.do(EditRecord("S01", label="x"))
    try_out(opened)
    trial.keep(opened)
    try_out(opened)
    assert opened.history.undo_text == "Set label of S01"


def test_nothing_to_choose(opened) -> None:
    trial.keep(opened)
    assert not opened.history.can_undo
    assert opened.notice is None


# -- any sequence ---------------------------------------------------------------------

slide = st.sampled_from(["S01", "S02", "S03"])
edit = st.one_of(
    st.builds(lambda s, v: EditRecord(s, label=v), slide, st.sampled_from("abc")),
    st.builds(lambda s, v: EditRecord([s, "S09"], site=v), slide, st.sampled_from("xy")),
    st.builds(ExcludeSlide, slide, st.booleans()),
    st.builds(RemoveSlides, slide),
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=15,
    deadline=None,
)
@given(edits=st.lists(edit, max_size=6))
def test_undoing_everything_brings_the_beginning_back(opened, edits) -> None:
    before = opened.cohort
    after = [before]
    for command in edits:
        try:
            if opened.history.do(command):
                after.append(opened.cohort)
        except ProjectError:  # the slide was removed before
            assert opened.cohort == after[-1]
    for cohort in reversed(after[:-1]):
        opened.history.undo()
        assert opened.cohort == cohort == on_disk(opened).cohort
    for cohort in after[1:]:
        opened.history.redo()
        assert opened.cohort == cohort
    while opened.history.can_undo:
        opened.history.undo()
    assert opened.cohort == before
    opened.history.clear()


def test_paths_are_not_in_any_text(opened, tmp_path) -> None:
    opened.history.do(EditRecord("S01", patient_id="Jane Doe"))
    assert "Jane" not in opened.history.undo_text
    opened.history.do(AddSlides([SlideRecord("N1", Path("/secret/Jane.svs"))]))
    assert "Jane" not in opened.history.undo_text
