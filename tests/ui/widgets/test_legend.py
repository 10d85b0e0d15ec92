"""The legend takes what room there is, and scrolls beyond."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_lookalike.session.colours import PALETTE, Category
from napari_lookalike.ui.widgets.legend import FEW_ROWS_PX, Legend, LegendArea

pytestmark = pytest.mark.gui
NAMES = ("medulloblastoma", "ependymoma, PFA", "AT/RT", "ganglioglioma", "choroid plexus papilloma")
LEAST = 120


def rows(n: int) -> list[Category]:
    return [Category(f"{NAMES[i % 5]} {i}", PALETTE[i % len(PALETTE)], i) for i in range(n)]


class Panel(QWidget):
    """A map that takes what is left, a legend, and something that is as high as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.plot, self.legend, self.rest = QWidget(), Legend(), QWidget()
        self.area = LegendArea(self.legend)
        self.plot.setMinimumHeight(LEAST)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.rest.setFixedHeight(100)
        layout = QVBoxLayout(self)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.area)
        layout.addWidget(self.rest)

    def show_rows(self, n: int) -> None:
        self.legend.show_rows(rows(n), ("Basel", "Bern"))
        self.area.fit()


@pytest.fixture
def panel(qtbot) -> Panel:
    panel = Panel()
    qtbot.addWidget(panel)
    panel.resize(431, 408)
    panel.show()
    return panel


def needed(panel: Panel) -> int:
    return panel.legend.heightForWidth(panel.area.width())


@pytest.mark.parametrize("n", [2, 6, 9])
def test_no_row_is_hidden_in_a_small_window(qtbot, panel, n):
    panel.show_rows(n)
    qtbot.waitUntil(lambda: panel.area.height() == needed(panel), timeout=10_000)
    assert panel.area.verticalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOff
    assert panel.plot.height() >= LEAST


def test_very_many_rows_take_a_third_and_scroll(qtbot, panel):
    panel.show_rows(40)
    qtbot.waitUntil(lambda: panel.area.height() == 408 // 3, timeout=10_000)
    assert panel.area.height() < needed(panel)
    assert panel.area.verticalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAsNeeded
    panel.show_rows(2)
    qtbot.waitUntil(lambda: panel.area.height() < FEW_ROWS_PX, timeout=10_000)


def test_it_gives_way_before_the_map_does(qtbot, panel):
    panel.show_rows(25)
    panel.rest.setFixedHeight(190)
    # Checked when it has been laid out: a window that must grow does so a moment later.
    qtbot.waitUntil(lambda: panel.area.height() < 408 // 3, timeout=10_000)
    assert panel.height() == 408
    assert panel.plot.height() >= LEAST
    assert panel.area.height() >= min(FEW_ROWS_PX, needed(panel))
