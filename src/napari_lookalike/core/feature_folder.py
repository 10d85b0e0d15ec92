"""Where features lie: one folder for a tiling and an encoder, as TRIDENT lays it out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.settings import ProjectSettings

LEVEL0 = "level0"

_STAINED = "-stain-"

_BUILT = ("timm:", "hf-hub:")
"""How names begin whose row needs torch."""


def tiling_name(tile_px: int, mpp: float | None, overlap_px: int = 0) -> str:
    """Name of the folder of one tiling.

    Parameters
    ----------
    tile_px
        Edge of a tile in pixels, as the encoder sees it.
    mpp
        µm per pixel of the tile; ``None`` for "tiles in level-0 pixels", which get a folder
        of their own and so are never mixed with others.
    overlap_px
        Overlap of neighbouring tiles in pixels.

    Returns
    -------
    str
        "20x_224px_0px_overlap" for 0.5 µm/px: the magnification is 10 / mpp.
    """
    magnification = LEVEL0 if mpp is None else f"{10 / mpp:.6g}x"
    return f"{magnification}_{tile_px}px_{overlap_px}px_overlap"


def features_folder(features: Path, encoder_identity: str, tile_px: int, mpp: float | None) -> Path:
    """The folder of one tiling and one encoder; see `tiling_name`."""
    return features / tiling_name(tile_px, mpp) / f"features_{encoder_identity}"


def stained_identity(encoder_identity: str, stain: str) -> str:
    """Identity of features whose tiles were normalised: never mixed with others.

    Parameters
    ----------
    encoder_identity
        `Encoder.identity`.
    stain
        Name of the stain normalisation; "none" (or empty) leaves the identity as it is.
    """
    if stain in ("", "none"):
        return encoder_identity
    from napari_lookalike.core.normalise.fit import VERSION

    return f"{encoder_identity}{_STAINED}{stain}{VERSION}"


def folder_in_use(features: Path, settings: ProjectSettings, level0_tiles: bool) -> Path:
    """The folder of the project's encoder, found without loading it.

    Parameters
    ----------
    features
        ``<project>/features``.
    settings
        Name the encoder and its weights.
    level0_tiles
        Of the slide.

    Returns
    -------
    Path
        If the weights are not on this machine (a project copied from another one), the
        folder that was written last for an encoder of that name; its features can be
        looked at and trained on all the same. A folder that does not exist if there is none.
    """
    from napari_lookalike.core import encoders
    from napari_lookalike.core.encoders.imported import is_imported

    if is_imported(settings.encoder):
        return imported_folder(features, encoders.encoder_identity(settings.encoder))
    if settings.encoder.startswith(_BUILT) and "torch" not in sys.modules:
        # Such a row is built to be known. A plugin's window must not import torch for that:
        # it takes seconds, and after the first canvas it may end the process (core.preload).
        return _last_written(features, settings, level0_tiles)
    try:
        spec = encoders.encoder_spec(settings.encoder)
        identity = encoders.encoder_identity(spec.name, settings.weights_path)
    except EncoderError:
        return _last_written(features, settings, level0_tiles)
    identity = stained_identity(identity, settings.stain_normalisation)
    return features_folder(features, identity, spec.tile_px, None if level0_tiles else spec.mpp)


def names_in(folder: Path) -> frozenset[str]:
    """Names of the files in a folder; none if it is not there or cannot be read."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - a Path for each takes ten times longer
    except OSError:
        return frozenset()


def imported_folder(features: Path, identity: str) -> Path:
    """The folder of features that were brought in: whatever their tiles, there is one."""
    found = sorted(features.glob(f"*_overlap/features_{identity}"))
    return found[-1] if found else features / f"features_{identity}-not-imported"


def imported_encoders(features: Path) -> tuple[str, ...]:
    """Names of the encoders whose features were brought into a project, sorted.

    Parameters
    ----------
    features
        ``<project>/features``.
    """
    start = "features_imported-"
    found = {folder.name for folder in features.glob(f"*_overlap/{start}*")}
    return tuple(sorted(f"imported:{name.removeprefix(start)}" for name in found))


def _last_written(features: Path, settings: ProjectSettings, level0_tiles: bool) -> Path:
    from napari_lookalike.core.encoders.weights import file_stem

    stem = file_stem(settings.encoder)
    stain = stained_identity("", settings.stain_normalisation)
    found = [
        folder
        for folder in features.glob("*_overlap/features_*")
        if folder.name.startswith(f"features_{stem}-w")
        and (folder.name.endswith(stain) if stain else _STAINED not in folder.name)
        and folder.parent.name.startswith(f"{LEVEL0}_") == level0_tiles
    ]
    found.sort(key=lambda folder: (folder.stat().st_mtime, folder.name))
    return found[-1] if found else features / f"features_{stem}-not-embedded"
