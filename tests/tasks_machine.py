"""A machine that this one is not, for the tests of `tasks.py`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
TASKS = ROOT / "tasks.py"


class Machine:
    """A pretended machine: which programs it has, and what they answer.

    Parameters
    ----------
    programs
        Names that `shutil.which` finds.
    """

    def __init__(self, tasks: ModuleType, *programs: str) -> None:
        self.tasks = tasks
        self.programs = set(programs)
        self.commands: list[list[str]] = []
        self.folders: list[Path] = []
        self.failing: dict[str, int] = {}
        self.on_run: Callable[[list[str]], object] = lambda words: None

    def which(self, name: str) -> str | None:
        return f"/bin/{name}" if name in self.programs else None

    def run(self, words: list[str], **options: Any) -> SimpleNamespace:
        line = " ".join(words)
        self.commands.append(words)
        self.folders.append(options["cwd"])
        for start, code in self.failing.items():
            if start in line:
                return SimpleNamespace(returncode=code, stdout="")
        if words[:2] == ["uv", "venv"] or words[1:3] == ["-m", "venv"]:
            self.make_venv()
        self.on_run(words)
        return SimpleNamespace(returncode=0, stdout="uv 0.9.1" if words[0] == "uv" else "3.11")

    def make_venv(self) -> None:
        python = self.tasks.tool("python")
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    def said(self, *words: str) -> list[list[str]]:
        """Commands that have all these words."""
        return [c for c in self.commands if all(w in c for w in words)]


def fresh_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A fresh copy of the module, at home in a folder with a space in its name."""
    spec = importlib.util.spec_from_file_location("tasks_under_test", TASKS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "a clone"
    root.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (root / name).write_text(name)
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "VENV", root / ".venv")
    monkeypatch.setattr(module, "BIN", root / ".venv" / "bin")
    monkeypatch.setattr(module, "WINDOWS", False)
    monkeypatch.setattr(module, "CONSTRAINTS", root / "constraints.txt")
    return module


def plain_machine(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Linux machine with nothing special, all libraries there, and no root."""
    pretended = Machine(tasks)
    monkeypatch.setattr(tasks, "subprocess", SimpleNamespace(run=pretended.run))
    monkeypatch.setattr(tasks.shutil, "which", pretended.which)
    monkeypatch.setattr(tasks.sys, "platform", "linux")
    monkeypatch.setattr(tasks.os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(tasks, "missing_packages", dict)
    return pretended


def lacks(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, **missing: str) -> None:
    monkeypatch.setattr(tasks, "missing_packages", lambda: missing)


def start(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line; its exit code."""
    monkeypatch.setattr(sys, "argv", ["tasks.py", *words])
    try:
        tasks.main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0
