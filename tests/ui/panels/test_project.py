"""The project panel: every way in, every edit, and what goes wrong, through its widgets."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit
from tests.project_fixtures import tiny_cohort
from tests.ui.conftest import delete_now

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.manifest import write_manifest
from napari_lookalike.core.project import Project
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.missing import MissingFiles
from napari_lookalike.ui.panels.project import EMPTY, ProjectPanel
from napari_lookalike.ui.project.sources import NEXT

WAIT_MS = 30_000
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def runner(qapp, session):
    runner = JobRunner(session)
    yield runner
    runner.close()


@pytest.fixture
def panel(qtbot, session, runner):
    panel = ProjectPanel(session, runner)
    qtbot.addWidget(panel)
    panel.resize(420, 300)
    panel.show()
    missing = MissingFiles(session)
    yield panel
    qtbot.waitUntil(lambda: not missing.busy and not panel.sources._background.busy)
    missing.close()


@pytest.fixture
def opened(qtbot, panel, session, tiny):
    open_project(session, tiny.root)
    return panel


@pytest.fixture
def told(session):
    """All notices, as "kind: text"."""
    heard = []
    session.events.notice.connect(lambda n: heard.append(f"{n.kind}: {n.text}") if n else None)
    return heard


def choose(panel, menu, text):
    """Click an entry of a menu button."""
    [action] = [a for a in menu.menu().actions() if a.text() == text]
    action.trigger()


def done(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.sources.busy, timeout=WAIT_MS)


def rows(panel):
    return {row.slide_id: row for row in panel.table.model.rows}


def click_rows(qtbot, panel, *slide_ids):
    """Select rows as a person does: click, then Ctrl-click."""
    view, modifier = panel.table.view, Qt.KeyboardModifier.NoModifier
    for slide_id in slide_ids:
        row = [r.slide_id for r in panel.table.model.rows].index(slide_id)
        where = view.visualRect(panel.table.model.index(row, 0)).center()
        qtbot.mouseClick(view.viewport(), LEFT, modifier, where)
        modifier = Qt.KeyboardModifier.ControlModifier
    assert panel.table.selected() == tuple(sorted(slide_ids))


def type_into(qtbot, panel, slide_id, column, text):
    """Edit a cell with the keyboard."""
    model, view = panel.table.model, panel.table.view
    row = [r.slide_id for r in model.rows].index(slide_id)
    index = model.index(row, model.column_of(column))
    view.selectionModel().setCurrentIndex(index, view.selectionModel().SelectionFlag.NoUpdate)
    view.edit(index)
    editor = view.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not view.findChildren(QLineEdit))


# ---- ways in


def test_without_a_project_it_says_how_to_begin(panel):
    assert panel.hint.text() == EMPTY
    assert panel.hint.isVisible()
    assert panel.new.isEnabled()
    assert panel.open.isEnabled()
    for widget in (panel.add, panel.relink, panel.use, panel.undo, panel.redo, panel.table):
        assert not widget.isEnabled()


def test_new_from_a_folder(qtbot, panel, session, answers, tmp_path, pyramid_slide, aperio_slide):
    folder = tmp_path / "scans"
    folder.mkdir()
    shutil.copy(pyramid_slide, folder / "one.tiff")
    shutil.copy(aperio_slide, folder / "two.svs")
    (folder / "torn.svs").write_bytes(b"II*\0" + b"\1" * 64)
    answers(getExistingDirectory=[str(folder), str(tmp_path / "new")])
    choose(panel, panel.new, "From a folder of slides…")
    assert panel.cancel.isVisible()
    assert not panel.open.isEnabled()
    done(qtbot, panel)
    assert session.project.root == tmp_path / "new"
    assert len(session.cohort) == 2
    assert len(rows(panel)) == 2
    assert all(r.state == "not embedded" for r in rows(panel).values())
    assert "2 slides read." in panel.hint.text()
    assert NEXT in panel.hint.text()
    assert "1 left out" in panel.hint.text()
    assert "torn" not in panel.hint.text()
    assert not panel.cancel.isVisible()
    assert len(Project.open(tmp_path / "new").cohort) == 2


def test_new_from_a_manifest_then_open_again(qtbot, panel, session, answers, tmp_path):
    more = (("surname", "Muster"), ("grade", "2"))
    four = tiny_cohort(tmp_path / "slides").slides[:4]
    write_manifest(tmp_path / "cohort.csv", Cohort(tuple(replace(s, more=more) for s in four)))
    answers(
        getOpenFileName=[(str(tmp_path / "cohort.csv"), "")],
        getExistingDirectory=[str(tmp_path / "new"), str(tmp_path / "new")],
    )
    choose(panel, panel.new, "From a manifest (CSV)…")
    done(qtbot, panel)
    assert [r.label for r in rows(panel).values()] == ["alpha"] * 4
    assert "may name a patient: column surname." in panel.hint.text()
    assert [s.more for s in session.cohort] == [(("grade", "2"),)] * 4
    close_project(session)
    assert panel.hint.text() == EMPTY
    assert rows(panel) == {}
    qtbot.mouseClick(panel.open, LEFT)
    assert not panel.open.isEnabled()
    assert "Opening" in panel.hint.text()
    done(qtbot, panel)
    assert list(rows(panel)) == ["S01", "S02", "S03", "S04"]
    assert not panel.hint.isVisible()


def test_a_dialog_that_is_closed_changes_nothing(panel, session, answers):
    answers(getExistingDirectory=["", "", "", ""], getOpenFileName=[("", ""), ("", "")])
    choose(panel, panel.new, "From a folder of slides…")
    choose(panel, panel.new, "From a manifest (CSV)…")
    panel.sources.open()
    panel.sources.add_folder()
    panel.sources.add_manifest()
    panel.sources.relink()
    assert session.project is None
    assert panel.sources.job is None


def test_a_wrong_column_is_named_and_what_was_open_stays(
    qtbot, opened, session, answers, told, tmp_path
):
    (tmp_path / "wrong.csv").write_text("slide,slide_id,patient_id,labell,site\na.svs,A,P,x,y\n")
    answers(
        getOpenFileName=[(str(tmp_path / "wrong.csv"), "")],
        getExistingDirectory=[str(tmp_path / "new")],
    )
    choose(opened, opened.new, "From a manifest (CSV)…")
    done(qtbot, opened)
    [sentence] = told
    assert sentence.startswith("error: ")
    assert "label" in sentence
    assert len(session.cohort) == 24
    assert not (tmp_path / "new").exists()
    assert opened.new.isEnabled()


def test_a_folder_that_has_a_project_is_refused_before_slides_are_read(
    opened, tiny, answers, told, tmp_path
):
    answers(getExistingDirectory=[str(tmp_path / "slides"), str(tiny.root)])
    choose(opened, opened.new, "From a folder of slides…")
    assert opened.sources.job is None
    assert told == ["error: There is a project in this folder already. Open it instead."]


def test_what_is_no_project_is_a_sentence(qtbot, opened, session, answers, told, tmp_path):
    (tmp_path / "empty").mkdir()
    answers(getExistingDirectory=[str(tmp_path / "empty")])
    qtbot.mouseClick(opened.open, LEFT)
    done(qtbot, opened)
    assert told[0].startswith("error: ")
    assert len(session.cohort) == 24


def test_reading_can_be_cancelled(qtbot, panel, session, answers, told, tmp_path):
    tiny_cohort(tmp_path / "slides")
    write_manifest(tmp_path / "cohort.csv", tiny_cohort(tmp_path / "slides"))
    answers(
        getOpenFileName=[(str(tmp_path / "cohort.csv"), "")],
        getExistingDirectory=[str(tmp_path / "new")],
    )
    choose(panel, panel.new, "From a manifest (CSV)…")
    qtbot.waitUntil(lambda: not panel.cancel.visibleRegion().isEmpty())
    qtbot.mouseClick(panel.cancel, LEFT)
    done(qtbot, panel)
    assert told == ["info: Stopped. What was finished is kept."]
    assert session.project is None
    assert panel.hint.text() == EMPTY


# ---- adding, excluding, removing


def test_add_skips_what_is_there(qtbot, opened, session, answers, tmp_path, pyramid_slide):
    folder = tmp_path / "more"
    folder.mkdir()
    shutil.copy(pyramid_slide, folder / "one.tiff")
    answers(getExistingDirectory=[str(folder), str(folder)])
    choose(opened, opened.add, "A folder of slides…")
    done(qtbot, opened)
    assert len(session.cohort) == 25
    assert session.history.undo_text.startswith("Add ")
    choose(opened, opened.add, "A folder of slides…")
    done(qtbot, opened)
    assert len(session.cohort) == 25
    assert "1 slide of them were here already" in opened.hint.text()
    qtbot.mouseClick(opened.undo, LEFT)
    assert len(session.cohort) == 24


def test_exclude_include_and_remove(qtbot, opened, session):
    click_rows(qtbot, opened, "S01", "S03")
    choose(opened, opened.use, "Exclude from embedding and training")
    assert {s.slide_id for s in session.cohort if s.excluded} == {"S01", "S03"}
    assert rows(opened)["S01"].state == "excluded"
    assert opened.table.selected() == ("S01", "S03")
    choose(opened, opened.use, "Include again")
    assert not any(s.excluded for s in session.cohort)
    choose(opened, opened.use, "Remove from the project")
    assert "S01" not in rows(opened)
    assert opened.table.selected() == ()
    qtbot.mouseClick(opened.undo, LEFT)
    assert list(rows(opened))[:3] == ["S01", "S02", "S03"]


def test_without_a_selection_it_says_so(opened, told):
    choose(opened, opened.use, "Remove from the project")
    assert told == ["info: Select one or more rows of the table first."]
    assert len(rows(opened)) == 24


# ---- filling in


def test_one_edit_relabels_every_selected_row(qtbot, opened, session):
    click_rows(qtbot, opened, "S01", "S02", "S05")
    type_into(qtbot, opened, "S05", "label", "gamma")
    assert {s: session.cohort[s].label for s in ("S01", "S02", "S03", "S05")} == {
        "S01": "gamma",
        "S02": "gamma",
        "S03": "alpha",
        "S05": "gamma",
    }
    assert opened.undo.isEnabled()
    assert "3 slides" in opened.undo.toolTip()
    qtbot.mouseClick(opened.undo, LEFT)
    assert [session.cohort[s].label for s in ("S01", "S02", "S05")] == ["alpha", "alpha", "beta"]
    qtbot.mouseClick(opened.redo, LEFT)
    assert rows(opened)["S02"].label == "gamma"
    assert Project.open(session.project.root).cohort["S02"].label == "gamma"


def test_a_cell_outside_the_selection_is_edited_alone(qtbot, opened, session):
    click_rows(qtbot, opened, "S01", "S02")
    type_into(qtbot, opened, "S05", "site", "elsewhere")
    assert session.cohort["S05"].site == "elsewhere"
    assert session.cohort["S01"].site == "centre 1"


def test_set_asks_once_for_all_selected(qtbot, opened, session, answers):
    click_rows(qtbot, opened, "S01", "S02")
    answers(getItem=[("zeta", True), ("lost", False), ("0,25", True)])
    choose(opened, opened.use, "Set subtype…")
    assert [session.cohort[s].label for s in ("S01", "S02")] == ["zeta", "zeta"]
    choose(opened, opened.use, "Set centre…")
    assert session.cohort["S01"].site == "centre 1"
    choose(opened, opened.use, "Set mpp…")
    assert [(session.cohort[s].mpp, session.cohort[s].mpp_source) for s in ("S01", "S02")] == [
        (0.25, "user"),
        (0.25, "user"),
    ]


def test_an_mpp_that_cannot_be_is_a_sentence(qtbot, opened, session, told):
    type_into(qtbot, opened, "S01", "mpp", "much")
    type_into(qtbot, opened, "S01", "mpp", "250")
    assert len(told) == 2
    assert "is not a number" in told[0]
    assert "not a plausible mpp" in told[1]
    assert session.cohort["S01"].mpp == 0.5
    assert rows(opened)["S01"].mpp == "0.5"


def test_what_is_missing_is_said_and_goes_when_it_is_mended(qtbot, opened, session):
    why = "The slide does not say how many micrometres a pixel has. Give its mpp."
    session.embedded = session.embedded - {"S01", "S02"}
    session.failures = {"S01": why, "S02": why}
    assert rows(opened)["S01"].state == why
    click_rows(qtbot, opened, "S01")
    assert opened.table.about.isVisible()
    assert opened.table.about.text() == f"S01: {why}"
    type_into(qtbot, opened, "S01", "mpp", "0.25")
    assert rows(opened)["S01"].state == "not embedded"
    assert not opened.table.about.isVisible()
    click_rows(qtbot, opened, "S02")
    choose(opened, opened.use, "Cut tiles in level-0 pixels (no mpp)")
    assert session.cohort["S02"].level0_tiles
    assert rows(opened)["S02"].state == "not embedded"
    assert rows(opened)["S02"].mpp == "level-0 pixels"


def test_patient_ids_are_hidden_until_asked_for(qtbot, opened, session, told):
    assert rows(opened)["S01"].patient == "Patient 1"
    type_into(qtbot, opened, "S01", "patient", "P-new")
    assert "Tick “Patient ids”" in told[0]
    assert session.cohort["S01"].patient_id == "PAT-01"
    opened.patients.click()
    assert session.show_patient_ids
    assert rows(opened)["S01"].patient == "PAT-01"
    type_into(qtbot, opened, "S01", "patient", "P-new")
    assert session.cohort["S01"].patient_id == "P-new"
    session.show_patient_ids = False
    assert not opened.patients.isChecked()
    assert rows(opened)["S03"].patient.startswith("Patient ")


def test_a_double_click_opens_the_slide_unless_the_cell_can_be_edited(opened, session):
    model = opened.table.model
    opened.table._double_clicked(model.index(4, model.column_of("state")))
    assert session.slide_id == "S05"
    opened.table._double_clicked(model.index(6, model.column_of("label")))
    assert session.slide_id == "S05"


# ---- a read-only folder, slides that moved


@pytest.mark.skipif(os.name == "nt", reason="permission bits say little on Windows")
def test_a_read_only_project_can_be_looked_at(qtbot, panel, session, tiny, told, monkeypatch):
    monkeypatch.setattr("napari_lookalike.core.project.can_write", lambda _root: False)
    open_project(session, tiny.root)
    assert "read-only" in told[-1]
    click_rows(qtbot, panel, "S01")
    type_into(qtbot, panel, "S01", "label", "gamma")
    choose(panel, panel.use, "Exclude from embedding and training")
    assert sum(t.startswith("error: The project folder is read-only") for t in told) == 2
    assert session.cohort["S01"].label == "alpha"
    assert rows(panel)["S01"].state == "embedded"


def test_moved_slides_are_found_and_edits_made_meanwhile_stay(
    qtbot, panel, session, tiny, answers, tmp_path, monkeypatch
):
    there = tmp_path / "elsewhere" / "deep"
    there.parent.mkdir()
    (tmp_path / "slides").rename(there)
    open_project(session, tiny.root)
    assert session.slide_id is None
    qtbot.waitUntil(lambda: "Relink" in rows(panel)["S01"].state, timeout=WAIT_MS)
    answers(getExistingDirectory=[str(tmp_path / "elsewhere")])
    qtbot.mouseClick(panel.relink, LEFT)
    # While the job reads, somebody relabels a slide: it must not be lost.
    panel._edit(("S01",), "label", "gamma")
    done(qtbot, panel)
    assert session.cohort["S01"].label == "gamma"
    assert all(s.path.parent == there for s in session.cohort)
    assert session.slide_id == "S01"
    assert "24 slides found again, of 24" in panel.hint.text()
    qtbot.waitUntil(lambda: rows(panel)["S02"].state == "embedded", timeout=WAIT_MS)
    qtbot.mouseClick(panel.undo, LEFT)
    assert not any(s.path.exists() for s in session.cohort)
    assert session.cohort["S01"].label == "gamma"


def test_a_closed_panel_lets_go_of_the_session(qtbot, session, runner, tiny):
    panel = ProjectPanel(session, runner)
    panel.show()
    panel.deleteLater()
    delete_now()
    open_project(session, tiny.root)
    session.show_patient_ids = True
    assert session.notice is None


def test_long_cells_are_cut_but_readable(opened, session):
    long = "atypical teratoid rhabdoid tumour, SHH-activated, of the posterior fossa"
    record = SlideRecord("S99", session.cohort["S01"].path, label=long)
    session.cohort = Cohort((*session.cohort.slides, record))
    model, view = opened.table.model, opened.table.view
    assert view.columnWidth(model.column_of("label")) <= 200
    index = model.index(24, model.column_of("label"))
    assert long in model.data(index, Qt.ItemDataRole.ToolTipRole)
