"""Writes small OME-Zarr images as converters do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zarr
from numpy.typing import NDArray


def write_ome_zarr(
    folder: Path,
    levels: Sequence[NDArray[Any]],
    axes: str = "cyx",
    *,
    version: str = "0.5",
    unit: str | None = "micrometer",
    scale: float = 0.5,
    omero: dict[str, Any] | None = None,
    chunk: int = 64,
    fill: int = 0,
    group: str = "",
    overall: float | None = None,
) -> Path:
    """Write levels, whose axes are in the order of ``axes``, into ``folder``.

    Parameters
    ----------
    scale
        µm (or what ``unit`` says) per pixel of the first level.
    overall
        Scale of the whole multiscale, which multiplies that of every level.
    group
        Where below the folder; "" = at its top.
    """
    new = version == "0.5"
    root = zarr.open_group(str(folder / group), mode="a", zarr_format=3 if new else 2)
    width0 = levels[0].shape[axes.index("x")]
    datasets = []
    for i, pixels in enumerate(levels):
        chunks = tuple(chunk if a in "yx" else 1 for a in axes)
        array = root.create_array(
            str(i), shape=pixels.shape, dtype=pixels.dtype, chunks=chunks, fill_value=fill
        )
        array[...] = pixels
        factor = scale * width0 / pixels.shape[axes.index("x")]
        factors = [factor if a in "yx" else 1.0 for a in axes]
        transforms = [{"type": "scale", "scale": factors}]
        datasets.append({"path": str(i), "coordinateTransformations": transforms})
    kinds = {"t": "time", "c": "channel"}
    listed = [{"name": a, "type": kinds.get(a, "space")} for a in axes]
    if unit:
        listed = [{**a, "unit": unit} if a["type"] == "space" else a for a in listed]
    multiscale: dict[str, Any] = {"axes": listed, "datasets": datasets}
    if overall is not None:
        factors = [overall if a in "yx" else 1.0 for a in axes]
        multiscale["coordinateTransformations"] = [{"type": "scale", "scale": factors}]
    about: dict[str, Any] = {"multiscales": [multiscale]}
    if omero is not None:
        about["omero"] = omero
    if new:
        root.attrs["ome"] = {"version": version, **about}
    else:
        multiscale["version"] = version
        root.attrs.update(about)
    return folder
