"""Ctrl-C at any moment of a command: a sentence and exit code 130, never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_lookalike.cli.console import STOPPED

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform == "win32", reason="no process can press Ctrl-C for itself"),
]

RUN = """
import importlib.abc, os, signal, sys

class AtImport(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            {press}

def press():
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):  # the interpreter answers between two of its steps
        pass

sys.meta_path.insert(0, AtImport())
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started by
sys.argv = ["napari-lookalike", *{words!r}]
{before}
from napari_lookalike.cli.app import main
main()
"""


def pressed(
    module: str, *words: str, press: str = "press()", before: str = ""
) -> tuple[int, str, str]:
    """Run a command and press Ctrl-C when it imports a module."""
    code = RUN.format(module=module, press=press, words=words, before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_while_the_commands_are_imported() -> None:
    assert pressed("napari_lookalike.cli.embed", "doctor") == (130, "", "Stopped.\n")


def test_within_a_command_while_a_library_is_imported() -> None:
    code, out, err = pressed("torch", "doctor")
    assert (code, out) == (130, "")
    assert " ".join(err.split()) == STOPPED


@pytest.mark.parametrize(
    "press",
    [
        # What C code makes of it: another error, or nothing at all.
        "\n            try: press()\n            except KeyboardInterrupt: raise ImportError('C')",
        "\n            class Gone:\n                def __del__(self): press()\n            Gone()",
    ],
    ids=["another error", "swallowed"],
)
def test_a_library_cannot_hide_it(press: str) -> None:
    code, _, err = pressed("torch", "doctor", press=press)
    assert code == 130
    assert " ".join(err.split()) == STOPPED


def test_after_the_end_of_a_command_its_code_stays() -> None:
    code, out, err = pressed("none", "--version", before="import atexit; atexit.register(press)")
    assert (code, err) == (0, "")
    assert out.startswith("napari-lookalike ")


def test_a_command_that_is_not_to_be_stopped_goes_on() -> None:
    code, _, _ = pressed(
        "torch", "doctor", before="signal.signal(signal.SIGINT, signal.SIG_IGN)  # as nohup does"
    )
    assert code == 0
