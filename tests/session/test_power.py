"""Magnification in words: what a pathologist reads off the screen."""

from __future__ import annotations

import pytest

from napari_lookalike.session.power import (
    NO_MPP,
    POWERS,
    length_text,
    power_of,
    power_text,
    resolve_readout,
    um_per_pixel,
)


@pytest.mark.parametrize(("power", "um"), [(40, 0.25), (20, 0.5), (10, 1.0), (1, 10.0)])
def test_power_and_pixel_are_the_same_thing(power, um):
    assert um_per_pixel(power) == um
    assert power_of(um) == power
    assert POWERS == (1, 2, 5, 10, 20, 40)


@pytest.mark.parametrize(
    ("power", "text"),
    [(40, "40x"), (39.6, "40x"), (20.04, "20x"), (9.97, "10x"), (5, "5x"), (4.93, "4.9x"),
     (1.25, "1.2x"), (2.0, "2x"), (0.31, "0.31x")],
)  # fmt: skip
def test_a_power_is_written_as_on_an_objective(power, text):
    assert power_text(power) == text


def test_the_readout_says_power_pixel_and_scan():
    said = resolve_readout(2.0, 0.25)
    assert (said.power, said.pixel) == ("20x", "0.50 µm per screen pixel")
    assert said.native == "40x, 0.25 µm per pixel"
    assert said.remark == ""
    assert said.short == "20x · 0.50 µm per screen pixel"
    assert resolve_readout(100, 0.25).pixel == "25.0 µm per screen pixel"
    assert resolve_readout(0.2, 0.25).pixel == "0.050 µm per screen pixel"


def test_beyond_the_scan_is_said():
    assert "enlarged 2.0 times" in resolve_readout(0.5, 0.25).remark
    assert resolve_readout(0.99, 0.25).remark == ""


def test_without_mpp_there_is_no_power_and_the_remedy_is_named():
    said = resolve_readout(4.0, None)
    assert (said.power, said.native) == ("", "")
    assert said.pixel == "4 slide pixels per screen pixel"
    assert said.remark == NO_MPP
    assert "mpp" in NO_MPP
    assert "Project" in NO_MPP


@pytest.mark.parametrize(
    ("length", "known", "text"),
    [(12.34, True, "12.3 µm"), (250.4, True, "250 µm"), (1234.0, True, "1.23 mm"),
     (812.4, False, "812 px (mpp unknown)")],
)  # fmt: skip
def test_lengths_have_their_unit(length, known, text):
    assert length_text(length, known) == text
