"""Just enough of DICOM's header to tell a whole-slide image and its members."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HEADER = 1 << 16
_SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"  # VL Whole Slide Microscopy Image Storage
_CLASS_TAG, _SERIES_TAG = b"\x08\x00\x16\x00", b"\x20\x00\x0e\x00"
_SYNTAX_TAG = b"\x02\x00\x10\x00"
_MAX_MEMBERS = 2000
_CLASS_NAMES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.91.1": "bulk annotations",
}


_SYNTAXES = {
    "1.2.840.10008.1.2": "none",
    "1.2.840.10008.1.2.1": "none",
    "1.2.840.10008.1.2.1.99": "deflate",
    "1.2.840.10008.1.2.4.50": "JPEG",
    "1.2.840.10008.1.2.4.51": "JPEG, 12 bit",
    "1.2.840.10008.1.2.4.70": "JPEG, lossless",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS",
    "1.2.840.10008.1.2.4.90": "JPEG 2000",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.5": "run lengths",
}


@dataclass(frozen=True)
class DicomHeader:
    """SOP class, series and transfer syntax of one DICOM file (empty where not found)."""

    sop_class: str
    series: str
    syntax: str = ""

    @property
    def is_slide(self) -> bool:
        """Whether the file is (a part of) a whole-slide image."""
        return self.sop_class == _SLIDE_CLASS

    @property
    def compression(self) -> str:
        """How its pixels are coded, for a person."""
        return _SYNTAXES.get(self.syntax, self.syntax or "unknown")

    @property
    def kind(self) -> str:
        """What it is, for a sentence."""
        return _CLASS_NAMES.get(self.sop_class, "another kind of object")


def read_header(path: Path) -> DicomHeader | None:
    """The header, or ``None`` if the file is not DICOM. Reads 64 KiB."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError:
        return None
    if head[128:132] != b"DICM":
        return None
    return DicomHeader(*(_uid(head, tag) for tag in (_CLASS_TAG, _SERIES_TAG, _SYNTAX_TAG)))


def _uid(head: bytes, tag: bytes) -> str:
    """Value of a UID element, in explicit or implicit little-endian coding."""
    at = head.find(tag + b"UI", 132)
    start, length = at + 8, int.from_bytes(head[at + 6 : at + 8], "little")
    if at < 0:
        at = head.find(tag, 132)
        start, length = at + 8, int.from_bytes(head[at + 4 : at + 8], "little")
    if at < 0 or length > 64:
        return ""
    return head[start : start + length].rstrip(b"\0 ").decode("ascii", "replace")


def series_in(folder: Path, limit: int = _MAX_MEMBERS) -> dict[str, list[Path]]:
    """Slide series of a folder: series UID -> its files, sorted by name."""
    found: dict[str, list[Path]] = {}
    for count, path in enumerate(sorted(folder.iterdir())):
        if count >= limit:
            break
        header = read_header(path) if path.is_file() else None
        if header is not None and header.is_slide:
            found.setdefault(header.series, []).append(path)
    return found


def members_of(path: Path) -> list[Path]:
    """The files that make one DICOM slide, given one of them."""
    header = read_header(path)
    if header is None or not header.is_slide:
        return [path]
    return series_in(path.parent).get(header.series, [path])
