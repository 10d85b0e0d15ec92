"""Sound slides that the fuzz damages: small ones of every kind, written here, and real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from tests.core.slides.native.formats import write_bif, write_ome, write_philips, write_qptiff
from tests.core.slides.native.writing import write_jpeg, write_jpeg2000, write_lossless
from tests.core.slides.zarr_fixtures import write_ome_zarr
from tests.slide_fixtures import halve, texture, write_aperio

_REAL = (
    "libvips/CMU-1-Small-Region.svs",
    "openslide-python/boxes.tiff",
    "openslide-python/small.svs",
    "openslide-python/boxes_0.dcm",
    "openslide-python/boxes_1.dcm",
    "highdicom/sm_image.dcm",
    "large_image/small_la.tiff",
    "qupath/cells.ome.tif",
    "qupath/cells-gray16.tif",
    "libvips/multi-channel-z-series.ome.tif",
)


def write_bases(folder: Path, data: Path | None) -> list[str]:
    """Write the sound slides; returns their names.

    Parameters
    ----------
    folder
        Where to; made if it is not there.
    data
        The shared real data, if they are here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_tiffs(folder)
    _write_others(folder)
    for name in _REAL if data is not None else ():
        path = (data or folder) / "wsi" / name
        shutil.copyfile(path, folder / f"real-{path.parent.name}-{path.name}")
    return sorted(path.name for path in folder.iterdir())


def _write_tiffs(folder: Path) -> None:
    big = texture(300, 220)
    levels = [big, halve(big)]
    write_jpeg(folder / "jpeg.tif", levels)
    write_jpeg(folder / "jpeg-rgb.svs", levels, rgb=True, aperio=True, shared=False)
    write_jpeg2000(folder / "jp2k-rgb.svs", big, 33005)
    write_jpeg2000(folder / "jp2k-ycc.svs", big, 33003)
    write_aperio(folder / "aperio.svs", big)
    write_ome(folder / "subifds.ome.tif", width=300)
    write_philips(folder / "philips.tiff")
    write_qptiff(folder / "akoya.qptiff")
    write_bif(folder / "ventana.bif", 0)
    for name in ("lzw", "zlib", "zstd", "packbits"):
        write_lossless(folder / f"{name}.tif", levels, name, bigtiff=name == "zlib")
    write_lossless(folder / "plain.tif", levels, None, byteorder=">")
    write_lossless(folder / "predictor.tif", levels, "zlib", predictor=True)
    deep = (big[..., 0].astype(np.uint16)) << 4
    tifffile.imwrite(folder / "deep.tif", deep, rowsperstrip=32, compression="lzw")
    tifffile.imwrite(folder / "strips.tif", big, rowsperstrip=16, photometric="rgb")
    channels = np.moveaxis(big, -1, 0)
    tifffile.imwrite(folder / "channels.ome.tif", channels, tile=(64, 64), metadata={"axes": "CYX"})


def _write_others(folder: Path) -> None:
    big = texture(300, 220)
    Image.fromarray(big).save(folder / "photo.jpg")
    Image.fromarray(big).save(folder / "photo.png")
    Image.fromarray(big).save(folder / "progressive.jpg", progressive=True)
    Image.fromarray(big).convert("P").save(folder / "palette.png")
    planes = [np.moveaxis(v, -1, 0) for v in (big, halve(big))]
    write_ome_zarr(folder / "new.ome.zarr", planes, chunk=64)
    write_ome_zarr(folder / "old.ome.zarr", planes, version="0.4", chunk=64)
