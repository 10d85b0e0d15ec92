"""Frames of evidence tiles as shapes: seen from afar and from near."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Shapes

from napari_lookalike.core.hard_negatives import EvidenceTile
from napari_lookalike.session.evidence_view import EvidenceFrame
from napari_lookalike.ui.evidence_shapes import TAG_PX, draw, tag_px0

MPP_X, MPP_Y = 0.5, 0.25


@pytest.fixture
def layer():
    text = {"string": "{letter}", "color": {"feature": "ink"}}
    empty = np.array([], object)
    return Shapes(ndim=2, scale=(MPP_Y, MPP_X), features={"letter": empty, "ink": empty}, text=text)


FRAME = EvidenceFrame(EvidenceTile(x=1000, y=2000, size=200), "diagnostic", "D", "said")


def tag(layer):
    """(left, top, width, height) of the last shape."""
    points = layer.data[-1]
    (top, left), (bottom, right) = points.min(axis=0) + 0.5, points.max(axis=0) + 0.5
    return left, top, right - left, bottom - top


def test_from_near_the_letter_is_in_a_corner_of_the_tile(layer):
    draw(layer, [FRAME], zoom=4.0)
    left, top, width, height = tag(layer)
    assert (left, top) == (1000, 2000)
    assert (width * MPP_X * 4, height * MPP_Y * 4) == pytest.approx((TAG_PX, TAG_PX))
    assert (width, height) == pytest.approx(tag_px0((MPP_Y, MPP_X), 4.0))


def test_from_afar_it_lies_about_the_middle_of_the_tile(layer):
    draw(layer, [FRAME], zoom=0.05)
    left, top, width, height = tag(layer)
    assert width > 200
    assert (left + width / 2, top + height / 2) == pytest.approx((1100, 2100))


def test_the_letter_stands_on_its_tag_only(layer):
    draw(layer, [FRAME, FRAME], zoom=1.0)
    assert list(layer.features["letter"]) == [""] * 4 + ["D", "D"]
    assert list(layer.text.values) == [""] * 4 + ["D", "D"]


def test_drawing_again_does_not_pile_up_and_stays_read_only(layer):
    draw(layer, [FRAME, FRAME], zoom=1.0)
    draw(layer, [FRAME], zoom=2.0)
    assert len(layer.data) == len(layer.features) == 3
    assert not layer.editable
