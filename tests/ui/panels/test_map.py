"""The map panel as an expert uses it: look, select, mark, change, compare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QToolButton
from tests.project_fixtures import tiny_projection

from napari_lookalike.core.attended import hottest_place
from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.pipeline.maps import map_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, Projection, SlideResult
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.trial import show_new_model
from napari_lookalike.ui.panels.map import MapPanel

LABELS = {"s1": "alpha", "s2": "beta", "s3": "alpha", "s4": "beta", "s5": "gamma", "s6": "gamma"}
IDS = tuple(LABELS)
POINTS = np.array([[0, 0], [4, 0], [0, 4], [4, 4], [8, 0], [8, 4]], np.float32)
LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


class HandRunner:
    """A runner that the test drives by hand."""

    def __init__(self):
        self.calls, self.cancelled = [], []

    def run(self, function, *args, **more):
        self.calls.append((function, args, more))
        return len(self.calls)

    def cancel(self, key):
        self.cancelled.append(key)


def results(version="m001") -> ModelResults:
    rng = np.random.default_rng(len(version))
    slides = {}
    for i, slide_id in enumerate(IDS):
        p = np.full(3, 0.1, np.float32)
        p[i % 3] = 0.8
        embedding = rng.normal(size=8).astype(np.float32)
        zeros = np.zeros((1, 4), np.float32)
        slides[slide_id] = SlideResult(slide_id, p, embedding, zeros, True, i % 2)
    return ModelResults(version, ("alpha", "beta", "gamma"), slides)


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    records = tuple(
        SlideRecord(s, tmp_path / f"{s}.tif", f"P{i}", label, "AB"[i % 2])
        for i, (s, label) in enumerate(LABELS.items())
    )
    root = tmp_path / "project"
    Project.create(root, Cohort(records, synthetic=True))
    session = Session()
    open_project(session, root)
    session.projection = Projection("m001", "umap", IDS, POINTS)
    session.results = results()
    return session


@pytest.fixture
def runner() -> HandRunner:
    return HandRunner()


@pytest.fixture
def panel(qtbot, session, runner):
    panel = MapPanel(session, runner)
    qtbot.addWidget(panel)
    panel.resize(390, 460)
    panel.show()
    yield panel
    panel.close()


def click(qtbot, panel, slide_id, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(panel.scatter, LEFT, modifier, panel.scatter.point_at(slide_id))


def select(qtbot, panel, *slide_ids):
    for slide_id in slide_ids:
        click(qtbot, panel, slide_id, CTRL)


def mark(qtbot, panel, a, b, *, name="Dr A", reason="both blue", strength=10):
    select(qtbot, panel, a, b)
    qtbot.mouseClick(panel.strip.mark, LEFT)
    if panel.form.expert.isVisible():
        qtbot.keyClicks(panel.form.expert, name)
    panel.form.strength.setValue(strength)
    panel.form.reason.setCurrentText(reason)
    qtbot.mouseClick(panel.form.ok, LEFT)


# ---- looking


def test_an_empty_session_says_what_to_do(qtbot):
    panel = MapPanel(Session(), HandRunner())
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()
    assert "project" in panel.empty.text()
    assert not panel.colour_by.isEnabled()


def test_the_map_says_what_it_is(panel):
    assert panel.scatter.corner.text() == "UMAP"
    caption = panel.caption.text()
    for words in ("never saw its patient", "mislead", "Research use only", "Synthetic"):
        assert words in caption


def test_colour_by_changes_colours_and_legend(qtbot, panel):
    before = panel.scatter.scene.colours
    rows = [b.text() for b in panel.legend.findChildren(QToolButton)]
    assert rows == ["alpha (2)", "beta (2)", "gamma (2)"]
    panel.colour_by.setCurrentIndex(panel.colour_by.findData("fold"))
    assert panel.scatter.scene.colours != before
    panel.colour_by.setCurrentIndex(panel.colour_by.findData("correct"))
    qtbot.waitUntil(lambda: len(panel.legend.findChildren(QToolButton)) == 2)


def legend_row(panel, name):
    rows = panel.legend.findChildren(QToolButton)
    return next(b for b in rows if b.text().startswith(name) and b.isVisible())


def test_legend_rows_show_their_slides_only(qtbot, panel, session):
    legend_row(panel, "alpha").click()
    assert panel.scatter.scene.filtered_out == {"s2", "s4", "s5", "s6"}
    legend_row(panel, "gamma").click()
    assert panel.scatter.scene.filtered_out == {"s2", "s4"}
    click(qtbot, panel, "s2")  # what stands back cannot be chosen
    assert session.slide_id is None
    legend_row(panel, "alpha").click()
    legend_row(panel, "gamma").click()
    assert panel.scatter.scene.filtered_out == frozenset()
    legend_row(panel, "alpha").click()
    panel.colour_by.setCurrentIndex(panel.colour_by.findData("site"))
    assert panel.scatter.scene.filtered_out == frozenset()


def test_a_click_opens_the_slide(qtbot, panel, session):
    click(qtbot, panel, "s4")
    assert session.slide_id == "s4"
    assert panel.scatter.scene.current == "s4"


def test_hover_shows_the_facts_and_no_patient(panel):
    card = panel._card("s2")
    assert card.title == "s2"
    assert "beta" in card.lines
    assert not any("P1" in line for line in card.lines)


@pytest.fixture
def real(qtbot, tiny, runner):
    """The panel on a project with slides and features."""
    session = Session()
    open_project(session, tiny.root)
    session.projection = tiny_projection(session.results)
    panel = MapPanel(session, runner)
    qtbot.addWidget(panel)
    panel.resize(390, 460)
    panel.show()
    yield panel
    panel.close()


def test_a_click_opens_the_slide_where_the_model_looked_most(qtbot, real):
    session = real.session
    click(qtbot, real, "S21")
    qtbot.waitUntil(lambda: session.focus is not None, timeout=20_000)
    expected = hottest_place(session.project, session.results, session.slide_id)
    assert (session.focus.slide_id, session.focus.x_px0) == (session.slide_id, expected.x_px0)


def test_the_card_has_a_picture_when_it_is_there(qtbot, real):
    scatter = real.scatter
    scatter._set_hover(3)
    qtbot.waitUntil(lambda: real._card("S04").picture is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not scatter._card._picture.pixmap().isNull(), timeout=20_000)
    assert scatter._card.isVisible()


def test_keys_of_the_map(qtbot, panel):
    scatter, controls = panel.scatter, panel.controls
    scatter.setFocus()
    before = (panel.lasso.isChecked(), controls.pictures.isChecked())
    qtbot.keyClick(scatter, Qt.Key.Key_L)
    qtbot.keyClick(scatter, Qt.Key.Key_P)
    qtbot.keyClick(scatter, Qt.Key.Key_D)
    after = (panel.lasso.isChecked(), controls.pictures.isChecked())
    assert after == (not before[0], not before[1])
    assert scatter.lasso_tool
    assert scatter.painter.every_dot
    scatter.zoom(3.0)
    qtbot.keyClick(scatter, Qt.Key.Key_F)
    assert scatter.zoomed == pytest.approx(1.0)


def test_what_did_not_change_is_not_painted_again(panel, session):
    scene = panel.scatter.scene
    session.expert = "Dr B"
    assert panel.scatter.scene is scene
    session.selection = ("s1",)
    assert panel.scatter.scene.dots is scene.dots


# ---- selecting


def test_the_selection_of_other_panels_is_shown(panel, session):
    session.selection = ("s1", "s2")
    assert panel.scatter.scene.selected == ("s1", "s2")
    assert panel.strip.mark.isEnabled()


def test_ctrl_click_selects_for_all_panels(qtbot, panel, session):
    select(qtbot, panel, "s1", "s2")
    assert session.selection == ("s1", "s2")
    assert session.slide_id is None
    qtbot.mouseClick(panel.strip.clear, LEFT)
    assert session.selection == ()


def test_a_pair_of_one_subtype_is_refused_with_a_reason(qtbot, panel):
    select(qtbot, panel, "s1", "s3")
    assert not panel.strip.mark.isEnabled()
    assert "Both are alpha" in panel.strip.sentence.text()


# ---- marking


def test_marking_two_slides(qtbot, panel, session):
    mark(qtbot, panel, "s1", "s2")
    (row,) = session.marks
    assert {row.slide_a, row.slide_b} == {"s1", "s2"}
    assert {row.subtype_a, row.subtype_b} == {"alpha", "beta"}
    assert (row.level, row.strength, row.reason, row.expert) == ("slide", 0.5, "both blue", "Dr A")
    assert session.expert == "Dr A"
    assert not panel.form.isVisible()
    assert len(panel.scatter.scene.lines) == 1


def test_the_name_is_asked_once(qtbot, panel, session):
    select(qtbot, panel, "s1", "s2")
    qtbot.mouseClick(panel.strip.mark, LEFT)
    assert panel.form.expert.isVisible()
    assert not panel.form.ok.isEnabled()
    qtbot.keyClicks(panel.form.expert, "Dr A")
    qtbot.mouseClick(panel.form.ok, LEFT)
    qtbot.mouseClick(panel.strip.clear, LEFT)
    select(qtbot, panel, "s3", "s5")
    qtbot.mouseClick(panel.strip.mark, LEFT)
    assert not panel.form.expert.isVisible()
    assert panel.form.ok.isEnabled()


def test_marking_two_subtypes(qtbot, panel, session):
    select(qtbot, panel, "s1", "s5")
    qtbot.mouseClick(panel.strip.mark, LEFT)
    panel.form.subtypes_button.click()
    qtbot.keyClicks(panel.form.expert, "Dr A")
    qtbot.keyClick(panel.form.expert, Qt.Key.Key_Return)
    (row,) = session.marks
    assert row.level == "subtype"
    assert row.slide_a == row.slide_b == ""
    assert {row.subtype_a, row.subtype_b} == {"alpha", "gamma"}
    assert panel.scatter.scene.lines[0].dashed


def test_the_slider_says_what_it_means(qtbot, panel):
    select(qtbot, panel, "s1", "s2")
    qtbot.mouseClick(panel.strip.mark, LEFT)
    panel.form.strength.setValue(20)
    # gamma 8, tau 0.1: tau * ln(8) = 0.21
    assert "0.21" in panel.form.margin.text()


def test_cancelling_marks_nothing(qtbot, panel, session):
    select(qtbot, panel, "s1", "s2")
    qtbot.mouseClick(panel.strip.mark, LEFT)
    qtbot.mouseClick(panel.form.cancel, LEFT)
    assert session.marks == ()
    assert not panel.form.isVisible()
    assert panel.strip.isVisible()


def test_a_marked_pair_is_shown_and_can_be_changed(qtbot, panel, session):
    mark(qtbot, panel, "s1", "s2")
    qtbot.mouseClick(panel.strip.clear, LEFT)
    select(qtbot, panel, "s2", "s1")
    assert "strength 0.50, both blue" in panel.strip.sentence.text()
    assert panel.strip.mark.text() == "Change the mark…"
    qtbot.mouseClick(panel.strip.mark, LEFT)
    assert panel.form.reason.currentText() == "both blue"
    panel.form.strength.setValue(20)
    qtbot.mouseClick(panel.form.ok, LEFT)
    (row,) = session.marks
    assert (row.strength, row.reason) == (1.0, "both blue")


def test_undo_takes_the_line_away(qtbot, panel, session):
    mark(qtbot, panel, "s1", "s2")
    session.history.undo()
    assert panel.scatter.scene.lines == ()
    session.history.redo()
    assert len(panel.scatter.scene.lines) == 1


def test_another_experts_mark_is_shown_and_one_can_add_ones_own(qtbot, panel, session):
    mark(qtbot, panel, "s1", "s2")
    session.expert = "Dr B"
    assert "Marked by Dr A" in panel.strip.sentence.text()
    qtbot.mouseClick(panel.strip.mark, LEFT)
    qtbot.mouseClick(panel.form.ok, LEFT)
    assert [m.expert for m in session.marks] == ["Dr A", "Dr B"]


def test_the_form_closes_when_the_pair_is_gone(qtbot, panel, session):
    select(qtbot, panel, "s1", "s2")
    panel.ask()
    session.selection = ("s1",)
    assert not panel.form.isVisible()


# ---- the map follows the model


def test_a_kept_umap_asks_for_nothing(panel, runner):
    assert runner.calls == []


def test_a_model_without_a_map_gets_pca_at_once_and_umap_later(qtbot, panel, session, runner):
    session.results = results("m002")
    assert session.projection.method == "pca"
    assert session.projection.version == "m002"
    assert panel.scatter.corner.text() == "PCA shown; UMAP is being computed…"
    function, args, more = runner.calls[0]
    assert function is map_project
    assert args == (session.project.root, "m002")
    more["on_result"](Projection("m002", "umap", IDS, POINTS + 1))
    assert session.projection.method == "umap"
    assert panel.scatter.corner.text() == "UMAP"


def test_the_window_does_not_wait_for_the_pca_of_very_many(qtbot, panel, session, monkeypatch):
    monkeypatch.setattr("napari_lookalike.ui.maps.AT_ONCE", 0)
    before = session.projection
    session.results = results("m002")
    assert session.projection is before
    qtbot.waitUntil(lambda: session.projection.version == "m002", timeout=20_000)
    assert session.projection.method == "pca"
    session.results = results("m003")
    session.results = results("m004")
    qtbot.waitUntil(lambda: session.projection.version == "m004", timeout=20_000)


def test_a_new_slide_is_placed_and_the_map_stays(panel, session, runner):
    shown, more = session.projection, results()
    new = replace(more.slides["s1"], slide_id="new")
    session.results = replace(more, slides={**more.slides, "new": new})
    assert session.projection is shown  # no PCA in between
    ids = (*IDS, "new")
    points = np.concatenate([POINTS, POINTS[:1] + 1])
    runner.calls[0][2]["on_result"](Projection("m001", "umap", ids, points))
    assert panel.scatter.scene.keys == ids


def test_a_late_map_of_another_model_is_dropped(panel, session, runner):
    session.results = results("m002")
    session.results = results("m0003")
    runner.calls[0][2]["on_result"](Projection("m002", "umap", IDS, POINTS))
    assert session.projection.version == "m0003"
    assert runner.cancelled == [1]


def test_a_failed_map_leaves_pca_and_says_so(panel, session, runner):
    session.results = results("m002")
    runner.calls[0][2]["on_error"](ModelError("The results are damaged.", "Train again."))
    assert session.projection.method == "pca"
    assert panel.scatter.corner.text() == "PCA"
    assert "damaged" in session.notice.text


def test_before_after_and_both(qtbot, panel, session, runner):
    assert not panel.compare.isVisible()
    show_new_model(session, results("m002"))
    runner.calls[0][2]["on_result"](Projection("m002", "umap", IDS, POINTS + 1))
    assert panel.compare.isVisible()
    assert np.array_equal(panel.scatter.scene.points, POINTS + 1)
    qtbot.mouseClick(panel.shown_buttons["before"], LEFT)
    assert np.array_equal(panel.scatter.scene.points, POINTS)
    qtbot.mouseClick(panel.shown_buttons["both"], LEFT)
    assert np.array_equal(panel.scatter.scene.before, POINTS)
    session.results_before = session.projection_before = None
    assert panel.scatter.scene.before is None
    assert not panel.compare.isVisible()


def test_before_and_after_are_maps_of_one_kind(panel, session, runner):
    session.projection = replace(session.projection, method="pca")
    show_new_model(session, results("m002"))
    runner.calls[0][2]["on_result"](Projection("m002", "umap", IDS, POINTS + 1))
    assert runner.calls[1][1] == (session.project.root, "m001")
    runner.calls[1][2]["on_result"](Projection("m001", "umap", IDS, POINTS + 2))
    assert session.projection_before.method == "umap"
    assert len(runner.calls) == 2


# ---- the panel itself


def test_everything_fits_a_narrow_dock(qtbot, panel):
    assert panel.minimumSizeHint().width() <= 380
    select(qtbot, panel, "s1", "s2")
    panel.ask()
    panel.resize(380, 460)
    for widget in (panel.form.ok, panel.form.reason, panel.form.margin, panel.colour_by):
        assert widget.height() >= widget.minimumSizeHint().height()
        right = widget.mapTo(panel, QPoint(widget.width(), 0)).x()
        assert right <= panel.width()


def test_controls_have_names_and_tips(panel):
    for widget in (
        panel.colour_by,
        panel.lasso,
        panel.reset,
        panel.strip.mark,
        panel.strip.clear,
        panel.form.strength,
        panel.form.reason,
        panel.form.expert,
        *panel.shown_buttons.values(),
    ):
        assert widget.accessibleName()
        assert widget.toolTip()


def test_a_closed_panel_lets_go_of_the_session(qtbot, panel, session):
    panel.close()
    session.selection = ("s1", "s2")
    assert panel.scatter.scene.selected == ()
