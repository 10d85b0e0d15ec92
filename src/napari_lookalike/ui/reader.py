"""napari's way in: a file that looks like a slide -> an image layer in micrometres."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import napari
from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.opening import open_slide
from napari_lookalike.core.slides.sniff import looks_like_raster, looks_like_slide
from napari_lookalike.ui.slide_layer import refresh_when_ready, slide_layer_data

LayerData = tuple[Any, dict[str, Any], str]
ReadFunction = Callable[..., list[LayerData]]


def get_reader(path: str | Path | list[str] | list[Path]) -> ReadFunction | None:
    """A function that reads the slide, or ``None`` if the path does not look like one.

    Looks at the header only. JPEG and PNG are left to others: see `get_raster_reader`.
    """
    return _reader_for(path, looks_like_slide, raster=False)


def get_raster_reader(path: str | Path | list[str] | list[Path]) -> ReadFunction | None:
    """The same for JPEG and PNG, for those who say that theirs is a slide."""
    return _reader_for(path, looks_like_raster, raster=True)


def _reader_for(
    path: str | Path | list[str] | list[Path],
    accepts: Callable[[str | Path], bool],
    *,
    raster: bool,
) -> ReadFunction | None:
    single = _single(path)
    return partial(_read, raster=raster) if single is not None and accepts(single) else None


def _single(path: str | Path | list[str] | list[Path]) -> Path | None:
    """The one path of a request; several are a stack, which slides are not."""
    if isinstance(path, list):
        return Path(path[0]) if len(path) == 1 else None
    return Path(path)


def _read(
    path: str | Path | list[str] | list[Path], *, raster: bool = False, **_: Any
) -> list[LayerData]:
    """Open a slide as layer data.

    Raises
    ------
    UnreadableSlide
        With every back end's reason. napari shows it and goes on.
    """
    single = _single(path)
    if single is None:
        return []
    slide = open_slide(single, raster=raster)
    levels, kwargs = slide_layer_data(slide, slide.name)
    if QApplication.instance() is not None:
        # napari adds the layer when this function has returned.
        QTimer.singleShot(0, partial(_watch_layer, slide))
    return [(levels, kwargs, "image")]


def _watch_layer(slide: Slide) -> None:
    viewer = napari.current_viewer()
    for layer in () if viewer is None else viewer.layers:
        if isinstance(layer, Image) and layer.metadata.get("tile_source") is slide:
            refresh_when_ready(layer, slide)
