"""Thumbnails with an outline of what the model looked at, made in a thread."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QWidget

from napari_lookalike.core.attended import outlined_thumbnail
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.widgets.slide_pictures import to_pixmap

SIDE_PX = 150
KEPT = 200


class AttendedPictures:
    """Asked for by slide; what is not there yet is fetched, and then told.

    Parameters
    ----------
    session
        Whose project.
    panel
        Answers that come after it was deleted are dropped.
    on_ready
        Called with the slide_id when its picture can be had.
    """

    def __init__(self, session: Session, panel: QWidget, on_ready: Callable[[str], None]) -> None:
        self._session, self._on_ready = session, on_ready
        self._background = Background(session, panel)
        self._of: tuple[Project | None, ModelResults | None] = (None, None)
        self._kept: OrderedDict[str, QPixmap | None] = OrderedDict()

    def get(self, slide_id: str, results: ModelResults | None) -> QPixmap | None:
        """The picture, or ``None`` if it is not there (yet)."""
        project = self._session.project
        if (project, results) != self._of:
            self._of = (project, results)
            self._background.forget()
            self._kept.clear()
        if slide_id not in self._kept and project is not None:
            self._kept[slide_id] = None
            self._background.run(
                partial(outlined_thumbnail, project, results, slide_id, SIDE_PX),
                partial(self._take, slide_id),
                # A card without a picture is enough; opening the slide says what is wrong.
                lambda _error: None,
            )
        return self._kept.get(slide_id)

    def close(self) -> None:
        """Drop what is being fetched."""
        self._background.forget()

    def _take(self, slide_id: str, pixels: NDArray[np.uint8]) -> None:
        self._kept[slide_id] = to_pixmap(pixels)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self._on_ready(slide_id)
