"""A panel that is higher than its dock scrolls, and squeezes no line of text."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QLabel, QScrollArea, QTableView, QWidget

from napari_lookalike.ui.widgets.roomy import RoomyArea, roomy

pytestmark = pytest.mark.gui
LEAST = 100


@pytest.fixture
def parts(qtbot) -> tuple[QWidget, QWidget, QWidget]:
    """A panel, and two parts of it of 150 px, the second one hidden."""
    panel, always, later = QWidget(), QWidget(), QWidget()
    layout = roomy(panel, LEAST)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for part in (always, later):
        part.setMinimumSize(120, 150)
        layout.addWidget(part, 1)
    later.hide()
    qtbot.addWidget(panel)
    panel.resize(200, 160)
    panel.show()
    return panel, always, later


def area_of(panel: QWidget) -> RoomyArea:
    found = panel.findChild(QScrollArea)
    assert isinstance(found, RoomyArea)
    return found


def test_it_asks_for_little_height_and_all_its_width(qtbot, parts):
    panel, _, later = parts
    later.show()
    qtbot.waitUntil(
        lambda: area_of(panel).content.minimumSizeHint().height() == 300, timeout=10_000
    )
    assert panel.minimumSizeHint().height() == LEAST
    assert panel.minimumSizeHint().width() >= 120


def test_what_is_shown_later_scrolls_and_what_fits_fills_the_panel(qtbot, parts):
    panel, always, later = parts
    bar = area_of(panel).verticalScrollBar()
    qtbot.waitUntil(lambda: always.height() == 160, timeout=10_000)
    assert not bar.isVisible()
    later.show()
    qtbot.waitUntil(bar.isVisible, timeout=10_000)
    qtbot.waitUntil(lambda: min(always.height(), later.height()) == 150, timeout=10_000)
    later.hide()
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=10_000)


def test_no_line_of_a_text_is_squeezed_away(qtbot):
    panel, text, rest = QWidget(), QLabel("small round blue cells " * 12), QWidget()
    text.setWordWrap(True)
    rest.setMinimumHeight(80)
    layout = roomy(panel, LEAST)
    layout.addWidget(text)
    layout.addWidget(rest)
    qtbot.addWidget(panel)
    panel.resize(180, 120)
    panel.show()
    qtbot.waitUntil(lambda: text.height() >= text.heightForWidth(text.width()), timeout=10_000)
    assert panel.height() == 120
    area = area_of(panel)
    qtbot.waitUntil(area.verticalScrollBar().isVisible, timeout=10_000)
    text.setText("small")
    qtbot.waitUntil(lambda: not area.verticalScrollBar().isVisible(), timeout=10_000)
    qtbot.waitUntil(lambda: area.content.height() == area.viewport().height(), timeout=10_000)


def test_no_width_is_cut_by_the_bar(qtbot, parts):
    panel, _, later = parts
    later.show()
    area = area_of(panel)
    panel.resize(panel.minimumSizeHint())
    qtbot.waitUntil(area.verticalScrollBar().isVisible, timeout=10_000)
    qtbot.waitUntil(lambda: area.minimumSizeHint().width() > 120, timeout=10_000)
    panel.resize(panel.minimumSizeHint())
    qtbot.waitUntil(lambda: area.viewport().width() >= 120, timeout=10_000)


def test_what_may_be_higher_is_no_reason_to_scroll(qtbot):
    panel, text, table = QWidget(), QLabel("a line that may be wrapped"), QTableView()
    text.setWordWrap(True)  # so that heights depend on the width
    layout = roomy(panel, LEAST)
    layout.addWidget(text)
    layout.addWidget(table, 1)
    qtbot.addWidget(panel)
    panel.resize(300, 170)
    panel.show()
    area = area_of(panel)
    assert area.content.sizeHint().height() > 170
    qtbot.waitUntil(lambda: area.content.size() == area.viewport().size(), timeout=10_000)
    assert not area.verticalScrollBar().isVisible()
