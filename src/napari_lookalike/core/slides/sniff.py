"""Could this be a slide? Answered from the first bytes, without opening it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from napari_lookalike.core.slides.dicom import read_header

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MAGIC = (
    *_TIFF,
    b"ZISRAWFILE",  # Zeiss CZI
    b"SQLite format 3",  # Sakura SVSLIDE
    b"[Virtual Microscope Specimen]",  # Hamamatsu VMS
    b"[Uncompressed Virtual Microscope Specimen]",  # Hamamatsu VMU
)
_SQLITE_SUFFIXES = {".svslide"}
_MIRAX_SUFFIX = ".mrxs"
_DICOM_PROBES = 12
_ZARR_METADATA = ("zarr.json", ".zattrs")
_ZARR_WORDS = (b'"multiscales"', b'"bioformats2raw.layout"', b'"plate"')
_METADATA_BYTES = 1 << 22


def looks_like_slide(path: str | Path) -> bool:
    """Whether a file or folder can be a slide, by its header.

    Parameters
    ----------
    path
        A file, or a folder: of DICOM files, or an OME-Zarr.

    Returns
    -------
    bool
        True for TIFF and its relatives (SVS, NDPI, SCN, BIF, ...), MIRAX, Hamamatsu,
        Sakura, Zeiss, DICOM whole-slide images and OME-Zarr. JPEG and PNG are not slides unless
        someone says so (``raster=True`` of `open_slide`). Never raises.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return is_zarr(path) or _is_dicom_folder(path)
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        return False
    if path.suffix.lower() == _MIRAX_SUFFIX:
        return path.with_suffix("").is_dir()
    if head.startswith(b"SQLite") and path.suffix.lower() not in _SQLITE_SUFFIXES:
        return False
    if head[128:132] == b"DICM":
        header = read_header(path)
        return header is not None and header.is_slide
    return head.startswith(_MAGIC)


def is_zarr(folder: Path) -> bool:
    """Whether a folder holds an OME-Zarr, by its metadata. Never raises."""
    for name in _ZARR_METADATA:
        try:
            with (folder / name).open("rb") as file:
                text = file.read(_METADATA_BYTES)
        except OSError:
            continue
        if any(word in text for word in _ZARR_WORDS):
            return True
    return False


def looks_like_raster(path: str | Path) -> bool:
    """Whether a file is a JPEG or PNG, by its header. Never raises."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(8)
    except OSError:
        return False
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def _is_dicom_folder(folder: Path) -> bool:
    """Whether one of a folder's first files is part of a DICOM slide."""
    for path in islice((p for p in folder.iterdir() if p.is_file()), _DICOM_PROBES):
        header = read_header(path)
        if header is not None and header.is_slide:
            return True
    return False
