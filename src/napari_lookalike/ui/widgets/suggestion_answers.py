"""What an expert answers a suggestion with: a button and a key each, also from afar."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QWidget,
)
from superqt import QFlowLayout

Act = Callable[[], None]

KEYS = (
    ("A", "Accept", "accept", "They look alike: mark them, with everything filled in."),
    ("X", "Reject", "reject", "They are no look-alikes: do not suggest them to you again."),
    ("W", "Reject: why", "ask_why", "Reject them, and tell colleagues why."),
    ("L", "Later", "later", "Put it at the end of the queue."),
    ("N", "Next", "next", "Go on without an answer; Shift+N goes back."),
    ("C", "Compare", "compare", "Show the two slides side by side."),
)
"""(key, button, method of the panel, what it does)."""
LOOKS_ONLY = ("N", "C")
"""Keys that answer nothing, and so need no project that can be written."""
ANYWHERE = {k: f"Alt+Shift+{k}" for k in "AXWLN"} | {"C": "Alt+Shift+V", "Shift+N": "Alt+Shift+B"}
"""Key in the panel -> in the whole window, where plain letters, and Alt+Shift+C, are napari's."""
TYPED = (QLineEdit, QComboBox, QAbstractSpinBox, QTextEdit, QPlainTextEdit)


def typing() -> bool:
    """Whether a field has the focus: who is typing goes on typing."""
    return isinstance(QApplication.focusWidget(), TYPED)


class AnswerBar(QWidget):
    """The buttons, side by side or below each other, and their keys.

    Parameters
    ----------
    panel
        In which the plain letters work.
    act_of
        Name of a method -> what is to be done.
    from_afar
        Does it for a key that was pressed elsewhere in the window.
    """

    def __init__(
        self, panel: QWidget, act_of: Callable[[str], Act], from_afar: Callable[[Act], None]
    ) -> None:
        super().__init__(panel)
        self._panel, self._from_afar = panel, from_afar
        self.buttons: dict[str, QPushButton] = {}
        flow = QFlowLayout(self)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setHorizontalSpacing(4)
        flow.setVerticalSpacing(2)
        for key, text, method, tip in KEYS:
            self.buttons[key] = self._button(key, text, act_of(method), tip)
            flow.addWidget(self.buttons[key])

    def _button(self, key: str, text: str, act: Act, tip: str) -> QPushButton:
        button = QPushButton(f"{text} ({key})")
        button.setToolTip(f"{tip} Key: {key}. From the slide or a panel: {ANYWHERE[key]}.")
        button.setAccessibleName(f"{text} the suggestion")
        button.clicked.connect(lambda _checked=False: act())
        self.shortcut(key, act)
        return button

    def shortcut(self, key: QKeySequence.StandardKey | str, act: Act) -> None:
        """Let a key do something, in the panel and, where it has one, with its key from afar."""
        shortcut = QShortcut(QKeySequence(key), self._panel)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)
        if key in ANYWHERE:
            far = QShortcut(QKeySequence(ANYWHERE[str(key)]), self._panel)
            far.setContext(Qt.ShortcutContext.WindowShortcut)
            far.activated.connect(partial(self._from_afar, act))

    def enable(self, *, card: bool, can_answer: bool) -> None:
        """Only what can be done now."""
        for key, button in self.buttons.items():
            button.setEnabled(card if key in LOOKS_ONLY else can_answer)


class AskedLine(QLineEdit):
    """A line that is there only while it asks for something: Enter says it, Esc does not.

    Parameters
    ----------
    asks
        What it asks for, shown while it is empty.
    name
        The same, for a screen reader.
    tip
        What becomes of it.

    Signals
    -------
    cancelled()
        Esc was pressed; the line is hidden.
    """

    cancelled = Signal()

    def __init__(self, asks: str, name: str, tip: str) -> None:
        super().__init__()
        self.setPlaceholderText(asks)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.hide()

    def ask(self) -> None:
        """Show it, empty, and let the user type."""
        self.show()
        self.setFocus()

    def stop(self) -> None:
        """Hide it, and forget what was typed."""
        self.clear()
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.stop()
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)
