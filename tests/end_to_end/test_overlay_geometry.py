"""The overlay lies where the tissue is: proved with spot coordinates of real sections.

The breast sections of HER2+ (CC BY 4.0) come with the place of every spatial-transcriptomics
spot in full-resolution pixels and its expression cluster: a truth that no code of ours made.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from napari.layers import Image
from numpy.typing import NDArray

from napari_lookalike.core.attention import Overlay, overlay
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.tiles import TileGrid, make_grid, read_tile
from napari_lookalike.core.tissue import TissueSettings, find_tissue
from napari_lookalike.ui.slide_layer import slide_layer_data

pytestmark = [pytest.mark.shared, pytest.mark.slow]

MPP = 0.685
PITCH_UM = 200.0
SHIFT_PX = 1.0
SECTIONS = {"C2": "C2", "E1": "C5"}
"""Section -> name of its spots."""

Points = NDArray[np.float64]


@dataclass
class Section:
    """A section with its spots, drawn as the window draws it."""

    slide: Slide
    grid: TileGrid
    spots: Points
    array: NDArray[np.intp]
    clusters: NDArray[np.intp]

    def layers(self, image: Overlay) -> tuple[Image, Image]:
        """The slide and an overlay as napari layers, in micrometres."""
        levels, kwargs = slide_layer_data(self.slide, "section")
        mpp_xy = (MPP, MPP)
        over = Image(
            image.image,
            scale=image.napari_scale(mpp_xy),
            translate=image.napari_translate(mpp_xy),
            units=("um", "um"),
        )
        return Image(levels, **kwargs), over


@pytest.fixture(scope="module", params=sorted(SECTIONS))
def section(request: pytest.FixtureRequest, shared: Path):
    folder = shared / "data" / "wsi" / "her2st"
    name = SECTIONS[request.param]
    with gzip.open(folder / "spots" / f"{name}-cluster-annotation.tsv.gz", "rt") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    spots = np.array([[float(r["pixel_x"]), float(r["pixel_y"])] for r in rows])
    array = np.array([[int(r["x"]), int(r["y"])] for r in rows])
    clusters = np.array([int(r["label"]) for r in rows])
    with open_slide(folder / f"5714_HE_BT_{request.param}.jpg", mpp=MPP, raster=True) as slide:
        assert slide.scale.source == "user" and "72" in slide.scale.raw
        tissue = find_tissue(slide, TissueSettings())
        grid = make_grid(slide, tissue, tile_px=224, mpp=0.5)
        yield Section(slide, grid, spots, array, clusters)


def tile_under(grid: TileGrid, x: float, y: float) -> int | None:
    """Index of the tile that covers a place: a plain search, no arithmetic of ours."""
    for i in range(len(grid)):
        region = grid.region(i)
        inside_x = region.x <= x < region.x + region.width
        inside_y = region.y <= y < region.y + region.height
        if inside_x and inside_y:
            return i
    return None


def world_of(slide_layer: Image, spot: Points) -> tuple[float, ...]:
    """Where a place (x, y) in level-0 pixels is drawn, in µm (row, column).

    napari puts the centre of a pixel on whole numbers, we put its corner there.
    """
    return tuple(slide_layer.data_to_world((spot[1] - 0.5, spot[0] - 0.5)))


def value_drawn(layer: Image, world: tuple[float, ...]) -> float:
    """What the status bar says there; NaN outside."""
    value = layer.get_value(world, world=True)
    return np.nan if value is None else float(value)


def test_spot_to_tile_to_overlay_to_layer_and_back(section: Section) -> None:
    """A spot's own value, given to its tile, is what napari shows at the spot's place."""
    values = np.full(len(section.grid), -1.0, np.float32)
    tile_of = [tile_under(section.grid, *spot) for spot in section.spots]
    for number, tile in enumerate(tile_of):
        if tile is not None:
            values[tile] = number  # the last spot of a tile counts
    image = overlay(section.grid, values)
    slide_layer, over = section.layers(image)
    found = 0
    for spot, tile in zip(section.spots, tile_of, strict=True):
        drawn = value_drawn(over, world_of(slide_layer, spot))
        if tile is None:
            assert np.isnan(drawn)
            continue
        assert drawn == values[tile]
        assert image.value_at(*spot) == values[tile]
        number = int(values[tile])
        assert tile_of[number] == tile
        found += 1
    assert found > 0.95 * len(section.spots)
    assert len({t for t in tile_of if t is not None}) > 0.9 * found  # nearly one tile a spot


def test_an_overlay_pixel_covers_the_pixels_of_its_tile(section: Section) -> None:
    """Corners of a drawn pixel, taken back into the slide's own layer, cut out its tile."""
    numbers = np.arange(len(section.grid), dtype=np.float32)
    slide_layer, over = section.layers(overlay(section.grid, numbers))
    for i in np.random.default_rng(0).choice(len(section.grid), 12, replace=False):
        column, row = section.grid.cells[i]
        low, high = (
            np.asarray(slide_layer.world_to_data(over.data_to_world((row + d, column + d)))) + 0.5
            for d in (-0.5, 0.5)
        )
        np.testing.assert_allclose(high - low, 224 * 0.5 / MPP)
        tile = shrunk(read_tile(section.slide, section.grid, i), (0, 0, 224, 224))
        likeness = {
            shift: likeness_at(slide_layer, low + np.array(shift), high + np.array(shift), tile)
            for shift in product((-SHIFT_PX, 0, SHIFT_PX), repeat=2)
        }
        assert likeness[0, 0] > 0.98
        assert max(likeness, key=lambda shift: likeness[shift]) == (0, 0)


