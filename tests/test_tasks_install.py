"""`tasks.py`: the environment and the system, on machines that this one is not."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from tests.tasks_machine import Machine, fresh_tasks, lacks, plain_machine


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_tasks(tmp_path, monkeypatch)


@pytest.fixture
def machine(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return plain_machine(tasks, monkeypatch)


def test_installs_with_uv(tasks: ModuleType, machine: Machine) -> None:
    machine.programs = {"uv"}
    tasks.set_up("test", None)
    python = str(tasks.VENV / "bin" / "python")
    assert machine.said("uv", "venv", str(tasks.VENV))
    assert machine.commands[-1] == [
        *("uv", "pip", "install", "--python", python, "-c", str(tasks.CONSTRAINTS)),
        *("-e", ".[all]", "--group", "test", "--group", "lint"),
    ]
    assert set(machine.folders) == {tasks.ROOT}


def test_installs_with_pip_where_there_is_no_uv(tasks: ModuleType, machine: Machine) -> None:
    tasks.set_up("run", None)
    python = str(tasks.VENV / "bin" / "python")
    assert [c[1:] for c in machine.said("venv")] == [["-m", "venv", str(tasks.VENV)]]
    # The pip of Python 3.11 knows no dependency groups: it is renewed first.
    assert machine.said("--upgrade", "pip>=25.1")
    assert machine.commands[-1] == [
        *(python, "-m", "pip", "install", "--disable-pip-version-check"),
        *("-c", str(tasks.CONSTRAINTS), "-e", ".[all]"),
    ]


@pytest.mark.parametrize("version", ["uv 0.4.30 (Homebrew 2024-11-05)", ""])
def test_a_uv_that_is_old_or_broken_is_passed_over(
    tasks: ModuleType, machine: Machine, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.programs = {"uv"}
    monkeypatch.setattr(tasks, "answer", lambda *words: version or None)
    assert not tasks.uv()


@pytest.mark.parametrize("programs", [set(), {"uv"}])
def test_offline_touches_no_network(
    tasks: ModuleType, machine: Machine, programs: set[str], tmp_path: Path
) -> None:
    machine.programs = programs
    wheels = tmp_path / "wheel house"
    tasks.set_up("run", wheels)
    installs = machine.said("install")
    assert installs
    for command in installs:
        where = command.index("--no-index")
        assert command[where + 1 : where + 3] == ["--find-links", str(wheels)]


def test_second_run_returns_at_once(tasks: ModuleType, machine: Machine) -> None:
    tasks.set_up("run", None)
    machine.commands.clear()
    tasks.set_up("run", None)
    assert machine.commands == []


def test_an_environment_for_tests_also_runs(tasks: ModuleType, machine: Machine) -> None:
    tasks.set_up("test", None)
    machine.commands.clear()
    tasks.set_up("run", None)
    assert machine.commands == []
    tasks.set_up("docs", None)
    assert machine.said("--group", "docs")
    assert sorted(tasks.ready_for()) == ["docs", "test"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_changed_dependencies_install_again(
    tasks: ModuleType, machine: Machine, changed: str
) -> None:
    tasks.set_up("run", None)
    (tasks.ROOT / changed).write_text("new")
    machine.commands.clear()
    tasks.set_up("run", None)
    assert machine.said("-e", ".[all]")
    assert not machine.said("venv")


def test_an_interrupted_installation_is_not_taken_for_whole(
    tasks: ModuleType, machine: Machine
) -> None:
    tasks.set_up("run", None)
    old = (tasks.ROOT / "constraints.txt").read_text()
    (tasks.ROOT / "constraints.txt").write_text("new")
    machine.failing = {"-e .[all]": 1}
    with pytest.raises(SystemExit):
        tasks.set_up("run", None)
    (tasks.ROOT / "constraints.txt").write_text(old)
    assert tasks.ready_for() == []


def test_a_failed_installation_ends_with_its_exit_code(tasks: ModuleType, machine: Machine) -> None:
    machine.failing = {"-e .[all]": 7}
    with pytest.raises(SystemExit) as stop:
        tasks.set_up("run", None)
    assert stop.value.code == 7


def test_a_program_that_a_signal_ended_has_a_shells_exit_code(
    tasks: ModuleType, machine: Machine
) -> None:
    machine.failing = {"mkdocs": -11}
    with pytest.raises(SystemExit) as stop:
        tasks.call("mkdocs")
    assert stop.value.code == 139


def test_a_half_made_environment_is_made_anew(tasks: ModuleType, machine: Machine) -> None:
    left = tasks.VENV / "lib" / "half"
    left.mkdir(parents=True)
    tasks.set_up("run", None)
    assert not left.exists()
    assert machine.said("-m", "venv")


def test_an_environment_that_works_is_kept(tasks: ModuleType, machine: Machine) -> None:
    machine.make_venv()
    kept = tasks.VENV / "mine"
    kept.touch()
    tasks.make_venv("python3")
    assert kept.exists()
    assert not machine.said("venv")


def test_an_environment_whose_python_is_too_old_is_made_anew(
    tasks: ModuleType, machine: Machine
) -> None:
    machine.make_venv()
    machine.failing = {"version_info": 1}
    tasks.make_venv("python3")
    assert machine.said("-m", "venv")


def test_pip_is_put_into_an_environment_that_uv_made(tasks: ModuleType, machine: Machine) -> None:
    machine.make_venv()
    machine.failing = {"-m pip --version": 1}
    tasks.pip(None)
    assert [c[1:] for c in machine.said("ensurepip")] == [["-m", "ensurepip"]]


def test_a_vanished_python_is_told_in_a_sentence(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        tasks.call(tasks.tool("napari-lookalike"))
    assert "Delete the folder" in capsys.readouterr().err


def pretend(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, *version: int) -> None:
    monkeypatch.setattr(tasks.sys, "version_info", version)
    monkeypatch.setattr(tasks.sys, "_base_executable", "/own/python", raising=False)


def test_uses_the_python_that_runs_it(
    tasks: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tasks, monkeypatch, 3, 12, 1)
    machine.programs = {"python3.13"}
    assert tasks.find_python() == "/own/python"


@pytest.mark.parametrize("running", [(3, 10, 12), (3, 99, 0)])
def test_looks_for_a_tested_python(
    tasks: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch, running: tuple[int, ...]
) -> None:
    pretend(tasks, monkeypatch, *running)
    machine.programs = {"python3.11", "python3.12"}
    assert tasks.find_python() == "/bin/python3.12"


def test_an_untested_newer_python_is_used_and_said(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend(tasks, monkeypatch, 3, 99, 0)
    assert tasks.find_python() == "/own/python"
    assert "tested with Python 3.11 to" in capsys.readouterr().out


def test_an_old_python_alone_is_told(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend(tasks, monkeypatch, 3, 9, 2)
    with pytest.raises(SystemExit):
        tasks.find_python()
    assert "Python 3.11 or newer is needed" in capsys.readouterr().err
    machine.programs = {"uv"}
    assert tasks.find_python().startswith("3.")  # uv fetches it


def test_root_on_debian_installs(
    tasks: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.programs = {"apt-get"}
    monkeypatch.setattr(tasks.os, "geteuid", lambda: 0, raising=False)
    lacks(tasks, monkeypatch, **{"libEGL.so.1": "libegl1", "Xvfb": "xvfb"})
    tasks.system_packages()
    assert [c[:2] for c in machine.commands] == [["apt-get", "update"], ["apt-get", "install"]]
    assert machine.commands[1][-2:] == ["libegl1", "xvfb"]
    assert "-y" in machine.commands[1]


def test_failing_apt_is_told(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine.programs, machine.failing = {"apt-get"}, {"apt-get": 100}
    monkeypatch.setattr(tasks.os, "geteuid", lambda: 0, raising=False)
    lacks(tasks, monkeypatch, Xvfb="xvfb")
    with pytest.raises(SystemExit) as stop:
        tasks.system_packages()
    assert stop.value.code == 1
    assert "could not install: xvfb" in capsys.readouterr().err


def test_anyone_else_on_debian_is_told_the_command(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine.programs = {"apt-get"}
    lacks(tasks, monkeypatch, **{"libEGL.so.1": "libegl1", "Xvfb": "xvfb"})
    with pytest.raises(SystemExit):
        tasks.set_up("run", None)
    assert "sudo apt-get install libegl1 xvfb" in capsys.readouterr().err
    assert machine.commands == []
    tasks.set_up("run", None, skip_system=True)
    assert machine.said("-e", ".[all]")


def test_another_linux_is_told_what_to_look_for(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lacks(tasks, monkeypatch, **{"libEGL.so.1": "libegl1"})
    tasks.system_packages()
    told = capsys.readouterr().out
    assert "libEGL.so.1" in told
    assert "libegl1" in told
    assert machine.commands == []


def test_macos_and_windows_need_nothing(
    tasks: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacks(tasks, monkeypatch, Xvfb="xvfb")
    for system in ("darwin", "win32"):
        monkeypatch.setattr(tasks.sys, "platform", system)
        tasks.system_packages()
    assert machine.commands == []


def test_what_is_missing_is_found(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        if name == "libxcb-cursor.so.0":
            raise OSError(name)

    monkeypatch.setattr(tasks.ctypes, "CDLL", load)
    monkeypatch.setattr(tasks, "FILES", {"/no/such/*/font.ttf": "fonts-dejavu-core"})
    monkeypatch.setattr(tasks.shutil, "which", lambda name: None)
    monkeypatch.setattr(tasks, "answer", lambda *words: None)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    expected = {"libxcb-cursor0", "fonts-dejavu-core", "xvfb"}
    assert set(tasks.missing_packages().values()) == expected
    monkeypatch.setenv("DISPLAY", ":0")  # a real screen needs no virtual one
    assert set(tasks.missing_packages().values()) == expected - {"xvfb"}
    # What Debian says is installed is not asked for again, wherever its files went.
    monkeypatch.setattr(tasks, "answer", lambda *words: "install ok installed")
    assert tasks.missing_packages() == {}


@pytest.mark.parametrize("root", [True, False])
def test_venv_module_missing_on_debian(
    tasks: ModuleType,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    root: bool,
) -> None:
    machine.programs = {"apt-get"}
    machine.failing = {"-m venv": 1}
    monkeypatch.setattr(tasks.os, "geteuid", lambda: 0 if root else 1000, raising=False)

    def installed(words: list[str]) -> None:
        if words[:2] == ["apt-get", "install"]:
            machine.failing.clear()

    machine.on_run = installed
    monkeypatch.setattr(tasks, "answer", lambda *words: "python3.11-venv\n")
    if root:
        tasks.make_venv("python3")
        assert machine.said("apt-get", "install", "python3.11-venv")
        assert tasks.tool("python").exists()
        return
    with pytest.raises(SystemExit):
        tasks.make_venv("python3")
    assert "sudo apt-get install python3.11-venv" in capsys.readouterr().err
    assert not tasks.VENV.exists()
