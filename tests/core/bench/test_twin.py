"""From times of linked steps to figures with targets."""

from __future__ import annotations

import pytest

from napari_lookalike.core.bench.twin import MOST, Steps, TwinTimes, rows_of


def steps(linked, ground="seen", turned=False):
    return Steps(ground, turned, (linked,) * 4, (4.0, 4.0, 4.0, 40.0), (6.0,) * 4)


def row(*args, **kwargs):
    (found,), missing = rows_of(TwinTimes((steps(*args, **kwargs),), (680, 640)))
    assert not missing
    return found


def test_two_steps_at_once_for_the_price_of_two_is_one():
    found = row(10.0)
    assert found.value == pytest.approx(1.0)
    assert (found.target, found.met) == (MOST, True)
    assert found.low <= found.value <= found.high
    assert "680 x 640 px" in found.beside


def test_a_link_that_costs_is_said():
    found = row(13.0)
    assert found.value == pytest.approx(1.3)
    assert not found.met


def test_new_ground_is_only_reported():
    found = row(30.0, ground="new")
    assert (found.target, found.met) == (None, True)
    assert "new ground" in found.name


def test_a_turned_slide_is_named():
    assert "turned" in row(10.0, turned=True).name


def test_json_there_and_back_and_a_problem_is_a_missing_figure():
    times = TwinTimes((steps(10.0),), (680, 640), "")
    assert TwinTimes.from_json(times.to_json()) == times
    rows, missing = rows_of(TwinTimes(problem="It died."))
    assert rows == []
    assert [(m.name, m.reason) for m in missing] == [("twin", "It died.")]
