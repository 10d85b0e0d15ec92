"""Colours of the lists follow the theme; the bar shows what was covered first."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, QPoint
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QToolTip

from napari_lookalike.session.suggestions_view import PairRow
from napari_lookalike.ui.widgets.coverage_bar import CoverageBar
from napari_lookalike.ui.widgets.palette import WARNING_ON_DARK, WARNING_ON_LIGHT
from napari_lookalike.ui.widgets.suggestion_lists import PairList

pytestmark = pytest.mark.gui
ROWS = (
    PairRow("alpha", "beta", "3 of 9", "nobody looked", True, 0.75),
    PairRow("alpha", "gamma", "1 of 8", "marked by Dr A", False, 0.25),
)


@pytest.mark.parametrize(
    ("style", "colour"),
    [
        ("* { background: #202020; color: white; }", WARNING_ON_DARK),
        ("* { background: #f0f0f0; color: black; }", WARNING_ON_LIGHT),
    ],
)
def test_open_pairs_stand_out_on_any_ground(qtbot, style, colour):
    pairs = PairList()
    qtbot.addWidget(pairs)
    pairs.show_rows(ROWS)
    pairs.setStyleSheet(style)
    item = pairs.tree.topLevelItem(0)
    assert item.foreground(2).color().name().lower() == colour.lower()
    assert pairs.tree.topLevelItem(1).foreground(2).style().name == "NoBrush"


def test_the_bar_has_covered_parts_first_and_names_each(qtbot, monkeypatch):
    told = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, _widget: told.append(text))
    bar = CoverageBar()
    qtbot.addWidget(bar)
    bar.resize(200, 14)
    bar.show_pairs(ROWS, "1 of 4 confusions looked at, 1 pair open")
    (covered, first), (open_, second) = bar.parts()
    assert (first.b, second.b) == ("gamma", "beta")
    assert (covered.width(), open_.left(), open_.right()) == (50, 50, 200)
    event = QHelpEvent(QEvent.Type.ToolTip, QPoint(120, 5), QPoint(120, 5))
    QApplication.sendEvent(bar, event)
    assert told == ["alpha and beta: 3 of 9 slides confused, nobody looked."]
    bar.show_pairs((), "")
    assert not bar.isVisible()
