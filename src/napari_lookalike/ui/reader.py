"""napari's way in: a file that looks like a slide -> an image layer in micrometres.

A project, a folder of slides or a cohort's table opens too, as no layer but as a project; see
`dropped`. Other tables and folders are left to other plugins.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import napari
from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_lookalike.core.errors import ManifestError
from napari_lookalike.core.incoming import Kind, kind_of
from napari_lookalike.core.slides.opening import open_slide
from napari_lookalike.core.slides.sniff import looks_like_raster, looks_like_slide
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.ui.slide_layer import (
    bind,
    new_source,
    source_layer_data,
    source_of,
)
from napari_lookalike.ui.viewer_names import forget_path

LayerData = tuple[Any, dict[str, Any], str]
ReadFunction = Callable[..., list[LayerData]]

TOOLS_AFTER_MS = 150


def get_reader(path: str | Path | list[str] | list[Path]) -> ReadFunction | None:
    """A function that reads the slide, project or cohort; ``None`` if it looks like none.

    Looks at the header only. JPEG and PNG are left to others: see `get_raster_reader`.
    """
    slide = _reader_for(path, looks_like_slide, raster=False)
    if slide is not None:
        return slide
    single = _single(path)
    kind = None if single is None else kind_of(single)
    return None if kind is None else partial(_hand_over, kind)


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
    source = new_source(slide, slide.name)
    if QApplication.instance() is not None:
        source.warm()
        # napari adds the layer when this function has returned.
        QTimer.singleShot(0, partial(_bind_layer, source))
    levels, kwargs = source_layer_data(source, slide.name)
    return [(levels, kwargs, "image")]


def _hand_over(kind: Kind, path: str | Path | list[str] | list[Path], **_: Any) -> list[Any]:
    """Open a project or a cohort when napari has done with reading; there is no layer."""
    single, viewer = _single(path), napari.current_viewer()
    if single is None or viewer is None or QApplication.instance() is None:
        raise ManifestError(
            "A project or a cohort opens in the window only.",
            "Start it with: napari-lookalike view",
        )
    QTimer.singleShot(0, partial(_open_dropped, viewer, kind, single))
    return [(None,)]


def _open_dropped(viewer: Any, kind: Kind, path: Path) -> None:
    from napari_lookalike.ui.dropped import open_dropped  # every panel comes with it

    open_dropped(viewer, kind, path)


def _bind_layer(source: TileSource) -> None:
    viewer = napari.current_viewer()
    for layer in () if viewer is None else viewer.layers:
        if isinstance(layer, Image) and source_of(layer) is source:
            forget_path(layer)
            bind(layer, viewer)
    if viewer is not None:
        QTimer.singleShot(TOOLS_AFTER_MS, partial(_tools, weakref.ref(viewer)))


def _tools(reference: weakref.ref[Any]) -> None:
    """Keys, scale bar and readout: they come after the slide, since they load the panels."""
    from napari_lookalike.ui.slide_tools import slide_tools_for

    viewer = reference()
    if viewer is not None:
        slide_tools_for(viewer)
