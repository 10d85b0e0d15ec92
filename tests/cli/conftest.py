"""Run the command line inside the test, as its entry point does."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from napari_lookalike.cli import console as console_module
from napari_lookalike.cli.app import main

SECRET = "SMITH_Anna_2015-03-07"
"""What a patient's file may be called: it must appear nowhere."""


@dataclass(frozen=True)
class Ran:
    """What a command left behind: exit code, and its two streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output; fails on anything around it, and on NaN."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        value = json.loads(self.out, parse_constant=refuse)
        assert isinstance(value, dict)
        return value

    @property
    def told(self) -> str:
        """Standard error as running text, however it was wrapped and framed."""
        return " ".join(self.err.replace("│", " ").split())


Cli = Callable[..., Ran]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Call with the words of a command line."""
    monkeypatch.setenv("COLUMNS", "200")
    for console in (console_module.out, console_module.err):  # made when they were imported
        monkeypatch.setattr(console, "_width", 200)
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["napari-lookalike", *map(str, words)])
        capfd.readouterr()
        ctrl_c = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(SystemExit) as stop:
                main()
        finally:
            signal.signal(signal.SIGINT, ctrl_c)  # main leaves one for the end of its process
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        assert SECRET not in out + err
        assert isinstance(stop.value.code, int)
        return Ran(stop.value.code, out, err)

    return run
