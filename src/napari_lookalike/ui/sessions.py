"""One session and one job runner per viewer.

napari hands each dock widget its own proxy of the viewer, so the key is the unwrapped
viewer; it is held weakly, and the session holds no reference to the viewer.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from napari_lookalike.session.session import Session
from napari_lookalike.ui.asking import Asker
from napari_lookalike.ui.canvas import Canvas
from napari_lookalike.ui.early import EarlyKeeper
from napari_lookalike.ui.evidence_layer import EvidenceLayer
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.layer_choice import LayerChoice
from napari_lookalike.ui.missing import MissingFiles
from napari_lookalike.ui.notify import show_notice
from napari_lookalike.ui.table_watch import TableWatch
from napari_lookalike.ui.twin.keeper import TwinKeeper


@dataclass(frozen=True, eq=False)
class Workspace:
    """What the panels of one viewer share.

    Parameters
    ----------
    session
        The state.
    runner
        The jobs.
    canvas
        What binds the canvas to the session.
    choice
        What selects the slide whose layer the user chooses.
    evidence
        What draws evidence tiles over the slide.
    early, asker
        What asks the model about slides that are being embedded, and that were.
    twin
        What shows two slides side by side.
    missing
        What looks up which files are gone.
    table_watch
        What looks for marks of others.
    """

    session: Session
    runner: JobRunner
    canvas: Canvas
    choice: LayerChoice
    evidence: EvidenceLayer
    early: EarlyKeeper
    asker: Asker
    twin: TwinKeeper
    missing: MissingFiles
    table_watch: TableWatch

    def close(self) -> None:
        """Stop the jobs and let go of the slide."""
        self.choice.close()
        self.evidence.close()
        self.twin.close()
        self.early.close()
        self.asker.close()
        self.missing.close()
        self.table_watch.close()
        self.runner.close()
        self.canvas.close()


_workspaces: weakref.WeakKeyDictionary[Any, Workspace] = weakref.WeakKeyDictionary()


def unwrap(viewer: Any) -> Any:
    """The viewer itself, whichever proxy of it napari handed out."""
    return getattr(viewer, "__wrapped__", viewer)


def workspace_for(viewer: Any) -> Workspace:
    """The viewer's workspace, made at the first call."""
    viewer = unwrap(viewer)
    found = _workspaces.get(viewer)
    if found is None:
        session = Session()
        runner = JobRunner(session)
        # The canvas first: it is the first to hear of another slide, and to let go of the last.
        canvas = Canvas(viewer, session)
        found = Workspace(
            session,
            runner,
            canvas,
            LayerChoice(viewer, session),
            EvidenceLayer(canvas),
            EarlyKeeper(session, runner),
            Asker(session, runner),
            TwinKeeper(viewer, session),
            MissingFiles(session),
            TableWatch(session),
        )
        session.events.notice.connect(show_notice)
        _workspaces[viewer] = found
    return found


def session_for(viewer: Any) -> Session:
    """The viewer's session."""
    return workspace_for(viewer).session
