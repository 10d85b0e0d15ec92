"""Two models side by side: what fell, the figures, and the slides whose prediction changed."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QRect, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_lookalike.core.signed import unbroken
from napari_lookalike.session.compare_view import ChangedRow, ComparedRow, CompareView
from napari_lookalike.ui.widgets.palette import Theme, follow_theme, theme_of
from napari_lookalike.ui.widgets.words import words

MOST_ROWS = 7
"""So many lines of changed slides are in sight; the list scrolls beyond."""
SLIDE_ROLE = Qt.ItemDataRole.UserRole


class ComparisonView(QWidget):
    """Shows a `CompareView`, the bad news first.

    Signals
    -------
    open_requested(str)
        The user wants to see this slide.
    """

    open_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: CompareView | None = None
        follow_theme(self, self._again)
        self.fell, self.verdict, self.figures = words(), words(), words()
        self.figures.setTextFormat(Qt.TextFormat.RichText)
        self.changed_title, self.notes = words(), words()
        self.changed = QListWidget()
        self.changed.setAccessibleName("Slides whose prediction changed")
        self.changed.setToolTip("Click a slide, or press Enter on it, to open it.")
        self.changed.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.changed.setWordWrap(True)
        self.changed.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.changed.itemClicked.connect(self._open)
        self.changed.itemActivated.connect(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for widget in (
            self.fell, self.verdict, self.figures, self.changed_title, self.changed, self.notes,
        ):  # fmt: skip
            layout.addWidget(widget)
        self.show_view(None)

    def show_view(self, view: CompareView | None) -> None:
        """Show a comparison; ``None`` hides everything."""
        self._view = view
        self.setVisible(view is not None)
        if view is None:
            return
        theme = theme_of(self)
        self.fell.setText(unbroken("\n".join(view.fell)))
        self.fell.setVisible(bool(view.fell))
        self.fell.setStyleSheet(f"color: {theme.warning.name()}; font-weight: bold;")
        self.verdict.setText(unbroken(view.verdict))
        self.figures.setText(figures_html(view.rows, theme))
        self.figures.setVisible(bool(view.rows))
        self.changed_title.setText(view.changed_title)
        self.changed_title.setVisible(bool(view.changed_title))
        self._fill(view.changed, theme)
        self.notes.setText(unbroken("\n".join(view.notes)))
        self.notes.setVisible(bool(view.notes))

    def _again(self) -> None:
        """The theme is another: the same in its colours."""
        self.show_view(self._view)

    def _fill(self, rows: tuple[ChangedRow, ...], theme: Theme) -> None:
        colour = {"good": theme.good, "bad": theme.warning, "": theme.text}
        self.changed.clear()
        for row in rows:
            item = QListWidgetItem(unbroken(row.text))
            item.setData(SLIDE_ROLE, row.slide_id)
            item.setForeground(colour[row.tone])
            self.changed.addItem(item)
        self.changed.setVisible(bool(rows))
        self._fit()

    def _fit(self) -> None:
        """As high as the rows that are there, which may take two lines each."""
        line = self.fontMetrics().height() + 4
        room = QRect(0, 0, max(self.changed.viewport().width() - 10, 1), 10 * line)
        measure = self.changed.fontMetrics().boundingRect
        texts = [self.changed.item(i).text() for i in range(self.changed.count())]
        flags = int(Qt.TextFlag.TextWordWrap)
        height = sum(measure(room, flags, text).height() + 4 for text in texts)
        self.changed.setFixedHeight(min(height, line * MOST_ROWS) + 6)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _open(self, item: QListWidgetItem) -> None:
        self.open_requested.emit(item.data(SLIDE_ROLE))


def figures_html(rows: tuple[ComparedRow, ...], theme: Theme) -> str:
    """A table of figures before and after, narrow enough for a dock.

    Parameters
    ----------
    rows
        The figures; below each its own 95 % interval, where it is known.
    theme
        Its colours mark what is surely better or worse.
    """
    colour = {"good": theme.good.name(), "bad": theme.warning.name(), "": theme.text.name()}
    heads = ("", "Before", "After", "Change (95 %)")
    cells = ["".join(f'<th align="left">{h}</th>' for h in heads)]
    for row in rows:
        before = _with_ends(row.before, row.before_ends)
        after = _with_ends(row.after, row.after_ends)
        cells.append(
            f"<td>{escape(row.name)}</td><td>{before}</td><td>{after}</td>"
            f'<td style="color:{colour[row.tone]}">{escape(row.change)}</td>'
        )
    body = "".join(f"<tr>{c}</tr>" for c in cells)
    return f'<table cellspacing="0" cellpadding="3" width="100%">{body}</table>'


def _with_ends(value: str, ends: str) -> str:
    shown = escape(unbroken(value))
    return f"{shown}<br><small>{escape(ends)}</small>" if ends else shown
