"""A fine-tuned model on trial: the user sees before and after, then keeps it or rolls back."""

from __future__ import annotations

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
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
    former = session.results
    if former is None:
        _project(session).set_current_version(results.version)
        session.projection = None
        session.results = results
        return
    session.projection_before = session.projection
    session.results_before = former
    session.results = results


def keep(session: Session) -> None:
    """Put the model on trial in use.

    Raises
    ------
    ProjectError
        If the folder is read-only; the model is then still on trial.
    """
    if session.results is None or session.results_before is None:
        return
    _project(session).set_current_version(session.results.version)
    _end(session)
    session.say(f"Model {session.results.version} is in use now.")


def roll_back(session: Session) -> None:
    """Go back to the former model; the new version stays in the project's folder."""
    former, projection = session.results_before, session.projection_before
    if former is None:
        return
    _project(session).set_current_version(former.version)
    _end(session)
    session.projection = projection
    session.results = former
    session.say(f"Rolled back: model {former.version} is in use.")


def _end(session: Session) -> None:
    session.results_before = None
    session.projection_before = None


def _project(session: Session) -> Project:
    if session.project is None:
        raise ProjectError("No project is open.", "Open one first.")
    return session.project
