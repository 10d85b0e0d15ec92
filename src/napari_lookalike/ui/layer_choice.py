"""From napari's layer list to the session: whoever chooses a slide's layer selects the slide.

The map, Cases and Look-alikes follow the session. The other way the canvas brings layers and
makes them active, as napari does with every new layer; that is no choice of the user's and
selects nothing (`unasked`). So there is no echo.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from napari.layers import Layer
from qtpy.QtCore import QTimer

from napari_lookalike.session.selection import select_pointed_at, slide_in_cohort
from napari_lookalike.session.session import Session
from napari_lookalike.ui.slide_layer import KEY, source_of
from napari_lookalike.ui.viewer_names import is_open

Owner = TypeVar("Owner", bound=Any)
P = ParamSpec("P")
R = TypeVar("R")

_unasked: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


@contextmanager
def unasked(viewer: Any) -> Iterator[None]:
    """Inside this block, layers that become active were not chosen by the user.

    Parameters
    ----------
    viewer
        The napari viewer itself, not a proxy of it; ``None`` (it is gone) does nothing.
    """
    if viewer is None:
        yield
        return
    _unasked[viewer] = _unasked.get(viewer, 0) + 1
    try:
        yield
    finally:
        _unasked[viewer] -= 1


def is_unasked(viewer: Any) -> bool:
    """Whether the layers that become active now were not chosen by the user."""
    return bool(_unasked.get(viewer))


def by_itself(method: Callable[Concatenate[Owner, P], R], /) -> Callable[Concatenate[Owner, P], R]:
    """`unasked` for a whole method of what holds its viewer as ``self._viewer`` (weakly)."""

    @wraps(method)
    def call(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with unasked(self._viewer()):
            return method(self, *args, **kwargs)

    return call


class LayerChoice:
    """Selects the slides whose layers the user chooses in one viewer. Window's thread.

    Parameters
    ----------
    viewer
        The napari viewer; held weakly.
    session
        Its state.
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer, self._session = weakref.ref(viewer), session
        self._chosen = self._removed = False
        # napari tells one click in several steps, and chooses a layer itself after one was
        # deleted: what counts is what stands when control returns.
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._settle)
        viewer.layers.selection.events.changed.connect(self._on_changed)
        viewer.layers.events.removed.connect(self._on_removed)

    def close(self) -> None:
        """Listen no longer; may be called again."""
        self._timer.stop()
        viewer = self._viewer()
        if viewer is not None:
            viewer.layers.selection.events.changed.disconnect(self._on_changed)
            viewer.layers.events.removed.disconnect(self._on_removed)

    def _on_changed(self, _event: object) -> None:
        viewer = self._viewer()
        self._chosen = viewer is not None and not is_unasked(viewer)
        self._timer.start()

    def _on_removed(self, _event: object) -> None:
        self._removed = True
        self._timer.start()

    def _settle(self) -> None:
        chosen = self._chosen and not self._removed
        self._chosen = self._removed = False
        viewer = self._viewer()
        if not chosen or viewer is None or not is_open(viewer):
            return
        layers = viewer.layers
        found = (self._slide_of(layer) for layer in layers if layer in layers.selection)
        select_pointed_at(self._session, (slide_id for slide_id in found if slide_id))

    def _slide_of(self, layer: Layer) -> str | None:
        """The slide of the cohort that a layer shows or lies over; ``None`` for any other."""
        about = layer.metadata.get(KEY, {})
        if about.get("of_project"):  # the slide, its attention, its tissue, ...
            return self._session.slide_id
        source = source_of(layer)  # a slide that was opened by itself
        if source is None:
            return None
        slide = source.slide
        return slide_in_cohort(self._session.cohort, slide.path, slide.fingerprint)
