"""What the manifest's commands call: one function a panel.

napari hands its viewer to widget *classes* only and calls functions with nothing, so each
takes the viewer that is open if it is not given one.
"""

from __future__ import annotations

import weakref
from functools import partial
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QFileDialog, QInputDialog, QWidget

from napari_lookalike.core.slides import open_slide
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.session.project_view import mpp_of
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.exchange.map_layer import map_layer_for
from napari_lookalike.ui.exchange.menu import ExchangeButton
from napari_lookalike.ui.lifetime import end_with_window
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.panels.cases import CasesPanel
from napari_lookalike.ui.panels.embedding import EmbeddingPanel
from napari_lookalike.ui.panels.hard_negatives import HardNegativesPanel
from napari_lookalike.ui.panels.map import MapPanel
from napari_lookalike.ui.panels.prediction import PredictionPanel
from napari_lookalike.ui.panels.project import ProjectPanel
from napari_lookalike.ui.panels.slide import SlidePanel
from napari_lookalike.ui.panels.suggestions import SuggestionsPanel
from napari_lookalike.ui.panels.top_tiles import TopTilesPanel
from napari_lookalike.ui.panels.training import TrainingPanel
from napari_lookalike.ui.panels.versions import VersionsPanel
from napari_lookalike.ui.sessions import unwrap, workspace_for
from napari_lookalike.ui.slide_layer import add_slide
from napari_lookalike.ui.slide_tools import slide_tools_for
from napari_lookalike.ui.text_size import follow_text


def _panel(kind: type[Any], given: Any) -> QWidget:
    viewer = given if given is not None else napari.current_viewer()
    workspace = workspace_for(viewer)
    tools = slide_tools_for(viewer)
    parts: tuple[Any, ...] = (workspace.session, workspace.runner)
    panel: QWidget = kind(*parts, tools) if kind is SlidePanel else kind(*parts)
    end_with_window(panel, workspace.close)
    follow_text(panel)
    return panel


def cases_panel(napari_viewer: Any = None) -> QWidget:
    """The cohort by patient."""
    return _panel(CasesPanel, napari_viewer)


def slide_panel(napari_viewer: Any = None) -> QWidget:
    """Overview, zoom, distances and bookmarks of the slide on the canvas."""
    return _panel(SlidePanel, napari_viewer)


def project_panel(napari_viewer: Any = None) -> QWidget:
    """New, open, save a project; its table of slides."""
    panel = _panel(ProjectPanel, napari_viewer)
    map_layer_for(napari_viewer if napari_viewer is not None else napari.current_viewer())
    return panel


def embedding_panel(napari_viewer: Any = None) -> QWidget:
    """Choose an encoder and embed."""
    return _panel(EmbeddingPanel, napari_viewer)


def prediction_panel(napari_viewer: Any = None) -> QWidget:
    """What the model says of the open slide and its patient."""
    return _panel(PredictionPanel, napari_viewer)


def top_tiles_panel(napari_viewer: Any = None) -> QWidget:
    """The tiles that the model looked at most."""
    return _panel(TopTilesPanel, napari_viewer)


def map_panel(napari_viewer: Any = None) -> QWidget:
    """Every slide's embedding; look-alikes are marked here."""
    return _panel(MapPanel, napari_viewer)


def hard_negatives_panel(napari_viewer: Any = None) -> QWidget:
    """The table of look-alikes."""
    return _panel(HardNegativesPanel, napari_viewer)


def suggestions_panel(napari_viewer: Any = None) -> QWidget:
    """Pairs and slides to look at next."""
    return _panel(SuggestionsPanel, napari_viewer)


def training_panel(napari_viewer: Any = None) -> QWidget:
    """Fine-tune from the table; keep or roll back."""
    return _panel(TrainingPanel, napari_viewer)


def versions_panel(napari_viewer: Any = None) -> QWidget:
    """Every model of the project; compare, use, train again."""
    return _panel(VersionsPanel, napari_viewer)


def show_keys(viewer: napari.Viewer) -> None:
    """List the keys."""
    slide_tools_for(viewer).show_keys()


def import_features(viewer: napari.Viewer) -> None:
    """Bring in features or maps of another program."""
    _exchange(viewer).open_import()


def export(viewer: napari.Viewer) -> None:
    """Write what other programs read."""
    _exchange(viewer).open_export()


def _exchange(viewer: napari.Viewer) -> ExchangeButton:
    """The button of the Project panel, which is docked if it is not there yet."""
    from napari_lookalike.ui.workspace import workspace_docks

    dock = workspace_docks(viewer)["Project"]
    found = dock.findChild(ExchangeButton)
    assert isinstance(found, ExchangeButton)
    return found


def open_raster(viewer: napari.Viewer) -> None:
    """Ask for a JPEG or PNG and show it as a slide.

    The manifest claims neither, since most of them are no slides: the user says so here.
    """
    viewer = unwrap(viewer)
    name, _ = QFileDialog.getOpenFileName(
        None, "JPEG or PNG to open as a slide", "", "Pictures (*.jpg *.jpeg *.png)"
    )
    if not name:
        return
    text, go_on = QInputDialog.getText(
        None, "Scale", "µm per pixel (0.25 for 40x, 0.5 for 20x); empty if it is not known:"
    )
    if not go_on:
        return
    session = workspace_for(viewer).session
    with reported(session):
        work = partial(open_slide, Path(name), mpp=mpp_of(text), raster=True)
        _readers.setdefault(viewer, Background(session)).run(work, partial(_show, viewer))


_readers: weakref.WeakKeyDictionary[Any, Background] = weakref.WeakKeyDictionary()


def _show(viewer: Any, slide: Slide) -> None:
    slide_tools_for(viewer)
    add_slide(viewer, slide, slide.name)
