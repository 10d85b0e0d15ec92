"""Layers that lie over the project's open slide: how each is made, found and refined."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.layers import Image, Layer

from napari_lookalike.core.slides.base import Slide
from napari_lookalike.session.early_view import CoverageView
from napari_lookalike.session.overlay import OverlayView
from napari_lookalike.session.session import OverlaySettings
from napari_lookalike.ui.layer_status import of_tile, or_none, say_values

KEY = "napari-lookalike"
COLORMAP = "plasma"
COVERAGE_COLORMAP, COVERAGE_OPACITY = "blue", 0.35


def our_layers(viewer: Any, kind: str | None = None) -> list[Layer]:
    """Layers of the project's open slide: of that kind ("slide", "tissue", "attention") or all.

    A slide that was opened by itself belongs to no project and is left alone.
    """
    found = []
    for layer in viewer.layers:
        about = layer.metadata.get(KEY, {})
        if about.get("of_project") and kind in (None, about.get("kind")):
            found.append(layer)
    return found


def layer_units(slide: Slide) -> tuple[tuple[float, float], tuple[str, str]]:
    """``(mpp_x, mpp_y)`` and napari units: micrometres if the scale is known, else pixels."""
    if slide.scale.mpp_x is None or slide.scale.mpp_y is None:
        return (1.0, 1.0), ("pixel", "pixel")
    return (slide.scale.mpp_x, slide.scale.mpp_y), ("um", "um")


def add_attention(
    viewer: Any, slide: Slide, view: OverlayView, settings: OverlaySettings, early: bool
) -> Image:
    """Draw an attention map over the slide; ``early``: it is to be refined."""
    mpp_xy, units = layer_units(slide)
    layer = Image(
        view.overlay.image,
        name=view.title,
        colormap=COLORMAP,
        contrast_limits=view.limits,
        interpolation2d="nearest",
        opacity=settings.opacity,
        visible=settings.visible,
        scale=view.overlay.napari_scale(mpp_xy),
        translate=view.overlay.napari_translate(mpp_xy),
        units=units,
        metadata={
            KEY: {
                "kind": "attention",
                "of_project": True,
                "legend": view.legend,
                "early": early,
            }
        },
    )
    say_values(layer, of_tile)  # before napari first asks
    viewer.add_layer(layer)
    return layer


def refine_attention(viewer: Any, view: OverlayView) -> bool:
    """Put new values into an early attention map that is drawn; whether there is one."""
    for layer in our_layers(viewer, "attention"):
        about = layer.metadata[KEY]
        if about.get("early") and layer.data.shape == view.overlay.image.shape:
            layer.data, layer.contrast_limits = view.overlay.image, view.limits
            layer.name = view.title
            layer.metadata = {KEY: {**about, "legend": view.legend}}
            return True
    return False


def add_coverage(viewer: Any, slide: Slide, view: CoverageView) -> Image:
    """Tint the tiles that are embedded so far."""
    mpp_xy, units = layer_units(slide)
    layer = Image(
        view.overlay.image,
        name=view.title,
        colormap=COVERAGE_COLORMAP,
        contrast_limits=(0, 1),
        interpolation2d="nearest",
        opacity=COVERAGE_OPACITY,
        scale=view.overlay.napari_scale(mpp_xy),
        translate=view.overlay.napari_translate(mpp_xy),
        units=units,
        metadata={KEY: {"kind": "coverage", "of_project": True}},
    )
    say_values(layer, partial(or_none, named="embedded", none="not embedded"))
    viewer.add_layer(layer)
    return layer


def refine_coverage(viewer: Any, view: CoverageView) -> bool:
    """Tint more tiles, if some are tinted; whether they are."""
    for layer in our_layers(viewer, "coverage"):
        layer.data, layer.name = view.overlay.image, view.title
        return True
    return False
