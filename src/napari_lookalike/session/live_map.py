"""The map while a model is being fine-tuned: slides move as the network learns."""

from __future__ import annotations

from napari_lookalike.core.live_map import LiveFrame, LiveMap
from napari_lookalike.session.session import Session


class LiveFollower:
    """Turns what a training shows of itself into `Session.live`.

    Parameters
    ----------
    session
        Its results and its map are what the slides move away from.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._map: LiveMap | None = None

    def take(self, frame: object) -> None:
        """Show a frame; nothing where there is no map to move, or it is no frame."""
        results, base = self._session.results, self._session.projection
        if not isinstance(frame, LiveFrame) or results is None or base is None:
            return
        if self._map is None or self._map.base is not base:  # a UMAP came in between
            self._map = LiveMap(results, base)
        self._session.live = self._map.move(frame)

    def end(self) -> None:
        """The training is over: what it found is shown instead."""
        self._map = None
        self._session.live = None
