"""tifffile: TIFF and OME-TIFF that OpenSlide does not take."""

from __future__ import annotations

import re
import threading
import weakref
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from napari_lookalike.core.slides.base import RGB, Level
from napari_lookalike.core.slides.native.check import find_difference
from napari_lookalike.core.slides.native.codec import MAX_BYTES
from napari_lookalike.core.slides.native.level import NATIVE, NativeLevel
from napari_lookalike.core.slides.native.pages import native_plane
from napari_lookalike.core.slides.native.reading import PositionalFile
from napari_lookalike.core.slides.scale import UM_PER_INCH
from napari_lookalike.core.slides.source import (
    DECODE_ERRORS,
    CannotRead,
    Source,
    StatedScale,
    quiet_logger,
    reason_of,
)
from napari_lookalike.core.slides.tiff_layout import Plane, find_layout
from napari_lookalike.core.slides.tiff_pages import PlaneReader, SegmentCache

_UM = {
    "µm": 1.0, "um": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "\\u00b5m": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6, "å": 1e-4,
    "in": UM_PER_INCH, "inch": UM_PER_INCH,
}  # fmt: skip
"""µm per unit of length, as OME and ImageJ name them."""

_ICC_TAG = 34675
_UM_PER_TIFF_UNIT = {2: UM_PER_INCH, 3: 1e4}


def open_tifffile(path: Path) -> TifffileSource:
    """Open a TIFF."""
    return TifffileSource(path)