def likeness_at(layer: Image, low: Points, high: Points, tile: Points) -> float:
    """Correlation of a tile with the slide between two corners (row, column; edges of pixels)."""
    y0, x0 = (int(v) for v in np.floor(low))
    y1, x1 = (int(v) for v in np.ceil(high))
    drawn = np.asarray(layer.data[0][y0:y1, x0:x1])
    box = (low[1] - x0, low[0] - y0, high[1] - x0, high[0] - y0)
    return float(np.corrcoef(shrunk(drawn, box).ravel(), tile.ravel())[0, 1])


def shrunk(rgb: NDArray[np.uint8], box: tuple[float, ...]) -> Points:
    """A part (left, top, right, bottom) of a picture as 32 x 32 grey means."""
    grey = PIL.Image.fromarray(rgb.mean(axis=2).astype(np.float32))
    return np.asarray(grey.resize((32, 32), PIL.Image.Resampling.BOX, box=box))


WRONG: dict[str, Callable[[Points], Points]] = {
    "mirrored left to right": lambda p: p * [-1, 1],
    "mirrored top to bottom": lambda p: p * [1, -1],
    "turned by 180": lambda p: -p,
    "transposed": lambda p: p[:, ::-1],
    "transposed the other way": lambda p: -p[:, ::-1],
    "turned by 90": lambda p: p[:, ::-1] * [-1, 1],
    "turned by 270": lambda p: p[:, ::-1] * [1, -1],
    "two tiles to the right": lambda p: p + np.array([327, 0]),
    "two tiles to the left": lambda p: p - np.array([327, 0]),
    "two tiles down": lambda p: p + np.array([0, 327]),
    "two tiles up": lambda p: p - np.array([0, 327]),
}


def test_only_the_right_orientation_puts_the_spots_on_tissue(section: Section) -> None:
    """Spots were chosen under tissue; turned, mirrored or shifted, many fall on glass."""
    _, over = section.layers(overlay(section.grid, np.ones(len(section.grid))))
    centre = (section.spots.min(axis=0) + section.spots.max(axis=0)) / 2

    def share_on_tissue(places: Points) -> float:
        drawn = [value_drawn(over, ((y - 0.5) * MPP, (x - 0.5) * MPP)) for x, y in places]
        return float(np.mean(np.isfinite(drawn)))

    assert share_on_tissue(section.spots) > 0.98
    for name, wrong in WRONG.items():
        assert share_on_tissue(wrong(section.spots - centre) + centre) < 0.93, name


def test_the_layer_is_in_micrometres(section: Section) -> None:
    """Spots lie 200 µm apart on the array, and so they do in the world of the layers."""
    slide_layer, _ = section.layers(overlay(section.grid, np.ones(len(section.grid))))
    world = np.array([world_of(slide_layer, spot) for spot in section.spots])
    for axis, step in ((1, section.array[:, 0]), (0, section.array[:, 1])):
        slope = np.polyfit(step, world[:, axis], 1)[0]
        assert slope == pytest.approx(PITCH_UM, rel=0.03)


def test_what_is_under_the_spots_agrees_with_their_expression(section: Section) -> None:
    """Haematoxylin and eosin of a spot's tile tell its cluster better than a turned one's."""
    tiles = [read_tile(section.slide, section.grid, i) for i in range(len(section.grid))]
    density = [-np.log((tile[..., 0].astype(float) + 1) / 256).mean() for tile in tiles]
    _, over = section.layers(overlay(section.grid, density))
    centre = (section.spots.min(axis=0) + section.spots.max(axis=0)) / 2

    def explained(places: Points) -> float:
        """Share of the variance of density that lies between clusters (eta squared)."""
        drawn = np.array([value_drawn(over, ((y - 0.5) * MPP, (x - 0.5) * MPP)) for x, y in places])
        seen = np.isfinite(drawn)
        values, clusters = drawn[seen], section.clusters[seen]
        means = {c: values[clusters == c].mean() for c in np.unique(clusters)}
        between = sum((means[c] - values.mean()) ** 2 for c in clusters)
        return float(between / ((values - values.mean()) ** 2).sum())

    right = explained(section.spots)
    turned = {k: f for k, f in WRONG.items() if "tiles" not in k}
    wrong = [explained(turn(section.spots - centre) + centre) for turn in turned.values()]
    assert right > 0.15
    assert right > max(wrong)
