"""A scroll area without a frame."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

from napari_lookalike.ui.widgets.scrolled import scrolled, without_frame

pytestmark = pytest.mark.gui
OFF, NEEDED = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded


@pytest.mark.parametrize(
    ("along", "horizontal", "vertical"),
    [
        (Qt.Orientation.Vertical, OFF, NEEDED),
        (Qt.Orientation.Horizontal, NEEDED, OFF),
        (None, NEEDED, NEEDED),
    ],
)
def test_it_scrolls_in_one_direction(qtbot, along, horizontal, vertical):
    area = scrolled(QWidget(), along=along)
    qtbot.addWidget(area)
    assert area.horizontalScrollBarPolicy() == horizontal
    assert area.verticalScrollBarPolicy() == vertical


def test_it_holds_and_follows_its_content_without_a_frame(qtbot):
    content = QWidget()
    area = scrolled(content)
    qtbot.addWidget(area)
    assert area.widget() is content
    assert area.widgetResizable()
    assert area.frameShape() == QFrame.Shape.NoFrame


def test_an_area_of_another_kind_is_set_up_alike(qtbot):
    area = QScrollArea()
    qtbot.addWidget(area)
    without_frame(area)
    assert area.widgetResizable()
    assert area.frameShape() == QFrame.Shape.NoFrame
    assert (area.horizontalScrollBarPolicy(), area.verticalScrollBarPolicy()) == (OFF, NEEDED)
