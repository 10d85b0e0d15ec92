"""Scanner formats: the synthetic likes of them, and every real file that is here."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from tests.core.slides.native.comparing import (
    assert_reduces,
    assert_same_as_openslide,
    native_source,
)
from tests.core.slides.native.formats import write_bif, write_ome, write_philips, write_qptiff

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.source import CannotRead
from napari_lookalike.core.slides.tifffile_source import open_tifffile


def test_philips(tmp_path):
    """OpenSlide knows it by software and description; its levels are smaller than its pages."""
    path = write_philips(tmp_path / "a.tiff")
    with open_slide(path) as slide:
        assert slide.vendor == "philips"
        assert [(lv.width, lv.height) for lv in slide.levels[:3]] == [
            (1280, 896), (640, 448), (320, 224),
        ]  # fmt: skip
    with tifffile.TiffFile(path) as tif:
        stated = [page.tags.valueof(257) for page in tif.pages]
    assert stated == [896, 512, 256]
    assert_same_as_openslide(path)
    assert (native_source(path).tile(0, 2, 0) == 255).all()


def test_qptiff(tmp_path):
    """To OpenSlide it is a generic pyramid."""
    path = write_qptiff(tmp_path / "a.qptiff")
    with tifffile.TiffFile(path) as tif:
        assert tif.is_qpi
    assert open_openslide(path).vendor == "generic-tiff"
    assert_same_as_openslide(path)


def test_bif_without_overlaps(tmp_path):
    path = write_bif(tmp_path / "a.bif", overlap=0)
    assert open_openslide(path).vendor == "ventana"
    assert_same_as_openslide(path)


@pytest.mark.parametrize("overlap", [1, 6])
def test_bif_with_overlaps_is_left_to_openslide(tmp_path, overlap):
    path = write_bif(tmp_path / "a.bif", overlap)
    with open_slide(path) as slide:
        assert slide.vendor == "ventana"
        assert slide.properties()["lookalike.decoder"].startswith("OpenSlide (level 0 differs")
        expected = open_openslide(path).read(0, 0, 0, *slide.size)
        assert np.array_equal(slide.read_level(0, 0, 0, *slide.size), expected)


def test_ome_tiff_with_subifds(tmp_path):
    """OpenSlide shows its first level only; it is left to tifffile, which sees them all."""
    path = write_ome(tmp_path / "a.ome.tif")
    with pytest.raises(CannotRead, match="SubIFDs"):
        open_openslide(path)
    with open_slide(path) as slide:
        assert slide.backend == "tifffile"
        assert slide.scale.mpp == 0.25
        assert [level.width for level in slide.levels] == [1100, 550, 275]
        assert not any(level.synthetic for level in slide.levels)
        assert slide.properties()["lookalike.decoder"] == "native tiles"
    source = native_source(path)
    with tifffile.TiffFile(path) as tif:
        for index, level in enumerate(tif.series[0].levels):
            pixels = level.asarray()
            assert np.array_equal(source.read(index, 0, 0, *pixels.shape[1::-1]), pixels)
    assert_reduces(source, 1, tolerance=1.5)


def test_small_ome_tiff_stays_with_openslide(tmp_path):
    assert_same_as_openslide(write_ome(tmp_path / "a.ome.tif", width=1000))


REAL = [
    "libvips/CMU-1-Small-Region.svs",
    "lixiangchun/C3L-00601-26_from-dzi.tif",
    "openslide-python/boxes.tiff",
    "openslide-python/small.svs",
    "pathml/small_HE_levels.tiff",
]


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_files(shared, name):
    assert_same_as_openslide(shared / "data/wsi" / name)


@pytest.mark.shared
def test_all_other_real_files_are_decoded_by_their_readers_or_equal(shared):
    """A file added later: OpenSlide's and ours must agree on it, or say why not."""
    seen = 0
    folder = shared / "data/wsi"
    for path in sorted(p for kind in ("*.svs", "*.tif", "*.tiff") for p in folder.rglob(kind)):
        try:
            theirs = open_openslide(path)
        except CannotRead:
            continue
        theirs.close()
        seen += 1
        with open_slide(path) as slide:
            decoder = slide.properties()["lookalike.decoder"]
        name = path.relative_to(folder).as_posix()
        assert (decoder == "native tiles") == (name in REAL) or decoder.startswith("OpenSlide (")
    assert seen >= len(REAL)


@pytest.mark.shared
def test_real_jpeg_tiles_reduce(shared):
    source = native_source(shared / "data/wsi" / REAL[1])
    for level in (1, 3):
        assert_reduces(source, level, tolerance=1.5)


@pytest.mark.shared
def test_tifffile_decodes_real_tiles_alike(shared):
    """The same file by tifffile's own way, which is what other TIFFs are compared with."""
    source = open_tifffile(shared / "data/wsi" / REAL[0])
    assert source.properties()["lookalike.decoder"] == "native tiles"
    level = source.levels[0]
    theirs = source._slowly(0, 0, 0, level.width, level.height)
    assert np.array_equal(source.read(0, 0, 0, level.width, level.height), theirs)
    source.close()
