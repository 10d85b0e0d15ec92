"""Rows of tiles that look alike: a tile of A beside the tile of B; a click goes there in both."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QTransform
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_lookalike.core.project import Project
from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.tiles import read_tiles
from napari_lookalike.core.twin.compare import Comparison, SideTiles
from napari_lookalike.core.twin.matching import Match
from napari_lookalike.session.orientation import UPRIGHT, Orientation
from napari_lookalike.ui.twin.marks_paint import COLOURS
from napari_lookalike.ui.widgets.palette import theme_of
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.slide_pictures import to_pixmap

EDGE_PX = 88
GAP_PX = 4

Pictures = tuple[tuple[RGB, RGB], ...]


def read_pictures(project: Project, compared: Comparison) -> Pictures:
    """The tiles of each row, of A and of B. For a thread."""
    of_a = _read(project, compared.a, [m.a for m in compared.rows])
    of_b = _read(project, compared.b, [m.b for m in compared.rows])
    return tuple(zip(of_a, of_b, strict=True))


def _read(project: Project, side: SideTiles, tiles: list[int]) -> list[RGB]:
    if side.grid is None or not tiles:
        return []
    with project.open_slide(side.slide_id) as slide:
        return list(read_tiles(slide, side.grid, tiles))


class MatchCard(QWidget):
    """One row.

    Signals
    -------
    chosen()
        The user wants to go there.
    """

    chosen = Signal()

    def __init__(self, rank: int, match: Match) -> None:
        super().__init__()
        self.rank, self.match = rank, match
        self.selected = False
        self.lies: tuple[Orientation, Orientation] = (UPRIGHT, UPRIGHT)
        self._pictures: tuple[QPixmap, QPixmap] | None = None
        self.setFixedSize(self.sizeHint())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        best = "each the other's best" if match.mutual else "the best of what is left"
        self.setToolTip(
            f"Row {rank}: go to these two areas. Similarity {match.similarity:.2f}, {best}."
        )
        self.setAccessibleName(f"Row {rank}, similarity {match.similarity:.2f}")

    def sizeHint(self) -> QSize:
        height = EDGE_PX + self.fontMetrics().height() + 8
        return QSize(2 * EDGE_PX + GAP_PX + 10, height)

    def show_pictures(self, a: RGB, b: RGB) -> None:
        """Its two tiles."""
        self._pictures = to_pixmap(a), to_pixmap(b)
        self.update()

    def lay(self, lies: tuple[Orientation, Orientation]) -> None:
        """Draw its tiles as the slides above them lie."""
        if lies != self.lies:
            self.lies = lies
            self.update()

    def select(self, selected: bool) -> None:
        """Whether it is the row that is shown above."""
        if selected != self.selected:
            self.selected = selected
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), theme_of(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        height = self.fontMetrics().height()
        for i in range(2):
            left = 5 + i * (EDGE_PX + GAP_PX)
            if self._pictures is not None:
                half = EDGE_PX / 2
                painter.save()
                painter.translate(left + half, height + 4 + half)
                painter.setTransform(_transform(self.lies[i]), combine=True)
                painter.drawPixmap(
                    QRectF(-half, -half, EDGE_PX, EDGE_PX),
                    self._pictures[i],
                    QRectF(self._pictures[i].rect()),
                )
                painter.restore()
            else:
                painter.fillRect(left, height + 4, EDGE_PX, EDGE_PX, theme.faint)
        painter.setPen(theme.text)
        said = f"{self.rank}  A | B   {self.match.similarity:.2f}"
        painter.drawText(5, 1, self.width() - 10, height + 2, Qt.AlignmentFlag.AlignLeft, said)
        if self.selected:
            painter.setPen(QPen(QColor(COLOURS["current"]), 3))
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))


def _transform(lies: Orientation) -> QTransform:
    """How an orientation draws what was scanned, about its middle."""
    return QTransform(*lies.to_screen(1.0, 0.0), *lies.to_screen(0.0, 1.0), 0.0, 0.0)


class MatchStrip(QWidget):
    """The rows, best first, and a sentence of what they are.

    Signals
    -------
    row_chosen(int)
        The user wants to see this row.
    """

    row_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.caption = QLabel()
        self.caption.setWordWrap(True)
        self.cards: tuple[MatchCard, ...] = ()
        self._lies = [UPRIGHT, UPRIGHT]
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2)
        inner = QWidget()
        inner.setLayout(self._row)
        self.area = scrolled(inner, along=Qt.Orientation.Horizontal)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.caption)
        layout.addWidget(self.area)
        self.show_rows(())

    def show_rows(self, rows: tuple[Match, ...]) -> None:
        """Show these rows; their pictures come later."""
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.cards = tuple(MatchCard(i, match) for i, match in enumerate(rows, start=1))
        for i, card in enumerate(self.cards):
            card.chosen.connect(partial(self.row_chosen.emit, i))
            card.lay((self._lies[0], self._lies[1]))
            self._row.addWidget(card)
        self._row.addStretch()
        self.area.setVisible(bool(rows))
        if self.cards:
            bar = self.area.horizontalScrollBar().sizeHint().height()
            self.area.setFixedHeight(self.cards[0].sizeHint().height() + bar + 2)

    def show_pictures(self, pictures: Pictures) -> None:
        """The tiles of the rows."""
        for card, (a, b) in zip(self.cards, pictures, strict=False):
            card.show_pictures(a, b)

    def lay(self, i: int, lies: Orientation) -> None:
        """Slide 0 or 1 was turned or mirrored: its tiles are too."""
        self._lies[i] = lies
        for card in self.cards:
            card.lay((self._lies[0], self._lies[1]))

    def select(self, row: int | None) -> None:
        """Frame a row."""
        for i, card in enumerate(self.cards):
            card.select(i == row)
            if i == row:
                self.area.ensureWidgetVisible(card, 4, 0)
