"""Keys of the twin review, from Qt to what they do; none goes on to what lies below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence

from napari_lookalike.ui.twin.keys import ARROWS, LETTERS, ZOOMS
from napari_lookalike.ui.twin.turning import TURN_KEYS

if TYPE_CHECKING:
    from napari_lookalike.ui.twin.review import TwinReview

UNDO_REDO = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)


class Letters(QObject):
    """Keeps letters, undo and redo from the shortcuts of menus and of panels that lie below.

    A filter, since Qt deletes a widget from within its ``event``, which Python must not be in.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        ours = held(event) in PLAIN or any(event.matches(key) for key in UNDO_REDO)
        ours = ours or (event.key(), held(event)) in TURN_KEYS
        if ours:
            event.accept()
        return ours


def held(event: QKeyEvent) -> Qt.KeyboardModifier:
    """What is held down besides; the number pad does not count."""
    return event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier


def hear(review: TwinReview, event: QKeyEvent) -> None:
    """Do what a key says."""
    event.accept()  # none goes on to the canvas that lies below
    key, shift = event.key(), held(event) == Qt.KeyboardModifier.ShiftModifier
    if key in ZOOMS and held(event) in PLAIN:
        review.panes.zoom(ZOOMS[Qt.Key(key)])
    elif (key, held(event)) in TURN_KEYS:
        review.panes.turn(TURN_KEYS[Qt.Key(key), held(event)])
    elif event.matches(QKeySequence.StandardKey.Undo):
        review.acts.undo()
    elif event.matches(QKeySequence.StandardKey.Redo):
        review.acts.redo()
    elif held(event) not in PLAIN:
        return
    elif key in ARROWS:
        _arrow(review, *ARROWS[Qt.Key(key)], shift)
    elif not shift:
        _letter(review, key)


def _letter(review: TwinReview, key: int) -> None:
    if review.checking.running and review.checking.key(key):
        return
    if Qt.Key.Key_1 <= key <= Qt.Key.Key_5:
        review.form.set_strength(key - Qt.Key.Key_0)
    elif key in LETTERS:
        name = LETTERS[key]
        getattr(review.acts if hasattr(review.acts, name) else review, name)()


def _arrow(review: TwinReview, dx: int, dy: int, shift: bool) -> None:
    """A tile on, another slide, or another row."""
    if shift:
        review.panes.step(dx, dy)
    elif dx:
        review.panes.choose_side(0 if dx < 0 else 1)
    elif review.compared is not None and review.compared.rows:
        last = len(review.compared.rows) - 1
        row = (0 if dy > 0 else last) if review.row is None else review.row + dy
        review.go_to_row(min(max(row, 0), last))
