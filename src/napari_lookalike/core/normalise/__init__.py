"""Stain normalisation: one fit per slide, the same for all of its tiles."""

from napari_lookalike.core.normalise.fit import (
    STAIN_METHODS,
    StainFit,
    fit_stain,
    stain_from_json,
)

__all__ = ["STAIN_METHODS", "StainFit", "fit_stain", "stain_from_json"]
