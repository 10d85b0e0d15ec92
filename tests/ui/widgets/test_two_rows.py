"""Rows of a low panel lie side by side, but never so that words are cut."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_lookalike.ui.widgets.two_rows import GAP, TwoRows


@pytest.fixture
def rows(qtbot):
    """Two rows that need 150 + 100 pixels side by side."""
    widget = QWidget()
    qtbot.addWidget(widget)
    parts = []
    for width in (150, 100):
        row, button = QHBoxLayout(), QPushButton("x")
        button.setFixedWidth(width)
        row.addWidget(button)
        parts.append(row)
    made = TwoRows(*parts)
    widget.setLayout(made)
    made.setContentsMargins(0, 0, 0, 0)
    yield made  # the widget lives as long


@pytest.mark.parametrize(
    ("low", "room", "beside"),
    [(False, 900, False), (True, 250 + GAP, True), (True, 249 + GAP, False)],
)
def test_side_by_side_only_where_it_is_low_and_wide_enough(rows, low, room, beside):
    rows.fold(low, room)
    assert rows.beside == beside


def test_a_higher_panel_has_two_rows_again(rows):
    rows.fold(True, 900)
    one = rows.minimumSize()
    rows.fold(False, 900)
    two = rows.minimumSize()
    assert two.height() > one.height()
    assert two.width() < one.width()
