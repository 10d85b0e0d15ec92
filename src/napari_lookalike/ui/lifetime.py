"""Who hears what, and for how long: panels until they are deleted, a workspace with its window."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QMainWindow, QWidget


def listen(widget: QWidget, signals: Iterable[Any], slot: Callable[..., Any]) -> None:
    """Connect a session's signals to a slot of a widget until Qt deletes the widget.

    psygnal lets go of a slot when Python deletes its object; Qt may have deleted the widget
    long before that.
    """
    kept = tuple(signals)
    for signal in kept:
        signal.connect(slot)
    # Held weakly: Qt would keep the widget's Python side alive for as long as itself.
    widget.destroyed.connect(partial(_disconnect, kept, weakref.WeakMethod(slot)))


def _disconnect(
    signals: tuple[Any, ...], slot: weakref.WeakMethod[Callable[..., Any]], *_: object
) -> None:
    alive = slot()
    for signal in signals if alive is not None else ():
        signal.disconnect(alive, missing_ok=True)


def disconnect_all(pairs: Iterable[tuple[Any, Callable[..., Any]]], *_: object) -> None:
    """Take apart (signal, slot) pairs of a session; what is apart already stays so."""
    for signal, slot in pairs:
        signal.disconnect(slot, missing_ok=True)


def end_with_window(widget: QWidget, end: Callable[[], None]) -> None:
    """Call ``end`` once when the window that ``widget`` is docked in goes away.

    Parameters
    ----------
    widget
        A panel that is about to be docked; panels of one window may all ask.
    end
        May be called more than once.
    """
    # napari docks a panel when the function that made it has returned.
    QTimer.singleShot(0, partial(_watch, widget, end))


def _watch(widget: QWidget, end: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # deleted before it was docked
        window = widget.window()
        if isinstance(window, QMainWindow) and window.findChild(_Watch) is None:
            window.installEventFilter(_Watch(window, end))


class _Watch(QObject):
    """Waits for the window to be closed, which the user can still decline when asked."""

    def __init__(self, window: QMainWindow, end: Callable[[], None]) -> None:
        super().__init__(window)
        self._end = end

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DeferredDelete:
            self._end()
        elif event.type() == QEvent.Type.Close:
            # Whoever lets go of a closed window last deletes it at once, without a word.
            QTimer.singleShot(0, partial(_end_if_closed, watched, self._end))
        return False


def _end_if_closed(window: Any, end: Callable[[], None]) -> None:
    try:
        closed = not window.isVisible()
    except RuntimeError:  # deleted meanwhile
        closed = True
    if closed:
        end()
