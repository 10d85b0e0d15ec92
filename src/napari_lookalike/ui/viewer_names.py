"""The one place that knows where napari keeps things that moved in 0.9.

``viewer.camera``, ``viewer.scale_bar`` and others went under ``viewer.scene`` and
``viewer.canvas``; the old names still work but warn.
"""

from __future__ import annotations

from typing import Any


def camera(viewer: Any) -> Any:
    """The camera: ``center``, ``zoom``."""
    return viewer.scene.camera


def transposed(viewer: Any) -> bool:
    """Whether rows of the world run along the screen's width."""
    first, second = viewer.dims.displayed[-2:]
    return bool(second < first)


def centre_on(viewer: Any, row: float, column: float) -> None:
    """Bring a place of the world to the middle of the canvas, however the world lies on it.

    ``camera.center`` is in the order of the *displayed* axes.
    """
    camera(viewer).center = (column, row) if transposed(viewer) else (row, column)


def scale_bar(viewer: Any) -> Any:
    """The scale bar overlay: ``visible``."""
    return viewer.canvas.overlays.scale_bar


def canvas_size(viewer: Any) -> tuple[int, int]:
    """(height, width) of the canvas in screen pixels."""
    height, width = viewer.canvas.size
    return int(height), int(width)


def set_background(viewer: Any, colour: str) -> None:
    """Colour behind the layers; slides lie on glass, which is white."""
    viewer.canvas.background_color_override = colour


def text_overlay(viewer: Any) -> Any:
    """The text in a corner of the canvas: ``text``, ``visible``, ``position``."""
    return viewer.canvas.overlays.text


def drop_target(viewer: Any) -> Any:
    """The widget that files are dropped on."""
    return viewer.window._qt_viewer


def canvas_of(viewer: Any) -> Any:
    """The widget that the canvas draws into; keys of the canvas are heard there."""
    target = getattr(getattr(viewer, "window", None), "_qt_viewer", None)
    return None if target is None else target.canvas.native


def is_open(viewer: Any) -> bool:
    """Whether the viewer still has the window that it was made with."""
    if viewer is None:
        return False
    if not hasattr(viewer, "window"):  # a model without a window has nothing to lose
        return True
    try:
        window_of(viewer).objectName()
    except (AttributeError, RuntimeError):  # closed; deleted by Qt
        return False
    return True


def window_of(viewer: Any) -> Any:
    """The main window, as a Qt widget; ``None`` for a viewer without one."""
    return getattr(getattr(viewer, "window", None), "_qt_window", None)


def forget_path(layer: Any) -> None:
    """Have napari no longer show the name of the file that a layer came from.

    It stands in the status bar under the mouse and in the layer's tooltip otherwise, and a
    slide's file name may name its patient.
    """
    layer._source = layer.source.model_copy(update={"path": None, "reader_plugin": None})
