"""The strip below the map: slides A and B, and what can be done with them."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_lookalike.session.pair_view import PairView, Side
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures

PICTURE_PX = 26


class PairStrip(QWidget):
    """Thumbnails and names of the selected slides, a sentence, and the button to mark.

    Signals
    -------
    mark_requested()
        The user wants to mark the two, or to change their mark.
    compare_requested()
        The user wants to see the two side by side.
    clear_requested()
        The user wants nothing selected.
    """

    mark_requested = Signal()
    compare_requested = Signal()
    clear_requested = Signal()

    def __init__(self, pictures: SlidePictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._view: PairView | None = None
        self._sides = (_SideRow("A"), _SideRow("B"))
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.mark = QPushButton("Mark as look-alike…")
        self.mark.setAccessibleName("Mark the two selected slides as look-alikes")
        self.compare = QPushButton("Compare")
        self.compare.setToolTip("Show the two slides side by side (C; Shift+T on the slide).")
        self.compare.setAccessibleName("Compare the two selected slides side by side")
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("Select no slide.")
        self.clear.setAccessibleName("Clear the selection")
        self.mark.clicked.connect(self.mark_requested)
        self.compare.clicked.connect(self.compare_requested)
        self.clear.clicked.connect(self.clear_requested)
        sides = QHBoxLayout()
        sides.setSpacing(4)
        for side in self._sides:
            sides.addWidget(side, 1)
        sides.addWidget(self.clear, 0, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        buttons.addWidget(self.compare)
        buttons.addWidget(self.mark, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(sides)
        layout.addWidget(self.sentence)
        layout.addLayout(buttons)
        pictures.ready.connect(self._refresh)

    def show_pair(self, view: PairView) -> None:
        """Show what is selected and what can be done."""
        self._view = view
        for i, row in enumerate(self._sides):
            row.show_side(view.sides[i] if i < len(view.sides) else None, self._pictures)
        self.sentence.setText(view.sentence)
        self.sentence.setVisible(bool(view.sentence))
        self.clear.setVisible(bool(view.sides))
        self.mark.setVisible(len(view.sides) == 2)
        self.compare.setVisible(len(view.sides) == 2)
        self.mark.setEnabled(view.can_mark)
        self.mark.setText("Change the mark…" if view.existing else "Mark as look-alike…")
        self.mark.setToolTip(
            "Put the two slides, or their subtypes, into the hard-negative table."
            if view.can_mark
            else view.sentence
        )

    def _refresh(self, slide_id: str) -> None:
        if self._view is not None and slide_id in {s.slide_id for s in self._view.sides}:
            self.show_pair(self._view)


class _SideRow(QWidget):
    """Letter, thumbnail, name and subtype of one side."""

    def __init__(self, letter: str) -> None:
        super().__init__()
        self._letter = letter
        self._picture = QLabel()
        self._picture.setFixedSize(PICTURE_PX, PICTURE_PX)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._name, self._label = QElidingLabel(), QElidingLabel()
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(self._name)
        texts.addWidget(self._label)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._picture)
        layout.addLayout(texts, 1)

    def show_side(self, side: Side | None, pictures: SlidePictures) -> None:
        self.setVisible(side is not None)
        if side is None:
            return
        picture = pictures.get(side.slide_id, PICTURE_PX)
        self._picture.setVisible(picture is not None)
        if picture is not None:
            self._picture.setPixmap(picture)
        label = side.label or "not labelled"
        self._name.setText(f"{self._letter}: {side.slide_id}")
        self._label.setText(label)
        self.setToolTip(f"{self._letter}: {side.slide_id}, {label}")
        self.setAccessibleName(f"Selected slide {self._letter}: {side.slide_id}, {label}")
