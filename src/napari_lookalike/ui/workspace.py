"""The workspace: every panel docked round the canvas, the way a reading room wants it.

::

    ┌───────────┬───────────────────────┬───────────────┐
    │ Cases     │                       │ Map           │
    │ (layers)  │        slide          │               │
    ├───────────┤                       ├───────────────┤
    │ Slide,    │                       │ Look-alikes   │
    │ Prediction│───────────────────────│ Teach, Embed, │
    │           │ Top tiles             │ Project       │
    └───────────┴───────────────────────┴───────────────┘
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import (
    QDockWidget,
    QLabel,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.project import Project
from napari_lookalike.session.session import Session
from napari_lookalike.ui import commands
from napari_lookalike.ui.layout import LayoutKeeper, layout_of
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.menu import add_menu
from napari_lookalike.ui.sessions import session_for, unwrap, workspace_for
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.viewer_names import scale_bar
from napari_lookalike.ui.widgets.scrolled import scrolled

NAPARIS_OWN = ("layer controls", "layer list")


@dataclass(frozen=True)
class Place:
    """Where a panel is docked.

    Parameters
    ----------
    title
        Title of the dock.
    make
        viewer -> panel.
    area
        "left", "right" or "bottom".
    behind
        Title of the dock that it shares a tab with; empty = a place of its own.
    """

    title: str
    make: Callable[[Any], QWidget]
    area: str
    behind: str = ""


PLACES = (
    Place("Cases", commands.cases_panel, "left"),
    Place("Slide", commands.slide_panel, "left"),
    Place("Prediction", commands.prediction_panel, "left", "Slide"),
    Place("Top tiles", commands.top_tiles_panel, "bottom"),
    Place("Map", commands.map_panel, "right"),
    Place("Look-alikes", commands.hard_negatives_panel, "right"),
    Place("Suggestions", commands.suggestions_panel, "right", "Look-alikes"),
    Place("Teach", commands.training_panel, "right", "Look-alikes"),
    Place("Versions", commands.versions_panel, "right", "Look-alikes"),
    Place("Embed", commands.embedding_panel, "right", "Look-alikes"),
    Place("Project", commands.project_panel, "right", "Look-alikes"),
)


_docked: weakref.WeakKeyDictionary[Any, dict[str, QDockWidget]] = weakref.WeakKeyDictionary()


def workspace_docks(viewer: Any) -> dict[str, QDockWidget]:
    """Title -> dock of the viewer's workspace, which is built if it is not there."""
    docks = _docked.get(unwrap(viewer))
    if docks is not None:
        with contextlib.suppress(RuntimeError):  # its panels were closed, and deleted by Qt
            if all(main_window(dock) is not None for dock in docks.values()):
                return docks
    docks = build_workspace(viewer)
    restore_layout(docks)
    return docks


def build_workspace(viewer: Any) -> dict[str, QDockWidget]:
    """Dock every panel.

    Returns
    -------
    dict
        Title -> dock widget.
    """
    window = viewer.window
    docks: dict[str, QDockWidget] = {}
    for place in PLACES:
        panel = place.make(viewer)
        dock = window.add_dock_widget(
            panel, name=place.title, area=place.area, add_vertical_stretch=False
        )
        docks[place.title] = dock
    main = main_window(docks["Cases"])
    if main is not None:
        _arrange(main, docks)
        _Front(docks, session_for(viewer))
        LayoutKeeper(main, docks)
        held = weakref.ref(unwrap(viewer))
        add_menu(main, docks, partial(_reset, held), partial(_show_keys, held))
    scale_bar(viewer).visible = True
    _docked[unwrap(viewer)] = docks
    return docks


def restore_layout(docks: dict[str, QDockWidget]) -> bool:
    """Lay the panels as this user left them; whether there was anything to restore."""
    keeper = layout_of(main_window(docks["Cases"]))
    return keeper is not None and keeper.restore()


