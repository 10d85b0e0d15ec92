"""Thumbnails as pixmaps, without ever waiting for a slide in the window's thread."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.project import Project

KEPT = 256


def to_pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    """uint8 (height, width, 3) -> pixmap."""
    pixels = np.ascontiguousarray(pixels[..., :3])
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())  # the copy owns its pixels


class SlidePictures(QObject):
    """Thumbnails of one project's slides.

    A thumbnail that is not at hand is fetched in a thread; `ready` tells when it is there.

    Signals
    -------
    ready(str)
        The thumbnail of this slide can be asked for now.
    """

    ready = Signal(str)
    _fetched = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._pictures: OrderedDict[str, QPixmap | None] = OrderedDict()
        self._asked: set[str] = set()
        self._turn = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)  # one at a time: the disk is shared with the canvas
        self._fetched.connect(self._on_fetched, Qt.ConnectionType.QueuedConnection)

    def set_project(self, project: Project | None) -> None:
        """Forget all pictures and take them from this project from now on."""
        if project is not self._project:
            self._project = project
            self._pool.clear()
            self._pictures.clear()
            self._asked.clear()

    def get(self, slide_id: str, side: int) -> QPixmap | None:
        """The thumbnail with its longer edge ``side`` pixels; ``None`` if not (yet) there."""
        picture = self._pictures.get(slide_id)
        if picture is None:
            if self._project is not None and slide_id not in self._asked:
                self._asked.add(slide_id)
                # The newest first: what was asked for while scrolling is out of sight by now.
                self._turn += 1
                self._pool.start(_Fetch(self._project, slide_id, self), self._turn)
            return None
        self._pictures.move_to_end(slide_id)
        return picture.scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )

    def close(self) -> None:
        """Stop fetching."""
        self._project = None
        self._pool.clear()
        self._pool.waitForDone(3000)

    def _on_fetched(self, project: object, slide_id: str, pixels: NDArray[np.uint8]) -> None:
        if project is not self._project:
            return
        self._pictures[slide_id] = to_pixmap(pixels)
        while len(self._pictures) > KEPT:
            self._asked.discard(self._pictures.popitem(last=False)[0])
        self.ready.emit(slide_id)


class _Fetch(QRunnable):
    def __init__(self, project: Project, slide_id: str, owner: SlidePictures) -> None:
        super().__init__()
        self._project, self._slide_id, self._owner = project, slide_id, owner

    def run(self) -> None:
        try:
            pixels = self._project.thumbnail(self._slide_id)
            self._owner._fetched.emit(self._project, self._slide_id, pixels)
        except (LookalikeError, OSError, RuntimeError):
            return  # no picture: the card shows without one; opening the slide says why
