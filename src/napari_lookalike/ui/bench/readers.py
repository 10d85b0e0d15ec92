"""How each reader puts a slide into a viewer."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.replay import FLOOR, OURS, PEER
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.slides import open_slide

_MODULES = {
    OURS: ("napari_lookalike.ui.reader", "tifffile", "imagecodecs", "openslide"),
    PEER: ("napari_wsi.backends.openslide", "napari_wsi.color_transform"),
}


class ReaderMissing(LookalikeError):
    """A reader that is to be measured is not installed."""


class Blank:
    """A level that costs nothing to read: napari's array protocol over one grey value.

    Parameters
    ----------
    height, width
        Size in pixels.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, height: int, width: int) -> None:
        self.shape = (height, width, 3)
        self.size = height * width * 3

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        keys = key if isinstance(key, tuple) else (key,)
        lengths = [len(range(*k.indices(n))) for k, n in zip(keys, self.shape, strict=False)]
        return np.full([*lengths, *self.shape[len(keys) :]], 200, np.uint8)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:, :], dtype)


def check_reader(reader: str) -> None:
    """Refuse the peer if it is not here, before anything is measured.

    Raises
    ------
    ReaderMissing
        With what to install.
    """
    if reader == PEER and importlib.util.find_spec("napari_wsi") is None:
        raise ReaderMissing(
            f"{PEER}, which the view is measured against, is not installed.",
            'Install it with pip install "napari-lookalike[bench]".',
        )


def load(reader: str) -> None:
    """Import what a reader needs, so that its first slide is not timed with it."""
    check_reader(reader)
    for module in _MODULES.get(reader, ()):
        importlib.import_module(module)


def open_layer(viewer: Any, reader: str, path: Path) -> Any:
    """Put the slide into the viewer; returns its multiscale layer."""
    if reader == FLOOR:
        with open_slide(path) as slide:
            sizes = [(v.height, v.width) for v in slide.levels if not v.synthetic]
        levels = [Blank(*size) for size in sizes]
        if len(levels) == 1:  # what a viewer must have to show the whole slide at all
            levels.append(Blank(*(max(1, n // 2) for n in sizes[0])))
        return viewer.add_image(levels, multiscale=True, rgb=True)
    if reader == PEER:
        from napari_wsi.backends.openslide import OpenSlideStore
        from napari_wsi.color_transform import ColorSpace

        return OpenSlideStore(path, color_space=ColorSpace.sRGB).to_viewer(viewer)[0]
    layers = viewer.open(str(path), plugin=reader)
    return next(layer for layer in layers if getattr(layer, "multiscale", False))
