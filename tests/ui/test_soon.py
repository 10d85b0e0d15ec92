"""Large projects are shown once and later, small ones at once; a theme is followed."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QLabel, QWidget

from napari_lookalike.ui.soon import MANY, Soon
from napari_lookalike.ui.widgets.palette import follow_theme, theme_of


@pytest.fixture
def panel(qtbot):
    panel = QWidget()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_a_small_project_is_shown_at_once(panel):
    shown = []
    soon = Soon(panel, lambda: shown.append(1), lambda: MANY)
    soon()
    soon("an event's value")
    assert shown == [1, 1]


def test_a_large_project_is_shown_once(qtbot, panel):
    shown = []
    soon = Soon(panel, lambda: shown.append(1), lambda: MANY + 1)
    for _ in range(12):
        soon()
    assert shown == []
    qtbot.waitUntil(lambda: shown == [1])
    qtbot.wait(50)
    assert shown == [1]


def test_a_panel_that_nobody_sees_waits_until_it_is_shown(qtbot, panel):
    shown = []
    soon = Soon(panel, lambda: shown.append(1), lambda: MANY + 1)
    panel.hide()
    soon()
    qtbot.wait(100)
    assert shown == []
    panel.show()
    qtbot.waitUntil(lambda: shown == [1])


def test_what_is_forgotten_is_not_shown(qtbot, panel):
    shown = []
    soon = Soon(panel, lambda: shown.append(1), lambda: MANY + 1)
    soon()
    soon.stop()
    qtbot.wait(50)
    assert shown == []


class Themed(QLabel):
    def __init__(self):
        super().__init__("text")
        self.times = 0
        follow_theme(self, self.again)

    def again(self):
        self.times += 1
        self.setStyleSheet(f"border: 1px solid {theme_of(self).warning.name()}")


def test_another_theme_is_answered_once(qtbot, panel):
    panel.setStyleSheet("QWidget { background: white; color: black; }")
    label = Themed()
    label.setParent(panel)
    label.show()
    label.times = 0
    panel.setStyleSheet("QWidget { background: black; color: white; }")
    qtbot.waitUntil(lambda: label.times == 1)
    panel.setStyleSheet("QWidget { background: black; color: yellow; }")
    qtbot.wait(50)
    assert label.times == 1
