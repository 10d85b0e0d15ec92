"""Thumbnails as pixmaps, without ever waiting for a slide in the window's thread."""

from __future__ import annotations

import contextlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.project import Project

KEPT = 256
"""Thumbnails in memory, about 400 kB each."""
WAITING = 40
"""Thumbnails that may be waited for: of a list that is scrolled through, those in sight last."""


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
        self._scaled: dict[tuple[str, int], QPixmap] = {}
        self._failed: set[str] = set()
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._running = ""
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)  # one at a time: the disk is shared with the canvas
        self._fetched.connect(self._on_fetched, Qt.ConnectionType.QueuedConnection)

    def set_project(self, project: Project | None) -> None:
        """Forget all pictures and take them from this project from now on."""
        if project is not self._project:
            self._project = project
            self._pictures.clear()
            self._scaled.clear()
            self._waiting.clear()
            self._failed.clear()

    def get(self, slide_id: str, side: int, ratio: float = 1.0) -> QPixmap | None:
        """The thumbnail; ``None`` if it is not (yet) there.

        Parameters
        ----------
        slide_id
            The slide.
        side
            Longer edge in widget pixels.
        ratio
            Device pixels per widget pixel.
        """
        picture = self._pictures.get(slide_id)
        if picture is None:
            self._ask(slide_id)
            return None
        self._pictures.move_to_end(slide_id)
        device = round(side * ratio)
        scaled = self._scaled.get((slide_id, device))
        if scaled is None:
            if len(self._scaled) > 4 * KEPT:
                self._scaled.clear()
            scaled = picture.scaled(
                device,
                device,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            scaled.setDevicePixelRatio(ratio)
            self._scaled[slide_id, device] = scaled
        return scaled

    def _ask(self, slide_id: str) -> None:
        if self._project is None or slide_id in self._failed or slide_id == self._running:
            return
        # The newest first: what was asked for while scrolling is out of sight by now.
        self._waiting[slide_id] = None
        self._waiting.move_to_end(slide_id)
        if len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)  # asked for again when it is in sight again
        self._fetch_next()

    def _fetch_next(self) -> None:
        if self._project is not None and not self._running and self._waiting:
            self._running = self._waiting.popitem()[0]
            self._pool.start(_Fetch(self._project, self._running, self))

    def close(self) -> None:
        """Stop fetching."""
        self._project = None
        self._waiting.clear()
        self._pool.waitForDone(3000)

    def _on_fetched(self, project: object, slide_id: str, pixels: NDArray[np.uint8] | None) -> None:
        self._running = ""
        if project is self._project and pixels is not None:
            self._pictures[slide_id] = to_pixmap(pixels)
            if len(self._pictures) > KEPT:
                gone = self._pictures.popitem(last=False)[0]
                for key in [key for key in self._scaled if key[0] == gone]:
                    del self._scaled[key]
            self.ready.emit(slide_id)
        elif project is self._project:
            self._failed.add(slide_id)  # no picture; opening the slide says why
        self._fetch_next()


class _Fetch(QRunnable):
    def __init__(self, project: Project, slide_id: str, owner: SlidePictures) -> None:
        super().__init__()
        self._project, self._slide_id, self._owner = project, slide_id, owner

    def run(self) -> None:
        pixels = None
        with contextlib.suppress(LookalikeError, OSError, RuntimeError):
            pixels = self._project.thumbnail(self._slide_id)
        with contextlib.suppress(RuntimeError):  # the panel is gone
            self._owner._fetched.emit(self._project, self._slide_id, pixels)
