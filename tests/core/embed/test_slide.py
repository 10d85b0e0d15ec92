"""One slide to features: order, batches, errors, cancelling."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from tests.core.array_slide import ArraySlide
from tests.core.mean_colour import MeanColour

from napari_lookalike.core.embed import embed_slide, stages
from napari_lookalike.core.errors import EncoderError, RegionError, ScaleError, TissueError
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.slides.base import RGB
from napari_lookalike.core.slides.resample import area_resample
from napari_lookalike.core.tile_reading import read_tiles_into
from napari_lookalike.core.tiles import read_tile
from napari_lookalike.core.tissue import TissueSettings

SETTINGS = TissueSettings(pixel_um=4.0, min_area_um2=100.0)


class Painted(ArraySlide):
    """Resampled as real slides are."""

    def read_region(self, region: Region, size: tuple[int, int]) -> RGB:
        if size != (32, 32):
            return super().read_region(region, size)
        self.reads.append(region)
        left, top = int(region.x) - 1, int(region.y) - 1
        image = self.read_level(0, left, top, 50, 50)
        x, y = region.x - left, region.y - top
        return area_resample(image, (x, y, x + region.width, y + region.height), size)


def painted(mpp: float | None = 0.37, seed: int = 0) -> Painted:
    """Tissue whose colour tells the place, on glass."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(243, 1, (600, 900, 3))
    yy, xx = np.mgrid[:600, :900]
    inside = (xx > 150) & (xx < 760) & (yy > 80) & (yy < 520)
    colour = np.stack([120 + xx * 0.1, 60 + yy * 0.1, 170 + 0 * xx], axis=-1)
    pixels[inside] = (colour + rng.normal(0, 8, colour.shape))[inside]
    return Painted(pixels.clip(0, 255).astype(np.uint8), mpp)


@pytest.mark.parametrize("readers", [1, 3])
def test_instances_are_those_of_a_plain_loop(readers: int) -> None:
    slide, encoder = painted(), MeanColour()
    features = embed_slide(slide, "S1", encoder, tissue=SETTINGS, readers=readers)
    plain = np.stack(
        [read_tile(slide, features.grid, i).mean((0, 1)) for i in range(len(features))]
    )
    np.testing.assert_allclose(features.instances, plain, atol=0.01)
    assert features.instances.dtype == np.float32
    assert sum(encoder.batches) == len(features) > 100
    # the colour tells where a tile lies: x from red, y from green
    centre = features.grid.corners_px0 + np.array(features.grid.size_px0) / 2
    inner = (centre > (200, 130)).all(axis=1) & (centre < (710, 470)).all(axis=1)
    place = (features.instances[inner, :2] - (120, 60)) / 0.1
    assert np.abs(place - centre[inner]).max() < 12


def test_what_goes_with_the_instances() -> None:
    slide, encoder = painted(), MeanColour()
    features = embed_slide(slide, "S1", encoder, tissue=SETTINGS)
    assert (features.slide_id, features.fingerprint) == ("S1", slide.fingerprint)
    assert features.encoder == encoder.identity and features.slide_mpp == (0.37, 0.37)
    assert json.loads(features.tissue) == asdict(SETTINGS)
    assert features.grid.tile_px == 32 and features.grid.mpp == 0.5


def test_twice_gives_the_same() -> None:
    first, second = (embed_slide(painted(), "S1", MeanColour(), tissue=SETTINGS) for _ in "ab")
    np.testing.assert_array_equal(first.instances, second.instances)


def test_without_mpp_it_must_be_chosen() -> None:
    slide = painted(mpp=None)
    with pytest.raises(ScaleError, match="mpp") as error:
        embed_slide(slide, "S1", MeanColour(), tissue=SETTINGS)
    assert error.value.slide == "S1" and not slide.reads
    features = embed_slide(slide, "S1", MeanColour(), tissue=SETTINGS, level0_tiles=True)
    assert features.grid.tile_mode == "level0" and features.slide_mpp is None
    chosen = embed_slide(painted(), "S1", MeanColour(), tissue=SETTINGS, level0_tiles=True)
    assert chosen.grid.tile_mode == "level0" and chosen.slide_mpp == (0.37, 0.37)


def test_no_tissue_and_too_little_tissue() -> None:
    blank = ArraySlide(np.random.default_rng(0).normal(243, 1, (300, 300, 3)).astype(np.uint8), 0.5)
    with pytest.raises(TissueError, match="No tissue") as error:
        embed_slide(blank, "S1", MeanColour(), tissue=SETTINGS)
    assert error.value.slide == "S1"
    with pytest.raises(TissueError, match="40% tissue"):
        embed_slide(painted(), "S1", MeanColour(tile_px=3000), tissue=SETTINGS)


