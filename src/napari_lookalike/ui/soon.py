"""Many events, one refresh: what a panel does where a project has thousands of slides."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

MANY = 1000
"""Slides from which on a panel answers when control returns to the window, and only once.

To open a project replaces a dozen values of the session; each panel would build its rows as
often, all in one go, and the window would stand still meanwhile."""


class Soon:
    """Calls a refresh at once in a small project, and once per turn of events in a large one.

    Parameters
    ----------
    panel
        Whose refresh it is; nothing is called after Qt deleted it.
    refresh
        What to call.
    slides
        How many slides the project has now.
    """

    def __init__(
        self, panel: QWidget, refresh: Callable[[], None], slides: Callable[[], int]
    ) -> None:
        self._refresh, self._slides = refresh, slides
        self._timer = QTimer(panel, interval=0, singleShot=True)
        self._timer.timeout.connect(refresh)

    def __call__(self, *_: object) -> None:
        if self._slides() > MANY:
            self._timer.start()
        else:
            self._timer.stop()
            self._refresh()

    def stop(self) -> None:
        """Forget a refresh that is due."""
        self._timer.stop()
