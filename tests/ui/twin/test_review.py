"""The twin review: two slides side by side, by doing what an expert does."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF
from tests.project_fixtures import TILE_PX0
from tests.ui.twin.reviewing import LEFT, WAIT, K, centre_of, move, press, used, wheel

# ---- opening


def test_each_slide_opens_at_its_most_attended_tile_at_one_scale(review, session):
    for i, slide_id in enumerate(session.twin):
        logits = session.results.slides[slide_id].attention_logits[0]
        side = (review.compared.a, review.compared.b)[i]
        region = side.region(int(logits.argmax()))
        field = review.panes.panes[i].field
        assert (field.x_px0, field.y_px0) == centre_of(region)
    a, b = review.panes.fields
    assert a.pixel == pytest.approx(b.pixel)


def test_a_pane_draws_the_slide_where_it_says(review, session):
    """The colour under a place is the slide's own there, at whatever zoom."""
    review.show_all()
    pane = review.panes.panes[0]
    pane.set_frames(())
    picture = pane.grab().toImage()
    ratio = pane.devicePixelRatioF()
    with session.project.open_slide("S01") as slide:
        pixels = slide.read_level(0, 0, 0, *slide.size).astype(int)
    compared = 0
    for x, y in np.random.default_rng(0).integers(4, (250, 186), (200, 2)):
        patch = pixels[y - 1 : y + 2, x - 1 : x + 2]
        if np.ptp(patch, axis=(0, 1)).max():  # at an edge, where neighbours mix
            continue
        at = pane.point_of(x + 0.5, y + 0.5)
        if not pane.rect().adjusted(0, 0, 0, -60).contains(at.toPoint()):
            continue
        colour = picture.pixelColor(round(at.x() * ratio), round(at.y() * ratio))
        drawn = np.array([colour.red(), colour.green(), colour.blue()])
        assert np.abs(drawn - pixels[y, x]).max() <= 6, (x, y)
        compared += 1
    assert compared > 50


def test_names_predictions_and_research_use_are_said(review):
    assert review.panes.titles[0].text() == "A: S01, alpha"
    assert review.panes.titles[1].text() == "B: S05, beta"
    assert "The model says" in review.panes.predictions[0].text()


def test_a_slide_without_features_is_shown_and_says_so(make, session):
    session.project.features_path("S05").unlink()
    review = make()
    assert review.panes.panes[1].source is not None
    assert "Embed the slide first" in review.panes.missing[1].text()
    assert review.strip.cards == ()
    review.panes.choose_side(1)
    press(review, K.Key_D)
    (tile,) = used(session)
    assert tile.slide_id == "S05"
    assert "not embedded yet" in review.notice.text()


def test_a_slide_whose_file_is_gone_says_so_and_the_other_is_shown(make, session):
    session.cohort["S05"].path.unlink()
    review = make()
    assert review.panes.panes[0].source is not None
    assert "not where it was" in review.panes.panes[1].message
    press(review, K.Key_Home)  # nothing of it stands in the way
    press(review, K.Key_Plus)


# ---- rows


def test_a_click_on_a_row_goes_there_in_both(review, qtbot):
    card = review.strip.cards[1]
    qtbot.mouseClick(card, LEFT)
    match = review.compared.rows[1]
    for i, (side, tile) in enumerate(((review.compared.a, match.a), (review.compared.b, match.b))):
        field = review.panes.panes[i].field
        assert (field.x_px0, field.y_px0) == centre_of(side.region(tile))
    assert card.selected
    assert not review.strip.cards[0].selected


def test_rows_by_key_and_their_pictures(review, qtbot):
    qtbot.waitUntil(lambda: all(c._pictures for c in review.strip.cards), timeout=WAIT)
    press(review, K.Key_Down)
    assert review.row == 0
    press(review, K.Key_Down)
    assert review.row == 1
    press(review, K.Key_Up)
    press(review, K.Key_Up)
    assert review.row == 0
    assert [c.selected for c in review.strip.cards].index(True) == 0


def test_going_far_out_and_to_a_row_comes_near_again(review):
    press(review, K.Key_Home)
    for _ in range(12):
        press(review, K.Key_Minus)
    review.go_to_row(0)
    drawn = TILE_PX0 / review.panes.panes[0].field.step[0]
    assert drawn >= 48


# ---- moving


def test_the_wheel_zooms_both_by_the_same_um(review):
    before = review.panes.fields
    wheel(review.panes.panes[1], -2)
    a, b = review.panes.fields
    assert a.pixel == pytest.approx(b.pixel)
    assert a.pixel > before[0].pixel


def test_the_wheel_keeps_what_is_under_the_pointer(review):
    pane = review.panes.panes[0]
    at = QPointF(pane.width() * 0.6, pane.height() * 0.4)
    before = pane.place_at(at)
    wheel(pane, 1, at)
    assert pane.place_at(at) == pytest.approx(before, abs=0.01)


def test_panning_moves_one_and_both_when_linked(review):
    press(review, K.Key_Home)
    press(review, K.Key_Plus)
    press(review, K.Key_Plus)
    for pane in review.panes.panes:
        pane.set_field(pane.field.centred(128.0, 96.0))
    a, b = review.panes.fields
    review.panes.panes[0].pan_requested.emit(20.0, 10.0)
    assert review.panes.fields[0] != a
    assert review.panes.fields[1] == b
    press(review, K.Key_L)
    assert review.link.isChecked()
    a, b = review.panes.fields
    review.panes.panes[1].pan_requested.emit(20.0, 10.0)
    moved = [
        (n.x_px0 - o.x_px0, n.y_px0 - o.y_px0)
        for n, o in zip(review.panes.fields, (a, b), strict=True)
    ]
    assert moved[0] == pytest.approx(moved[1])
    assert moved[0][0] > 0


def test_a_drag_pans_and_is_no_click(review, qtbot):
    pane = review.panes.panes[0]
    clicks, pans = [], []
    pane.clicked.connect(lambda *at: clicks.append(at))
    pane.pan_requested.connect(lambda *by: pans.append(by))
    centre = pane.rect().center()
    qtbot.mousePress(pane, LEFT, pos=centre)
    move(pane, centre + QPoint(30, 0), LEFT)
    move(pane, centre + QPoint(40, 10), LEFT)
    qtbot.mouseRelease(pane, LEFT, pos=centre + QPoint(40, 10))
    assert pans == [(-30.0, 0.0), (-10.0, -10.0)]
    assert clicks == []
    qtbot.mouseClick(pane, LEFT, pos=centre)
    assert len(clicks) == 1


def test_the_next_top_tile(review):
    first = review.panes.current
    press(review, K.Key_Left)
    press(review, K.Key_T)
    second = review.compared.a.region(review.compared.a.top[1])
    assert review.panes.current == (0, second)
    assert first != review.panes.current
