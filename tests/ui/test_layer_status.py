"""What the status bar says over layers of ours: words, and never "nan"."""

from __future__ import annotations

import gc
import weakref
from functools import partial

import numpy as np
import pytest
from napari.layers import Image, Shapes

from napari_lookalike.ui.layer_status import (
    NO_TILE,
    nothing,
    of_pixel,
    of_tile,
    or_none,
    say_values,
)


def said(layer, row, column):
    """The status at a place, asked as napari asks it."""
    return layer.get_status((row, column), view_direction=None, dims_displayed=[0, 1], world=True)


@pytest.fixture
def attention():
    layer = Image(np.array([[0.25, np.nan]], np.float32), name="Attention")
    say_values(layer, of_tile)
    return layer


def test_a_tile_says_its_value_and_glass_that_there_is_no_tile(attention):
    assert said(attention, 0, 0)["coordinates"] == "[0, 0]: 0.25"
    assert said(attention, 0, 1)["coordinates"] == f"[0, 1]: {NO_TILE}"
    assert said(attention, 0, 1)["value"] == NO_TILE
    assert said(attention, 0, 5)["value"] == NO_TILE  # beside the map
    assert said(attention, 0, 0)["layer_base"] == "Attention"


def test_a_hidden_map_says_nothing_of_tiles(attention):
    attention.visible = False
    assert said(attention, 0, 0)["coordinates"] == "[0, 0]"


def test_without_a_place_it_is_napari_s(attention):
    assert attention.get_status()["layer_name"] == "Attention"


def test_a_mask_says_what_is_there_and_what_is_not():
    layer = Image(np.array([[1, np.nan]], np.float32))
    say_values(layer, partial(or_none, named="tissue", none="no tissue"))
    assert [said(layer, 0, x)["value"] for x in (0, 1, 9)] == ["tissue", "no tissue", "no tissue"]


def test_a_slide_says_its_colour_without_the_number_of_its_level():
    pixels = np.full((64, 64, 3), (10, 20, 30), np.uint8)
    layer = Image([pixels, pixels[::2, ::2]], multiscale=True, rgb=True)
    say_values(layer, of_pixel)
    assert said(layer, 5, 5)["value"] == "RGB 10, 20, 30"
    assert said(layer, -50, 5)["value"] == ""


def test_distances_say_the_place_alone():
    layer = Shapes([[(0, 0), (0, 9)]], shape_type="line")
    say_values(layer, nothing)
    assert said(layer, 40, 40)["coordinates"] == said(layer, 40, 40)["coords"]


def test_a_layer_with_words_can_be_let_go():
    layer = Image(np.zeros((2, 2)))
    say_values(layer, nothing)
    held = weakref.ref(layer)
    del layer
    gc.collect()
    assert held() is None
