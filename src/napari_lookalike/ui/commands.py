"""What the manifest's commands call: one function a panel, each taking napari's viewer.

napari calls these with a proxy of the viewer that is open already.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_lookalike.ui.panels.cases import CasesPanel
from napari_lookalike.ui.panels.embedding import EmbeddingPanel
from napari_lookalike.ui.panels.hard_negatives import HardNegativesPanel
from napari_lookalike.ui.panels.map import MapPanel
from napari_lookalike.ui.panels.prediction import PredictionPanel
from napari_lookalike.ui.panels.project import ProjectPanel
from napari_lookalike.ui.panels.top_tiles import TopTilesPanel
from napari_lookalike.ui.panels.training import TrainingPanel
from napari_lookalike.ui.sessions import workspace_for


def _panel(kind: type[Any], viewer: Any) -> QWidget:
    workspace = workspace_for(viewer)
    panel: QWidget = kind(workspace.session, workspace.runner)
    return panel


def cases_panel(napari_viewer: Any) -> QWidget:
    """The cohort by patient."""
    return _panel(CasesPanel, napari_viewer)


def project_panel(napari_viewer: Any) -> QWidget:
    """New, open, save a project; its table of slides."""
    return _panel(ProjectPanel, napari_viewer)


def embedding_panel(napari_viewer: Any) -> QWidget:
    """Choose an encoder and embed."""
    return _panel(EmbeddingPanel, napari_viewer)


def prediction_panel(napari_viewer: Any) -> QWidget:
    """What the model says of the open slide and its patient."""
    return _panel(PredictionPanel, napari_viewer)


def top_tiles_panel(napari_viewer: Any) -> QWidget:
    """The tiles that the model looked at most."""
    return _panel(TopTilesPanel, napari_viewer)


def map_panel(napari_viewer: Any) -> QWidget:
    """Every slide's embedding; look-alikes are marked here."""
    return _panel(MapPanel, napari_viewer)


def hard_negatives_panel(napari_viewer: Any) -> QWidget:
    """The table of look-alikes."""
    return _panel(HardNegativesPanel, napari_viewer)


def training_panel(napari_viewer: Any) -> QWidget:
    """Fine-tune from the table; keep or roll back."""
    return _panel(TrainingPanel, napari_viewer)