class TifffileSource(Source):
    """A TIFF read by tifffile, decoded by imagecodecs."""

    backend = "tifffile"
    tiled = True

    def __init__(self, path: Path) -> None:
        self._path, self._closed = path, False
        if not path.is_file():
            raise CannotRead("a folder is not a TIFF")
        try:
            with quiet_logger("tifffile"):
                self._tif = tifffile.TiffFile(path)
        except DECODE_ERRORS as error:
            raise CannotRead(_open_reason(error, path)) from None
        try:
            with quiet_logger("tifffile"):
                self._read_directory()
        except CannotRead:
            self._tif.close()
            raise
        except DECODE_ERRORS as error:
            self._tif.close()
            raise CannotRead(reason_of(error, path)) from None
        weakref.finalize(self, self._tif.close)

    def _read_directory(self) -> None:
        layout = find_layout(self._tif)
        cache, lock = SegmentCache(), threading.RLock()
        self._planes = [PlaneReader(plane, cache, lock) for plane in layout.levels]
        self._associated = layout.associated
        self._shared = cache, lock
        self._series = self._tif.series[layout.series_index]
        self._page = layout.levels[0].key
        limits = self._planes[-1].find_limits()
        for reader in self._planes:
            reader.limits = limits
        self._notes = {"lookalike.note": layout.note} if layout.note else {}
        self._native, self._notes["lookalike.decoder"] = self._native_tiles()
        if self._page.dtype != "uint8":
            shown = f"{limits[0]:g} to {limits[1]:g} ({self._page.dtype}) as black to white"
            self._notes["lookalike.display-range"] = shown
        self.vendor = _vendor(self._tif)
        size0 = layout.levels[0].width, layout.levels[0].height
        self.levels = tuple(_level(plane, size0) for plane in layout.levels)

    def stated_scale(self) -> StatedScale:
        """OME's physical size, else Aperio's MPP, else ImageJ's unit, else the tags."""
        try:
            with quiet_logger("tifffile"):
                found = self._ome_scale() or self._aperio_scale() or self._tag_scale()
        except DECODE_ERRORS:  # a statement that is damaged states nothing
            return StatedScale()
        return found or StatedScale()

    def _ome_scale(self) -> StatedScale | None:
        if not self._tif.is_ome or not self._tif.ome_metadata:
            return None
        try:
            root = ElementTree.fromstring(self._tif.ome_metadata.strip())
        except ElementTree.ParseError:
            return None
        size = {"SizeX": str(self.levels[0].width), "SizeY": str(self.levels[0].height)}
        for pixels in root.iter():
            fits = all(pixels.get(key) == value for key, value in size.items())
            if not pixels.tag.endswith("Pixels") or not fits:
                continue
            x, y = (_length(pixels, axis) for axis in "XY")
            raw = " x ".join(
                f"{pixels.get(f'PhysicalSize{a}')} {pixels.get(f'PhysicalSize{a}Unit', 'µm')}"
                for a in "XY"
            )
            return StatedScale(x, y, "property", raw) if x and y else None
        return None

    def _aperio_scale(self) -> StatedScale | None:
        found = re.search(r"\bMPP\s*=\s*([0-9.]+)", self._page.description or "")
        if not self._tif.is_svs or found is None:
            return None
        mpp = float(found[1])
        return StatedScale(mpp, mpp, "property", f"{mpp} µm per pixel")

    def _tag_scale(self) -> StatedScale | None:
        dots = [_ratio(self._page.tags.valueof(code)) for code in (282, 283)]
        if None in dots or not all(dots):
            return None
        unit = int(self._page.tags.valueof(296, 2))
        um, name = _UM_PER_TIFF_UNIT.get(unit), {2: "inch", 3: "centimetre"}.get(unit, "no unit")
        ij = (self._tif.imagej_metadata or {}).get("unit")
        if ij is not None:
            um, name = _UM.get(str(ij).lower()), str(ij)
        raw = f"resolution {dots[0]:g} x {dots[1]:g} per {name}"
        if um is None:
            return StatedScale(raw=raw)
        return StatedScale(um / float(dots[0] or 1), um / float(dots[1] or 1), "tiff-tag", raw)

    def _native_tiles(self) -> tuple[tuple[NativeLevel, ...], str]:
        """Native tiles of all levels, or none; and what decodes, with the reason.

        tifffile's own decoding is what they are compared with.
        """
        planes = [reader.plane for reader in self._planes]
        try:
            file = PositionalFile(self._path)
            found = tuple(native_plane(plane, self._tif, file) for plane in planes)
            reason = find_difference(found, self._slowly, [1.0] * len(found))
        except CannotRead as error:
            reason = str(error)
        return ((), f"tifffile ({reason})") if reason else (found, NATIVE)

    def _slowly(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        return self._read(self._planes[level], x, y, width, height)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
        """Pixels of a level."""
        native = self._native
        if self._closed:
            raise CannotRead("the slide was closed")
        if not native:
            return self._slowly(level, x, y, width, height)
        return native[level].read(x, y, width, height, native[level].white)

    def reductions(self, level: int) -> tuple[int, ...]:
        """Those of the codec, where tiles are decoded directly."""
        return self._native[level].reductions if self._native else ()

    def tile(self, level: int, column: int, row: int, reduce: int = 1) -> RGB:
        """See `Source.tile`."""
        if not self._native:
            return super().tile(level, column, row, reduce)
        if self._closed:
            raise CannotRead("the slide was closed")
        native = self._native[level]
        if reduce != 1 and reduce not in native.reductions:
            raise ValueError(f"This reader cannot reduce by {reduce}.")
        found = native.tile(column, row, reduce)
        return native.white(column, row, reduce) if found is None else found

    def icc_profile(self) -> bytes | None:
        """The profile of the first level's page."""
        with quiet_logger("tifffile"):
            profile = self._page.tags.valueof(_ICC_TAG)
        return profile if isinstance(profile, bytes) and profile else None

    def _read(self, reader: PlaneReader, x: int, y: int, width: int, height: int) -> RGB:
        try:
            return reader.read(x, y, width, height)
        except DECODE_ERRORS as error:
            raise CannotRead(reason_of(error, self._path)) from None

    def associated_names(self) -> tuple[str, ...]:
        """Series that are no level; "label", "macro", "thumbnail" where the file says so."""
        return tuple(self._associated)

    def associated_image(self, name: str) -> RGB:
        """One of them."""
        plane = self._associated[name]
        if plane.width * plane.height * 4 > MAX_BYTES:
            raise CannotRead("it is too large to show")
        try:
            reader = PlaneReader(plane, *self._shared)
            reader.limits = reader.find_limits()
        except DECODE_ERRORS as error:
            raise CannotRead(reason_of(error, self._path)) from None
        return self._read(reader, 0, 0, plane.width, plane.height)

    def properties(self) -> dict[str, str]:
        """TIFF tags of the first level, and what we chose to show of it."""
        with quiet_logger("tifffile"):  # it logs values that it cannot decode
            tags = {f"tiff.{tag.name}": str(tag.value)[:2000] for tag in self._page.tags}
        return {**tags, "tifffile.axes": self._series.axes, **self._notes}

    def close(self) -> None:
        """Release the file, after the read that is going on."""
        self._closed, self._native = True, ()
        with self._shared[1]:
            self._tif.close()


def _open_reason(error: Exception, path: Path) -> str:
    if isinstance(error, tifffile.TiffFileError) and "not a TIFF" in str(error):
        return "not a TIFF"
    return reason_of(error, path)


def _vendor(tif: tifffile.TiffFile) -> str:
    kinds = {"svs": "aperio", "ome": "ome-tiff", "imagej": "imagej", "scn": "leica",
             "bif": "ventana", "ndpi": "hamamatsu", "philips": "philips"}  # fmt: skip
    return next((name for kind, name in kinds.items() if getattr(tif, f"is_{kind}")), "tiff")


def _level(plane: Plane, size0: tuple[int, int]) -> Level:
    key = plane.key
    tile = (
        (key.tilewidth, key.tilelength)
        if key.is_tiled
        else (plane.width, min(key.rowsperstrip, plane.height))
    )
    downsample = size0[0] / plane.width, size0[1] / plane.height
    return Level(plane.width, plane.height, *downsample, *tile)


def _length(pixels: ElementTree.Element, axis: str) -> float | None:
    """OME's physical size of an axis in µm."""
    value, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")
    factor = _UM.get(unit.lower())
    try:
        return None if value is None or factor is None else float(value) * factor
    except ValueError:
        return None


def _ratio(value: object) -> float | None:
    if not isinstance(value, tuple) or len(value) < 2 or not value[1]:
        return None
    return float(value[0]) / float(value[1])
