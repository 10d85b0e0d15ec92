"""The trace: the steps that others compare stay as they are."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.bench.trace import BACK, Leg, Step, navigation_trace

WIDTH, HEIGHT = 61440, 51200


def legs(width: int = WIDTH, height: int = HEIGHT, quick: bool = False) -> dict[str, Leg]:
    return {leg.kind: leg for leg in navigation_trace(width, height, quick=quick)}


def places(leg: Leg) -> list[tuple[float, float, float]]:
    return [(step.y, step.x, step.zoom) for step in leg.steps]


def test_the_order_of_the_kinds() -> None:
    names = ["zoom_in", "pan_1x", BACK, "pan_quarter", "zoom_0.3", "jump_1x", "drag_1x", "wheel"]
    assert list(legs()) == names


def test_the_steps_are_those_of_the_trace_that_others_replay() -> None:
    found = legs()
    cy, cx = HEIGHT / 2, WIDTH / 2
    pan = [(cy + i * 200, cx + i * 300, 1.0) for i in range(20)]
    assert places(found["pan_1x"]) == pan
    assert places(found[BACK]) == pan[::-1]
    assert places(found["zoom_in"]) == [(cy, cx, z) for z in np.geomspace(0.015, 1, 24)]
    assert places(found["pan_quarter"]) == [(cy + i * 600, cx + i * 900, 0.25) for i in range(20)]
    assert places(found["zoom_0.3"]) == [(cy - i * 500, cx - i * 700, 0.3) for i in range(20)]
    rng = np.random.default_rng(1)
    jumps = [
        (rng.uniform(0.3, 0.7) * HEIGHT, rng.uniform(0.3, 0.7) * WIDTH, 1.0) for _ in range(20)
    ]
    assert np.allclose(places(found["jump_1x"]), jumps)


def test_on_a_small_slide_the_way_stays_on_it() -> None:
    for leg in legs(2220, 2967).values():
        for step in (*leg.steps, *([leg.start] if leg.start else [])):
            assert 0 <= step.x <= 2220
            assert 0 <= step.y <= 2967
    distances = np.diff([x for _, x, _ in places(legs(2220, 2967)["pan_1x"])])
    assert max(np.abs(distances)) == 300  # and it does not stand still at the edge
    assert min(np.abs(distances)) < 300


def test_the_mouse_starts_where_nothing_was_seen_and_the_wheel_goes_in_and_out() -> None:
    found = legs()
    start = found["drag_1x"].start
    assert start is not None
    seen = [(s.x, s.y) for kind in ("pan_1x", "jump_1x") for s in found[kind].steps]
    first = min(np.hypot(x - start.x, y - start.y) for x, y in seen)
    assert first > 800  # a field's diagonal
    assert {step.action for step in found["drag_1x"].steps} == {"drag"}
    notches = [step.notches for step in found["wheel"].steps]
    assert max(notches) > 0 > min(notches)
    assert sum(notches) > 0


def test_quick_has_every_kind_in_few_steps() -> None:
    quick, full = legs(quick=True), legs()
    assert list(quick) == list(full)
    assert all(len(quick[kind].steps) <= 6 < len(full[kind].steps) for kind in full)
    assert quick["zoom_in"].steps[0] == Step("look", WIDTH / 2, HEIGHT / 2, 0.015)
