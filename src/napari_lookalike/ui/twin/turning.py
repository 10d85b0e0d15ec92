"""Turning and mirroring one of the two slides: the keys of the canvas, and buttons."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget

from napari_lookalike.session.orientation import UPRIGHT, Orientation

Lay = Callable[[Orientation], Orientation]


@dataclass(frozen=True)
class Turn:
    """One way to lay a slide otherwise.

    Parameters
    ----------
    text
        On its button.
    title
        What it does, for a person.
    keys
        As on the canvas ("Ctrl+Right").
    lay
        From how the slide lies to how it is to lie.
    """

    text: str
    title: str
    keys: str
    lay: Lay


TURNS = {
    "left": Turn("↺", "Turn left by 90°", "Ctrl+Left", lambda o: o.turned(-1)),
    "right": Turn("↻", "Turn right by 90°", "Ctrl+Right", lambda o: o.turned(1)),
    "mirror": Turn("⇄", "Mirror left to right", "Shift+H", lambda o: o.mirrored("left-right")),
    "flip": Turn("⇅", "Mirror top to bottom", "Shift+U", lambda o: o.mirrored("top-bottom")),
    "scanned": Turn("Upright", "Neither turned nor mirrored", "Shift+N", lambda _o: UPRIGHT),
}

# napari's "Ctrl" is the key of that name; Qt calls the command key so on a Mac.
_CTRL = (
    Qt.KeyboardModifier.MetaModifier
    if sys.platform == "darwin"
    else Qt.KeyboardModifier.ControlModifier
)
_SHIFT = Qt.KeyboardModifier.ShiftModifier
TURN_KEYS = {
    (Qt.Key.Key_Left, _CTRL): "left",
    (Qt.Key.Key_Right, _CTRL): "right",
    (Qt.Key.Key_H, _SHIFT): "mirror",
    (Qt.Key.Key_U, _SHIFT): "flip",
    (Qt.Key.Key_N, _SHIFT): "scanned",
}
"""(Qt's key, what is held) -> key of `TURNS`."""


class TurnButtons(QWidget):
    """The buttons of one pane.

    Signals
    -------
    chosen(str)
        The user wants this key of `TURNS`.

    Parameters
    ----------
    letter
        Of the slide.
    """

    chosen = Signal(str)

    def __init__(self, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self.buttons = {name: self._button(letter, name, turn) for name, turn in TURNS.items()}
        for button in self.buttons.values():
            row.addWidget(button)
        self.show_orientation(UPRIGHT)

    def _button(self, letter: str, name: str, turn: Turn) -> QToolButton:
        button = QToolButton()
        button.setText(turn.text)
        keys = turn.keys.replace("Left", "←").replace("Right", "→")
        button.setToolTip(f"Slide {letter}: {turn.title} ({keys}, while it is framed)")
        button.setAccessibleName(f"Slide {letter}: {turn.title}")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys go to the review
        button.clicked.connect(partial(self._choose, name))
        return button

    def _choose(self, name: str, *_: object) -> None:
        self.chosen.emit(name)

    def show_orientation(self, orientation: Orientation) -> None:
        """Whether there is anything to take back."""
        self.buttons["scanned"].setEnabled(orientation != UPRIGHT)
