"""Two panes that move together, in µm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lookalike.session.orientation import UPRIGHT, Orientation
from napari_lookalike.session.twin_field import (
    Field,
    moved_together,
    same_scale,
    view_index,
    whole,
    zoomed_together,
)

SCREENS = ((800, 600), (800, 600))
A = Field(5000.0, 4000.0, 1.0, (40_000, 30_000), (0.25, 0.25))
B = Field(2000.0, 1500.0, 1.0, (20_000, 16_000), (0.5, 0.5))


def test_the_whole_slide_fits():
    field = whole((40_000, 30_000), (0.25, 0.25), (800, 600))
    left, top = field.offset(0, 0)
    assert (left, top) == pytest.approx((-400, -300))


def test_a_place_and_its_offset_are_inverse():
    x, y = A.place(31.0, -17.0)
    assert A.offset(x, y) == pytest.approx((31.0, -17.0))


def test_pixels_that_are_not_square_are_measured_in_um():
    field = Field(1000.0, 1000.0, 2.0, (4000, 4000), (0.25, 0.5))
    assert field.step == (8.0, 4.0)
    assert field.place(10, 10) == (1080.0, 1040.0)


def test_zooming_keeps_what_is_under_the_pointer():
    before = A.place(120.0, -80.0)
    assert A.scaled(0.5, 120.0, -80.0).place(120.0, -80.0) == pytest.approx(before)


@given(
    st.lists(st.tuples(st.floats(0.05, 20.0), st.integers(0, 1)), min_size=1, max_size=30),
)
def test_two_slides_of_different_scanners_never_drift_apart(steps):
    """Whoever leads, and however often a bound is met: one µm per screen pixel in both."""
    fields = (A, B)
    for factor, leader in steps:
        fields = zoomed_together(fields, SCREENS, factor, leader, (10.0, 20.0))
        assert fields[0].pixel == pytest.approx(fields[1].pixel)
        bounds = [field.limits(screen) for field, screen in zip(fields, SCREENS, strict=True)]
        assert fields[0].pixel >= max(low for low, _ in bounds) * 0.999
        assert fields[0].pixel <= max(high for _, high in bounds) * 1.001


def test_moving_together_moves_as_many_um():
    a, b = moved_together((A, B), (100.0, -50.0), 0, linked=True)
    assert (a.x_px0 - A.x_px0) * 0.25 == pytest.approx((b.x_px0 - B.x_px0) * 0.5)
    assert (a.y_px0 - A.y_px0) * 0.25 == pytest.approx((b.y_px0 - B.y_px0) * 0.5)


def test_without_the_link_only_one_moves():
    a, b = moved_together((A, B), (100.0, 0.0), 1, linked=False)
    assert a == A
    assert b != B


def test_a_view_never_leaves_the_slide():
    a, _ = moved_together((A, None), (-1e9, 1e9), 0, linked=True)
    assert (a.x_px0, a.y_px0) == (0, 30_000)


def test_a_slide_that_is_not_there_yet_stands_in_nobodys_way():
    a, b = zoomed_together((A, None), SCREENS, 0.5, 0)
    assert a.pixel == 0.5
    assert b is None
    assert zoomed_together((None, None), SCREENS, 0.5, 0) == (None, None)


def test_a_slide_without_scale_zooms_by_the_same_factor():
    bare = Field(2000.0, 1500.0, 4.0, (20_000, 16_000), None)
    a, b = zoomed_together((A, bare), SCREENS, 0.5, 0)
    assert (a.pixel, b.pixel) == (0.5, 2.0)
    assert same_scale((A, bare), 0) == (A, bare)


def test_the_same_scale_is_the_leaders():
    a, b = same_scale((A, Field(1.0, 1.0, 7.0, (10, 10), (0.5, 0.5))), 0)
    assert (a.pixel, b.pixel) == (1.0, 1.0)


def test_a_view_beyond_a_bound_can_come_back():
    """A pane that became smaller shows more than its coarsest view."""
    far = A.scaled(A.limits((800, 600))[1] * 3)
    a, _ = zoomed_together((far, None), SCREENS, 0.5, 0)
    assert a.pixel == pytest.approx(far.pixel * 0.5)
    a, _ = zoomed_together((far, None), SCREENS, 2.0, 0)
    assert a.pixel == pytest.approx(far.pixel)


@pytest.mark.parametrize(("step", "index"), [(0.5, 0), (1.0, 0), (1.9, 0), (2.0, 1), (100.0, 3)])
def test_the_coarsest_level_that_is_fine_enough_is_drawn(step, index):
    assert view_index((1.0, 2.0, 4.0, 8.0), step) == index


# ---- turned and mirrored

ALL = [
    Orientation(t, left, up)
    for t in (False, True)
    for left in (False, True)
    for up in (False, True)
]
ODD = Field(1000.0, 1500.0, 2.0, (4000, 3000), (0.25, 0.5))


@pytest.mark.parametrize("lies", ALL)
def test_however_it_lies_a_place_and_its_offset_are_inverse(lies):
    field = ODD.laid(lies)
    x, y = field.place(31.0, -17.0)
    assert field.offset(x, y) == pytest.approx((31.0, -17.0))
    assert field.place(0, 0) == (1000.0, 1500.0)  # turned about the middle of the pane


def test_turned_right_what_was_above_is_to_the_right():
    field = ODD.laid(UPRIGHT.turned(1))
    dx, dy = field.offset(1000.0, 1500.0 - 40.0)  # 20 µm above it on the slide
    assert (dx, dy) == pytest.approx((10.0, 0.0))


@pytest.mark.parametrize("lies", ALL)
def test_linked_both_pictures_follow_the_hand_by_the_same_um(lies):
    """The other slide is turned: it moves along its own axes, and as far on the screen."""
    other = B.laid(lies)
    for leader in (0, 1):
        moved = moved_together((A, other), (100.0, -50.0), leader, linked=True)
        for before, after in zip((A, other), moved, strict=True):
            where = after.offset(before.x_px0, before.y_px0)  # of what was in the middle
            assert where == pytest.approx((-100.0, 50.0))
            um = (
                abs(after.x_px0 - before.x_px0) * before.mpp[0],
                abs(after.y_px0 - before.y_px0) * before.mpp[1],
            )
            assert sorted(um) == pytest.approx([50.0, 100.0])


@pytest.mark.parametrize("lies", ALL)
def test_turned_zooming_keeps_what_is_under_the_pointer(lies):
    field = ODD.laid(lies)
    before = field.place(120.0, -80.0)
    assert field.scaled(0.5, 120.0, -80.0).place(120.0, -80.0) == pytest.approx(before)


def test_a_slide_that_lies_on_its_side_fits_whole():
    field = whole((40_000, 30_000), (0.25, 0.25), (600, 800), UPRIGHT.turned(1))
    corners = [field.offset(x, y) for x in (0, 40_000) for y in (0, 30_000)]
    assert max(abs(u) for u, _ in corners) == pytest.approx(300)
    assert max(abs(v) for _, v in corners) == pytest.approx(400)
    assert field.pixel == pytest.approx(12.5)
