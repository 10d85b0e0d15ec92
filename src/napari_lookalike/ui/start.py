"""Opens our own window: viewer, workspace, project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QApplication, QDockWidget

from napari_lookalike.core.preload import before_window
from napari_lookalike.core.slides import open_slide
from napari_lookalike.session.opening import open_project
from napari_lookalike.ui.dropped import take_drops
from napari_lookalike.ui.garbage import freeze_start
from napari_lookalike.ui.layout import layout_of
from napari_lookalike.ui.sessions import Workspace, unwrap, workspace_for
from napari_lookalike.ui.slide_layer import add_slide
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.viewer_names import set_background
from napari_lookalike.ui.workspace import build_workspace, main_window, resize

TITLE = "napari-lookalike · research use only"
GLASS = "#f4f2f4"


@dataclass(frozen=True, eq=False)
class Window:
    """Our window and what it is made of.

    Parameters
    ----------
    viewer
        napari's viewer.
    workspace
        Session, jobs, canvas.
    docks
        Title -> dock.
    """

    viewer: Any
    workspace: Workspace
    docks: dict[str, QDockWidget]

    def set_size(self, width: int, height: int) -> None:
        """Resize the window and give the panels their share again."""
        main = main_window(self.docks["Cases"])
        if main is not None:
            main.resize(width, height)
            QApplication.processEvents()
            resize(main, self.docks)

    def close(self) -> None:
        """Stop the jobs and close the window."""
        self.workspace.close()
        self.viewer.close()


def open_window(
    project: Path | None = None,
    slides: Sequence[Path] = (),
    size: tuple[int, int] | None = None,
    mpp: float | None = None,
) -> Window:
    """Open the window with a project, or with single slides.

    Parameters
    ----------
    project
        Project folder.
    slides
        Slides to open by themselves (no predictions).
    size
        (width, height) of the window; ``None`` = most of the screen.
    mpp
        µm per pixel of the single slides, where their files do not say.
    """
    before_window()
    viewer = napari.Viewer(title=TITLE)
    set_background(viewer, GLASS)
    workspace = workspace_for(viewer)
    window = Window(unwrap(viewer), workspace, build_workspace(viewer))
    take_drops(viewer)
    if size is not None:
        window.set_size(*size)
    elif not _as_left(window):
        window.set_size(*_most_of_the_screen())
    if project is not None:
        open_project(workspace.session, project)
    for slide in slides:
        show_slide(viewer, slide, mpp)
    return window


def _as_left(window: Window) -> bool:
    """Lay the window as this user left it; whether there was anything to restore."""
    main = main_window(window.docks["Cases"])
    keeper = layout_of(main)
    kept = keeper.size() if keeper is not None else None
    if main is None or keeper is None or kept is None:
        return False
    size, maximized = kept
    main.resize(size.boundedTo(QSize(*_room())))
    if maximized:
        main.showMaximized()
    QApplication.processEvents()
    return keeper.restore()


def show_slide(viewer: Any, path: Path, mpp: float | None = None) -> None:
    """Open a slide that belongs to no project, JPEG and PNG too, since it was named."""
    slide = open_slide(path, mpp=mpp, raster=True)
    slide_tools_for(viewer)
    add_slide(viewer, slide, slide.name)


def _most_of_the_screen() -> tuple[int, int]:
    width, height = _room()
    return min(width, 1920), min(height, 1080)


def _room() -> tuple[int, int]:
    screen: Any = QApplication.primaryScreen()
    if screen is None:
        return 1366, 768
    room = screen.availableSize()
    return room.width(), room.height()


def run() -> None:
    """Give the window to the user until it is closed."""
    application = QApplication.instance()
    if isinstance(application, QApplication):
        # Qt takes its own "quit with the last window" back if anything, a tooltip even, is
        # shown right after it; the terminal would then wait for ever.
        application.lastWindowClosed.connect(application.quit)
    freeze_start()
    napari.run()
