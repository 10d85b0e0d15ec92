"""A label of sentences."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_lookalike.ui.widgets.words import words

pytestmark = pytest.mark.gui


def test_sentences_wrap_and_can_be_selected(qtbot):
    label = words("Research use only.")
    qtbot.addWidget(label)
    assert label.text() == "Research use only."
    assert label.wordWrap()
    assert label.textInteractionFlags() == Qt.TextInteractionFlag.TextSelectableByMouse
