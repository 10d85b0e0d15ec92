"""Tiles as a user's pipeline hands them to an encoder: the stain fitted to each slide.

The labelled tiles have no slides, only photographs of one field each, and a field is too
small to tell a slide's stain by. So photographs of one class are put together as a slide.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bench.scores import Views
from napari_lookalike.core.bench.tiles import LabelledTiles
from napari_lookalike.core.normalise import fit_stain

PHOTOGRAPHS = 8
"""Photographs in a slide, about: as few fields as a small biopsy has."""


def slides_of(labelled: LabelledTiles, seed: int = 0) -> NDArray[np.intp]:
    """Put photographs together as slides.

    Parameters
    ----------
    labelled
        Tiles whose groups are photographs.
    seed
        Of the drawing.

    Returns
    -------
    ndarray of int (n,)
        Number of each tile's slide. All photographs of a slide are of one class, as a slide
        has one diagnosis, and go the same way in `shifted`, as a slide has one laboratory.
    """
    rng = np.random.default_rng(seed)
    slides = np.zeros(len(labelled.groups), dtype=np.intp)
    number = 0
    for name in np.unique(labelled.classes):
        for odd in (0, 1):
            own = labelled.groups[(labelled.classes == name) & (labelled.groups % 2 == odd)]
            photographs = rng.permutation(np.unique(own))
            parts = max(1, round(len(photographs) / PHOTOGRAPHS))
            for part in np.array_split(photographs, parts):
                slides[np.isin(labelled.groups, part)] = number
                number += 1
    return slides


def in_slides(views: Views) -> Views:
    """The same pictures; what is kept together are slides."""
    labelled = replace(views.labelled, groups=slides_of(views.labelled))
    return replace(views, labelled=labelled)


def normalised(views: Views, method: str) -> Views:
    """All tiles after a stain normalisation, fitted once per group and shift.

    Parameters
    ----------
    views
        Tiles whose groups are slides.
    method
        Name of a stain normalisation (`core.normalise`).
    """
    groups = views.labelled.groups
    plain = replace(views.labelled, tiles=_fitted(views.labelled.tiles, groups, method))
    shifted = groups[views.which]
    changed = {name: _fitted(tiles, shifted, method) for name, tiles in views.changed.items()}
    return Views(plain, views.which, changed)


def _fitted(tiles: NDArray[np.uint8], groups: NDArray[np.intp], method: str) -> NDArray[np.uint8]:
    out = np.empty_like(tiles)
    for group in np.unique(groups):
        own = tiles[groups == group]
        out[groups == group] = fit_stain(own, method, h_and_e=True)(own)
    return out
