"""Opening a slide: back ends are tried in turn, and every reason is kept."""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.errors import ScaleError, UnreadableSlide
from napari_lookalike.core.geometry import MppSource, Scale
from napari_lookalike.core.slides import scale as scales
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.dicom import members_of, read_header
from napari_lookalike.core.slides.fingerprint import (
    fingerprint_file,
    fingerprint_files,
    fingerprint_tree,
)
from napari_lookalike.core.slides.formats import SLIDE_FORMATS
from napari_lookalike.core.slides.slide import PyramidSlide
from napari_lookalike.core.slides.sniff import is_zarr
from napari_lookalike.core.slides.source import CannotRead, Source, reason_of


def open_slide(
    path: str | Path,
    *,
    mpp: float | tuple[float, float] | None = None,
    mpp_source: MppSource = "user",
    raster: bool = False,
) -> Slide:
    """Open a whole-slide image.

    Parameters
    ----------
    path
        A file, or a folder: the files of one DICOM slide, or an OME-Zarr.
    mpp
        µm per level-0 pixel, or one for x and one for y; overrides what the file says.
    mpp_source
        Who gives ``mpp``: "user" or "manifest".
    raster
        Also try JPEG and PNG, which are slides only if someone says so.

    Returns
    -------
    Slide
        Open for reading; close it, or use it in a ``with`` statement.

    Raises
    ------
    UnreadableSlide
        If no back end opens it and decodes a part of it; gives every back end's reason.
    ScaleError
        If ``mpp`` is not plausible. Give the value at full size.
    """
    path = Path(path)
    fingerprint = fingerprint_of(path)
    reasons = []
    for entry in SLIDE_FORMATS:
        if entry.item.raster and not raster:
            continue
        obstacle = entry.why_not()
        try:
            if obstacle:
                raise CannotRead(obstacle)
            source = entry.item.open(path)
            _decode_something(source)
            source = _with_native_tiles(source, path, fingerprint[:8])
        except CannotRead as reason:
            reasons.append(f"{entry.item.title}: {reason}")
            continue
        try:
            scale = _scale(source, mpp, mpp_source, fingerprint[:8])
        except ScaleError:
            source.close()
            raise
        again = (_reopen, (path, mpp, mpp_source, raster))
        return PyramidSlide(source, path, scale, fingerprint, again)
    raise UnreadableSlide(
        f"No reader can open it ({'; '.join(reasons)}).",
        "If other programs show it, export it from there as pyramidal TIFF or DICOM.",
        fingerprint[:8],
    )


def fingerprint_of(path: Path) -> str:
    """Content id of a slide that need not be readable (see `fingerprint_file`).

    Raises
    ------
    UnreadableSlide
        If there is nothing at that path, or it may not be read.
    """
    try:
        if path.is_dir() and is_zarr(path):
            return fingerprint_tree(path)
        if path.is_dir():
            return fingerprint_files(_folder_members(path))
        if read_header(path) is not None:
            return fingerprint_files(members_of(path))
        if path.suffix.lower() == ".mrxs" and path.with_suffix("").is_dir():
            files = (p for p in path.with_suffix("").iterdir() if p.is_file())
            return fingerprint_files([path, *files])
        return fingerprint_file(path)
    except FileNotFoundError:
        raise UnreadableSlide(
            "The slide's file is not where it should be.",
            "Check that the disk is connected; in a project, relink the slide's folder.",
        ) from None
    except OSError as error:
        raise UnreadableSlide(
            f"The slide's file cannot be read ({reason_of(error, path)}).",
            "Check that you may read it and that the disk is connected.",
        ) from None


def _folder_members(folder: Path) -> list[Path]:
    members = [p for p in folder.iterdir() if p.is_file()]
    dicom = {p: header for p in members if (header := read_header(p)) and header.is_slide}
    return list(dicom) or members[:1000]


def _reopen(
    path: Path,
    mpp: float | tuple[float, float] | None,
    mpp_source: MppSource,
    raster: bool,
) -> Slide:
    return open_slide(path, mpp=mpp, mpp_source=mpp_source, raster=raster)


def _scale(
    source: Source, mpp: float | tuple[float, float] | None, mpp_source: MppSource, slide: str
) -> Scale:
    stated = source.stated_scale()
    return scales.judge(stated) if mpp is None else scales.given(mpp, mpp_source, stated, slide)


def _with_native_tiles(source: Source, path: Path, slide: str) -> Source:
    """Decode tiles directly where a check allows it (tifffile's source sees to its own)."""
    if source.backend != "openslide":
        return source
    from napari_lookalike.core.slides.native.source import with_native_tiles

    return with_native_tiles(source, path, slide)


def _decode_something(source: Source) -> None:
    """Refuse a file of which neither the first nor the middle tile of any level decodes.

    From coarse to fine, stopping at the first success. Images that are decoded as a
    whole (not `Source.warm`) are left alone: opening must not take seconds.
    """
    if not source.warm:
        return
    reason: CannotRead | None = None
    for index in reversed(range(len(source.levels))):
        level = source.levels[index]
        width = min(level.tile_width, level.width, 1024)
        height = min(level.tile_height, level.height, 1024)
        middle = (level.width // 2 // width * width, level.height // 2 // height * height)
        for x, y in ((0, 0), middle):
            try:
                source.read(index, x, y, min(width, level.width - x), min(height, level.height - y))
                return
            except CannotRead as error:
                reason = error
    source.close()
    raise CannotRead(f"it opens, but its pixels cannot be decoded ({reason})")
