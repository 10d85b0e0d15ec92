"""The command line as a whole: exit codes, and sentences instead of tracebacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import platformdirs
import pytest
from tests.cli.conftest import SECRET, Cli

from napari_lookalike import __version__
from napari_lookalike.cli import console
from napari_lookalike.cli import info as info_module
from napari_lookalike.core.progress import JobCancelled

COMMANDS = (
    "demo",
    "view",
    "info",
    "formats",
    "embed",
    "train",
    "report",
    "lock-test-set",
    "predict",
    "pairs",
    "doctor",
    "weights",
    "bench",
)


def test_help_names_every_command(cli: Cli) -> None:
    ran = cli("--help")
    assert ran.code == 0
    for command in COMMANDS:
        assert f" {command} " in ran.out
    assert "not for diagnosis" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    ran = cli(command, "--help")
    assert ran.code == 0
    assert "Usage" in ran.out
    reports = command not in ("view", "pairs", "weights")
    assert ("--json" in ran.out) == reports


def test_version(cli: Cli) -> None:
    assert cli("--version").out.strip() == f"napari-lookalike {__version__}"


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["info"],
        ["info", f"nowhere/{SECRET}.svs"],
        ["info", "--no-such-option"],
        ["train", f"nowhere/{SECRET}"],
        ["train", ".", "--loss", "triplet"],
        ["train", ".", "--folds", "1"],
        ["report", "."],
        ["report", f"nowhere/{SECRET}", "--out", "x"],
        ["lock-test-set", f"nowhere/{SECRET}"],
        ["embed", f"nowhere/{SECRET}.csv"],
        ["embed", ".", "--weights", f"nowhere/{SECRET}.bin"],
        ["embed", "."],
        ["predict", __file__],
        ["pairs", "sort"],
        ["pairs", "import", ".", "."],
        ["view", f"nowhere/{SECRET}.svs"],
        ["bench", "nope"],
        ["bench", "encoder", "--data", f"nowhere/{SECRET}"],
    ],
)
def test_wrong_usage_ends_with_2(
    cli: Cli, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli(*words)
    assert ran.code == 2
    assert ran.told
    assert ran.out == ""


def test_no_argument_shows_the_help(cli: Cli) -> None:
    ran = cli()
    assert ran.code in (0, 2)
    assert "doctor" in ran.out + ran.err


def failing(error: BaseException) -> Any:
    def fail(*arguments: Any, **options: Any) -> NoReturn:
        raise error

    return fail


def test_a_fault_of_ours_is_a_sentence_with_a_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = tmp_path / f"{SECRET}.svs"
    slide.touch()
    error = RuntimeError(f"cannot cope with '{slide}' or {slide.name}")
    monkeypatch.setattr(info_module, "open_slide", failing(error))
    monkeypatch.setattr(platformdirs, "user_log_dir", lambda *a, **k: str(tmp_path / "logs"))
    ran = cli("info", slide)
    assert ran.code == 1
    assert "a fault in the program (RuntimeError)" in ran.told
    (log,) = (tmp_path / "logs").iterdir()
    assert log.name in ran.err
    kept = log.read_text()
    assert "open_slide" in kept
    assert "cannot cope with" in kept
    assert SECRET not in kept
    ran = cli("info", slide, "--json")
    assert ran.json["error"]["what"] == "fault: RuntimeError"


def test_a_fault_is_told_where_no_log_can_be_written(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(info_module, "open_slide", failing(RuntimeError("boom")))
    monkeypatch.setattr(platformdirs, "user_log_dir", lambda *a, **k: str(tmp_path / "file" / "x"))
    monkeypatch.setattr(console.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    ran = cli("info", tmp_path / "file")
    assert ran.code == 1
    assert list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize(("error", "code"), [(JobCancelled(), 1), (KeyboardInterrupt(), 130)])
def test_stopping_is_no_fault(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(info_module, "open_slide", failing(error))
    ran = cli("info", tmp_path / "file")
    assert ran.code == code
    assert "fault" not in ran.told


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("no file /home/anna/SMITH.svs here", "no file <path>"),
        (r"no file 'C:\Users\anna\SMITH.svs' here", "no file '<path>' here"),
        ("shapes (3, 4) and (5,) differ", "shapes (3, 4) and (5,) differ"),
    ],
)
def test_messages_lose_their_paths(
    message: str, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["napari-lookalike", "info"])
    assert console.without_paths(message) == kept


def test_json_of_numpy_and_of_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"a": np.float32(0.5), "b": np.arange(2), "c": float("nan"), 3: (np.nan, np.int64(2))}
    console.print_json(value)
    text = "".join(capsys.readouterr().out.split())
    assert text == '{"a":0.5,"b":[0,1],"c":null,"3":[null,2]}'


def test_python_m_is_the_same_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "napari_lookalike", "info", str(tmp_path / f"{SECRET}.svs")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "There is nothing at this path" in done.stderr
    assert SECRET not in done.stderr
