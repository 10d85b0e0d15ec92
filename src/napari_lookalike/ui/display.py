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
    with _virtual(size):
        yield


_in_use: list[object] = []
"""Virtual displays that a Qt application is still connected to; they end with the process."""


@contextmanager
def _virtual(size: tuple[int, int]) -> Iterator[None]:
    """Xvfb, with the environment pointing to it inside this block."""
    from pyvirtualdisplay.display import Display

    before = {name: os.environ.get(name) for name in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    os.environ.pop("WAYLAND_DISPLAY", None)
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    # "-terminate": it ends by itself when its last client, our application, is gone.
    server = Display(visible=False, size=size, backend="xvfb", extra_args=["-terminate"])
    former = os.environ.get("DISPLAY")
    server.start()
    try:
        yield
    finally:
        if _connected():
            # To lose its display kills an application: it keeps this one to its end.
            _in_use.append(server)
            _restore({"DISPLAY": former})
        else:
            server.stop()
        _restore(before)


def _connected() -> bool:
    """Whether this process has a Qt application; it cannot change its display any more."""
    from qtpy.QtCore import QCoreApplication

    return QCoreApplication.instance() is not None


def _restore(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