def reset_layout(main: QMainWindow, docks: dict[str, QDockWidget]) -> None:
    """Lay all panels as at first, those that were closed or taken out of the window too."""
    areas = {
        "left": Qt.DockWidgetArea.LeftDockWidgetArea,
        "right": Qt.DockWidgetArea.RightDockWidgetArea,
        "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
    }
    for place in PLACES:
        dock = docks[place.title]
        with contextlib.suppress(RuntimeError):  # the user closed it for good
            dock.setFloating(False)
            main.removeDockWidget(dock)
            main.addDockWidget(areas[place.area], dock)
            dock.show()
    _arrange(main, docks)
    for title in ("Cases", "Slide", "Look-alikes"):
        docks[title].raise_()


def _reset(reference: weakref.ref[Any]) -> None:
    viewer = reference()
    docks = _docked.get(viewer) if viewer is not None else None
    main = main_window(docks["Cases"]) if docks is not None else None
    if main is not None and docks is not None:
        reset_layout(main, docks)


def _show_keys(reference: weakref.ref[Any]) -> None:
    viewer = reference()
    if viewer is not None:
        slide_tools_for(viewer).show_keys()


def main_window(widget: QWidget) -> QMainWindow | None:
    """The window that a docked widget lives in."""
    found = widget.window()
    return found if isinstance(found, QMainWindow) else None


def _arrange(main: QMainWindow, docks: dict[str, QDockWidget]) -> None:
    """Tabs and sizes. Everything here is Qt's public interface."""
    for place in PLACES:
        if place.behind:
            main.tabifyDockWidget(docks[place.behind], docks[place.title])
    for dock in main.findChildren(QDockWidget):
        if dock.windowTitle() in NAPARIS_OWN or dock.objectName() in NAPARIS_OWN:
            _let_scroll(dock)
            main.tabifyDockWidget(docks["Cases"], dock)
    main.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
    main.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    resize(main, docks)


def _let_scroll(dock: QDockWidget) -> None:
    """With large text napari's layer controls need half of a small screen: they scroll then."""
    inside = dock.widget()
    if inside is not None and not isinstance(inside, QScrollArea):
        dock.setWidget(scrolled(inside, along=None))


class _Front(QObject):
    """Brings forward the tab that is needed next: Project until there is something to mark.

    Parameters
    ----------
    docks
        Title -> dock.
    session
        The viewer's.
    """

    def __init__(self, docks: dict[str, QDockWidget], session: Session) -> None:
        super().__init__(docks["Cases"])
        self._docks, self._session = docks, session
        listen(docks["Cases"], [session.events.project], self._on_project)
        self._later()

    def _on_project(self, project: Project | None) -> None:
        if project is not None:
            self._later()

    def _later(self) -> None:
        # napari raises what it docks when control returns to the event loop, and the
        # project's results are told after the project: come after both.
        QTimer.singleShot(0, self._choose)

    def _choose(self) -> None:
        ready = self._session.results is not None
        needed = ("Prediction", "Look-alikes") if ready else ("Slide", "Project")
        for title in ("Cases", *needed):
            with contextlib.suppress(RuntimeError):  # the user closed it
                self._docks[title].raise_()


def resize(main: QMainWindow, docks: dict[str, QDockWidget]) -> None:
    """Give the panels their share of the window."""
    width, height = main.width(), main.height()
    horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    main.resizeDocks([docks["Cases"]], [max(270, width * 22 // 100)], horizontal)
    main.resizeDocks([docks["Map"]], [max(380, width * 31 // 100)], horizontal)
    main.resizeDocks(
        [docks["Cases"], docks["Slide"]], [height * 45 // 100, height * 55 // 100], vertical
    )
    main.resizeDocks(
        [docks["Map"], docks["Look-alikes"]], [height * 60 // 100, height * 40 // 100], vertical
    )
    main.resizeDocks([docks["Top tiles"]], [150], vertical)


class WorkspaceWidget(QWidget):
    """What the plugin menu's "Workspace (all panels)" opens: the panels, and this note."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        viewer = unwrap(napari_viewer)
        workspace_for(viewer)
        self.docks = build_workspace(viewer)
        restore_layout(self.docks)
        note = QLabel(
            "The panels are docked around the canvas. Start in <b>Project</b>: open one, or "
            "make one from a folder of slides.<br>Research use only: not for diagnosis."
        )
        note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addWidget(note)
        layout.addStretch()
