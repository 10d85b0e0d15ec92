from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from tests.slide_fixtures import texture

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.colour import ToSrgb
from napari_lookalike.core.slides.pyramid import LevelArray
from napari_lookalike.core.slides.tile_cache import TileCache
from napari_lookalike.core.slides.tile_source import TileSource

SWAP = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])


def swapped_profile():
    """A profile whose red is sRGB's green, its green blue and its blue red."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for i in range(int.from_bytes(profile[128:132], "big")):
        at = 132 + 12 * i
        tags[bytes(profile[at : at + 4])] = at
    offsets = {t: bytes(profile[tags[t] + 4 : tags[t] + 12]) for t in (b"rXYZ", b"gXYZ", b"bXYZ")}
    for own, other in ((b"rXYZ", b"gXYZ"), (b"gXYZ", b"bXYZ"), (b"bXYZ", b"rXYZ")):
        profile[tags[own] + 4 : tags[own] + 12] = offsets[other]
    return bytes(profile)


PROFILE = swapped_profile()


def test_colours_are_turned_as_the_profile_says():
    red = np.full((4, 5, 3), (200, 0, 0), np.uint8)
    shown = ToSrgb(PROFILE)(red)
    assert shown.shape == red.shape
    assert np.abs(shown.astype(int) - (0, 200, 0)).max() <= 2


def test_it_is_what_pillow_gives():
    image = texture(64, 48)
    expected = ImageCms.profileToProfile(
        Image.fromarray(image),
        ImageCms.getOpenProfile(io.BytesIO(PROFILE)),
        ImageCms.createProfile("sRGB"),
    )
    assert np.array_equal(ToSrgb(PROFILE)(image), np.asarray(expected))


@pytest.mark.parametrize("profile", [b"", b"nonsense" * 40, PROFILE[:200]])
def test_a_damaged_profile_is_an_error(profile):
    with pytest.raises(ValueError, match="profile"):
        ToSrgb(profile)


@pytest.fixture
def profiled(tmp_path):
    path = tmp_path / "a.tiff"
    tifffile.imwrite(
        path,
        texture(600, 500),
        tile=(256, 256),
        compression="zlib",
        photometric="rgb",
        metadata=None,
        extratags=[(34675, 7, len(PROFILE), PROFILE, True)],
    )
    return path


def test_the_switch_of_a_layer(profiled):
    with open_slide(profiled) as slide:
        source = TileSource(slide, cache=TileCache())
        told = []
        source.listen(lambda: told.append(1))
        array = LevelArray(source, 0)
        plain = array[:, :]
        assert np.array_equal(plain, texture(600, 500))
        assert source.set_colour_managed(True)
        assert told == [1]
        assert np.array_equal(array[:, :], ToSrgb(PROFILE)(plain))
        assert not source.set_colour_managed(False)
        assert np.array_equal(array[:, :], plain)
        assert np.array_equal(slide.read_level(0, 0, 0, 600, 500), plain)  # analysis: as stored


def test_without_a_profile_nothing_changes(pyramid_slide):
    with open_slide(pyramid_slide) as slide:
        source = TileSource(slide, cache=TileCache())
        assert not source.set_colour_managed(True)
        assert not source.colour_managed
