"""Turning and mirroring one of the two slides: keys, buttons, and all that follows."""

from __future__ import annotations

import sys
from unittest.mock import MagicMock

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QKeySequence
from tests.ui.twin.reviewing import CTRL, LEFT, SHIFT, WAIT, K, hover, press, used

from napari_lookalike.session import twin
from napari_lookalike.session.orientation import UPRIGHT, Orientation
from napari_lookalike.ui.keys import slide_keys
from napari_lookalike.ui.twin.pane import Zoom
from napari_lookalike.ui.twin.picture import laid
from napari_lookalike.ui.twin.turning import _CTRL, TURN_KEYS, TURNS

BOTH = (False, True)
ALL = [Orientation(t, left, up) for t in BOTH for left in BOTH for up in BOTH]


def lies(review):
    return tuple(field.orientation for field in review.panes.fields)


def test_the_keys_are_those_of_the_canvas():
    canvas = {k.keys for k in slide_keys(MagicMock()) if k.group == "Turn and mirror"}
    assert {turn.keys for turn in TURNS.values()} == canvas
    for (key, held), name in TURN_KEYS.items():
        held = CTRL if held == _CTRL else held
        assert QKeySequence(held.value | key).toString() == TURNS[name].keys


def test_a_key_turns_the_slide_that_is_meant_and_no_other(review):
    press(review, K.Key_Right)
    press(review, K.Key_Right, _CTRL)
    assert lies(review) == (UPRIGHT, UPRIGHT.turned(1))
    press(review, K.Key_Left)
    press(review, K.Key_Left, _CTRL)
    press(review, K.Key_H, SHIFT)
    assert lies(review) == (UPRIGHT.turned(-1).mirrored("left-right"), UPRIGHT.turned(1))
    press(review, K.Key_U, SHIFT)
    press(review, K.Key_N, SHIFT)
    assert lies(review) == (UPRIGHT, UPRIGHT.turned(1))


def test_the_pointer_says_which_slide_is_meant_on_glass_too(review):
    press(review, K.Key_Left)
    review.panes.panes[1].pointed.emit(-500.0, -500.0)  # beside the slide: no tile
    assert [pane.meant for pane in review.panes.panes] == [False, True]
    press(review, K.Key_Right, _CTRL)
    assert lies(review) == (UPRIGHT, UPRIGHT.turned(1))


def test_centre_and_zoom_stay(review):
    before = review.panes.fields
    press(review, K.Key_Right, _CTRL)
    for now, was in zip(review.panes.fields, before, strict=True):
        assert (now.x_px0, now.y_px0, now.pixel) == (was.x_px0, was.y_px0, was.pixel)


@pytest.mark.parametrize("orientation", ALL)
def test_pixels_lie_as_the_place_says(orientation):
    """What is right of the centre on the screen is what the field has there."""
    pixels = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    out = laid(pixels, orientation)
    height, width = out.height(), out.width()
    for v in range(height):
        for u in range(width):
            x, y = orientation.to_slide(u - (width - 1) / 2, v - (height - 1) / 2)
            colour = out.pixelColor(u, v).getRgb()[:3]
            assert colour == tuple(pixels[round(y + 1), round(x + 2)].tolist())


def test_a_turned_pane_draws_the_slide_where_it_says(review, session):
    with session.project.open_slide("S01") as slide:
        pixels = slide.read_level(0, 0, 0, *slide.size).astype(int)
    pane = review.panes.panes[0]
    pane.set_frames(())
    for name in ("right", "right", "flip", "left", "mirror"):  # after each another one of eight
        review.panes.turn(name, 0)
        review.show_all()
        compared = _compare(pane, pixels)
        assert compared > 50, name


def _compare(pane, pixels):
    """How many places of the slide have their own colour where the pane says that they are."""
    picture, ratio, compared = pane.grab().toImage(), pane.devicePixelRatioF(), 0
    for x, y in np.random.default_rng(0).integers(4, (250, 186), (200, 2)):
        patch = pixels[y - 1 : y + 2, x - 1 : x + 2]
        at = pane.point_of(x + 0.5, y + 0.5)
        flat = not np.ptp(patch, axis=(0, 1)).max()  # at an edge neighbours mix
        if not flat or not pane.rect().adjusted(4, 4, -4, -60).contains(at.toPoint()):
            continue
        colour = picture.pixelColor(round(at.x() * ratio), round(at.y() * ratio))
        drawn = np.array([colour.red(), colour.green(), colour.blue()])
        assert np.abs(drawn - pixels[y, x]).max() <= 6, (x, y)
        compared += 1
    return compared


