"""Starts the measuring processes one after the other, and survives what happens to them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from napari_lookalike.core.bench.replay import Replay, Request
from napari_lookalike.core.privacy import without_paths

_SERVE = "napari_lookalike.ui.bench.replay"
LIMIT_S = 900.0
"""Seconds after which a run is given up."""


def run(request: Request, limit_s: float = LIMIT_S) -> Replay:
    """Measure in a process of its own. Always answers: with figures, or with the reason."""
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder, "asked.json"), Path(folder, "told.json")
        asked.write_text(json.dumps(request.to_json()), encoding="utf-8")
        words = [sys.executable, "-W", "ignore", "-m", _SERVE, str(asked), str(told)]
        # Nobody's settings and no command line's plotting choices: napari's defaults.
        own = {**os.environ, "NAPARI_CONFIG": ""}
        process = subprocess.Popen(
            words,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that its display ends with it
        )
        try:
            _, complaint = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            _end(process)
            return Replay(request.reader, f"It had not ended after {limit_s:.0f} s.")
        except BaseException:
            _end(process)
            raise
        try:
            return Replay.from_json(json.loads(told.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return Replay(request.reader, _how_it_ended(process.returncode, complaint))


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()


def _how_it_ended(code: int, complaint: bytes) -> str:
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    last = without_paths(lines[-1])[:200] if lines else "it said nothing"
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"Its process {how} ({last})."
