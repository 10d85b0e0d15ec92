"""Whole-slide images: opening, levels, scale, regions.

`open_slide` tries the back ends of `SLIDE_FORMATS` in turn. See `Slide` for what an
open slide gives.
"""

from napari_lookalike.core.slides.base import RGB, Level, Slide
from napari_lookalike.core.slides.formats import SLIDE_FORMATS, SlideFormat
from napari_lookalike.core.slides.opening import open_slide
from napari_lookalike.core.slides.sniff import looks_like_raster, looks_like_slide

__all__ = [
    "RGB",
    "SLIDE_FORMATS",
    "Level",
    "Slide",
    "SlideFormat",
    "looks_like_raster",
    "looks_like_slide",
    "open_slide",
]
