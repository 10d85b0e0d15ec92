"""The prediction panel: what it says, what it warns of, and how attention is drawn."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLabel
from tests.project_fixtures import CLASSES, SECOND, tiny_project

from napari_lookalike.core.attention import attention_weights, display_range
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.results import load_results
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.overlay import resolve_legend, resolve_overlay
from napari_lookalike.session.session import OverlaySettings, Session
from napari_lookalike.session.trial import show_new_model
from napari_lookalike.ui.panels.prediction import PredictionPanel
from napari_lookalike.ui.widgets.colour_bar import short

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    tiny_project(tmp_path, features=True)
    session = Session()
    open_project(session, tmp_path / "project")
    return session


@pytest.fixture
def panel(qtbot, session):
    panel = shown(qtbot, session)
    yield panel
    panel.close()


def shown(qtbot, session):
    panel = PredictionPanel(session, None)
    qtbot.addWidget(panel)
    panel.resize(270, 460)
    panel.show()
    return panel


def whole(label):
    """Whether a wrapped text has the height that it needs."""
    return label.height() >= label.heightForWidth(label.width())


def several_branches(session):
    """The same results as of a head that attends for each class by itself."""
    rng = np.random.default_rng(3)
    slides = {
        s: replace(r, attention_logits=rng.normal(size=(len(CLASSES), 48)).astype(np.float32))
        for s, r in session.results.slides.items()
    }
    session.results = replace(session.results, slides=slides, card={"head": "clam_mb"})


# ---- what it says


def test_without_a_slide_it_says_what_to_do(qtbot):
    panel = shown(qtbot, Session())
    assert "Open a slide" in panel.empty.text()
    assert panel.empty.isVisible()
    assert not panel.overlay.isVisible()
    assert "Research use only" in panel.notes.text()


def test_without_a_model_it_says_what_to_do(panel, session):
    session.results = None
    assert "train a first model" in panel.empty.text()
    assert panel.title.text() == "<b>S01</b>"
    assert not panel.bars.isVisible()
    assert not panel.overlay.isVisible()
    assert "Research use only" in panel.notes.text()


def test_a_slide_that_the_model_does_not_know(panel, session):
    slides = {s: r for s, r in session.results.slides.items() if s != "S01"}
    session.results = replace(session.results, slides=slides)
    assert panel.empty.isVisible()
    assert "Embed the slide" in panel.empty.text()
    session.slide_id = "S02"
    assert not panel.empty.isVisible()


def test_every_subtype_has_a_bar_the_most_probable_first(panel, session):
    session.slide_id = "S09"
    p = session.results.slides["S09"].probabilities
    bars = panel.bars.bars
    assert [b.name for b in bars] == [CLASSES[i] for i in np.argsort(-p)]
    assert [b.probability for b in bars] == pytest.approx(sorted(p, reverse=True))
    assert [b.number for b in bars] == [f"{100 * x:.0f} %" for x in sorted(p, reverse=True)]
    assert [b.name for b in bars if b.is_label] == [session.cohort["S09"].label]


def test_the_differential_names_two_and_their_margin(panel, session):
    bars = panel.bars.bars
    text = panel.differential.text()
    assert text.startswith(f"<b>{bars[0].name}</b>")
    assert bars[1].name in text
    assert f"{100 * (bars[0].probability - bars[1].probability):.0f} points" in text


def test_it_says_whether_the_label_agrees(panel, session):
    results = session.results
    for slide_id, r in results.slides.items():
        right = results.classes[int(r.ranking[0])] == session.cohort[slide_id].label
        session.slide_id = slide_id
        assert ("agrees" if right else "differs") in panel.label.text()
    unlabelled = replace(session.cohort["S24"], label="")
    session.cohort = session.cohort.with_record(unlabelled)
    assert panel.label.text() == "Not labelled."


def test_the_case_and_its_rule(panel, session):
    text = panel.case.text()
    assert panel.case.isVisibleTo(panel)
    assert "Patient 1, 2 slides together" in text
    assert "Rule: Mean of the log-probabilities" in text
    assert "PAT-" not in text
    session.show_patient_ids = True
    assert "PAT-01" in panel.case.text()


def test_a_patient_with_one_slide_has_no_case(panel, session):
    session.cohort = session.cohort.with_record(replace(session.cohort["S02"], excluded=True))
    assert not panel.case.isVisibleTo(panel)


def test_unlike_anything_is_said_where_it_is_so(panel, session):
    assert not panel.unlike.isVisibleTo(panel)
    session.slide_id = "S24"
    assert panel.unlike.isVisibleTo(panel)
    assert "unlike anything in the training set" in panel.unlike.text()


def test_who_said_so(panel, session):
    text = panel.provenance.text()
    for words in ("m001-supcon", "ABMIL", "tiny-v1", "never saw this patient"):
        assert words in text
    new = replace(session.results.slides["S01"], held_out=False, fold=-1)
    session.results = replace(session.results, slides={**session.results.slides, "S01": new})
    assert "New slide: said by the final model" in panel.provenance.text()


def test_synthetic_and_research_use_are_always_said(panel, session):
    assert "Synthetic" in panel.notes.text()
    assert "Research use only" in panel.notes.text()
    session.cohort = Cohort(session.cohort.slides)
    assert "Synthetic" not in panel.notes.text()
    assert "Research use only" in panel.notes.text()
    panel.resize(270, 300)
    assert panel.notes.isVisible()
    assert panel.notes.mapTo(panel, QPoint(0, panel.notes.height())).y() <= panel.height()


def test_a_model_on_trial_is_compared_with_the_former(panel, session):
    assert all(b.before is None for b in panel.bars.bars)
    former = session.results
    show_new_model(session, load_results(session.project.version_dir(SECOND)))
    assert "on trial" in panel.provenance.text()
    p = former.slides["S01"].probabilities
    for bar in panel.bars.bars:
        assert bar.before == pytest.approx(p[CLASSES.index(bar.name)])
        assert "before the fine-tuning" in bar.sentence


# ---- attention


def test_attention_on_and_off(qtbot, panel, session):
    box = panel.overlay.visible
    qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert not session.overlay.visible
    assert not panel.overlay.opacity.isEnabled()
    qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert session.overlay.visible
    assert panel.overlay.opacity.isEnabled()


def test_opacity_by_key(qtbot, panel, session):
    slider = panel.overlay.opacity
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert session.overlay.opacity == pytest.approx(0.51)
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert session.overlay.opacity == 0.0
    assert panel.overlay.percent.text() == "0 %"


def test_settings_made_elsewhere_are_shown_without_an_echo(panel, session):
    heard = []
    session.events.overlay.connect(heard.append)
    wanted = OverlaySettings(visible=False, values="logits", opacity=0.333)
    session.overlay = wanted
    assert heard == [wanted]
    assert session.overlay.opacity == 0.333
    assert panel.overlay.opacity.value() == 33
    assert panel.overlay.values["logits"].isChecked()
    assert not panel.overlay.visible.isChecked()


def test_weights_and_logits(qtbot, panel, session):
    logits = session.results.slides["S01"].attention_logits[0]
    weights = display_range(attention_weights(logits))
    assert panel.overlay.bar.texts == (f"low {short(weights[0])}", f"high {short(weights[1])}")
    assert "softmax weights" in panel.overlay.text.text()
    qtbot.mouseClick(panel.overlay.values["logits"], LEFT)
    assert session.overlay.values == "logits"
    raw = display_range(logits)
    assert panel.overlay.bar.texts == (f"low {short(raw[0])}", f"high {short(raw[1])}")
    assert "raw logits" in panel.overlay.text.text()


def test_the_legend_is_that_of_the_layer(panel, session):
    several_branches(session)
    for settings in (
        OverlaySettings(),
        OverlaySettings(values="logits", branch="gamma"),
        OverlaySettings(branch="delta"),
    ):
        legend = resolve_legend(session.results, "S05", settings)
        layer = resolve_overlay(session.project, session.results, "S05", settings)
        assert legend.text == layer.legend
        assert legend.limits == pytest.approx(layer.limits)
    assert resolve_legend(session.results, "not there", OverlaySettings()) is None


def test_the_class_is_chosen_only_where_the_head_attends_for_each(qtbot, panel, session):
    box = panel.overlay.branch
    assert not box.isVisible()
    assert "all subtypes together" in panel.overlay.text.text()
    several_branches(session)
    assert box.isVisible()
    assert box.currentData() == session.overlay.branch == ""
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_End)
    box.activated.emit(box.currentIndex())
    assert session.overlay.branch == CLASSES[-1]
    assert f"Attention for {CLASSES[-1]}" in panel.overlay.text.text()


def test_the_colour_bar_is_plasma_with_an_empty_box_for_not_analysed(panel):
    image = panel.overlay.bar.grab().toImage()
    y = 4
    right, middle = image.pixelColor(image.width() - 2, y), image.pixelColor(image.width() // 2, y)
    assert right.red() > 200 and right.green() > 200 and right.blue() < 80
    assert middle.red() > middle.green()
    inside = image.pixelColor(10, y)
    assert inside == image.pixelColor(image.width() // 2, image.height() - 1)
    assert "not analysed: transparent" in panel.overlay.bar.accessibleDescription()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0000642, "0.000064"),
        (0.0074, "0.0074"),
        (0.0, "0"),
        (-2.24, "−2.2"),
        (12.6, "13"),
        (250.4, "250"),
    ],
)
def test_numbers_have_two_digits(value, text):
    assert short(value) == text


# ---- the panel itself


def test_nothing_is_cut_off_at_270_pixels(qtbot, panel, session):
    long = "atypical teratoid rhabdoid tumour, SHH-activated, of the posterior fossa"
    classes = (long, *CLASSES[1:])
    session.results = replace(session.results, classes=classes)
    assert panel.minimumSizeHint().width() <= 270
    for label in panel.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            qtbot.waitUntil(partial(whole, label))
            assert label.mapTo(panel, QPoint(label.width(), 0)).x() <= panel.width()
    inner = panel.area.widget()
    assert inner.width() <= panel.area.viewport().width()
    bar = next(b for b in panel.bars.bars if b.name == long)
    at = panel.bars.bars.index(bar) * panel.bars.row_px + 3
    assert long in panel.bars.bar_at(at).sentence


def test_controls_have_names_and_tips(panel, session):
    several_branches(session)
    controls = panel.overlay
    for widget in (controls.visible, controls.opacity, controls.branch, *controls.values.values()):
        assert widget.accessibleName()
        assert widget.toolTip()
    assert panel.bars.bars[0].sentence in panel.bars.accessibleDescription()


def test_a_closed_panel_lets_go_of_the_session(panel, session):
    panel.close()
    session.slide_id = "S09"
    assert panel.title.text() == "<b>S01</b>"
