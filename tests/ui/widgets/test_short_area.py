"""An area that is as high as its content where there is room."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lookalike.ui.widgets.short_area import ShortArea

pytestmark = pytest.mark.gui


@pytest.fixture
def parts(qtbot) -> tuple[QWidget, ShortArea, QWidget]:
    """A window, the area in it, and a part of the content that may be folded away."""
    content, always, folded = QWidget(), QWidget(), QWidget()
    for widget in (always, folded):
        widget.setFixedSize(100, 150)
    inner = QVBoxLayout(content)
    inner.setContentsMargins(0, 0, 0, 0)
    inner.setSpacing(0)
    inner.addWidget(always)
    inner.addWidget(folded)
    folded.hide()
    window, area = QWidget(), ShortArea(content, 60)
    layout = QVBoxLayout(window)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(area)
    layout.addStretch(1)
    qtbot.addWidget(window)
    window.resize(200, 500)
    window.show()
    return window, area, folded


def test_it_follows_what_it_holds(qtbot, parts):
    _, area, folded = parts
    qtbot.waitUntil(lambda: area.height() == 150, timeout=10_000)
    folded.show()
    qtbot.waitUntil(lambda: area.height() == 300, timeout=10_000)
    folded.hide()
    qtbot.waitUntil(lambda: area.height() == 150, timeout=10_000)


def test_no_bar_is_seen_where_there_is_room_whatever_border_it_has(qtbot, parts):
    _, area, folded = parts
    area.setStyleSheet("QScrollArea { border: 3px solid red; }")
    folded.show()
    qtbot.waitUntil(lambda: area.viewport().height() == 300, timeout=10_000)
    assert not area.verticalScrollBar().isVisible()


def test_it_scrolls_in_a_small_window_and_cuts_no_width(qtbot, parts):
    window, area, folded = parts
    folded.show()
    window.resize(100, 120)
    qtbot.waitUntil(lambda: window.height() == 120, timeout=10_000)
    assert area.height() <= 120
    assert area.viewport().width() >= 100
