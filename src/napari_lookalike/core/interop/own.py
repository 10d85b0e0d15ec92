"""Our own feature files, from another project or another machine: exact in everything."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.features import load_features
from napari_lookalike.core.interop.arrays import peek_h5, read_h5
from napari_lookalike.core.interop.kinds import Importer
from napari_lookalike.core.interop.raw import (
    Found,
    ImportOptions,
    RawTiles,
    files_below,
    folder_group,
)
from napari_lookalike.core.interop.report import Known


def find(source: Path, options: ImportOptions) -> tuple[Found, ...]:
    """Feature files that this program wrote."""
    del options
    return tuple(_found(f) for f in files_below(source, ".h5") if peek_h5(f, _is_ours))


def _is_ours(file: Any) -> bool:
    return "lookalike_schema" in file.attrs and "features" in file and "cells" in file


def _found(path: Path) -> Found:
    slide_id, encoder = read_h5(
        path, lambda f: (str(f.attrs["slide_id"]), str(f.attrs["encoder_identity"]))
    )
    return Found(
        names=(slide_id, path.stem),
        read=partial(_read, path),
        load=partial(_load, path),
        encoder=Known(encoder, "stated", "The file says so."),
        group=folder_group(path) or encoder,
        exact=partial(load_features, path),
    )


def _read(path: Path) -> RawTiles:
    count, dim = load_features(path).instances.shape
    return RawTiles(count, dim)


def _load(path: Path) -> NDArray[np.float32]:
    return load_features(path).instances


IMPORTER = Importer(
    name="lookalike",
    title="napari-lookalike",
    files="a project's `features` folder, or what `export trident` wrote",
    places="the exact grid",
    tile="stated",
    content="features",
    find=find,
)
