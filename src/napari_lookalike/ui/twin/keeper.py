"""Opens and closes the twin review over a viewer's window, as the session says."""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

from qtpy.QtCore import QEvent, QObject, QRect, Qt, QTimer
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from napari_lookalike.session.session import Session
from napari_lookalike.ui.twin.review import TwinReview
from napari_lookalike.ui.viewer_names import canvas_of, window_of


class TwinKeeper:
    """The twin review of one viewer.

    It is a child of the main window that lies over canvas and panels, from the menu to the
    status bar: napari's canvas stays where it is, and no second OpenGL context is made.

    Parameters
    ----------
    viewer
        The napari viewer; held weakly.
    session
        Its state; ``session.twin`` says which slides, if any.
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer, self._session = weakref.ref(viewer), session
        self.review: TwinReview | None = None
        self._before: QWidget | None = None
        session.events.twin.connect(self._on_twin)

    def close(self) -> None:
        """Let go of the session and of both slides; may be called again."""
        self._session.events.twin.disconnect(self._on_twin, missing_ok=True)
        self._shut()

    def _on_twin(self, pair: tuple[str, str] | None) -> None:
        if pair is None:
            self._shut()
            return
        window = window_of(self._viewer())
        if window is None:
            return
        if self.review is None:
            self._before = QApplication.focusWidget()
            self.review = TwinReview(self._session, window)
            _Cover(self.review)
        self.review.show()
        self.review.raise_()
        self.review.show_pair()

    def _shut(self) -> None:
        review, self.review = self.review, None
        before, self._before = self._before, None
        if review is not None:
            with contextlib.suppress(RuntimeError):  # Qt deleted it with the window
                review.close_pair()
                # Before it is hidden: Qt would pass the focus to a field of its own form.
                _give_focus(before, self._viewer())
                review.hide()
                review.deleteLater()


def _give_focus(before: QWidget | None, viewer: Any) -> None:
    """Back to where the user came from; to the canvas if that has gone: keys work there."""
    with contextlib.suppress(RuntimeError):  # deleted meanwhile
        if before is not None and before.isVisible() and before.isEnabled():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
            return
    canvas = canvas_of(viewer)
    if canvas is not None and canvas.isVisible():
        canvas.setFocus(Qt.FocusReason.OtherFocusReason)


class _Cover(QObject):
    """Keeps the review over everything between the menu and the status bar.

    Parameters
    ----------
    review
        A child of the window; it owns this, which holds neither.
    """

    def __init__(self, review: TwinReview) -> None:
        super().__init__(review)
        window = review.parentWidget()
        if window is not None:
            window.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            QTimer.singleShot(0, self, self._fit)  # when the window has laid out its own parts
        return False

    def _fit(self) -> None:
        review = self.parent()
        if not isinstance(review, TwinReview) or not isinstance(
            window := review.parentWidget(), QMainWindow
        ):
            return
        menu, status = window.menuBar(), window.statusBar()
        top = menu.geometry().bottom() + 1 if menu.isVisible() and not menu.isNativeMenuBar() else 0
        bottom = status.geometry().top() if status.isVisible() else window.height()
        review.setGeometry(QRect(0, top, window.width(), max(1, bottom - top)))
        review.raise_()
