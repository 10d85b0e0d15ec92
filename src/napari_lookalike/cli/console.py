"""What every command shares: tables, progress, JSON, and errors as sentences."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import platformdirs
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.progress import Job, JobCancelled

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

RESEARCH = "Research use only: not for diagnosis."


def print_json(value: object) -> None:
    """One JSON object on standard output; numpy numbers become plain ones."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


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
    err.print(f"[bold]Wrong usage:[/bold] {sentence}", highlight=False)
    raise typer.Exit(2)


@contextmanager
def progress(title: str, quiet: bool = False) -> Iterator[Job]:
    """A job whose steps move a bar on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
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
        err.print("Stopped. What was finished is kept.")
        return 1
    except LookalikeError as error:
        _tell(str(error), {"what": error.what, "remedy": error.remedy, "slide": error.slide})
        return 1
    except KeyboardInterrupt:
        err.print("Stopped. What was finished is kept.")
        return 1
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except Exception as error:  # noqa: BLE001 - a user must never meet a traceback
        _tell(
            f"This is a fault in the program ({type(error).__name__}). "
            f"Please report it with the file {_keep_traceback()}.",
            {"what": f"fault: {type(error).__name__}", "remedy": "report it", "slide": None},
        )
        return 1
    return 0


def _tell(sentence: str, details: dict[str, Any]) -> None:
    if "--json" in sys.argv:
        print_json({"error": details})
    err.print(sentence, style="red", highlight=False, markup=False)


def _keep_traceback() -> Path:
    """Write the traceback of the current exception into the user's log folder."""
    folder = Path(platformdirs.user_log_dir("napari-lookalike", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "last-fault.txt"
    file.write_text(traceback.format_exc(), encoding="utf-8")
    return file


def quiet_libraries() -> None:
    """Keep third-party chatter off the terminal; it may name files."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    logging.getLogger("timm").setLevel(logging.ERROR)
