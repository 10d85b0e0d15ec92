"""A project, a folder of slides or a cohort dropped on the window (or opened with File → Open).

Nothing is written before the user has said where: the Project panel asks, as it does for New.
"""

from __future__ import annotations

import weakref
from functools import partial
from pathlib import Path
from typing import Any, Literal

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.incoming import SLIDE_SUFFIXES, Kind, kind_of
from napari_lookalike.core.manifest import candidates
from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.slides.sniff import looks_like_slide
from napari_lookalike.session.needs import count
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.layer_choice import unasked
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.panels.project import ProjectPanel
from napari_lookalike.ui.sessions import session_for, unwrap
from napari_lookalike.ui.slide_layer import add_slide
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.viewer_names import drop_target, window_of
from napari_lookalike.ui.workspace import workspace_docks

MOST = 12
"""Slides of a folder that are opened side by side; more than that are a project."""
MAKE = {
    "slides": "This folder holds slides.",
    "manifest": "This table lists the slides of a cohort.",
}
PLUGIN = "napari-lookalike"
Answer = Literal["project", "look", "nothing"]


def open_dropped(viewer: Any, kind: Kind, path: Path) -> None:
    """Open what was dropped, after asking where it would have to write.

    Parameters
    ----------
    viewer
        The viewer that it was dropped on.
    kind, path
        See `core.incoming.kind_of`.
    """
    viewer = unwrap(viewer)
    session = session_for(viewer)
    if kind == "project":
        workspace_docks(viewer)
        panel = project_panel(viewer)
        if panel is not None:
            panel.sources.open_root(path)
        return
    answer = ask(window_of(viewer), kind)
    if answer == "project":
        panel = project_panel(viewer)
        if panel is not None:
            panel.make(path)
    elif answer == "look":
        reader = _readers.setdefault(viewer, Background(session))
        reader.run(partial(_open_all, path), partial(_show_all, viewer))


def ask(parent: QWidget | None, kind: Kind) -> Answer:
    """What the user wants of it; closing the question is "nothing"."""
    box = QMessageBox(parent)
    box.setWindowTitle("Slides")
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(MAKE[kind])
    box.setInformativeText(
        "A project keeps subtypes, look-alikes, bookmarks and models in a folder that you "
        "choose next. Your slides stay where they are; nothing is written beside them."
    )
    make = box.addButton("Make a project…", QMessageBox.ButtonRole.AcceptRole)
    look = None
    if kind == "slides":
        look = box.addButton("Only look at them", QMessageBox.ButtonRole.ActionRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(make)
    box.exec()
    clicked = box.clickedButton()
    if clicked is make:
        return "project"
    return "look" if look is not None and clicked is look else "nothing"


def project_panel(viewer: Any) -> ProjectPanel | None:
    """The Project panel of the workspace, which is built if it is not there."""
    dock = workspace_docks(viewer)["Project"]
    dock.show()
    dock.raise_()
    found = dock.findChild(ProjectPanel)
    return found if isinstance(found, ProjectPanel) else None


_readers: weakref.WeakKeyDictionary[Any, Background] = weakref.WeakKeyDictionary()


def _open_all(folder: Path) -> tuple[list[Slide], list[LookalikeError], int]:
    """The first slides of a folder, why others do not open, and how many there are."""
    paths = candidates(folder)
    slides: list[Slide] = []
    errors: list[LookalikeError] = []
    for path in paths[:MOST]:
        try:
            slides.append(open_slide(path))
        except LookalikeError as error:
            errors.append(error)
    return slides, errors, len(paths)


def _show_all(viewer: Any, found: tuple[list[Slide], list[LookalikeError], int]) -> None:
    slides, errors, there = found
    session = session_for(viewer)
    slide_tools_for(viewer)
    with unasked(viewer):  # of several, which case is meant is told by the layer list
        for i, slide in enumerate(slides):
            layer = add_slide(viewer, slide, slide.name)
            layer.visible = i == 0  # they would lie over each other
    said = [str(error) for error in errors]
    if len(slides) > 1:
        said.append(f"{count(len(slides), 'slide')} opened: choose one in napari's layer list.")
    if there > MOST:
        said.append(f"The folder has {there} slides: make a project to go through all of them.")
    if said:
        session.say(" ".join(said), "warning" if errors else "info")


def take_drops(viewer: Any) -> None:
    """In our own window, open what is ours without napari's question for a reader.

    In napari's window the user may prefer another plugin, and is asked as always.
    """
    target = drop_target(viewer)
    target.installEventFilter(_Drops(unwrap(viewer), target))


class _Drops(QObject):
    """Sees drops before napari does. With Alt held, or with other files, napari has them."""

    def __init__(self, viewer: Any, target: QObject) -> None:
        super().__init__(target)
        self._viewer = weakref.ref(viewer)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Drop or not isinstance(event, QDropEvent):
            return False
        urls = event.mimeData().urls()
        paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        other = len(paths) < len(urls) or event.modifiers() & Qt.KeyboardModifier.AltModifier
        if other or not paths or not all(_is_ours(p) for p in paths):
            return False
        event.acceptProposedAction()
        for path in paths:  # whoever dropped it waits until we return: come later
            QTimer.singleShot(0, partial(_open, self._viewer, path))
        return True


def _opens(path: Path) -> bool:
    return looks_like_slide(path) or kind_of(path) is not None


def _is_ours(path: Path) -> bool:
    """Whether a drop is not napari's, whose question would show the file's name."""
    return _opens(path) or (path.suffix.lower() in SLIDE_SUFFIXES and path.is_file())


def _open(reference: weakref.ref[Any], path: Path) -> None:
    viewer = reference()
    if viewer is None:
        return
    with reported(session_for(viewer)):
        if _opens(path):
            viewer.open([str(path)], plugin=PLUGIN)
        else:  # called a slide, but damaged: why it does not open is said without its name
            slide = open_slide(path)
            slide_tools_for(viewer)
            add_slide(viewer, slide, slide.name)
