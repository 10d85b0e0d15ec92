"""`tasks.py`: the file, its command line and the wheelhouse."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.tasks_machine import ROOT, TASKS, Machine, fresh_tasks, plain_machine, start


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_tasks(tmp_path, monkeypatch)


@pytest.fixture
def machine(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return plain_machine(tasks, monkeypatch)


def test_uses_the_standard_library_only() -> None:
    tree = ast.parse(TASKS.read_text(encoding="utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert imported
    assert not {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names)


def test_an_old_python_can_read_it_and_say_so() -> None:
    ast.parse(TASKS.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_python_versions_agree_with_the_package(tasks: ModuleType) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">={}.{}"'.format(*tasks.OLDEST_PYTHON) in text
    named = [x for x in range(8, 30) if f"Python :: 3.{x}" in text]
    assert (3, named[0]) == tasks.OLDEST_PYTHON
    assert (3, named[-1]) == tasks.NEWEST_PYTHON


def test_help_is_there_without_an_environment(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(TASKS), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "python3 tasks.py demo" in done.stdout


@pytest.mark.parametrize("programs", [set(), {"uv"}])
def test_wheelhouse_collects_everything(
    tasks: ModuleType,
    machine: Machine,
    programs: set[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine.programs = programs
    folder = tmp_path / "wheel house"
    tasks.wheelhouse(folder)
    (command,) = machine.said("wheel")
    assert command[1:5] == ["-m", "pip", "wheel", "-w"]
    groups = [command[i + 1] for i, word in enumerate(command) if word == "--group"]
    assert set(groups) == {group for needed in tasks.GROUPS.values() for group in needed}
    assert {".[all]", "hatchling", "editables", "pip"} <= set(command)
    told = capsys.readouterr().out
    assert f"--offline '{folder}' demo" in told
    assert "xvfb" in told
    assert (folder / tasks.MADE_FOR).read_text() == tasks.this_machine()


def test_wheelhouse_of_another_machine_is_refused(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "some.whl").touch()
    (tmp_path / tasks.MADE_FOR).write_text("Windows AMD64 Python 3.13")
    assert start(tasks, monkeypatch, "--offline", str(tmp_path), "demo") == 1
    assert "for Windows AMD64 Python 3.13" in capsys.readouterr().err
    assert not machine.said("install")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "required: task"),
        (["dmeo"], "invalid choice"),
        (["wheelhouse"], "say where"),
        (["check", "now"], "takes nothing more"),
        (["demo", "--offline", "x"], "before the task"),
        (["--offline", "nowhere", "demo"], "holds no packages"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    assert start(tasks, monkeypatch, *words) == 2
    assert sentence in capsys.readouterr().err
    assert machine.commands == []


def test_run_and_demo_work_from_where_the_user_stands(
    tasks: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    program = str(tasks.tool("napari-lookalike"))
    assert start(tasks, monkeypatch, "run", "info", "my slide.svs", "--json") == 0
    assert machine.commands[-1] == [program, "info", "my slide.svs", "--json"]
    assert machine.folders[-1] == tmp_path
    assert start(tasks, monkeypatch, "demo", "--headless") == 0
    assert machine.commands[-1] == [program, "demo", "--headless"]


def test_test_runs_every_check_and_then_the_tests(
    tasks: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start(tasks, monkeypatch, "test", "-k", "tasks") == 0
    ran = [Path(c[0]).name for c in machine.commands if Path(c[0]).parent == tasks.BIN]
    checks = ["ruff", "ruff", "typos", "lint-imports", "npe2", "mypy", "pytest"]
    assert ran[-len(checks) :] == checks
    assert machine.commands[-1][1:] == ["-k", "tasks"]
    machine.failing = {"lint-imports": 1}
    assert start(tasks, monkeypatch, "test") == 1
    assert Path(machine.commands[-1][0]).name == "lint-imports"


def test_names_of_programs_on_windows(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "WINDOWS", True)
    assert tasks.tool("pytest").name == "pytest.exe"
    assert tasks.shown(Path("a b")) == '"a b"'
