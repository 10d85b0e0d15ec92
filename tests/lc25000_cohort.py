"""A labelled cohort composed from real H&E tiles (LC25000), with known truth for every tile.

A slide is a canvas of 12 x 12 cells of 224 px: white glass around, and inside it tiles of one
class from a few original photographs (prototypes) among benign tiles of the same organ. No
prototype occurs in two slides, so no fold can know a photograph of another. Cells are tiles:
what attention should find is known exactly. The true mpp is not known; the manifest says 0.5,
so that a cell is one tile of the default encoder. It also names the stain: photographs of one
slide differ in their white balance, and the yellowest look like an immunostain.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.slide_fixtures import write_pyramid

TILE_PX = 224
CELLS = 12
GLASS = 244
MPP = 0.5
COLUMNS = ("slide", "slide_id", "patient_id", "label", "site", "mpp", "stain", "label_source")
BENIGN = {"lung_aca": "lung_n", "lung_scc": "lung_n", "lung_n": "", "colon_aca": "colon_n"}
"""Class of tiles -> class of the benign tiles among them."""

LABELS = {
    "lung_aca": "lung adenocarcinoma",
    "lung_scc": "lung squamous cell carcinoma",
    "lung_n": "benign lung",
    "colon_aca": "colon adenocarcinoma",
}

Tiles = dict[str, dict[str, list[Path]]]
"""Class -> prototype -> its tiles."""


@dataclass(frozen=True)
class ComposedSlide:
    """One slide and its truth.

    Parameters
    ----------
    slide_id, patient_id, label, site
        As in the manifest.
    path
        The TIFF.
    tissue
        bool (12, 12): cells with a tile.
    tumour
        bool (12, 12): cells with a tile of the slide's own class.
    prototypes
        "class/prototype" of all its tiles.
    """

    slide_id: str
    patient_id: str
    label: str
    site: str
    path: Path
    tissue: NDArray[np.bool_]
    tumour: NDArray[np.bool_]
    prototypes: frozenset[str]


@dataclass(frozen=True)
class ComposedCohort:
    """Slides and the manifest that names them."""

    manifest: Path
    slides: tuple[ComposedSlide, ...]

    def __getitem__(self, slide_id: str) -> ComposedSlide:
        return next(s for s in self.slides if s.slide_id == slide_id)


def compose_cohort(
    shared: Path,
    folder: Path,
    *,
    per_class: int = 7,
    classes: tuple[str, ...] = tuple(LABELS),
    seed: int = 0,
    patient: str = "PAT-{:02d}",
    file: str = "file{:02d}.tif",
) -> ComposedCohort:
    """Write slides and ``manifest.csv`` into a folder.

    Parameters
    ----------
    shared
        The folder of shared test data.
    folder
        Where to; made if it is not there.
    per_class
        Slides of each class. The first two of a class belong to one patient.
    classes
        Which classes, by the folder names of LC25000.
    seed
        Of everything random.
    patient, file
        Patterns of patient ids and file names, given a number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    deck = _Deck(_tiles(shared), rng)
    slides: list[ComposedSlide] = []
    for cls in classes:
        for i in range(per_class):
            number = len(slides) + 1
            if i != 1:  # the first two slides of a class are one patient's
                patient_id = patient.format(number)
            pixels, tissue, tumour, prototypes = _compose(cls, deck, rng)
            path = folder / file.format(number)
            write_pyramid(path, [pixels, half := _halve(pixels), _halve(half)], mpp=None)
            slides.append(
                ComposedSlide(
                    f"{cls.replace('_', '')}-{i + 1}",
                    patient_id,
                    LABELS[cls],
                    f"centre {i % 2 + 1}",
                    path,
                    tissue,
                    tumour,
                    prototypes,
                )
            )
    return ComposedCohort(_write_manifest(folder, slides), tuple(slides))


class _Deck:
    """Prototypes of each class, shuffled and dealt once."""

    def __init__(self, tiles: Tiles, rng: np.random.Generator) -> None:
        self._tiles = tiles
        self._left = {c: [str(p) for p in rng.permutation(sorted(tiles[c]))] for c in tiles}

    def deal(self, cls: str, n: int) -> dict[str, list[Path]]:
        """That many prototypes that no slide has yet."""
        names, self._left[cls] = self._left[cls][:n], self._left[cls][n:]
        assert len(names) == n, f"not enough prototypes of {cls}"
        return {f"{cls}/{name}": self._tiles[cls][name] for name in names}


def _tiles(shared: Path) -> Tiles:
    root = shared / "data" / "tiles" / "lc25000"
    tiles: Tiles = defaultdict(lambda: defaultdict(list))
    with (root / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            tiles[row["cls"]][row["prototype"]].append(root / row["path"])
    return tiles


def _compose(cls: str, deck: _Deck, rng: np.random.Generator):
    """Pixels, tissue, tumour, prototypes of one slide."""
    own = deck.deal(cls, int(rng.integers(6, 12)))
    filler = deck.deal(BENIGN[cls], 5) if BENIGN[cls] else {}
    tissue = _section(rng)
    share = rng.uniform(0.2, 0.8) if filler else 0.0
    tumour = tissue.copy()
    places = np.argwhere(tissue)
    benign = places[_patch(places, round(share * len(places)), rng)]
    tumour[benign[:, 0], benign[:, 1]] = False
    pixels = np.full((CELLS * TILE_PX, CELLS * TILE_PX, 3), GLASS, np.uint8)
    paths = {True: [*chain(*own.values())], False: [*chain(*filler.values())]}
    read = {path: _read(path) for group in paths.values() for path in group}
    for row, column in places:
        group = paths[bool(tumour[row, column])]
        tile = np.rot90(read[group[rng.integers(len(group))]], rng.integers(4))
        y, x = row * TILE_PX, column * TILE_PX
        pixels[y : y + TILE_PX, x : x + TILE_PX] = tile
    return pixels, tissue, tumour, frozenset({*own, *filler})


def _section(rng: np.random.Generator) -> NDArray[np.bool_]:
    """A round piece that is never its own mirror image, one cell from the edge at least."""
    rows, columns = np.mgrid[:CELLS, :CELLS]
    middle = (CELLS - 1) / 2
    radius = np.hypot(rows - middle, columns - middle)
    tissue = (radius < rng.uniform(4.6, 5.6)) & (rows > 0) & (columns > 0)
    tissue &= (rows < CELLS - 1) & (columns < CELLS - 1)
    tissue[1:4, 1:6] = False  # a bite from the upper left, wider than high
    return tissue


def _patch(places: NDArray[np.intp], n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of ``n`` places around a random one: tumours lie together."""
    centre = places[rng.integers(len(places))]
    return np.argsort(np.hypot(*(places - centre).T) + rng.uniform(0, 1.5, len(places)))[:n]


def _halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    wide = pixels.astype(np.uint16)
    return (
        (wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2] + 2) // 4
    ).astype(np.uint8)


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _write_manifest(folder: Path, slides: list[ComposedSlide]) -> Path:
    path = folder / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for s in slides:
            writer.writerow(
                [s.path.name, s.slide_id, s.patient_id, s.label, s.site, MPP, "H&E", "histology"]
            )
    return path
