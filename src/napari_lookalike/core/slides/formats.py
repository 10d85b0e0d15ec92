"""The registry of back ends, in the order in which they are tried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_lookalike.core.errors import SlideError
from napari_lookalike.core.registry import Registry
from napari_lookalike.core.slides.guard import check_tiff
from napari_lookalike.core.slides.sniff import is_zarr
from napari_lookalike.core.slides.source import CannotRead, Opener, Source


@dataclass(frozen=True)
class SlideFormat:
    """A back end.

    Parameters
    ----------
    open
        Opens a path as a `Source`, or raises `CannotRead`.
    title
        Its name in a sentence.
    raster
        Tried only if the caller says that images which are no slides may be opened.
    """

    open: Opener
    title: str
    raster: bool = False


SLIDE_FORMATS: Registry[SlideFormat] = Registry("slide format", SlideError)
"""Back ends by name; each opener imports its library when it is first used."""


def _openslide(path: Path) -> Source:
    from napari_lookalike.core.slides.dicom_guard import check_dicom
    from napari_lookalike.core.slides.openslide_source import open_openslide

    check_tiff(path, strips=True)
    check_dicom(path)
    return open_openslide(path)


def _tifffile(path: Path) -> Source:
    from napari_lookalike.core.slides.tifffile_source import open_tifffile

    check_tiff(path)
    return open_tifffile(path)


def _zarr(path: Path) -> Source:
    if not is_zarr(path):  # zarr takes a second to import
        raise CannotRead("not a folder of that kind")
    from napari_lookalike.core.slides.zarr_source import open_zarr

    return open_zarr(path)


def _raster(path: Path) -> Source:
    from napari_lookalike.core.slides.raster_source import open_raster

    return open_raster(path)


SLIDE_FORMATS.register("openslide", SlideFormat(_openslide, "OpenSlide"))
SLIDE_FORMATS.register("tifffile", SlideFormat(_tifffile, "tifffile"))
SLIDE_FORMATS.register("ome-zarr", SlideFormat(_zarr, "OME-Zarr"))
SLIDE_FORMATS.register("raster", SlideFormat(_raster, "JPEG and PNG", raster=True))
