"""Which arrays of an OME-Zarr are the slide's levels, and which planes are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_lookalike.core.slides.source import CannotRead, StatedScale

_UM = {
    "micrometer": 1.0, "micron": 1.0, "um": 1.0, "µm": 1.0, "nanometer": 1e-3, "nm": 1e-3,
    "angstrom": 1e-4, "millimeter": 1e3, "mm": 1e3, "centimeter": 1e4, "meter": 1e6,
    "inch": 25400.0,
}  # fmt: skip
_MAX_LEVELS = 64
_MAX_SERIES = 256
_AXES_NAMES = {"z": "focal planes", "t": "time points", "c": "channels"}
_RGB = ("FF0000", "00FF00", "0000FF")


@dataclass(frozen=True, eq=False)
class Plane:
    """One level as it is shown.

    Parameters
    ----------
    array
        The zarr array.
    axes
        Name of each of its axes, in order; "y" and "x" are among them.
    colour
        Whether its channels are red, green and blue (and opacity); else the first is shown.
    """

    array: zarr.Array[Any]
    axes: tuple[str, ...]
    colour: bool

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self._along("x", self.array.shape), self._along("y", self.array.shape)

    @property
    def chunk(self) -> tuple[int, int]:
        """(width, height) of a chunk in pixels."""
        return self._along("x", self.array.chunks), self._along("y", self.array.chunks)

    def _along(self, axis: str, values: Sequence[int]) -> int:
        return int(values[self.axes.index(axis)])

    def read(self, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Samples of a rectangle: (height, width), or with channels last."""
        places: dict[str, slice | int] = {"x": slice(x, x + width), "y": slice(y, y + height)}
        if self.colour:
            places["c"] = slice(None)
        key = tuple(places.get(axis, 0) for axis in self.axes)
        kept = [axis for axis in self.axes if isinstance(places.get(axis), slice)]
        wanted = ["y", "x", *(["c"] if self.colour else [])]
        raw = np.asarray(self.array[key])
        return raw.transpose([kept.index(axis) for axis in wanted])


@dataclass(frozen=True, eq=False)
class Image:
    """What of an OME-Zarr is shown.

    Parameters
    ----------
    planes
        From full size to coarse.
    stated
        What it says of its scale.
    version
        Of the metadata.
    channel
        omero's description of the channel that is shown; empty for colour.
    note
        What is not shown, as a sentence; else empty.
    """

    planes: tuple[Plane, ...]
    stated: StatedScale
    version: str
    channel: Mapping[str, Any]
    note: str


def find_image(group: zarr.Group) -> Image:
    """The multiscale image of a group: its own, or the largest of those below it.

    Raises
    ------
    CannotRead
        If there is none, or nothing of it can be shown.
    """
    about = _about(group)
    if "multiscales" in about:
        return _image(group, about)
    if "plate" in about or "well" in about:
        raise CannotRead("it is a plate of many images; open one of them")
    found = []
    for name in map(str, range(_MAX_SERIES)):  # as bioformats2raw numbers its images
        below = group.get(name)
        if not isinstance(below, zarr.Group):
            break
        if "multiscales" in (inner := _about(below)):
            found.append(_image(below, inner))
    if not found:
        raise CannotRead("its metadata name no multiscale image")
    return max(found, key=lambda image: image.planes[0].size[0] * image.planes[0].size[1])


