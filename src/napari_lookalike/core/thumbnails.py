"""Thumbnails of a project's slides, made once and kept as PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.slides.base import RGB

LONGEST_PX = 384
"""Longer edge of a thumbnail, pixels: enough for a hover and a list on a dense screen."""

_KEY = "fingerprint"


def read_thumbnail(path: Path, fingerprint: str) -> RGB | None:
    """The stored thumbnail, or ``None`` if there is none for this slide's content.

    Parameters
    ----------
    path
        The PNG file.
    fingerprint
        Content id the slide has now; empty = not known, then any stored one is taken.

    Returns
    -------
    ndarray of uint8 (height, width, 3), or None
    """
    try:
        with Image.open(path) as image:
            of = image.info.get(_KEY, "")
            if fingerprint and of != fingerprint:
                return None
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, UnidentifiedImageError):  # absent or damaged: made anew
        return None


def write_thumbnail(path: Path, pixels: RGB, fingerprint: str) -> bool:
    """Keep a thumbnail; ``False`` if the folder cannot be written (it is then made each time)."""
    about = PngImagePlugin.PngInfo()
    about.add_text(_KEY, fingerprint)
    try:
        write_atomic(path, lambda p: Image.fromarray(pixels).save(p, format="PNG", pnginfo=about))
    except ProjectError:
        return False
    return True
