"""``bench view``: from replays to figures, without a window."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from napari_lookalike.core.bench.replay import FLOOR, OURS, PEER, Measured, Replay, Request
from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.bench.trace import BACK
from napari_lookalike.core.bench.view import (
    Round,
    change_of_slide,
    data_latency,
    figures,
    ratio,
)

KINDS = ("pan_1x", BACK)


def replay(reader: str, settled: float, block: float = 10.0, **more: float) -> Replay:
    steps = tuple(settled + i for i in range(4))
    legs = {kind: Measured(steps, (block,) * 4) for kind in KINDS}
    return Replay(reader, legs=legs, first_paint_ms=100 + settled, **more)


def checked(reader: str, *errors: float) -> Replay:
    return Replay(reader, legs={"pan_1x": Measured((1.0,), (1.0,), 0, errors)})


def one_round(ours: float = 36.0, peer: float = 130.0, floor: float = 30.0) -> Round:
    return Round(replay(FLOOR, floor), replay(OURS, ours), replay(PEER, peer))


def of(rounds: list[Round], ours: Replay | None = None, peer: Replay | None = None):
    rows, missing = figures(
        rounds, ours or checked(OURS, 1.0, 2.0), peer or checked(PEER, 1.0, 7.0)
    )
    return {row.name: row for row in rows}, {m.name: m.reason for m in missing}


def latency(kind: str, q: int = 50) -> str:
    return f"settled data latency p{q}, {kind}: part of the peer's"


def test_latency_is_a_step_minus_the_same_step_of_the_floor() -> None:
    floor = Replay(FLOOR, legs={"pan_1x": Measured((10.0, 90.0, 10.0), (0.0,) * 3)})
    ours = Replay(OURS, legs={"pan_1x": Measured((12.0, 94.0, 11.0), (0.0,) * 3)})
    assert data_latency(ours, floor, "pan_1x", 50) == 2.0
    assert data_latency(ours, floor, "pan_1x", 100) == 4.0


@pytest.mark.parametrize(
    ("ours", "peer", "expected"),
    [(5.0, 50.0, 0.1), (-1.0, 50.0, 0.0), (0.0, -2.0, 0.0), (3.0, -2.0, float("inf"))],
)
def test_ratio_is_honest_about_nothing(ours: float, peer: float, expected: float) -> None:
    assert ratio(ours, peer) == expected


def test_a_fifth_of_the_peer_is_enough_but_not_on_the_way_back() -> None:
    rows, _ = of([one_round(ours=38.0)])  # 8 of 100 ms
    assert rows[latency("pan_1x")].value == pytest.approx(0.08)
    assert rows[latency("pan_1x")].met
    assert rows[latency(BACK)].target == pytest.approx(1 / 20)
    assert not rows[latency(BACK)].met
    rows, _ = of([one_round(ours=60.0)])
    assert not rows[latency("pan_1x", 95)].met
    assert "ours 30" in rows[latency("pan_1x")].beside
    assert f"{PEER} 100" in rows[latency("pan_1x")].beside


def test_the_middle_round_counts_and_the_others_are_shown() -> None:
    rows, _ = of([one_round(ours=30.0 + extra) for extra in (5.0, 80.0, 10.0)])
    row = rows[latency("pan_1x")]
    assert (row.value, row.low, row.high) == pytest.approx((0.1, 0.05, 0.8))
    blocked = one_round()
    slow = replace(blocked, ours=replay(OURS, 36.0, block=500.0))
    rows, _ = of([blocked, slow, blocked])
    block = rows["block of the event loop p95, pan_1x: above the floor's"]
    assert (block.value, block.low, block.high) == (0.0, 0.0, 490.0)
    assert block.met


def test_it_is_said_what_the_floor_would_have_against_itself() -> None:
    rows, _ = of([one_round(), one_round(floor=33.0)])
    assert "against itself -3" in rows[latency("pan_1x")].beside
    assert "against itself" not in of([one_round()])[0][latency("pan_1x")].beside


def test_two_readers_within_the_floors_noise_are_not_compared() -> None:
    noisy = [one_round(ours=f + 0.5, peer=f + 0.4, floor=f) for f in (30.0, 33.0)]
    rows, missing = of(noisy)
    assert latency("pan_1x") not in rows
    assert "noise" in missing[latency("pan_1x")]
    rows, _ = of([one_round(ours=60.0, peer=29.0)])
    assert rows[latency("pan_1x")].value == float("inf")
    assert not rows[latency("pan_1x")].met


def test_a_peer_that_fails_leaves_our_own_figures() -> None:
    failed = replace(one_round(), peer=Replay(PEER, "It cannot."))
    rows, missing = of([failed], peer=Replay(PEER, "It cannot."))
    assert missing[latency("pan_1x")] == f"{PEER}: It cannot."
    assert "views that settle on the wrong pixels" in rows
    assert "open to first paint: above an empty layer" in rows
    assert rows["open to first paint: above an empty layer"].value == 6.0


def test_if_we_fail_it_is_said_and_no_figure_is_made_up() -> None:
    failed = replace(one_round(), ours=Replay(OURS, "It died."))
    rows, missing = of([failed, failed], ours=Replay(OURS, "It died."))
    assert rows == {}
    assert set(missing.values()) == {f"{OURS}: It died."}
    rows, _ = of([failed, one_round()])
    assert rows[latency("pan_1x")].value == pytest.approx(0.06)


def test_one_wrong_view_is_one_too_many() -> None:
    name = "views that settle on the wrong pixels"
    rows, _ = of([one_round()], ours=checked(OURS, 1.0, 6.5, 2.0))
    assert (rows[name].value, rows[name].met) == (1.0, False)
    assert "wrong in pan_1x" in rows[name].beside
    assert f"{PEER} 1" in rows[name].beside
    assert of([one_round()])[0][name].met


def test_memory_is_counted_above_the_cache() -> None:
    sound = one_round()
    grown = replace(sound, ours=replay(OURS, 36.0, growth_mb=700.0, cache_mb=550.0))
    rows, _ = of([grown])
    row = rows["memory growth over the trace: above the size of the cache"]
    assert (row.value, row.met) == (150.0, False)


def test_a_step_that_never_settles_is_counted() -> None:
    leg = Measured((1.0,) * 4, (1.0,) * 4, unsettled=2)
    late = Replay(OURS, legs=dict.fromkeys(KINDS, leg))
    rows, _ = of([replace(one_round(), ours=late), one_round()])
    row = rows["steps that did not settle in time"]
    assert (row.value, row.met) == (4.0, False)


def test_change_of_slide() -> None:
    row = change_of_slide([Replay(OURS, changes_ms=(100.0, 300.0)), Replay(OURS, "It died.")])
    assert isinstance(row, Row)
    assert row.value == pytest.approx(290.0)
    assert row.met
    late = change_of_slide([Replay(OURS, changes_ms=(100.0, 900.0))])
    assert isinstance(late, Row)
    assert not late.met
    gone = change_of_slide([Replay(OURS, "It died.")])
    assert gone == NotMeasured("change of slide with overlay, p95", "It died.")


def test_requests_and_answers_travel_as_json(tmp_path) -> None:
    request = Request("check", PEER, tmp_path / "slide.svs", quick=True)
    assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request
    answer = Replay(PEER, legs={"x": Measured((1.0,), (2.0,), 1, (3.0,))}, changes_ms=(4.0,))
    assert Replay.from_json(json.loads(json.dumps(answer.to_json()))) == answer
