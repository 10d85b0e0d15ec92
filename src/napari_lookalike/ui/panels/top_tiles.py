"""The tiles of the open slide that the model looked at most; a click goes there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QIcon, QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from napari_lookalike.core.attention import top_tiles
from napari_lookalike.core.early import EarlyAnswer
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.signed import with_minus
from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.tiles import read_tile
from napari_lookalike.session.early_view import early_of
from napari_lookalike.session.overlay import resolve_overlay
from napari_lookalike.session.session import Focus, OverlaySettings, Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report
from napari_lookalike.ui.widgets.slide_pictures import to_pixmap

N_TILES = 10
ICON_PX = 96
AROUND_PX = 32
MOST_LINES = 3
NOTHING = "Open a slide that the model has seen: the tiles it looked at most appear here."
EARLY = "The tiles that the model looks at most appear here when the slide is embedded in full."
NO_FEATURES = (
    "This slide has no features by the encoder in use: embed it (Embed) to see where the "
    "model looked."
)


@dataclass(frozen=True, eq=False)
class TopTile:
    """One of the most attended tiles.

    Parameters
    ----------
    image
        The tile as the encoder saw it.
    value
        Its attention, in the overlay's unit.
    x_px0, y_px0
        Its centre, level-0 pixels.
    width_px0
        Its edge, level-0 pixels.
    """

    image: RGB
    value: float
    x_px0: float
    y_px0: float
    width_px0: float


def read_top_tiles(
    project: Project, results: ModelResults, slide_id: str, settings: OverlaySettings
) -> tuple[TopTile, ...]:
    """Read the most attended tiles of a slide, best first, spread over the slide."""
    view = resolve_overlay(project, results, slide_id, settings)
    if view is None:
        return ()
    grid = view.grid
    chosen = top_tiles(view.values, N_TILES, grid)
    corners = grid.corners_px0
    width, height = grid.size_px0
    with project.open_slide(slide_id) as slide:
        return tuple(
            TopTile(
                read_tile(slide, grid, int(i)),
                float(view.values[i]),
                float(corners[i, 0] + width / 2),
                float(corners[i, 1] + height / 2),
                width,
            )
            for i in chosen
        )


class TopTilesPanel(QWidget):
    """A strip of tiles, most attended first.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        del runner
        self.session = session
        self._background = Background(session, self)
        self.caption = QLabel(NOTHING)
        self.caption.setWordWrap(True)
        self._strip = QHBoxLayout()
        self._strip.setContentsMargins(0, 0, 0, 0)
        inner = QWidget()
        inner.setLayout(self._strip)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        self._scroll = scroll
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self.caption)
        layout.addWidget(scroll)
        self.buttons: tuple[QToolButton, ...] = ()
        self._fit()
        events = session.events
        listen(self, [events.slide_id, events.results], self._update)
        listen(self, [events.embedded], self._on_embedded)
        listen(self, [events.early], self._on_early)
        listen(self, [events.overlay], self._on_settings)
        self._update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _say(self, text: str) -> None:
        self.caption.setText(text)
        self._fit()

    def _fit(self) -> None:
        """Room for the lines above, a tile, its number and the bar that scrolls.

        Of text that wraps a dock knows one line only, and would cut the numbers of the tiles.
        """
        line = self.fontMetrics().height()
        lines = self.caption.heightForWidth(self.caption.width())
        # No more: in a very narrow dock it would make the window higher than the screen.
        self.caption.setMinimumHeight(max(0, min(lines, (MOST_LINES + 1) * line)))
        self._scroll.setMinimumHeight(ICON_PX + line + AROUND_PX)

    def _on_settings(self, new: OverlaySettings, old: OverlaySettings) -> None:
        if (new.values, new.branch) != (old.values, old.branch):
            self._update()

    def _on_embedded(self, now: frozenset[str], before: frozenset[str]) -> None:
        if (self.session.slide_id in now) != (self.session.slide_id in before):
            self._update()

    def _on_early(self, now: EarlyAnswer | None, before: EarlyAnswer | None) -> None:
        if (now is None) != (before is None):
            self._update()

    def _update(self, *_: object) -> None:
        self._background.forget()
        self._show(())
        project, results, slide_id = (
            self.session.project,
            self.session.results,
            self.session.slide_id,
        )
        early = early_of(self.session)
        if early is not None:
            self._say(EARLY if early.result is not None else NOTHING)
            return
        if project is None or results is None or slide_id not in results.slides:
            return
        if slide_id not in self.session.embedded:
            self._say(NO_FEATURES)
            return
        self._say("Reading the most attended tiles…")
        work = partial(read_top_tiles, project, results, slide_id, self.session.overlay)
        self._background.run(work, self._show, self._failed)

    def _failed(self, error: BaseException) -> None:
        """Write the sentence here; the canvas, which fails alike, shows it as a notice."""
        if isinstance(error, LookalikeError):
            self._say(str(error))
        else:
            report(self.session, error)

    def _show(self, tiles: tuple[TopTile, ...]) -> None:
        while (item := self._strip.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()  # it may be deleted much later, and would be drawn until then
                widget.deleteLater()
        self.buttons = tuple(self._button(rank, tile) for rank, tile in enumerate(tiles, start=1))
        for button in self.buttons:
            self._strip.addWidget(button)
        self._strip.addStretch()
        unit = "attention weight" if self.session.overlay.values == "weights" else "attention logit"
        self._say(
            f"Most attended tiles ({unit}): click to go there. Where it looked is no proof."
            if tiles
            else NOTHING
        )

    def _button(self, rank: int, tile: TopTile) -> QToolButton:
        button = QToolButton()
        button.setIcon(QIcon(to_pixmap(tile.image)))
        button.setIconSize(QSize(ICON_PX, ICON_PX))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        value = with_minus(f"{tile.value:#.3g}")
        button.setText(f"{rank} · {value}")
        button.setToolTip(f"Go to the tile with rank {rank} in attention ({value})")
        button.setAccessibleName(f"Tile {rank}")
        button.clicked.connect(partial(self._go, tile))
        return button

    def _go(self, tile: TopTile, *_: object) -> None:
        if self.session.slide_id is not None:
            # The same tile again, after the user looked elsewhere, is a new wish.
            self.session.focus = None
            self.session.focus = Focus(
                self.session.slide_id, tile.x_px0, tile.y_px0, 3 * tile.width_px0
            )
