"""A display to draw on: the real one, or a virtual one where there is none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from napari_lookalike.core.errors import LookalikeError

SIZE = (1920, 1080)


class NoDisplay(LookalikeError):
    """There is no display, and none can be made."""


def has_display() -> bool:
    """Whether a window can be shown to a person."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def display(headless: bool, size: tuple[int, int] = SIZE) -> Iterator[None]:
    """Make sure that there is a display inside this block.

    Parameters
    ----------
    headless
        Draw on a virtual display (Xvfb) even if there is a real one. On macOS and Windows
        there is no virtual one: windows are shown there all the same.
    size
        (width, height) of the virtual screen.

    Raises
    ------
    NoDisplay
        If a virtual one is needed and Xvfb is not installed.
    """
    if not sys.platform.startswith("linux") or (has_display() and not headless):
        yield
        return
    if shutil.which("Xvfb") is None:
        raise NoDisplay(
            "This machine has no display, and Xvfb, which would stand in for one, is not here.",
            "On Debian or Ubuntu: apt-get install xvfb.",
        )
    from pyvirtualdisplay.display import Display

    wayland = os.environ.pop("WAYLAND_DISPLAY", None)
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    with Display(visible=False, size=size, backend="xvfb"):
        try:
            yield
        finally:
            if wayland is not None:
                os.environ["WAYLAND_DISPLAY"] = wayland
