"""A legend that wraps to the width it has; clicking rows shows their slides only."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QResizeEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)
from superqt import QFlowLayout

from napari_lookalike.session.colours import Category, centre_text
from napari_lookalike.ui.text_size import small_text
from napari_lookalike.ui.widgets.palette import point_pixmap, theme_of
from napari_lookalike.ui.widgets.scrolled import without_frame

FEW_ROWS_PX = 60


class LegendArea(QScrollArea):
    """A legend as high as its rows, up to a share of its panel; it scrolls beyond.

    Where the panel has no room it shrinks to a few rows.

    Parameters
    ----------
    legend
        What is shown.
    """

    def __init__(self, legend: Legend) -> None:
        super().__init__()
        self._legend, self._wanted = legend, 4
        self.setWidget(legend)
        without_frame(self)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.fit()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._wanted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """As high as the rows need, up to a third of the panel."""
        panel = self.parentWidget()
        share = panel.height() // 3 if panel is not None else 0
        frame = 2 * self.frameWidth()
        needed = max(4, self._legend.heightForWidth(self.width() - frame) + frame)
        self._wanted = min(needed, max(FEW_ROWS_PX, share))
        bar, fits = Qt.ScrollBarPolicy, self.height() >= needed
        self.setVerticalScrollBarPolicy(bar.ScrollBarAlwaysOff if fits else bar.ScrollBarAsNeeded)
        self.setMinimumHeight(min(self._wanted, FEW_ROWS_PX))
        self.setMaximumHeight(self._wanted)
        self.updateGeometry()


class Legend(QWidget):
    """Categories with their colours, then centres with their shapes.

    Signals
    -------
    filter_requested(tuple)
        Names of the categories that are to be shown; empty = all.
    """

    filter_requested = Signal(tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = QFlowLayout(self)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setHorizontalSpacing(0)
        self._flow.setVerticalSpacing(0)
        self._shown: tuple[Sequence[Category], Sequence[str], frozenset[str]] = (
            (),
            (),
            frozenset(),
        )
        self._colour = ""
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Legend of the map")
        small_text(self, 8)

    def show_rows(
        self,
        categories: Sequence[Category],
        sites: Sequence[str],
        only: frozenset[str] = frozenset(),
    ) -> None:
        """Show these rows.

        Parameters
        ----------
        categories
            Names, colours, counts.
        sites
            Centres, in the order of their shapes; empty = shapes say nothing.
        only
            The categories that are shown; empty = all.
        """
        shown = (tuple(categories), tuple(sites), only)
        colour = theme_of(self).text.name()
        if (shown, colour) == (self._shown, self._colour):
            return
        self._shown, self._colour = shown, colour
        self._clear()
        for category in categories:
            self._add(self._row(category, category.name in only))
        for shape, site in enumerate(sites):
            self._add(self._site(shape, site))
        self.updateGeometry()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # The symbols of the centres have the colour of the text: docking changes it.
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.show_rows(*self._shown)

    def _add(self, row: QWidget) -> None:
        self._flow.addWidget(row)
        row.show()  # now: what is hidden has no height yet, and the legend would have none

    def _clear(self) -> None:
        while self._flow.count():
            item = self._flow.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()

    def _row(self, category: Category, shown: bool) -> QToolButton:
        theme = theme_of(self)
        ratio = self.devicePixelRatioF()
        button = QToolButton(self)
        button.setIcon(QIcon(point_pixmap(category.colour, 0, 5, theme.background, ratio)))
        button.setIconSize(QSize(13, 13))
        button.setText(f"{category.name} ({category.count})")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setCheckable(True)
        button.setChecked(shown)
        button.setAutoRaise(True)
        faint, text = theme.faint.name(), theme.text.name()
        button.setStyleSheet(
            "QToolButton { padding: 0px 1px; margin: 0px; border: 1px solid transparent; }"
            f"QToolButton:checked {{ background: {faint}; border: 1px solid {text}; }}"
        )
        button.setToolTip(
            "Click to show these slides only; click others to show them too; click again to"
            " take them out. What is not shown stands back and cannot be chosen."
        )
        button.setAccessibleName(f"{category.name}, {category.count} slides: show them only")
        button.clicked.connect(lambda on, name=category.name: self._toggle(name, on))
        return button

    def _toggle(self, name: str, on: bool) -> None:
        only = self._shown[2]
        wanted = only | {name} if on else only - {name}
        self.filter_requested.emit(tuple(c.name for c in self._shown[0] if c.name in wanted))

    def _site(self, shape: int, site: str) -> QWidget:
        theme = theme_of(self)
        row, picture, text = QWidget(self), QLabel(), QLabel(centre_text(site))
        picture.setPixmap(
            point_pixmap(theme.text, shape, 5, theme.background, self.devicePixelRatioF())
        )
        layout = QHBoxLayout(row)
        layout.setContentsMargins(3, 0, 3, 0)
        layout.setSpacing(3)
        layout.addWidget(picture)
        layout.addWidget(text)
        row.setToolTip(f"Slides from {centre_text(site)} have this shape.")
        return row