def test_an_encoder_of_another_length_is_found_out() -> None:
    with pytest.raises(EncoderError, match="7 numbers"):
        embed_slide(painted(), "S1", MeanColour(dim=7), tissue=SETTINGS)


def readers() -> set[threading.Thread]:
    """Threads that read tiles; another test's may still be about to end."""
    return {t for t in threading.enumerate() if t.name.startswith("tiles")}


def test_a_reading_error_arrives_with_the_slide_s_name() -> None:
    before = readers()

    class Broken(ArraySlide):
        def read_level(self, level: int, x: int, y: int, width: int, height: int) -> RGB:
            if width < 600 and (x > 400 or y > 300):
                raise RegionError("These pixels cannot be decoded.", "Copy it again.", self.name)
            return super().read_level(level, x, y, width, height)

    whole = painted()
    with pytest.raises(RegionError, match="decoded") as error:
        embed_slide(Broken(whole.pixels, 0.37), "S1", MeanColour(), tissue=SETTINGS)
    assert error.value.slide == "S1"
    assert not readers() - before


def test_cancelling_stops_between_batches_and_ends_the_readers() -> None:
    seen: list[int] = []

    def on_step(done: int, total: int, what: str) -> None:
        seen.append(done)
        assert "S1" in what
        if done >= 64:
            job.cancel()

    before = readers()
    job = Job(on_step)
    slide, encoder = painted(), MeanColour()
    with pytest.raises(JobCancelled):
        embed_slide(slide, "S1", encoder, tissue=SETTINGS, job=job)
    assert encoder.batches == [32, 32] and seen[-1] == 64
    assert not readers() - before


@pytest.mark.processes
def test_reading_stays_only_a_few_batches_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    ahead: list[int] = []

    def counted(slide: object, grid: object, indices: list[int], out: RGB) -> None:
        read_tiles_into(slide, grid, indices, out)
        read.append(len(indices))

    class Slow(MeanColour):
        def encode(self, tiles: np.ndarray) -> np.ndarray:
            vectors = super().encode(tiles)
            if len(self.batches) == 1:  # until they are ahead
                end = time.monotonic() + 60
                while sum(read) <= 32 and time.monotonic() < end:
                    time.sleep(0.005)
            time.sleep(0.02)
            ahead.append(sum(read) - sum(self.batches))
            return vectors

    monkeypatch.setattr(stages, "read_tiles_into", counted)
    embed_slide(painted(), "S1", Slow(), tissue=SETTINGS, readers=2)
    assert 0 < max(ahead) <= stages.AHEAD * 32


@pytest.mark.shared
def test_a_real_slide_at_its_own_and_another_scale(shared: Path) -> None:
    from napari_lookalike.core.slides import open_slide

    path = shared / "data/wsi/libvips/CMU-1-Small-Region.svs"
    with open_slide(path) as slide:
        coarse = embed_slide(slide, "cmu", MeanColour(tile_px=56, mpp=2.0))
        fine = embed_slide(slide, "cmu", MeanColour(tile_px=224, mpp=0.5))
    # the same 112 µm squares, so the same mean colours
    assert coarse.grid.cells.tolist() == fine.grid.cells.tolist() and len(fine) > 40
    assert np.abs(coarse.instances - fine.instances).max() < 1.5


@pytest.mark.shared
def test_a_real_section_lies_where_its_spots_do(shared: Path) -> None:
    """Every array spot under tissue has a tile over it, at mpp 0.685 (stride 163.5 px)."""
    import csv

    from napari_lookalike.core.slides import open_slide

    folder = shared / "data/wsi/her2st"
    with open_slide(folder / "5714_HE_BT_C2.jpg", mpp=0.685, raster=True) as slide:
        features = embed_slide(slide, "C2", MeanColour(tile_px=56, mpp=2.0))
    cells = {tuple(cell) for cell in features.grid.cells.tolist()}
    text = (folder / "spots/C2_selection.tsv").read_text().splitlines()
    spots = [
        (float(row["pixel_x"]), float(row["pixel_y"]))
        for row in csv.DictReader(text, delimiter="\t")
    ]
    stride = features.grid.stride_px0
    assert stride[0] == pytest.approx(56 * 2.0 / 0.685)
    covered = [(int(x // stride[0]), int(y // stride[1])) in cells for x, y in spots]
    assert np.mean(covered) > 0.93
    # tiles over spots are darker than the glass, which a shifted grid would blur
    assert features.instances.mean(axis=1).max() < 235
