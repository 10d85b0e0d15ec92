"""Many events, one refresh: what a panel does where a project has thousands of slides."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QWidget

MANY = 1000
"""Slides from which on a panel answers when control returns to the window, and only once.

To open a project replaces a dozen values of the session; each panel would build its rows as
often, all in one go, and the window would stand still meanwhile."""


class Soon(QObject):
    """Calls a refresh at once in a small project, and once per turn of events in a large one.

    In a large one a panel that nobody sees (behind another's tab) waits until it is shown.

    Parameters
    ----------
    panel
        Whose refresh it is; nothing is called after Qt deleted it.
    refresh
        What to call.
    slides
        How many slides the project has now.
    after_ms
        How much later in a large project: panels that are slow take turns, and the window
        answers to the mouse between them.
    """

    def __init__(
        self,
        panel: QWidget,
        refresh: Callable[[], None],
        slides: Callable[[], int],
        after_ms: int = 0,
    ) -> None:
        super().__init__(panel)
        self._panel, self._refresh, self._slides = panel, refresh, slides
        self._timer = QTimer(self, interval=after_ms, singleShot=True)
        self._timer.timeout.connect(self._due)
        self._owed = False
        panel.installEventFilter(self)

    def __call__(self, *_: object) -> None:
        if self._slides() > MANY:
            self._timer.start()
        else:
            self.stop()
            self._refresh()

    def _due(self) -> None:
        self._owed = not self._panel.isVisible()
        if not self._owed:
            self._refresh()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and self._owed:
            self._owed = False
            self._timer.start()
        return False

    def stop(self) -> None:
        """Forget a refresh that is due."""
        self._timer.stop()
        self._owed = False
