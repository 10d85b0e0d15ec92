"""A fine-tuned model on trial: the user sees before and after, then keeps it or rolls back."""

from __future__ import annotations

from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.model_commands import KeepModel, RollBackModel
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session


def show_new_model(session: Session, results: ModelResults) -> None:
    """Show what a new model says.

    The first model of a project is in use at once. A later one is on trial: what the
    former said stays as ``results_before`` until `keep` or `roll_back`.

    Parameters
    ----------
    session
        The state.
    results
        Of the new version, which the project has already.
    """
    # An older choice between other models can no longer be taken back.
    session.history.forget(KeepModel, RollBackModel)
    former = session.results
    if former is None:
        writable_project_of(session).set_current_version(results.version)
        session.projection = None
        session.results = results
        return
    session.projection_before = session.projection
    session.results_before = former
    session.results = results


def keep(session: Session) -> None:
    """Put the model on trial in use (undoable).

    Raises
    ------
    ProjectError
        If the folder is read-only; the model is then still on trial.
    """
    if session.history.do(KeepModel()) and session.results is not None:
        session.say(f"Model {session.results.version} is in use now.")


def roll_back(session: Session) -> None:
    """Go back to the former model (undoable); the new version stays in the project's folder.

    Raises
    ------
    ProjectError
        If the folder is read-only; the model is then still on trial.
    """
    if session.history.do(RollBackModel()) and session.results is not None:
        session.say(f"Rolled back: model {session.results.version} is in use.")
