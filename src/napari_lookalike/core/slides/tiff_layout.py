"""Which pages of a TIFF are the slide's levels, and which planes are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tifffile

from napari_lookalike.core.slides.source import CannotRead

Page = tifffile.TiffPage | tifffile.TiffFrame


@dataclass(frozen=True, eq=False)
class Plane:
    """One level as it is shown: one page, or three that are red, green and blue.

    Parameters
    ----------
    pages
        One page, or three of one channel each.
    width, height
        Size in pixels.
    """

    pages: tuple[Page, ...]
    width: int
    height: int

    @property
    def key(self) -> tifffile.TiffPage:
        """The page that says how all of them are coded."""
        return keyframe(self.pages[0])


def keyframe(page: Page) -> tifffile.TiffPage:
    """The page that says how this one is coded; raises `CannotRead` if there is none."""
    found = page.keyframe
    if found is None:
        raise CannotRead("a page of the image is damaged")
    return found


@dataclass(frozen=True, eq=False)
class Layout:
    """What of a TIFF is shown.

    Parameters
    ----------
    levels
        From full size to coarse.
    associated
        Other images by name.
    series_index
        Which series the levels come from.
    note
        What of the file is not shown, as a sentence; else empty.
    """

    levels: tuple[Plane, ...]
    associated: dict[str, Plane]
    series_index: int
    note: str


def find_layout(tif: tifffile.TiffFile) -> Layout:
    """The largest image of the file with its coarser levels, and the others.

    Raises
    ------
    CannotRead
        If there is no image with pixels.
    """
    series = tif.series
    sizes = [_size(s) for s in series]
    usable = [i for i, (width, height) in enumerate(sizes) if width > 0 and height > 0]
    if not usable:
        raise CannotRead("the image has no pixels")
    main = max(usable, key=lambda i: (sizes[i][0] * sizes[i][1], -i))
    planes = [_plane(level) for level in series[main].levels]
    used = {main}
    if len(planes) == 1:  # pyramids whose pages are not marked as such
        for i in _loose_levels(series, main, usable):
            planes.append(_plane(series[i]))
            used.add(i)
    planes = [planes[0], *(p for p in planes[1:] if p.width < planes[0].width)]
    others = {_name(series[i], i): _plane(series[i]) for i in usable if i not in used}
    return Layout(tuple(planes), others, main, _note(series[main], planes[0]))


def _size(series: tifffile.TiffPageSeries) -> tuple[int, int]:
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return int(sizes.get("X", 0)), int(sizes.get("Y", 0)) if 0 not in series.shape else 0


def _plane(series: tifffile.TiffPageSeries) -> Plane:
    width, height = _size(series)
    first = _page(series, 0)
    if _is_rgb_in_channels(series):
        step = _pages_per_channel(series)
        return Plane(tuple(_page(series, c * step) for c in range(3)), width, height)
    return Plane((first,), width, height)


def _page(series: tifffile.TiffPageSeries, index: int) -> Page:
    page = series.pages[index]
    if page is None:
        raise CannotRead("a page of the image is missing from the file")
    return page


def _is_rgb_in_channels(series: tifffile.TiffPageSeries) -> bool:
    """Three 8-bit channels in pages of their own: colour, as converters write slides."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    alone = keyframe(_page(series, 0)).samplesperpixel == 1 and "S" not in sizes
    return alone and sizes.get("C") == 3 and series.dtype == np.uint8


def _pages_per_channel(series: tifffile.TiffPageSeries) -> int:
    after = series.axes[series.axes.index("C") + 1 :]
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return int(np.prod([sizes[a] for a in after if a not in "YX"], dtype=np.int64))


def _loose_levels(
    series: Sequence[tifffile.TiffPageSeries], main: int, usable: list[int]
) -> list[int]:
    """Series that look like smaller copies: same kind, same shape, each smaller."""
    width0, height0 = _size(series[main])
    last, found = width0, []
    for i in sorted(usable, key=lambda i: -_size(series[i])[0]):
        width, height = _size(series[i])
        same = series[i].axes == series[main].axes and series[i].dtype == series[main].dtype
        aspect = abs(height - height0 * width / width0) <= 1.5
        named = series[i].name.lower() in {"label", "macro", "overview", "thumbnail"}
        if i != main and same and aspect and not named and 0 < width <= last / 1.3:
            found.append(i)
            last = width
    return found


def _name(series: tifffile.TiffPageSeries, index: int) -> str:
    known = {"label", "macro", "overview", "thumbnail"}
    name = series.name.lower()
    return name if name in known else f"image {index}"


def _note(series: tifffile.TiffPageSeries, shown: Plane) -> str:
    """What is left out, e.g. "Only the first of 5 planes (Z) is shown."."""
    if len(shown.pages) == 3:
        return "Its three channels are shown as red, green and blue."
    rest = [
        f"{size} {_AXIS_NAMES.get(axis, 'planes')}"
        for axis, size in zip(series.axes, series.shape, strict=True)
        if axis not in "YXS" and size > 1
    ]
    return f"Only the first of {' and of '.join(rest)} is shown." if rest else ""


_AXIS_NAMES = {"Z": "focal planes", "T": "time points", "C": "channels"}
