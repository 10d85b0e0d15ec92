"""What a feature file says of itself, read without its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from napari_lookalike.core.features_file import UNREADABLE


@dataclass(frozen=True)
class FeatureHeader:
    """What a feature file says of itself, read without its numbers.

    Parameters
    ----------
    slide_id, fingerprint, encoder, slide_mpp, tissue
        As in `Features`.
    count, dim
        Shape of the instances.
    coverage, stain
        As in `Features`.
    """

    slide_id: str
    fingerprint: str
    encoder: str
    slide_mpp: tuple[float, float] | None
    tissue: str
    count: int
    dim: int
    coverage: float = 1.0
    stain: str = ""


def read_header(path: Path) -> FeatureHeader | None:
    """What a file says of itself; ``None`` if it is absent, incomplete or damaged.

    Parameters
    ----------
    path
        The file, which need not exist.
    """
    try:
        with h5py.File(path, "r") as file:
            count, dim = file["features"].shape[-2:]
            whole = len(file["coords"]) == count > 0
            attrs, encoder = file.attrs, file["features"].attrs.get("encoder", "")
            if "lookalike_schema" not in attrs:
                name = str(file["coords"].attrs.get("name", path.stem))
                header = FeatureHeader(name, "", str(encoder), None, "", count, dim)
                return header if whole else None
            whole &= int(attrs["count"]) == count == len(file["cells"])
            x, y = (float(v) for v in file["cells"].attrs["slide_mpp"])
            header = FeatureHeader(
                slide_id=str(attrs["slide_id"]),
                fingerprint=str(attrs["fingerprint"]),
                encoder=str(attrs["encoder_identity"]),
                slide_mpp=None if np.isnan(x) or np.isnan(y) else (x, y),
                tissue=str(attrs["tissue_settings"]),
                count=count,
                dim=dim,
                coverage=float(attrs.get("coverage", 1.0)),
                stain=str(attrs.get("stain_normalisation", "")),
            )
            return header if whole else None
    except UNREADABLE:
        return None


def features_complete(path: Path, slide_id: str, encoder_identity: str) -> bool:
    """Whether a file holds all features of that slide by that encoder.

    Cheap: reads shapes and attributes, since a file is renamed into place only when whole.
    `features_damage.damage` reads the numbers too.

    Parameters
    ----------
    path
        The file, which need not exist.
    slide_id
        The slide.
    encoder_identity
        `Encoder.identity`.
    """
    header = read_header(path)
    if header is None or header.coverage < 1:
        return False
    return (header.slide_id, header.encoder) == (slide_id, encoder_identity)
