"""The choice of memory is kept beside the expert's name, and neither loses the other."""

from __future__ import annotations

import json

import pytest

from napari_lookalike.core.slides.tile_cache import tile_cache
from napari_lookalike.session.expert import keep_expert, kept_expert
from napari_lookalike.session.tile_memory import (
    DEFAULT_MIB,
    MIB,
    RANGE_MIB,
    apply_tile_memory,
    choose_tile_memory,
    tile_memory,
)


@pytest.fixture(autouse=True)
def same_cache_after():
    limit = tile_cache().limit
    yield
    tile_cache().resize(limit)


def test_a_choice_holds_at_once_and_the_next_time(own_user_file):
    keep_expert("Dr A")
    assert tile_memory() == DEFAULT_MIB
    assert choose_tile_memory(768)
    assert tile_cache().limit == 768 * MIB
    assert json.loads(own_user_file.read_text()) == {"expert": "Dr A", "tile_memory_mib": 768}
    keep_expert("Dr B")
    assert (tile_memory(), kept_expert()) == (768, "Dr B")
    tile_cache().resize(MIB)
    apply_tile_memory()
    assert tile_cache().limit == 768 * MIB


@pytest.mark.parametrize("kept", ['"much"', "true", "1", "99999999", "null", "1e3"])
def test_what_makes_no_sense_is_the_default(own_user_file, kept):
    own_user_file.parent.mkdir(parents=True, exist_ok=True)
    own_user_file.write_text(f'{{"tile_memory_mib": {kept}}}')
    assert tile_memory() == DEFAULT_MIB


def test_a_choice_is_kept_within_bounds(own_user_file):
    choose_tile_memory(1)
    assert tile_memory() == RANGE_MIB[0]


def test_a_choice_that_cannot_be_kept_holds_for_now(own_user_file):
    own_user_file.parent.write_text("a file where the folder should be")
    assert not choose_tile_memory(256)
    assert tile_cache().limit == 256 * MIB
