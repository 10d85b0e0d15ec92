"""The two slides beside each other, and the tile that the keys speak of."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_lookalike.core.geometry import Region
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.core.tiles import TileGrid
from napari_lookalike.session.orientation import UPRIGHT
from napari_lookalike.session.twin_field import (
    Field,
    moved_together,
    same_scale,
    whole,
    zoomed_together,
)
from napari_lookalike.session.twin_tiles import TilesOfSlide
from napari_lookalike.session.twin_view import SideView
from napari_lookalike.ui.twin.marks_paint import Frame
from napari_lookalike.ui.twin.pane import SlidePane, Zoom
from napari_lookalike.ui.twin.turning import TURNS, TurnButtons

TILES_ACROSS = 3.5
"""So many tiles fit into the shorter edge of a pane where a tile is shown."""

SMALL_PX = 48
"""A tile drawn smaller than this is not seen: whoever goes there comes nearer."""

Fields = tuple[Field | None, Field | None]


class TwinPanes(QWidget):
    """Two panes that zoom together in µm, and move together if asked.

    Signals
    -------
    current_changed()
        Another tile is framed, or none.
    turned(int, object)
        Slide 0 or 1 lies on the screen in this `Orientation` now.
    """

    current_changed = Signal()
    turned = Signal(int, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panes = SlidePane("A"), SlidePane("B")
        self.titles = QElidingLabel(), QElidingLabel()
        self.predictions = QElidingLabel(), QElidingLabel()
        self.missing = QLabel(), QLabel()
        self.turns = TurnButtons("A"), TurnButtons("B")
        self.linked = False
        self.current: tuple[int, Region] | None = None
        self.side = 0
        self._tiles: list[TilesOfSlide | None] = [None, None]
        self._frames: list[tuple[Frame, ...]] = [(), ()]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(1)
        for i, pane in enumerate(self.panes):
            self.titles[i].setStyleSheet("font-weight: bold;")
            self.missing[i].setWordWrap(True)
            self.missing[i].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            top = QHBoxLayout()
            top.addWidget(self.titles[i], 1)
            top.addWidget(self.turns[i])
            grid.addLayout(top, 0, i)
            for row, widget in enumerate((self.predictions[i], self.missing[i], pane), start=1):
                grid.addWidget(widget, row, i)
            grid.setColumnStretch(i, 1)
            pane.pan_requested.connect(partial(self._pan, i))
            pane.zoom_requested.connect(partial(self._zoom, i))
            pane.pointed.connect(partial(self._point, i))
            pane.clicked.connect(partial(self._point, i))
            self.turns[i].chosen.connect(partial(self.turn, i=i))
        grid.setRowStretch(3, 1)

    # -- what is shown ------------------------------------------------------------

    def show_sides(self, sides: tuple[SideView, SideView]) -> None:
        """Names, predictions, and what is missing."""
        for i, side in enumerate(sides):
            self.titles[i].setText(side.title)
            self.titles[i].setToolTip(side.title)
            self.predictions[i].setText(side.prediction)
            self.predictions[i].setToolTip(side.prediction)
            self.missing[i].setText(side.missing)
        any_said = any(side.prediction for side in sides)
        any_missing = any(side.missing for side in sides)
        for i in range(2):  # both, so that the panes stay aligned
            self.predictions[i].setVisible(any_said)
            self.missing[i].setVisible(any_missing)

    def show_source(self, i: int, source: TileSource) -> None:
        """A slide has been opened."""
        self.panes[i].show_source(source)

    def show_tiles(self, i: int, grid: TileGrid | None) -> None:
        """The tiles of a slide that is shown can be pointed at."""
        field = self.panes[i].field
        if field is not None:
            self._tiles[i] = TilesOfSlide(grid, field.size_px0, field.mpp)

    def clear(self) -> None:
        """Show nothing; the sources are the caller's to close."""
        for pane in self.panes:
            pane.clear()
        self._tiles, self._frames = [None, None], [(), ()]
        self.current = None
        self._mean(0)
        for i in range(2):
            self._tell_turned(i)

    def set_frames(self, a: tuple[Frame, ...], b: tuple[Frame, ...]) -> None:
        """What is framed on each, besides the current tile."""
        self._frames = [a, b]
        self._draw_frames()

    def _draw_frames(self) -> None:
        for i, pane in enumerate(self.panes):
            frames = self._frames[i]
            if self.current is not None and self.current[0] == i:
                frames = (*frames, Frame(self.current[1], "current"))
            pane.set_frames(frames)

    # -- the framed tile ----------------------------------------------------------

    def set_current(self, i: int, region: Region | None) -> None:
        """Frame a tile of a slide; the keys speak of it."""
        if region is not None:
            self._mean(i)
        current = None if region is None else (i, region)
        if current != self.current:
            self.current = current
            self._draw_frames()
            self.current_changed.emit()

    def analysed(self, i: int) -> bool:
        """Whether the tiles of a slide are those that a model learns from."""
        tiles = self._tiles[i]
        return tiles is not None and tiles.analysed

    def _mean(self, i: int) -> None:
        """The keys speak of this slide: the pointer is over it, or a key led there."""
        self.side = i
        for n, pane in enumerate(self.panes):
            pane.set_meant(n == i and self.panes[n].field is not None)

    def _point(self, i: int, x: float, y: float) -> None:
        self._mean(i)
        tiles = self._tiles[i]
        region = tiles.at(x, y) if tiles is not None else None
        if region is not None:
            self.set_current(i, region)
        elif self.current is not None and self.current[0] == i:
            self.set_current(i, None)

    def choose_side(self, i: int) -> None:
        """Let the keys speak of a slide; the tile in the middle of its pane is framed."""
        field = self.panes[i].field
        if field is None:
            return
        self._mean(i)
        if self.current is None or self.current[0] != i:
            tiles = self._tiles[i]
            region = tiles.at(field.x_px0, field.y_px0) if tiles is not None else None
            self.set_current(i, region)

    def step(self, columns: int, rows: int) -> None:
        """Frame the tile beside the framed one, and keep it in sight; right is the screen's."""
        field = self.panes[self.current[0]].field if self.current is not None else None
        if self.current is None or field is None:
            return
        i, region = self.current
        tiles = self._tiles[i]
        along_x, along_y = (round(n) for n in field.orientation.to_slide(columns, rows))
        beside = tiles.step(region, along_x, along_y) if tiles is not None else None
        if beside is not None:
            self.set_current(i, beside)
            if not self.panes[i].shows(beside):
                self.go_to(i, beside)

    # -- moving -------------------------------------------------------------------

    @property
    def fields(self) -> Fields:
        """What the two panes show."""
        return self.panes[0].field, self.panes[1].field

    def _set(self, fields: Fields) -> None:
        for pane, field in zip(self.panes, fields, strict=True):
            pane.set_field(field)

    def _pan(self, i: int, dx: float, dy: float) -> None:
        self._set(moved_together(self.fields, (dx, dy), i, self.linked))

    def _zoom(self, i: int, zoom: Zoom) -> None:
        screens = self.panes[0].extent, self.panes[1].extent
        fields = self.fields
        self._set(zoomed_together(fields, screens, zoom.factor, i, zoom.anchor, self.linked))

    def zoom(self, factor: float) -> None:
        """Zoom both about their middles."""
        self._zoom(self.side, Zoom(factor))

    def turn(self, name: str, i: int | None = None) -> None:
        """Turn or mirror one slide about the middle of its pane; the other stays as it lies.

        Parameters
        ----------
        name
            Key of `turning.TURNS`.
        i
            Which slide; ``None``: the one that the keys speak of.
        """
        i = self.side if i is None else i
        field = self.panes[i].field
        if field is not None:
            self._mean(i)
            self.panes[i].set_field(field.laid(TURNS[name].lay(field.orientation)))
            self._tell_turned(i)

    def _tell_turned(self, i: int) -> None:
        field = self.panes[i].field
        orientation = UPRIGHT if field is None else field.orientation
        self.turns[i].show_orientation(orientation)
        self.turned.emit(i, orientation)

    def show_all(self) -> None:
        """Both slides whole, at one scale."""
        fields = [
            None if f is None else whole(f.size_px0, f.mpp, pane.extent, f.orientation)
            for f, pane in zip(self.fields, self.panes, strict=True)
        ]
        a, b = fields
        leader = 0 if b is None or (a is not None and a.pixel >= b.pixel) else 1
        self._set(same_scale((a, b), leader))

    def go_to(self, i: int, region: Region) -> None:
        """Bring a tile to the middle of its pane; nearer if it would be too small to see."""
        self._centre(i, region)
        self._see(i, region)
        self.set_current(i, region)

    def go_both(self, a: Region, b: Region) -> None:
        """Bring a tile of each slide to the middle of its pane, at one scale."""
        side = self.side
        for i, region in enumerate((a, b)):
            self._centre(i, region)
        self._see(0, a)
        self.set_current(side, (a, b)[side])

    def _centre(self, i: int, region: Region) -> None:
        field = self.panes[i].field
        if field is not None:
            middle = region.x + region.width / 2, region.y + region.height / 2
            self.panes[i].set_field(field.centred(*middle))

    def _see(self, i: int, region: Region) -> None:
        """Zoom both so that a tile of a pane can be looked at, if it is drawn small or huge."""
        field, pane = self.panes[i].field, self.panes[i]
        if field is None:
            return
        drawn = region.width / field.step[0]
        room = min(pane.extent)
        if SMALL_PX <= drawn <= room * 0.9:
            return
        self.zoom_to(i, region)

    def zoom_to(self, i: int, region: Region) -> None:
        """Zoom both so that a few tiles of this size fit into a pane."""
        field, pane = self.panes[i].field, self.panes[i]
        if field is not None:
            factor = region.width / field.step[0] * TILES_ACROSS / max(min(pane.extent), 1)
            self._zoom(i, Zoom(factor))

    def match_scales(self, leader: int) -> None:
        """Both at the leader's µm per screen pixel."""
        self._set(same_scale(self.fields, leader))
