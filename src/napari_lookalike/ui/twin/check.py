"""Each tile once more before a mark is kept: wrong ones do harm."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_lookalike.session.twin_view import TileView
from napari_lookalike.ui.text_size import small_text

OWN = "Look at the framed tile. Is it right?"
OTHERS = "Look at the framed tile. Do you agree?"


class CheckPage(QWidget):
    """One tile, and whether it is right.

    Signals
    -------
    right()
        It stays (or: the second expert agrees).
    wrong()
        It is taken back (or: the second expert does not).
    back()
        To the form, without going on.
    """

    right = Signal()
    wrong = Signal()
    back = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.what, self.who, self.question = QLabel(), QLabel(), QLabel(), QLabel()
        self.title.setStyleSheet("font-weight: bold;")
        small_text(self.what, 14)
        for label in (self.title, self.what, self.who, self.question):
            label.setWordWrap(True)
        self.yes, self.no, self.later = QPushButton(), QPushButton(), QPushButton()
        self.later.setText("Back (Esc)")
        self.later.setToolTip("Back to the two slides. Nothing that you said is lost.")
        self.later.setAccessibleName("Back to the two slides")
        self.yes.clicked.connect(self.right)
        self.no.clicked.connect(self.wrong)
        self.later.clicked.connect(self.back)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(8)
        for widget in (self.title, self.what, self.who, self.question):
            layout.addWidget(widget)
        layout.addWidget(self.yes)
        layout.addWidget(self.no)
        layout.addStretch()
        layout.addWidget(self.later)
        for button in (self.yes, self.no, self.later):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys go to the review

    def show_tile(self, view: TileView, nth: int, total: int) -> None:
        """Ask about a tile, the ``nth`` (from 1) of ``total``."""
        whose = "your tiles" if view.own else f"the tiles of {view.tile.expert}"
        self.title.setText(f"Check {whose}: {nth} of {total}")
        self.what.setText(f"{view.letter}: {view.what}")
        self.who.setText(f"Said by {view.who}")
        self.question.setText(OWN if view.own else OTHERS)
        yes, no = ("Yes, it is right", "Take it back") if view.own else ("I agree", "I do not")
        self.yes.setText(f"{yes} (Enter)")
        self.no.setText(f"{no} (X)")
        self.yes.setToolTip("The tile stays, and training may learn from it.")
        self.no.setToolTip(
            "Training does not learn from it. It stays in the table's history."
            if view.own
            else "Training does not learn from a tile that somebody disputes."
        )
        for button in (self.yes, self.no):
            button.setAccessibleName(button.text())
