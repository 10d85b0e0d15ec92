"""The tile grid: coordinates, shares and pixels against slow plain re-computations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.array_slide import ArraySlide

from napari_lookalike.core.errors import LookalikeError, ScaleError
from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.tiles import make_grid, read_tile, read_tiles
from napari_lookalike.core.tissue import TissueMask


def white(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


def everything(slide: ArraySlide, downsample: float = 4.0) -> TissueMask:
    width, height = slide.size
    w, h = round(width / downsample), round(height / downsample)
    full = np.ones((h, w), dtype=bool)
    return TissueMask(full, ~full, (width / w, height / h))


def test_a_marked_tile_lies_where_its_coordinates_say_with_a_non_integer_downsample() -> None:
    # 0.5 µm wanted of 0.32 µm: a tile of 32 px covers 50.0 level-0 px ... of 0.37: 43.24
    pixels = white(700, 500)
    stride = 32 * 0.5 / 0.37
    column, row = 9, 6
    x0, y0 = round(column * stride), round(row * stride)
    pixels[y0 : y0 + round(stride), x0 : x0 + round(stride)] = (200, 0, 0)
    slide = ArraySlide(pixels, 0.37)
    grid = make_grid(slide, everything(slide), tile_px=32, mpp=0.5, min_tissue=0.0)
    tiles = read_tiles(slide, grid, range(len(grid)))
    redness = 255 - tiles[..., 1].astype(float).mean(axis=(1, 2))
    best = int(np.argmax(redness))
    assert grid.cells[best].tolist() == [column, row]
    assert redness[best] > 245
    assert np.sort(redness)[-2] < 20  # neighbours see at most a sliver of it
    np.testing.assert_allclose(grid.corners_px0[best], (column * stride, row * stride))
    assert grid.coords[best].tolist() == [int(column * stride), int(row * stride)]


def test_strides_do_not_drift() -> None:
    slide = ArraySlide(white(3000, 40), 0.251)
    grid = make_grid(slide, everything(slide), tile_px=16, mpp=0.5, min_tissue=0.0)
    last = grid.corners_px0[grid.cells[:, 1] == 0][-1, 0]
    assert last == pytest.approx((grid.shape[1] - 1) * 16 * 0.5 / 0.251, abs=1e-6)
    assert last < 3000 <= last + grid.size_px0[0] + 1e-6


def test_axes_may_have_different_scales() -> None:
    slide = ArraySlide(white(400, 300), 0.5)
    slide.scale = type(slide.scale)(0.5, 0.25, "user")
    grid = make_grid(slide, everything(slide), tile_px=20, mpp=0.5)
    assert grid.size_px0 == (20.0, 40.0)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    mpp=st.floats(0.2, 0.9),
    overlap=st.integers(0, 7),
    downsample=st.floats(2.0, 6.0),
)
def test_shares_equal_a_count_on_a_fine_raster(
    seed: int, mpp: float, overlap: int, downsample: float
) -> None:
    rng = np.random.default_rng(seed)
    slide = ArraySlide(white(120, 90), mpp)
    w, h = round(120 / downsample), round(90 / downsample)
    mask = rng.random((h, w)) > 0.5
    tissue = TissueMask(mask, np.zeros_like(mask), (120 / w, 90 / h))
    grid = make_grid(slide, tissue, tile_px=16, mpp=0.5, min_tissue=0.45, overlap=overlap)
    kept = {tuple(cell) for cell in grid.cells.tolist()}
    fine = 40  # samples per edge
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            at = (np.arange(fine) + 0.5) / fine
            x = column * grid.stride_px0[0] + at * grid.size_px0[0]
            y = row * grid.stride_px0[1] + at * grid.size_px0[1]
            mx = np.floor(x / tissue.downsample_xy[0]).astype(int)
            my = np.floor(y / tissue.downsample_xy[1]).astype(int)
            inside = (mx < w)[None] & (my < h)[:, None]
            hit = mask[np.minimum(my, h - 1)][:, np.minimum(mx, w - 1)] & inside
            share = hit.mean()
            if abs(share - 0.45) > 0.03:  # the raster's own error
                assert ((column, row) in kept) == (share > 0.45)


def test_order_is_row_by_row() -> None:
    slide = ArraySlide(white(200, 200), 0.5)
    grid = make_grid(slide, everything(slide), tile_px=50, mpp=0.5)
    assert grid.shape == (4, 4)
    assert grid.cells.tolist() == [[c, r] for r in range(4) for c in range(4)]


def test_a_tile_beyond_the_edge_is_white_there() -> None:
    pixels = np.zeros((70, 70, 3), np.uint8)
    slide = ArraySlide(pixels, 0.5)
    grid = make_grid(slide, everything(slide, 1.0), tile_px=50, mpp=0.5, min_tissue=0.1)
    assert grid.cells.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    tile = read_tile(slide, grid, 3)
    assert (tile[:20, :20] == 0).all()
    assert (tile[20:] == 255).all() and (tile[:, 20:] == 255).all()
    # share counts the whole tile: the corner has 16 %
    strict = make_grid(slide, everything(slide, 1.0), tile_px=50, mpp=0.5, min_tissue=0.17)
    assert strict.cells.tolist() == [[0, 0], [1, 0], [0, 1]]


def test_pen_keeps_a_tile_out() -> None:
    slide = ArraySlide(white(100, 50), 0.5)
    pen = np.zeros((50, 100), dtype=bool)
    pen[:20, 50:] = True
    tissue = TissueMask(~pen, pen, (1.0, 1.0))
    assert make_grid(slide, tissue, tile_px=50, mpp=0.5).cells.tolist() == [[0, 0]]
    loose = make_grid(slide, tissue, tile_px=50, mpp=0.5, max_pen=0.4)
    assert loose.cells.tolist() == [[0, 0], [1, 0]]


def test_a_level_of_the_same_scale_is_read_without_resampling() -> None:
    rng = np.random.default_rng(0)
    slide = ArraySlide(rng.integers(0, 255, (128, 128, 3), np.uint8), 0.5)
    grid = make_grid(slide, everything(slide), tile_px=32, mpp=0.5004)
    tile = read_tile(slide, grid, 5)
    assert not slide.reads
    np.testing.assert_array_equal(tile, slide.pixels[32:64, 32:64])
    other = make_grid(slide, everything(slide), tile_px=32, mpp=0.51)
    read_tile(slide, other, 5)
    assert slide.reads[0] == other.region(5)


def test_a_synthetic_level_is_not_taken_for_the_real_thing() -> None:
    slide = ArraySlide(white(128, 128), 0.25)
    slide.levels = (*slide.levels, Level(64, 64, 2.0, 2.0, synthetic=True))
    grid = make_grid(slide, everything(slide), tile_px=32, mpp=0.5)
    read_tile(slide, grid, 0)
    assert len(slide.reads) == 1


def test_without_mpp_only_level0_tiles() -> None:
    slide = ArraySlide(white(100, 100))
    with pytest.raises(ScaleError, match="level-0 pixels"):
        make_grid(slide, everything(slide), tile_px=50, mpp=0.5)
    grid = make_grid(slide, everything(slide), tile_px=50, mpp=None)
    assert grid.size_px0 == (50.0, 50.0) and grid.mpp is None and grid.tile_mode == "level0"


def test_an_overlap_as_large_as_the_tile_is_refused() -> None:
    slide = ArraySlide(white(100, 100), 0.5)
    with pytest.raises(LookalikeError, match="smaller"):
        make_grid(slide, everything(slide), tile_px=50, mpp=0.5, overlap=50)


def test_overlap_shortens_the_stride_exactly() -> None:
    slide = ArraySlide(white(1000, 100), 0.3)
    grid = make_grid(slide, everything(slide), tile_px=64, mpp=0.5, overlap=16)
    assert grid.stride_px0[0] == pytest.approx(0.75 * grid.size_px0[0])
