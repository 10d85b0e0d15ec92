"""``bench view``: how a slide moves, from the replays of three readers to figures.

Every figure stands for one row of the table of targets. Those of time are made per round
(the readers take turns, so that what else the machine does hits all of them) and reported
as the middle round, with the smallest and the largest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_lookalike.core.bench.replay import OURS, Replay
from napari_lookalike.core.bench.report import NotMeasured, Row
from napari_lookalike.core.bench.trace import BACK

PART_OF_PEER = 1 / 5
PART_OF_PEER_BACK = 1 / 20
BLOCK_MS = 16.0
PAINT_MS = 100.0
CHANGE_MS = 500.0
GROWTH_MB = 100.0
WRONG_GL = 6.0
"""Mean difference in grey levels above which a view shows the wrong pixels."""

NOISE_MS = 1.0
"""What two readers that do nothing differ by at least."""


@dataclass(frozen=True)
class Round:
    """One turn of each reader; a reader that failed has a ``problem``."""

    floor: Replay
    ours: Replay
    peer: Replay

    @property
    def replays(self) -> tuple[Replay, Replay, Replay]:
        """All three."""
        return self.floor, self.ours, self.peer


Figures = tuple[list[Row], list[NotMeasured]]


def figures(rounds: Sequence[Round], ours: Replay, peer: Replay) -> Figures:
    """All figures of one slide.

    Parameters
    ----------
    rounds
        The timed replays.
    ours, peer
        The replays that were verified against an eager read.
    """
    rows: list[Row] = []
    missing: list[NotMeasured] = []
    sound = [r for r in rounds if not r.floor.problem and not r.ours.problem]
    with_peer = [r for r in sound if not r.peer.problem]
    if sound:
        kinds = tuple(sound[0].ours.legs)
        for kind in kinds:
            for q in (50, 95):
                _add(rows, missing, _latency(with_peer, kind, q, _why(rounds, peer=True)))
        rows += [_block(sound, kind) for kind in kinds]
        rows += [_first_paint(sound), _growth(sound), _unsettled(sound)]
    else:
        missing.append(NotMeasured("how a view moves", _why(rounds)))
    _add(rows, missing, _wrong(ours, peer))
    return rows, missing


def change_of_slide(replays: Sequence[Replay]) -> Row | NotMeasured:
    """From the wish to see the next slide of a cohort until it and its overlay are there."""
    name = "change of slide with overlay, p95"
    sound = [r for r in replays if r.changes_ms]
    if not sound:
        return NotMeasured(name, replays[0].problem or "no slide was changed")
    p95 = [float(np.percentile(r.changes_ms, 95)) for r in sound]
    middle = float(np.median(np.concatenate([r.changes_ms for r in sound])))
    return _spread(name, p95, "ms", CHANGE_MS, f"p50 {middle:.0f} ms, {len(p95)} runs")


def _add(rows: list[Row], missing: list[NotMeasured], figure: Row | NotMeasured) -> None:
    if isinstance(figure, Row):
        rows.append(figure)
    else:
        missing.append(figure)


def _spread(name: str, values: Sequence[float], unit: str, target: float, beside: str) -> Row:
    row = Row.of(name, float(np.median(values)), unit, target, "at most")
    return row.among(min(values), max(values), beside)


def _why(rounds: Sequence[Round], *, peer: bool = False) -> str:
    replays = [x for r in rounds for x in (r.replays if peer else r.replays[:2])]
    said = [f"{x.reader}: {x.problem}" for x in replays if x.problem]
    return said[0] if said else "no run was complete"


def data_latency(replay: Replay, floor: Replay, kind: str, q: float) -> float:
    """Percentile over the steps of a kind of what reading adds to the same step's time, ms."""
    steps, least = replay.legs[kind].settled_ms, floor.legs[kind].settled_ms
    return float(np.percentile(np.subtract(steps, least), q))


def ratio(ours: float, peer: float) -> float:
    """Our data latency as a part of the peer's.

    0 where ours is not above the floor, whatever the peer's; infinite where only the
    peer's is not.
    """
    if ours <= 0:
        return 0.0
    return ours / peer if peer > 0 else float("inf")


def _latency(rounds: Sequence[Round], kind: str, q: int, why: str) -> Row | NotMeasured:
    name = f"settled data latency p{q}, {kind}: part of the peer's"
    if not rounds:
        return NotMeasured(name, why)
    ours = [data_latency(r.ours, r.floor, kind, q) for r in rounds]
    peer = [data_latency(r.peer, r.floor, kind, q) for r in rounds]
    floors = [float(np.percentile(r.floor.legs[kind].settled_ms, q)) for r in rounds]
    middle_ours, middle_peer = float(np.median(ours)), float(np.median(peer))
    beside = (
        f"ours {_range(ours)}, {rounds[0].peer.reader} {_range(peer)},"
        f" floor itself {_range(floors)} ms{_against_itself(rounds, kind, q)}"
    )
    noise = _noise([r.floor.legs[kind].settled_ms for r in rounds], floors)
    if 0 < middle_ours <= noise and middle_peer <= noise:
        return NotMeasured(name, f"both are within the floor's own noise: {beside}")
    target = PART_OF_PEER_BACK if kind == BACK else PART_OF_PEER
    each = [ratio(o, p) for o, p in zip(ours, peer, strict=True)]
    row = Row.of(name, ratio(middle_ours, middle_peer), "", target, "at most")
    return row.among(min(each), max(each), beside)


