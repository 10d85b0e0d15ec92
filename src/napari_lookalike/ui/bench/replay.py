"""The process that measures one reader: ``python -m napari_lookalike.ui.bench.replay IN OUT``."""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_lookalike.core.bench.replay import OURS, Measured, Replay, Request
from napari_lookalike.core.bench.trace import Leg, navigation_trace
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.slides.source import CannotRead
from napari_lookalike.ui.bench.readers import load, open_layer
from napari_lookalike.ui.bench.truth import Truth
from napari_lookalike.ui.bench.window import Stage, is_settled
from napari_lookalike.ui.display import display

_LOOK_S = 1.0
"""How long a slide of the cohort is looked at before the next one."""


def answer(request: Request) -> Replay:
    """Measure; a reader that fails is an answer too, if it fails in a sentence."""
    try:
        load(request.reader)
        if request.task == "cohort":
            return _change_slides(request)
        return _replay(request)
    except LookalikeError as error:
        return Replay(request.reader, str(error))
    except CannotRead as reason:
        return Replay(request.reader, f"OpenSlide cannot read it: {reason}.")


def _replay(request: Request) -> Replay:
    truth = Truth(request.path) if request.task == "check" else None
    stage = Stage(request.step_s)
    stage.warm_up()
    before = rss_mb()
    start = time.perf_counter()
    layer = open_layer(stage.viewer, request.reader, request.path)
    stage.serve()
    stage.draw()
    painted = time.perf_counter()
    stage.settle(lambda: is_settled(layer), start)
    opened = time.perf_counter()
    stage.rest(_LOOK_S)  # what comes after the first paint
    stage.furnish()
    height, width = layer.level_shapes[0][:2]
    legs: dict[str, Measured] = {}
    growth = [rss_mb() - before]
    for leg in navigation_trace(width, height, quick=request.quick):
        legs[leg.kind] = _leg(stage, layer, leg, truth)
        growth.append(rss_mb() - before)
    return Replay(
        request.reader,
        first_paint_ms=(painted - start) * 1e3,
        open_ms=(opened - start) * 1e3,
        legs=legs,
        growth_mb=max(growth),
        cache_mb=_cache_mb() if request.reader == OURS else 0.0,
    )


def _leg(stage: Stage, layer: Any, leg: Leg, truth: Truth | None) -> Measured:
    if leg.start is not None:
        stage.do(leg.start, layer)
    done: list[tuple[float, float, bool]] = []
    errors: list[float] = []
    verified = {0, len(leg.steps) // 2, len(leg.steps) - 1} if truth is not None else set()
    for i, step in enumerate(leg.steps):
        done.append(stage.do(step, layer))
        if truth is not None and i in verified:
            errors.append(truth.error(stage, layer))
    settled, block, ok = zip(*done, strict=True)
    return Measured(settled, block, int(len(ok) - np.sum(ok)), tuple(errors))


def _change_slides(request: Request) -> Replay:
    """Open the project and go from slide to slide, each until it and its overlay are there."""
    from napari_lookalike.ui.start import open_window

    window = open_window(request.path)
    session, viewer = window.workspace.session, window.viewer
    stage = Stage(request.step_s, viewer)
    ids = [record.slide_id for record in session.cohort]
    changes = []
    for number, slide_id in enumerate(ids):
        start = time.perf_counter()
        session.slide_id = slide_id
        ok = stage.settle(partial(_all_there, viewer, slide_id), start)
        if not ok:
            return Replay(request.reader, "A slide of the cohort was not shown in time.")
        if number:  # the first one comes with all that is made once
            changes.append((time.perf_counter() - start) * 1e3)
        stage.rest(_LOOK_S)
    return Replay(request.reader, changes_ms=tuple(changes))


def _all_there(viewer: Any, slide_id: str) -> bool:
    """Whether this slide, as it stays, and its attention map are on the canvas."""
    ours = {
        about["kind"]: layer
        for layer in viewer.layers
        if (about := layer.metadata.get("napari-lookalike", {})).get("of_project")
    }
    slide = ours.get("slide")
    if slide is None or "attention" not in ours:
        return False
    return slide.metadata["napari-lookalike"]["slide_id"] == slide_id and is_settled(slide)


def rss_mb() -> float:
    """Memory of this process in MB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cache_mb() -> float:
    from napari_lookalike.core.slides.tile_cache import tile_cache

    return tile_cache().limit / 1e6


def main() -> None:
    """Read a request, measure on a virtual display, write the answer, and end at once."""
    request = Request.from_json(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    with display(headless=True):
        replay = answer(request)
        Path(sys.argv[2]).write_text(json.dumps(replay.to_json()), encoding="utf-8")
        # What libraries do at the end of a process with a window is not measured, and may hang.
        os._exit(0)


if __name__ == "__main__":
    main()
