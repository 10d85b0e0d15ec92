"""The strip of top tiles: the most attended ones, and a click goes there."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.project_fixtures import TILE_PX0, tiny_grid, tiny_project
from tests.session.test_early_view import early

from napari_lookalike.core.attention import attention_weights
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import OverlaySettings, Session
from napari_lookalike.ui.panels.top_tiles import (
    EARLY,
    N_TILES,
    NOTHING,
    TopTilesPanel,
    read_top_tiles,
)

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    tiny_project(tmp_path, features=True)
    session = Session()
    open_project(session, tmp_path / "project")
    session.slide_id = None
    return session


@pytest.fixture
def panel(qtbot, session):
    panel = TopTilesPanel(session, None)
    qtbot.addWidget(panel)
    panel.resize(700, 170)
    panel.show()
    yield panel
    qtbot.waitUntil(lambda: not panel._background.busy)


def open_slide(qtbot, panel, session, slide_id):
    session.slide_id = slide_id
    qtbot.waitUntil(lambda: bool(panel.buttons) and not panel._background.busy, timeout=10_000)


def best_tile(session, slide_id):
    """(x, y) of the most attended tile's centre in level-0 pixels, the long way round."""
    logits = session.results.slides[slide_id].attention_logits[0]
    column, row = tiny_grid().cells[int(np.argmax(logits))]
    return (column + 0.5) * TILE_PX0, (row + 0.5) * TILE_PX0


def test_without_a_slide_it_says_what_to_do(panel):
    assert panel.buttons == ()
    assert panel.caption.text() == NOTHING


def test_the_most_attended_tile_comes_first_as_the_encoder_saw_it(session):
    tiles = read_top_tiles(session.project, session.results, "S05", OverlaySettings())
    weights = attention_weights(session.results.slides["S05"].attention_logits)[0]
    assert 1 < len(tiles) <= N_TILES
    assert tiles[0].value == pytest.approx(weights.max())
    assert [t.value for t in tiles] == sorted((t.value for t in tiles), reverse=True)
    x, y = best_tile(session, "S05")
    assert (tiles[0].x_px0, tiles[0].y_px0) == (x, y)
    with session.project.open_slide("S05") as slide:
        corner = int(x - TILE_PX0 / 2), int(y - TILE_PX0 / 2)
        wanted = slide.read_level(0, *corner, TILE_PX0, TILE_PX0)
    assert np.array_equal(tiles[0].image, wanted)


def test_a_click_goes_to_the_tile(qtbot, panel, session):
    open_slide(qtbot, panel, session, "S05")
    qtbot.mouseClick(panel.buttons[0], LEFT)
    focus = session.focus
    assert focus.slide_id == "S05"
    assert (focus.x_px0, focus.y_px0) == best_tile(session, "S05")
    assert focus.width_px0 > TILE_PX0
    qtbot.mouseClick(panel.buttons[1], LEFT)
    assert (session.focus.x_px0, session.focus.y_px0) != (focus.x_px0, focus.y_px0)


def test_another_slide_brings_other_tiles(qtbot, panel, session):
    open_slide(qtbot, panel, session, "S05")
    before = [b.text() for b in panel.buttons]
    session.slide_id = "S06"
    qtbot.waitUntil(lambda: [b.text() for b in panel.buttons] not in ([], before), timeout=10_000)
    session.slide_id = None
    qtbot.waitUntil(lambda: panel.buttons == ())
    assert panel.caption.text() == NOTHING


def test_former_tiles_are_gone_at_once(qtbot, panel, session):
    """Qt deletes them later, and until then they would be drawn behind the new ones."""
    open_slide(qtbot, panel, session, "S05")
    former = panel.buttons
    panel._show(())
    assert former and all(button.isHidden() for button in former)


def test_raw_logits_are_named_as_such(qtbot, panel, session):
    open_slide(qtbot, panel, session, "S05")
    assert "attention weight" in panel.caption.text()
    before = [b.text() for b in panel.buttons]
    session.overlay = OverlaySettings(values="logits")
    qtbot.waitUntil(lambda: "attention logit" in panel.caption.text(), timeout=10_000)
    assert [b.text() for b in panel.buttons] != before


def test_a_slide_that_the_model_does_not_know_has_none(qtbot, panel, session):
    session.results = None
    session.slide_id = "S05"
    qtbot.waitUntil(lambda: not panel._background.busy)
    assert panel.buttons == ()
    assert panel.caption.text() == NOTHING


def test_while_it_is_embedded_it_says_when_tiles_come(qtbot, panel, session):
    session.slide_id = "S05"
    session.early = early(session, slide_id="S05")
    assert panel.caption.text() == EARLY
    assert panel.buttons == ()
    session.early = None
    qtbot.waitUntil(lambda: bool(panel.buttons), timeout=10_000)


def test_no_number_is_cut_where_the_sentence_above_wraps_and_text_is_large(qtbot, panel, session):
    open_slide(qtbot, panel, session, "S05")
    font = panel.font()
    font.setPointSize(18)
    panel.setFont(font)
    panel.resize(700, 100)

    def whole():
        panel.resize(700, panel.minimumSizeHint().height())  # as low as a dock makes it
        caption, viewport = panel.caption, panel.buttons[0].parent().parent()
        return (
            caption.height() >= caption.heightForWidth(caption.width())
            and viewport.height() >= panel.buttons[0].sizeHint().height()
        )

    qtbot.waitUntil(whole, timeout=20_000)
    assert panel.caption.height() > 2 * panel.fontMetrics().height() - 4  # it did wrap
    panel.resize(120, 100)  # nor does a very narrow dock make the window higher than the screen
    qtbot.waitUntil(lambda: panel.minimumSizeHint().height() < 400, timeout=20_000)
