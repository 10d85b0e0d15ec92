"""Files as other programs write them, over one known grid, for the tests of the importers.

Truth: a slide of 40,000 x 30,000 level-0 pixels at 0.25 µm; tiles of 512 level-0 pixels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

SIZE = (40_000, 30_000)
MPP = 0.25
EDGE = 512
DIM = 16


@dataclass(frozen=True, eq=False)
class Truth:
    """Corners (n, 2) and vectors (n, DIM)."""

    corners: NDArray[np.int64]
    vectors: NDArray[np.float32]


def truth(seed: int = 0, dim: int = DIM, edge: int = EDGE) -> Truth:
    """A blob of tiles away from the slide's corner."""
    column, row = np.meshgrid(np.arange(6, 18), np.arange(5, 15))
    keep = ((column - 12) / 6.0) ** 2 + ((row - 10) / 5.0) ** 2 <= 1.05
    corners = np.stack([column[keep], row[keep]], axis=1) * edge
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(corners), dim)).astype(np.float32)
    return Truth(corners.astype(np.int64), vectors)


def write_trident(
    job: Path,
    name: str,
    what: Truth,
    *,
    encoder: str = "uni_v2",
    batch: bool = False,
    attributes: bool = True,
) -> Path:
    """A feature file in a job folder: 256 px at 20x from a 40x slide."""
    path = job / "20x_256px_0px_overlap" / f"features_{encoder}" / f"{name}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        vectors = what.vectors[None] if batch else what.vectors
        data = file.create_dataset("features", data=vectors)
        coords = file.create_dataset("coords", data=what.corners)
        if attributes:
            data.attrs.update(name=name, savetodir="/x", encoder=encoder)
            coords.attrs.update(
                patch_size=256,
                patch_size_level0=EDGE,
                level0_magnification=40,
                target_magnification=20,
                overlap=0,
                name=name,
                savetodir="/x",
                level0_width=SIZE[0],
                level0_height=SIZE[1],
            )
        else:
            coords.attrs.update(target_magnification=20, level0_magnification=40)
    return path


def write_trident_slide(job: Path, name: str, vector: NDArray[np.float32]) -> Path:
    """One vector for the slide."""
    path = job / "20x_512px_0px_overlap" / "slide_features_titan" / f"{name}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        data = file.create_dataset("features", data=vector)
        data.attrs.update(name=name, savetodir="/x", encoder="titan")
    return path


def write_clam(folder: Path, name: str, what: Truth, *, pt: bool = False, patches: bool = True):
    """``h5_files`` or ``pt_files``, and ``patches`` (256 px at level 1, twice smaller)."""
    kind = folder / ("pt_files" if pt else "h5_files")
    kind.mkdir(parents=True, exist_ok=True)
    if pt:
        torch.save(torch.from_numpy(what.vectors), kind / f"{name}.pt")
    else:
        with h5py.File(kind / f"{name}.h5", "w") as file:
            file["features"] = what.vectors
            file["coords"] = what.corners
    if patches:
        (folder / "patches").mkdir(exist_ok=True)
        with h5py.File(folder / "patches" / f"{name}.h5", "w") as file:
            coords = file.create_dataset("coords", data=what.corners)
            coords.attrs.update(
                patch_size=EDGE // 2,
                patch_level=1,
                downsample=np.array([2.0, 2.0]),
                downsampled_level_dim=np.array([SIZE[0] // 2, SIZE[1] // 2]),
                level_dim=np.array([SIZE[0] // 2, SIZE[1] // 2]),
                name=name,
                save_path="/x",
            )


def write_stamp(folder: Path, name: str, what: Truth, generation: str = "new") -> Path:
    """Coordinates in micrometres; "new", "older" or "oldest"."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.h5"
    edge_um = EDGE * MPP
    with h5py.File(path, "w") as file:
        file["feats"] = what.vectors
        if generation == "oldest":  # counts in 224 for each tile
            file["coords"] = (what.corners / EDGE * 224).astype(np.int64)
            return path
        file["coords"] = what.corners * MPP
        file.attrs["unit"] = "um"
        if generation == "new":
            file.attrs.update(
                stamp_version="2.4.0",
                extractor="uni2",
                tile_size_um=edge_um,
                tile_size_px=224,
                code_hash="abc",
                feat_type="tile",
            )
        else:
            file.attrs.update(extractor="uni2", tile_size=edge_um)
    return path


def write_slideflow(folder: Path, name: str, what: Truth, tile_um: object = EDGE * MPP) -> Path:
    """A bag with the centres of its tiles."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(torch.from_numpy(what.vectors), folder / f"{name}.pt")
    np.savez(folder / f"{name}.index.npz", what.corners + EDGE // 2)
    config = {
        "extractor": {"class": "uni", "kwargs": {}},
        "normalizer": None,
        "num_features": what.vectors.shape[1],
        "tile_px": 256,
        "tile_um": tile_um,
    }
    (folder / "bags_config.json").write_text(json.dumps(config))
    return folder / f"{name}.pt"


def write_wsinfer(folder: Path, name: str, what: Truth) -> Path:
    """Probabilities of two classes."""
    path = folder / "model-outputs-csv" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    p = 1 / (1 + np.exp(-what.vectors[:, 0].astype(np.float64)))
    lines = ["minx,miny,width,height,prob_Tumor,prob_Other"]
    lines += [
        f"{x},{y},{EDGE},{EDGE},{a!r},{1 - a!r}"
        for (x, y), a in zip(what.corners.tolist(), p.tolist(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
