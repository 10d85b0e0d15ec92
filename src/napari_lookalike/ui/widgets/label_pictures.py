"""Label and macro image of a slide: hidden until asked for, since they can name a patient."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_lookalike.ui.widgets.palette import theme_of

SHOW, HIDE = "Show label and macro image…", "Hide label and macro image"
WARNING = (
    "⚠ These pictures can identify a patient: name, number or date may be written on the glass. "
    "They are shown here only, and hidden again with the next slide."
)


class LabelPictures(QWidget):
    """A button, and what it shows.

    Signals
    -------
    asked
        The user wants to see them: answer with `show_pictures`.
    """

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QPushButton(SHOW)
        self.button.setToolTip("Pictures of the glass and its label, which may name the patient")
        self.button.setCheckable(True)
        self.warning = QLabel(WARNING)
        self.warning.setWordWrap(True)
        self._pictures = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.button)
        layout.addWidget(self.warning)
        layout.addLayout(self._pictures)
        self.button.toggled.connect(self._toggled)
        self.hide_pictures()

    @property
    def wanted(self) -> bool:
        """Whether the user asked to see them and they are not hidden again."""
        return self.button.isChecked()

    def hide_pictures(self) -> None:
        """Hide them, and forget their pixels."""
        self.button.setChecked(False)
        self._clear()
        self.warning.hide()
        self.button.setText(SHOW)

    def show_pictures(self, pictures: Mapping[str, QPixmap]) -> None:
        """Show what was asked for; nothing if it is no longer wanted."""
        if not self.wanted:
            return
        self._clear()
        for name, pixmap in pictures.items():
            label = QLabel()
            label.setAccessibleName(f"The slide's {name} image")
            label.setToolTip(name)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            room = QSize(max(self.width() - 8, 160), 240)
            mode = Qt.TransformationMode.SmoothTransformation
            label.setPixmap(pixmap.scaled(room, Qt.AspectRatioMode.KeepAspectRatio, mode))
            self._pictures.addWidget(QLabel(name.capitalize()))
            self._pictures.addWidget(label)

    def _toggled(self, on: bool) -> None:
        if not on:
            self.hide_pictures()
            return
        self.warning.setStyleSheet(f"color: {theme_of(self).warning.name()}")
        self.warning.show()
        self.button.setText(HIDE)
        self.asked.emit()

    def _clear(self) -> None:
        while (item := self._pictures.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
