"""The buttons that start and stop embedding, and how far it is."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_lookalike.session.embed_view import (
    CANCEL_TIP,
    EMBED,
    EMBED_TIP,
    FIRST_TIP,
    STOP_TIP,
    EmbedView,
)
from napari_lookalike.ui.widgets.words import words

ELSEWHERE = "Another project: "


class EmbedRun(QWidget):
    """Stays in sight while the rest of the panel scrolls.

    Signals
    -------
    embed_requested(), first_requested(), stop_here_requested(), cancel_requested()
        What the user wants: embed all; the open slide first; keep the open slide as far as
        it is; stop.
    """

    embed_requested = Signal()
    first_requested = Signal()
    stop_here_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.embed = self._button(EMBED, EMBED_TIP, self.embed_requested)
        self.first = self._button("", "", self.first_requested)
        self.cancel = self._button("Cancel", CANCEL_TIP, self.cancel_requested)
        self.stop_here = self._button("", "", self.stop_here_requested)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of embedding")
        self.text = words()
        self._lay_out()

    @staticmethod
    def _button(text: str, tip: str, signal: Signal) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.clicked.connect(lambda *_: signal.emit())
        return button

    def _lay_out(self) -> None:
        row, layout = QHBoxLayout(), QVBoxLayout(self)
        for button in (self.embed, self.first, self.cancel):
            row.addWidget(button, 1)
        layout.setContentsMargins(6, 2, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(row)
        for widget in (self.bar, self.text, self.stop_here):
            layout.addWidget(widget)

    def show_view(self, view: EmbedView) -> None:
        """Show what can be done, and how far it is."""
        running = view.running
        self.embed.setEnabled(view.can_embed)
        self.embed.setText(view.embed_text)
        self.embed.setVisible(running is None)
        self.first.setVisible(bool(view.first))
        self.first.setText(view.first_text)
        self.first.setToolTip(FIRST_TIP.format(view.first))
        for widget in (self.bar, self.cancel, self.text):
            widget.setVisible(running is not None)
        self.stop_here.setVisible(bool(view.stoppable))
        self.stop_here.setText(view.stop_text)
        self.stop_here.setToolTip(STOP_TIP.format(view.stoppable))
        if running is not None:
            self.bar.setRange(0, running.total)
            self.bar.setValue(min(running.done, running.total))
            self.text.setText(f"{ELSEWHERE}{running.what}" if view.elsewhere else running.what)