def test_what_is_said_belongs_to_the_tile_under_the_pointer(review, session):
    review.panes.turn("left", 1)
    review.panes.turn("flip", 1)
    region = review.compared.b.region(review.compared.b.top[0])
    review.panes.go_to(1, region)
    hover(review, 1, region)
    press(review, K.Key_S)
    (tile,) = used(session)
    assert (tile.slide_id, tile.x, tile.y) == ("S05", region.x, region.y)


def test_shift_and_an_arrow_go_by_the_screen(review):
    press(review, K.Key_Left)
    review.panes.turn("right", 0)  # the slide's top lies right now
    review.panes.go_to(0, review.panes._tiles[0].at(100.0, 100.0))
    press(review, K.Key_Right, SHIFT)
    assert (review.panes.current[1].x, review.panes.current[1].y) == (96.0, 64.0)
    press(review, K.Key_Down, SHIFT)  # down on the screen is right on the slide
    assert (review.panes.current[1].x, review.panes.current[1].y) == (128.0, 64.0)


def test_linked_both_pictures_follow_the_hand(review):
    press(review, K.Key_L)
    review.panes.turn("right", 1)
    for pane in review.panes.panes:
        pane.set_field(pane.field.centred(128.0, 96.0))
    panes = review.panes.panes
    was = [pane.point_of(128.0, 96.0) for pane in panes]
    panes[0].pan_requested.emit(20.0, 10.0)
    for pane, before in zip(panes, was, strict=True):
        now = pane.point_of(128.0, 96.0)
        assert (now.x() - before.x(), now.y() - before.y()) == pytest.approx((-20.0, -10.0))


def test_turned_they_still_zoom_together(review):
    review.panes.turn("right", 1)
    panes = review.panes.panes
    at = QPointF(panes[1].width() * 0.6, panes[1].height() * 0.4)
    before = panes[1].place_at(at)
    anchor = at.x() - panes[1].width() / 2, at.y() - panes[1].height() / 2
    panes[1].zoom_requested.emit(Zoom(0.8, anchor))
    assert panes[1].place_at(at) == pytest.approx(before, abs=0.01)
    assert panes[0].field.pixel == pytest.approx(panes[1].field.pixel)
    press(review, K.Key_Home)
    assert lies(review) == (UPRIGHT, UPRIGHT.turned(1))


def test_buttons_turn_their_own_slide_and_take_it_back(review, qtbot):
    buttons = review.panes.turns[1].buttons
    assert not buttons["scanned"].isEnabled()
    qtbot.mouseClick(buttons["mirror"], LEFT)
    assert lies(review) == (UPRIGHT, UPRIGHT.mirrored("left-right"))
    assert review.panes.side == 1
    qtbot.mouseClick(buttons["scanned"], LEFT)
    assert lies(review) == (UPRIGHT, UPRIGHT)
    for turns in review.panes.turns:
        for button in turns.buttons.values():
            assert button.toolTip()
            assert button.accessibleName().startswith("Slide ")
            assert button.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_the_rows_lie_as_the_slides_and_another_pair_as_scanned(review, session, qtbot):
    qtbot.waitUntil(lambda: all(c._pictures for c in review.strip.cards), timeout=WAIT)
    card = review.strip.cards[0]
    left, right = QPoint(6, card.height() - 90), QPoint(98, card.height() - 90)
    size = 86, 86
    upright = card.grab().toImage()
    review.panes.turn("flip", 1)
    turned = card.grab().toImage()
    assert turned.copy(left.x(), left.y(), *size) == upright.copy(left.x(), left.y(), *size)
    flipped = turned.copy(right.x(), right.y(), *size)
    assert flipped != upright.copy(right.x(), right.y(), *size)
    twin.open_twin(session, "S02", "S06")
    review.show_pair()
    qtbot.waitUntil(lambda: bool(review.strip.cards) and not review.loading, timeout=WAIT)
    assert lies(review) == (UPRIGHT, UPRIGHT)
    assert review.strip.cards[0].lies == (UPRIGHT, UPRIGHT)


def test_while_tiles_are_checked_slides_can_be_turned(review):
    press(review, K.Key_Left)
    press(review, K.Key_D)
    press(review, K.Key_M)
    assert review.checking.running
    press(review, K.Key_Right, _CTRL)
    assert review.checking.running
    assert lies(review)[0] == UPRIGHT.turned(1)


def test_how_a_slide_lies_is_said_in_its_pane(review):
    from napari_lookalike.ui.twin.marks_paint import legend_text

    field = review.panes.panes[0].field
    assert "turned" not in legend_text(field)
    assert legend_text(field.laid(UPRIGHT.turned(1))).endswith("turned 90° right")


@pytest.mark.skipif(sys.platform == "darwin", reason="Qt calls the command key control there")
def test_on_other_systems_it_is_control():
    assert _CTRL == CTRL
