"""Opening, making, closing; the expert's name; one selection everywhere."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from tests.project_fixtures import FIRST, tiny_cohort, tiny_features

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.content import content_of
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.features import save_features
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results, save_results
from napari_lookalike.session import marks, selection
from napari_lookalike.session.cohort_commands import EditRecord
from napari_lookalike.session.opening import (
    close_project,
    new_project,
    open_project,
    refresh_embedded,
    refresh_project,
    say_missing,
)
from napari_lookalike.session.session import Session


def test_opening_fills_the_session(tiny) -> None:
    session = Session()
    open_project(session, tiny.root)
    assert session.project.root == tiny.root
    assert session.cohort is session.project.cohort
    assert session.results.version == FIRST
    assert session.slide_id == "S01"
    assert (session.marks, session.notice, session.expert) == ((), None, "")


def test_marks_and_features_are_there_after_opening_again(opened, tiny) -> None:
    marks.mark_pair(opened, "S01", "S05")
    save_features(tiny.features_path("S02"), tiny_features("S02"))
    again = Session()
    open_project(again, tiny.root)
    assert again.marks == opened.marks
    assert again.embedded == {"S02"}


def test_the_first_slide_that_can_be_shown_is_shown(tiny) -> None:
    first = replace(tiny.cohort["S01"], excluded=True)
    tiny.save(cohort=tiny.cohort.with_record(first))
    tiny.cohort["S02"].path.unlink()
    session = Session()
    open_project(session, tiny.root)
    assert session.slide_id == "S03"
    session.missing = frozenset({"S02"})
    say_missing(session)
    assert session.notice.text == "1 slide is not where it was: use Relink."


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (f"models/{FIRST}/results.h5", f"Model {FIRST} cannot be shown"),
        (f"models/{FIRST}/metrics.json", f"Model {FIRST} cannot be shown"),
        ("hard_negatives.sqlite", "The look-alikes cannot be shown"),
        ("project.json", "its backup was opened"),
    ],
)
def test_a_broken_part_is_said_and_the_rest_opens(opened, tiny, part, sentence) -> None:
    marks.mark_pair(opened, "S01", "S05")
    opened.history.do(EditRecord("S01", label="x"))
    (tiny.root / part).write_bytes(b"\x00 broken \xff")
    session = Session()
    open_project(session, tiny.root)
    assert sentence in session.notice.text
    assert session.notice.kind == "warning"
    assert len(session.cohort) == 24
    assert str(tiny.root) not in session.notice.text
    assert bool(session.marks) == (part != "hard_negatives.sqlite")
    assert (session.results is None) == part.startswith("models")


def test_a_read_only_project_opens_and_says_so(tiny, monkeypatch) -> None:
    monkeypatch.setattr("napari_lookalike.core.project.can_write", lambda _: False)
    session = Session()
    open_project(session, tiny.root)
    assert "read-only" in session.notice.text
    assert session.results is not None


def _of_another_cohort(project: Project, slide_id: str) -> None:
    """The version in use says of one slide what was said of another one called the same."""
    folder = project.version_dir(FIRST)
    results = load_results(folder)
    slides = {s: replace(r, content=content_of(f"of {s}")) for s, r in results.slides.items()}
    save_results(folder, replace(results, slides=slides))
    records = [
        replace(r, fingerprint="another" if r.slide_id == slide_id else f"of {r.slide_id}")
        for r in project.cohort
    ]
    project.save(cohort=project.cohort.with_records(records))


def test_what_was_said_of_another_slide_is_not_shown_and_the_model_is_asked(tiny) -> None:
    _of_another_cohort(tiny, "S05")
    save_features(tiny.features_path("S05"), tiny_features("S05"))
    session = Session()
    open_project(session, tiny.root)
    assert session.results is not None
    assert "S05" not in session.results.slides
    assert len(session.results.slides) == len(tiny.cohort) - 1
    assert session.projection is not None
    assert "S05" not in session.projection.slide_ids
    assert session.unasked == {"S05"}
    assert session.notice is not None
    assert "called the same" in session.notice.text
    assert "S05" in session.notice.text


def test_without_features_or_a_folder_to_write_it_is_not_asked(tiny, monkeypatch) -> None:
    _of_another_cohort(tiny, "S05")
    session = Session()
    open_project(session, tiny.root)
    assert session.unasked == frozenset()
    save_features(tiny.features_path("S05"), tiny_features("S05"))
    monkeypatch.setattr("napari_lookalike.core.project.can_write", lambda root: False)
    open_project(session, tiny.root)
    assert session.unasked == frozenset()


def test_what_cannot_be_opened_leaves_what_is_open(opened, tmp_path) -> None:
    before = opened.project
    with pytest.raises(ProjectError):
        open_project(opened, tmp_path / "nothing")
    with pytest.raises(ProjectError):
        new_project(opened, before.root, Cohort())
    assert opened.project is before
    assert opened.slide_id == "S01"


def test_closing_leaves_an_empty_session(opened) -> None:
    marks.mark_pair(opened, "S01", "S05")
    selection.select(opened, ["S01", "S05"])
    close_project(opened)
    empty = Session()
    for f in fields(Session):
        if f.name not in ("expert", "notice", "history_changed", "suggestions"):
            assert getattr(opened, f.name) == getattr(empty, f.name), f.name
    assert opened.suggestions.found is None and opened.suggestions.decisions == ()
    assert not opened.history.can_undo


def test_another_project_takes_nothing_along(opened, tmp_path) -> None:
    opened.history.do(EditRecord("S01", label="x"))
    opened.failures = {"S01": "no tissue"}
    cohort = tiny_cohort(tmp_path / "other slides")
    project = new_project(opened, tmp_path / "other", cohort)
    assert isinstance(project, Project)
    assert opened.cohort == cohort
    assert opened.results is None
    assert (opened.failures, opened.embedded) == ({}, frozenset())
    assert not opened.history.can_undo


def test_views_find_the_project_when_the_cohort_comes(tiny) -> None:
    session = Session()
    seen = []
    session.events.cohort.connect(lambda: seen.append(session.project is not None))
    session.events.results.connect(lambda: seen.append(len(session.cohort)))
    session.events.slide_id.connect(lambda: seen.append(session.results is not None))
    open_project(session, tiny.root)
    assert seen == [True, 24, True]


def test_what_another_process_wrote_is_taken_over(opened, tiny) -> None:
    other = Project.open(tiny.root)
    other.save(cohort=other.cohort.with_record(replace(other.cohort["S01"], stain="other")))
    save_features(other.features_path("S01"), tiny_features("S01"))
    refresh_project(opened)
    assert opened.cohort["S01"].stain == "other"
    assert opened.cohort is opened.project.cohort
    assert opened.embedded == {"S01"}


def test_without_a_project_there_is_nothing_to_refresh() -> None:
    session = Session()
    refresh_project(session)
    refresh_embedded(session)
    assert session.project is None


# -- the expert -----------------------------------------------------------------------


def test_the_name_is_asked_once_and_kept(tiny) -> None:
    session = Session()
    open_project(session, tiny.root)
    with pytest.raises(marks.NeedsExpertName):
        marks.mark_pair(session, "S01", "S05")
    assert session.marks == ()
    with pytest.raises(marks.NeedsExpertName):
        marks.set_expert(session, "  ")
    marks.set_expert(session, " Dr Ä ")
    assert marks.mark_pair(session, "S01", "S05").expert == "Dr Ä"
    another_day = Session()
    open_project(another_day, tiny.root)
    assert another_day.expert == "Dr Ä"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"expert": null}', b"\xff"])
def test_a_damaged_user_file_asks_again(tiny, own_user_file, content) -> None:
    own_user_file.parent.mkdir()
    own_user_file.write_bytes(content)
    session = Session()
    open_project(session, tiny.root)
    assert session.expert == ""
    marks.set_expert(session, "Dr B")
    assert "Dr B" in own_user_file.read_text()


def test_a_name_that_cannot_be_kept_counts_for_now(opened, own_user_file) -> None:
    own_user_file.parent.write_text("a file where the folder should be")
    marks.set_expert(opened, "Dr C")
    assert opened.expert == "Dr C"


def test_existing_marks_are_found_in_either_order(opened) -> None:
    assert marks.existing_mark(opened, "S01", "S05") is None
    mark = marks.mark_slides(opened, "S01", "S05", 0.5, "why")
    assert marks.existing_mark(opened, "S05", "S01") == mark
    marks.retire(opened, mark.id)
    assert marks.existing_mark(opened, "S01", "S05") is None


def test_slides_can_stand_for_their_subtypes(opened) -> None:
    mark = marks.mark_slides(opened, "S01", "S05", 0.5, "why", level="subtype")
    assert (mark.level, mark.sides, mark.slide_a) == ("subtype", ("alpha", "beta"), "")


def test_export_says_how_many(opened, tmp_path) -> None:
    marks.mark_pair(opened, "S01", "S05")
    assert marks.export_marks(opened, tmp_path / "out.csv") == 1
    assert opened.notice.text == "1 mark exported."


# -- selection ------------------------------------------------------------------------


def test_a_selection_is_made_of_known_slides_once_each(opened) -> None:
    selection.select(opened, ["S02", "S99", "S01", "S02"])
    assert opened.selection == ("S02", "S01")


def test_selecting_the_same_again_echoes_nothing(opened) -> None:
    seen = []
    opened.events.selection.connect(seen.append)
    opened.events.selection.connect(lambda: selection.select(opened, opened.selection))
    selection.select(opened, ["S01", "S02"])
    selection.select(opened, ["S01", "S02"])
    assert seen == [("S01", "S02")]


def test_toggle(opened) -> None:
    for slide_id in ("S01", "S02", "S01"):
        selection.toggle(opened, slide_id)
    assert opened.selection == ("S02",)


def test_opening_a_slide_selects_it_unless_it_is_selected(opened) -> None:
    selection.open_slide(opened, "S03")
    assert (opened.slide_id, opened.selection) == ("S03", ("S03",))
    selection.select(opened, ["S01", "S05"])
    selection.open_slide(opened, "S05")
    assert (opened.slide_id, opened.selection) == ("S05", ("S01", "S05"))
    with pytest.raises(ProjectError):
        selection.open_slide(opened, "S99")


def test_next_and_previous_follow_what_is_listed(opened) -> None:
    visible = ("S05", "S02", "S09")
    assert selection.next_slide(opened, visible) == "S05"  # S01 is open and not listed
    assert selection.next_slide(opened, visible) == "S02"
    assert selection.next_slide(opened, visible, 2) == "S09"
    assert selection.previous_slide(opened, visible) == "S02"
    assert opened.selection == ("S02",)
    opened.slide_id = "S20"
    assert selection.previous_slide(opened, visible) == "S09"
    assert selection.next_slide(opened, ()) is None
    assert opened.slide_id == "S09"
