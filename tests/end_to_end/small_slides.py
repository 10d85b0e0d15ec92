"""Small slides of every sound and unsound kind, and a manifest of them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from tests.slide_fixtures import texture, write_pyramid

from napari_lookalike.core.manifest import read_manifest
from napari_lookalike.core.project import Project

COLUMNS = ("slide", "slide_id", "patient_id", "label", "site", "mpp")
MPP = 0.5


def tissue(path: Path, seed: int, *, mpp: float | None = None, size: int = 1000) -> Path:
    """A sound slide, 16 tiles or so."""
    return write_pyramid(path, [texture(size, size, seed)], mpp=mpp)


def glass(path: Path) -> Path:
    """Blank glass, with a little noise."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(243, 1.5, (1000, 1000, 3)).clip(0, 255).astype(np.uint8)
    return write_pyramid(path, [pixels], mpp=None)


def screen_resolution(path: Path, seed: int) -> Path:
    """A sound slide that claims 72 dots per inch."""
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            texture(1000, 1000, seed),
            tile=(256, 256),
            compression="jpeg",
            photometric="rgb",
            metadata=None,
            resolution=(72, 72),
            resolutionunit="INCH",
        )
    return path


def text_as_slide(path: Path) -> Path:
    path.write_text("this was never a slide\n" * 50, encoding="utf-8")
    return path


def cut_short(path: Path, seed: int) -> Path:
    """A slide whose copy was broken off."""
    data = tissue(path, seed).read_bytes()
    path.write_bytes(data[: len(data) // 3])
    return path


def holes(path: Path, seed: int) -> Path:
    """A slide that opens, but whose pixels cannot be decoded: its tiles are overwritten."""
    tissue(path, seed)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    data = bytearray(path.read_bytes())
    for offset, count in places[len(places) // 2 :]:
        data[offset : offset + count] = bytes(range(256)) * (count // 256) + bytes(count % 256)
    path.write_bytes(bytes(data))
    return path


def picture(path: Path, seed: int) -> Path:
    Image.fromarray(texture(1000, 1000, seed)).save(path)
    return path


def write_manifest(path: Path, rows: list[tuple[object, ...]]) -> Path:
    """Rows in the order of `COLUMNS`; missing cells at the end stay empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([*row, *[""] * (len(COLUMNS) - len(row))] for row in rows)
    return path


def sound_project(folder: Path, n: int = 4) -> Project:
    """``n`` sound slides S1, S2, ... in ``folder / "slides"``, two labels, a patient each."""
    slides = folder / "slides"
    slides.mkdir(parents=True)
    rows = [
        (tissue(slides / f"file{i}.tif", i), f"S{i}", f"PAT-{i}", "AB"[i % 2], "site", MPP)
        for i in range(1, n + 1)
    ]
    found = read_manifest(write_manifest(slides / "manifest.csv", rows))
    assert not found.problems
    return Project.create(folder / "project", found.cohort)