def _against_itself(rounds: Sequence[Round], kind: str, q: int) -> str:
    """What this percentile is when the floor is taken for a reader: step by step it is noise."""
    pairs = list(itertools.pairwise(r.floor for r in rounds))
    if not pairs:
        return ""
    return f", against itself {_range([data_latency(a, b, kind, q) for a, b in pairs])} ms"


def _noise(steps: Sequence[Sequence[float]], floors: Sequence[float]) -> float:
    """What a reader that does nothing differs by from itself, ms.

    From run to run; for a single run half of what its steps differ by.
    """
    if len(floors) > 1:
        return max(NOISE_MS, max(floors) - min(floors))
    low, high = np.percentile(steps[0], [25, 75])
    return max(NOISE_MS, float(high - low) / 2)


def _block(rounds: Sequence[Round], kind: str) -> Row:
    def p95(pick: Callable[[Round], Replay]) -> list[float]:
        sound = [r for r in rounds if not pick(r).problem]
        return [
            _p95(pick(r).legs[kind].block_ms) - _p95(r.floor.legs[kind].block_ms) for r in sound
        ]

    ours, peer = p95(lambda r: r.ours), p95(lambda r: r.peer)
    beside = f"{rounds[0].peer.reader} {_range(peer)} ms" if peer else ""
    name = f"block of the event loop p95, {kind}: above the floor's"
    return _spread(name, ours, "ms", BLOCK_MS, beside)


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


def _first_paint(rounds: Sequence[Round]) -> Row:
    ours = [r.ours.first_paint_ms - r.floor.first_paint_ms for r in rounds]
    peer = [r.peer.first_paint_ms - r.floor.first_paint_ms for r in rounds if not r.peer.problem]
    whole = [r.ours.open_ms - r.floor.open_ms for r in rounds]
    beside = f"until the whole slide stays as it is {_range(whole)} ms"
    if peer:
        beside += f"; {rounds[0].peer.reader} {_range(peer)} ms"
    name = "open to first paint: above an empty layer"
    return _spread(name, ours, "ms", PAINT_MS, beside)


def _growth(rounds: Sequence[Round]) -> Row:
    ours = [r.ours.growth_mb - r.ours.cache_mb for r in rounds]
    all_of_it = [r.ours.growth_mb for r in rounds]
    floor = [r.floor.growth_mb for r in rounds]
    peer = [r.peer.growth_mb for r in rounds if not r.peer.problem]
    beside = f"all of it {_range(all_of_it)}, floor {_range(floor)}"
    if peer:
        beside += f", {rounds[0].peer.reader} {_range(peer)}"
    name = "memory growth over the trace: above the size of the cache"
    return _spread(name, ours, "MB", GROWTH_MB, f"{beside} MB")


def _unsettled(rounds: Sequence[Round]) -> Row:
    def count(replay: Replay) -> int:
        return sum(leg.unsettled for leg in replay.legs.values())

    ours = [count(r.ours) for r in rounds]
    peer = [count(r.peer) for r in rounds if not r.peer.problem]
    beside = f"{rounds[0].peer.reader} {max(peer)}" if peer else ""
    row = Row.of("steps that did not settle in time", max(ours), "steps", 0.0, "at most")
    return row.among(min(ours), max(ours), beside)


def _wrong(ours: Replay, peer: Replay) -> Row | NotMeasured:
    name = "views that settle on the wrong pixels"
    errors = [e for leg in ours.legs.values() for e in leg.errors]
    if not errors:
        return NotMeasured(name, f"{OURS}: {ours.problem or 'nothing was verified'}")
    wrong = sum(e > WRONG_GL for e in errors)
    beside = f"of {len(errors)}; largest mean difference {max(errors):.1f} grey levels"
    theirs = [e for leg in peer.legs.values() for e in leg.errors]
    if theirs:
        beside += f"; {peer.reader} {sum(e > WRONG_GL for e in theirs)}"
    bad = sorted({k for k, leg in ours.legs.items() if any(e > WRONG_GL for e in leg.errors)})
    beside += f"; wrong in {', '.join(bad)}" if bad else ""
    row = Row.of(name, wrong, "views", 0.0, "at most")
    return row.among(wrong, wrong, beside)


def _range(values: Sequence[float]) -> str:
    """The middle, with the ends where there are several: "12 (11 to 15)"."""
    middle = f"{np.median(values):.3g}"
    return middle if len(values) < 2 else f"{middle} ({min(values):.3g} to {max(values):.3g})"
