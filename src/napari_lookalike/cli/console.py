"""What every command shares: tables, progress, JSON, and errors as sentences."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import platformdirs
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from napari_lookalike.cli.interrupt import INTERRUPTED, was_interrupted
from napari_lookalike.core import privacy
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.progress import Job, JobCancelled

# What experts and files say is shown as it is: "[see note]" is no style, ":x:" no picture.
out = Console(markup=False, emoji=False)
err = Console(stderr=True, markup=False, emoji=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

STOPPED = "Stopped. What was finished is kept."
RESEARCH = "Research use only: not for diagnosis."


def print_json(value: object) -> None:
    """One JSON object on standard output; numpy numbers become plain ones, NaN null."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (datetime, Path)):
        return str(value)
    return value


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table for a person."""
    shown = Table(title=title, title_justify="left")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    out.print(shown)


def wrong_usage(sentence: str) -> NoReturn:
    """End with exit code 2."""
    err.print(Text.assemble(("Wrong usage:", "bold"), f" {sentence}"))
    raise typer.Exit(2)


# Checks of paths that a user typed. Typer's own name the file, which may name a patient.


def present(value: Any) -> Any:
    """Typer callback: there is something at that path, or at each of them."""
    return _checked(value, Path.exists, "There is nothing at this path.")


def present_folder(value: Any) -> Any:
    """Typer callback: there is a folder at that path."""
    return _checked(present(value), Path.is_dir, "This is a file, but a folder is needed.")


def present_file(value: Any) -> Any:
    """Typer callback: there is a file at that path."""
    return _checked(present(value), Path.is_file, "This is a folder, but a file is needed.")


def known_device(value: Any) -> Any:
    """Typer callback: what a device may be called; whether it is here is seen where it is used."""
    if isinstance(value, str) and not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        raise typer.BadParameter("A device is auto, cpu, mps, cuda, or cuda:1 for the second card.")
    return value


# Asked before the work: a training of an hour must not end at a folder that cannot be written.


def new_folder(value: Any) -> Any:
    """Typer callback: a folder, or a place where one can be made."""
    value = _checked(value, lambda p: p.is_dir() or not p.exists(), "This is a file, not a folder.")
    return _checked(value, _can_be_made, "Nothing can be written there.")


def new_file(value: Any) -> Any:
    """Typer callback: a place where a file can be made, or one that may be replaced."""
    value = _checked(value, lambda p: not p.is_dir(), "This is a folder, but a file is needed.")
    return _checked(value, lambda p: _can_be_made(p.parent), "Nothing can be written there.")


def _can_be_made(folder: Path) -> bool:
    """Whether the nearest folder above that is there may be written."""
    above = (folder, *folder.absolute().parents)
    there = next((place for place in above if place.exists()), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK)


def _checked(value: Any, good: Callable[[Path], bool], complaint: str) -> Any:
    paths = value if isinstance(value, (list, tuple)) else [value]
    if all(path is None or _holds(good, path) for path in paths):
        return value
    raise typer.BadParameter(complaint)


def _holds(good: Callable[[Path], bool], path: Path) -> bool:
    try:
        return good(path)
    except (OSError, ValueError):  # a name that is too long, or that no disk can have
        return False


@contextmanager
def progress(title: str, quiet: bool = False) -> Iterator[Job]:
    """A job whose steps move a bar on standard error."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=quiet) as bar:
        task = bar.add_task(title, total=None)

        def step(done: int, total: int, what: str) -> None:
            bar.update(task, description=what or title, completed=done, total=total or None)

        yield Job(step)


def run_guarded(function: Callable[[], Any]) -> int:
    """Run the command line; every failure becomes a sentence and an exit code."""
    try:
        function()
    except JobCancelled:
        err.print(STOPPED)
        return 1
    except LookalikeError as error:
        _tell(str(error), {"what": error.what, "remedy": error.remedy, "slide": error.slide})
        return 1
    except KeyboardInterrupt:
        err.print(STOPPED)
        return INTERRUPTED
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # typer caught Ctrl-C, and said nothing
            err.print(STOPPED)
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except Exception as error:  # noqa: BLE001 - a user must never meet a traceback
        if was_interrupted():  # Ctrl-C inside a C extension's import leaves as another error
            err.print(STOPPED)
            return INTERRUPTED
        _tell(
            f"This is a fault in the program ({type(error).__name__}). Please report it with",
            {"what": f"fault: {type(error).__name__}", "remedy": "report it", "slide": None},
        )
        # In a line of its own that is never broken: it is there to be copied.
        err.print(f"{_keep_traceback(error)}", soft_wrap=True, highlight=False, markup=False)
        return 1
    return 0


def _tell(sentence: str, details: dict[str, Any]) -> None:
    if "--json" in sys.argv:
        print_json({"error": details})
    err.print(sentence, style="red", highlight=False, markup=False)


def _keep_traceback(error: BaseException) -> Path:
    """Write a traceback into the user's log folder, without what may name a patient."""
    own = Path(platformdirs.user_log_dir("napari-lookalike", appauthor=False))
    text = "".join(traceback.format_tb(error.__traceback__))
    text += f"{type(error).__name__}: {without_paths(str(error))}\n"
    for folder in (own, Path(tempfile.gettempdir())):
        file = folder / "napari-lookalike-fault.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError:  # a home that may not be written; try the next place
            continue
        break
    return file


def without_paths(text: str) -> str:
    """A message without paths, and without what the user typed."""
    typed = {name for word in sys.argv[1:] for name in (word, re.split(r"[/\\]", word)[-1])}
    for word in sorted(typed, key=len, reverse=True):
        if "." in word or "/" in word or "\\" in word:
            text = text.replace(word, "<path>")
    return privacy.without_paths(text)


def quiet_libraries() -> None:
    """Keep third-party chatter off the terminal; it may name files."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    logging.getLogger("timm").setLevel(logging.ERROR)