def _about(group: zarr.Group) -> Mapping[str, Any]:
    """OME's metadata: under "ome" since 0.5, at the top before."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, Mapping) else attributes


def _image(group: zarr.Group, about: Mapping[str, Any]) -> Image:
    multiscale = about["multiscales"][0]
    axes = _axes(multiscale)
    datasets = list(multiscale["datasets"])[:_MAX_LEVELS]
    arrays = [found for d in datasets if (found := _array(group, d, axes)) is not None]
    if not arrays or _array(group, datasets[0], axes) is None:
        raise CannotRead("the array of its full-size level is missing or damaged")
    channels = about.get("omero", {}).get("channels", [])
    colour = _is_colour(arrays[0], axes, channels)
    planes = _shrinking([Plane(array, axes, colour) for array in arrays])
    return Image(
        planes,
        _scale(multiscale, datasets[0], axes),
        str(about.get("version", multiscale.get("version", "unknown"))),
        channels[0] if channels and not colour else {},
        _note(arrays[0], axes, colour, len(datasets) - len(arrays)),
    )


def _axes(multiscale: Mapping[str, Any]) -> tuple[str, ...]:
    """Names in lower case; before 0.4 axes were strings, and before 0.3 always these five."""
    listed = multiscale.get("axes", list("tczyx"))
    axes = tuple(str(a["name"] if isinstance(a, Mapping) else a).lower() for a in listed)
    if not {"x", "y"} <= set(axes) or len(set(axes)) != len(axes):
        raise CannotRead("its axes have no x and y")
    return axes


def _array(
    group: zarr.Group, dataset: Mapping[str, Any], axes: tuple[str, ...]
) -> zarr.Array[Any] | None:
    """The array of a level, or ``None`` if it is not there or does not have these axes."""
    found = group.get(str(dataset["path"]))
    if not isinstance(found, zarr.Array) or found.ndim != len(axes):
        return None
    return found


def _is_colour(array: zarr.Array[Any], axes: tuple[str, ...], channels: Sequence[Any]) -> bool:
    """Three 8- or 16-bit channels, unless they are said to be something else than RGB."""
    count = int(array.shape[axes.index("c")]) if "c" in axes else 1
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        return False
    colours = tuple(str(c.get("color", "")).upper()[-6:] for c in channels)
    if count == 3:
        return not any(colours) or colours == _RGB
    return count == 4 and axes[-1] == "c" and not any(colours)


def _shrinking(planes: list[Plane]) -> tuple[Plane, ...]:
    """Those that are smaller than the one before in both axes, or in one and not larger."""
    kept = [planes[0]]
    for plane in planes[1:]:
        (width, height), (last_w, last_h) = plane.size, kept[-1].size
        smaller = width <= last_w and height <= last_h and (width, height) != (last_w, last_h)
        if smaller and plane.array.dtype == planes[0].array.dtype and min(width, height) > 0:
            kept.append(plane)
    return tuple(kept)


def _scale(
    multiscale: Mapping[str, Any], dataset: Mapping[str, Any], axes: tuple[str, ...]
) -> StatedScale:
    """The scale of the first level, times that of the whole, in the units of the axes."""
    factors = np.ones(len(axes))
    stated = False
    for owner in (dataset, multiscale):
        for transform in owner.get("coordinateTransformations", []):
            if transform.get("type") == "scale" and "scale" in transform:
                factors = factors * np.asarray(transform["scale"], float)
                stated = True
    if not stated:
        return StatedScale()
    units = [a.get("unit") if isinstance(a, Mapping) else None for a in multiscale.get("axes", [])]
    values, raws = [], []
    for axis in "xy":
        at = axes.index(axis)
        unit = units[at] if at < len(units) else None
        um = _UM.get(str(unit).lower())
        raws.append(f"{factors[at]:g} {unit or 'of no unit'}")
        values.append(None if um is None else float(factors[at]) * um)
    return StatedScale(values[0], values[1], "property", " x ".join(raws))


def window_of(image: Image) -> tuple[float, float] | None:
    """Omero's window of the channel that is shown, if it is one; never for 8 bits."""
    if image.planes[0].array.dtype == np.uint8:
        return None
    window = image.channel.get("window", {})
    try:
        low, high = float(window["start"]), float(window["end"])
    except (KeyError, TypeError, ValueError):
        return None
    return (low, high) if np.isfinite([low, high]).all() and low < high else None


def _note(array: zarr.Array[Any], axes: tuple[str, ...], colour: bool, lost: int) -> str:
    """What is left out, e.g. "Only the first of 5 focal planes is shown."."""
    rest = [
        f"{size} {_AXES_NAMES.get(axis, 'planes')}"
        for axis, size in zip(axes, array.shape, strict=True)
        if axis not in "yx" and size > 1 and not (axis == "c" and colour)
    ]
    notes = [f"Only the first of {' and of '.join(rest)} is shown."] if rest else []
    if lost:
        notes.append(f"{lost} of its levels are missing or damaged.")
    return " ".join(notes)
