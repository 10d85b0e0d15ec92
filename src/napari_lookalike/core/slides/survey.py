"""What opens, and what does not: every slide below some folders, tried.

`docs/formats.md` is made from this, so that it says what was seen and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.dicom import read_header, series_in
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.opening import fingerprint_of, open_slide
from napari_lookalike.core.slides.sniff import is_zarr, looks_like_raster, looks_like_slide
from napari_lookalike.core.slides.source import DECODE_ERRORS, quiet_logger

SUFFIXES = {
    ".avs", ".bif", ".bmp", ".btf", ".czi", ".dcm", ".dzi", ".isyntax", ".j2k", ".jp2", ".jpeg",
    ".jpg", ".lif", ".mrxs", ".nd2", ".ndpi", ".png", ".qptiff", ".scn", ".sis", ".svs",
    ".svslide", ".tif", ".tiff", ".vms", ".vmu", ".vsi", ".zvi",
}  # fmt: skip
"""What names an image, whether it can be read or not."""

OPENSLIDE = {
    "aperio": "Aperio (SVS, TIFF)",
    "dicom": "DICOM whole-slide image",
    "hamamatsu": "Hamamatsu (NDPI, VMS, VMU)",
    "leica": "Leica (SCN)",
    "mirax": "MIRAX (MRXS)",
    "philips": "Philips (TIFF)",
    "sakura": "Sakura (SVSLIDE)",
    "trestle": "Trestle (TIFF)",
    "ventana": "Ventana (BIF, TIFF)",
    "zeiss": "Zeiss (CZI)",
    "generic-tiff": "generic tiled TIFF",
}
"""Every family that OpenSlide 4 lists: its name for it -> ours."""

_OTHERS = {
    "ome-tiff": "OME-TIFF",
    "imagej": "ImageJ TIFF",
    "tiff": "other TIFF",
    "ome-zarr": "OME-Zarr",
    "jpeg": "JPEG",
    "png": "PNG",
}
_COMPRESSIONS = {
    "NONE": "none",
    "JPEG": "JPEG",
    "OJPEG": "JPEG (old)",
    "LZW": "LZW",
    "ADOBE_DEFLATE": "deflate",
    "DEFLATE": "deflate",
    "ZSTD": "ZSTD",
    "APERIO_JP2000_RGB": "JPEG 2000",
    "APERIO_JP2000_YCBC": "JPEG 2000",
    "JPEG2000": "JPEG 2000",
    "PACKBITS": "PackBits",
}


@dataclass(frozen=True)
class Tried:
    """One slide that was tried.

    Parameters
    ----------
    name
        Its path below the folder that was named, or the start of its fingerprint.
    opened
        Whether it opened and a tile of each level was decoded.
    reason
        Why not; empty if it did.
    format, compression
        For a person.
    vendor
        The family, as the back end names it.
    backend, decoder
        Who opened it, and who decodes its tiles.
    mpp
        µm per level-0 pixel, or ``None``.
    mpp_source
        Where that comes from ("unknown": from nowhere).
    mpp_reason
        Why a stated one is not used.
    levels
        Levels in the file.
    """

    name: str
    opened: bool
    reason: str = ""
    format: str = ""
    compression: str = ""
    vendor: str = ""
    backend: str = ""
    decoder: str = ""
    mpp: float | None = None
    mpp_source: str = "unknown"
    mpp_reason: str = ""
    levels: int = 0

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def survey(folders: list[Path], *, names: bool = False, job: Job = SILENT) -> list[Tried]:
    """Try everything below some folders that is, or is named like, an image.

    Parameters
    ----------
    folders
        Folders, or single slides.
    names
        Call slides by their paths below the folder. Otherwise by their fingerprint: a
        file's name can name a patient.
    job
        Progress and cancel.
    """
    places = [(folder, path) for folder in folders for path in candidates(folder)]
    tried = []
    for i, (folder, path) in enumerate(places):
        job.step(i, len(places), "trying slides")
        tried.append(try_slide(path, _name(path, folder, names)))
    return tried


def candidates(folder: Path) -> Iterator[Path]:
    """Slides below a folder, in the order of their paths; a DICOM folder is one slide."""
    if _is_one(folder):
        yield folder
        return
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        visible = sorted(name for name in folders if not name.startswith("."))
        whole = [n for n in visible if _is_one(here / n)]
        # What belongs to a MIRAX slide lies in a folder of its name.
        parts = {Path(f).stem for f in files if f.lower().endswith(".mrxs")}
        folders[:] = [n for n in visible if n not in whole and n not in parts]
        yield from sorted([here / n for n in whole] + [here / f for f in files if _tells(here / f)])


def _is_one(path: Path) -> bool:
    """Whether a path is one slide: a file, an OME-Zarr, or a folder of one DICOM slide."""
    if not path.is_dir() or is_zarr(path):
        return True
    try:
        series = series_in(path)
        others = any(p.is_dir() or _tells(p) for p in path.iterdir() if p.suffix != ".dcm")
    except OSError:
        return False
    return len(series) == 1 and not others


def _tells(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    return path.suffix.lower() in SUFFIXES or looks_like_slide(path) or looks_like_raster(path)


def _name(path: Path, folder: Path, names: bool) -> str:
    if names:
        return path.name if path == folder else path.relative_to(folder).as_posix()
    try:
        return fingerprint_of(path)[:8]
    except LookalikeError:
        return "unreadable"


def try_slide(path: Path, name: str) -> Tried:
    """Open a slide and decode a tile of each of its levels."""
    try:
        with open_slide(path, raster=True) as slide:
            facts = slide_info(slide)
            properties = slide.properties()
            return Tried(
                name,
                True,
                "",
                _format(slide, properties),
                _compression(path, slide, properties),
                slide.vendor,
                slide.backend,
                properties.get("lookalike.decoder", ""),
                slide.scale.mpp,
                slide.scale.source,
                slide.scale.reason,
                sum(not level["synthetic"] for level in facts["levels"]),
            )
    except LookalikeError as error:
        return Tried(name, False, error.what)


def _format(slide: Slide, properties: dict[str, str]) -> str:
    known = OPENSLIDE if slide.backend == "openslide" else {**OPENSLIDE, **_OTHERS}
    title = known.get(slide.vendor, slide.vendor)
    if slide.backend == "ome-zarr":
        title += f" {properties.get('ome.version', '')}".rstrip()
    return title


def _compression(path: Path, slide: Slide, properties: dict[str, str]) -> str:
    if slide.backend == "ome-zarr":
        return properties.get("zarr.compression", "")
    if slide.backend == "raster":
        return slide.vendor.upper()
    series = series_in(path) if path.is_dir() else {}
    header = read_header(next(iter(series.values()))[0] if series else path)
    return header.compression if header is not None else _tiff_compression(path)


def _tiff_compression(path: Path) -> str:
    """Of the first page; empty if the file is no TIFF."""
    import tifffile

    try:
        with quiet_logger("tifffile"), tifffile.TiffFile(path) as tif:
            name = tifffile.COMPRESSION(tif.pages.first.compression).name
    except DECODE_ERRORS:
        return ""
    return _COMPRESSIONS.get(name, name)
