"""Asking the process that embeds a slide to leave it at what is done, from any other."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from napari_lookalike.core.embed.parts import parts_folder

_NAME: Final = "stop"


def ask_to_stop(features_path: Path) -> bool:
    """Ask that a slide be left at the tiles that are done.

    Whoever embeds it (a child process, another machine) sees this with its next part, writes
    the features so far with their coverage, and goes on with the next slide. A later run
    completes them.

    Parameters
    ----------
    features_path
        The slide's feature file.

    Returns
    -------
    bool
        Whether the slide is being embedded, so that there was somebody to ask.
    """
    with contextlib.suppress(OSError):
        (parts_folder(features_path) / _NAME).touch()
        return True
    return False


def stop_is_wanted(folder: Path) -> bool:
    """Whether somebody asked to stop the slide of a folder of parts."""
    return (folder / _NAME).exists()


def forget_to_stop(folder: Path) -> None:
    """Begin anew: what was asked of a former run does not count."""
    with contextlib.suppress(OSError):
        (folder / _NAME).unlink(missing_ok=True)
