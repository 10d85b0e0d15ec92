from __future__ import annotations

from napari_lookalike.core.slides.base import Level
from napari_lookalike.core.slides.prefetch import look_ahead, next_view, places_in
from napari_lookalike.core.slides.view_levels import view_levels

VIEWS = view_levels((Level(8192, 8192, 1, 1), Level(2048, 2048, 4, 4)))


def test_tiles_under_a_box_nearest_to_its_centre_first():
    places = places_in(VIEWS, 0, (256, 512, 768, 768))
    assert places[0] == (0, 2, 3)
    assert {p[1:] for p in places} == {(c, r) for c in (1, 2, 3) for r in (2, 3, 4)}
    assert places_in(VIEWS, 0, (8100, 8100, 500, 500)) == [(0, 31, 31)]
    assert places_in(VIEWS, 0, (-500, -500, 400, 400)) == []


def test_the_direction_of_motion_comes_first():
    ahead = list(look_ahead(VIEWS, 0, (1024, 1024, 256, 256), (0, (768, 1024, 256, 256))))
    assert ahead[:2] == [(0, 5, 4), (0, 6, 4)]


def test_one_level_up_and_down_and_a_rim():
    ahead = set(look_ahead(VIEWS, 1, (1024, 1024, 256, 256), None))
    assert {(2, 2, 2), (0, 8, 8), (1, 3, 3), (1, 5, 5)} <= ahead
    assert all(0 <= p[0] <= 2 for p in ahead)


def test_a_jump_is_no_motion():
    jump = list(look_ahead(VIEWS, 0, (4096, 4096, 256, 256), (0, (0, 0, 256, 256))))
    still = list(look_ahead(VIEWS, 0, (4096, 4096, 256, 256), None))
    assert jump == still


def test_the_next_view_is_where_the_motion_goes():
    box = (1024, 1024, 256, 256)
    assert next_view(VIEWS, 0, box, (0, (768, 1280, 256, 256))) == [(0, 5, 3)]
    for before in (None, (0, box), (0, (0, 0, 256, 256))):
        assert next_view(VIEWS, 0, box, before) == []


def test_the_next_view_of_a_zoom_is_the_next_level_about_the_centre():
    box = (1024, 1024, 512, 512)  # of level 1
    nearer = next_view(VIEWS, 1, box, (2, (512, 512, 512, 512)))
    assert set(nearer) == {(0, c, r) for c in (9, 10) for r in (9, 10)}
    farther = next_view(VIEWS, 1, box, (0, (2304, 2304, 512, 512)))
    assert set(farther) == {(2, c, r) for c in (1, 2, 3) for r in (1, 2, 3)}
    coarsest = len(VIEWS) - 1
    assert next_view(VIEWS, coarsest, (0, 0, 512, 512), (coarsest - 1, box)) == []


def test_after_the_closest_zoom_comes_what_surrounds_the_view():
    around = next_view(VIEWS, 0, (1024, 1024, 512, 512), (1, (512, 512, 512, 512)))
    assert set(around) == {(0, c, r) for c in range(3, 7) for r in range(3, 7)}
