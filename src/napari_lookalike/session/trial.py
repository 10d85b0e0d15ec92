"""A model on trial: the user sees before and after, then keeps it or rolls back."""

from __future__ import annotations

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.version_compare import VersionComparison
from napari_lookalike.session.model_commands import (
    KeepModel,
    RollBackModel,
    Shown,
    UseModel,
    show,
)
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session


def show_new_model(
    session: Session, results: ModelResults, comparison: VersionComparison | None = None
) -> None:
    """Show what a new model says.

    The first model of a project is in use at once. A later one is on trial: what the
    former said stays as ``results_before`` until `keep` or `roll_back`.

    Parameters
    ----------
    session
        The state.
    results
        Of the new version, which the project has already.
    comparison
        The two side by side; ``None``: what the version itself noted is shown.
    """
    # An older choice between other models can no longer be taken back.
    session.history.forget(KeepModel, RollBackModel, UseModel)
    former = session.results
    if former is None:
        writable_project_of(session).set_current_version(results.version)
        show(session, Shown(results))
        return
    show(session, Shown(results, former, session.projection, session.projection, comparison))


def try_version(
    session: Session, results: ModelResults, comparison: VersionComparison | None = None
) -> None:
    """Put any version on trial against the one in use, as if it had just been trained.

    Raises
    ------
    ModelError
        If a model is on trial already, or it is the one in use.
    """
    if session.results_before is not None:
        raise ModelError(
            "A model is on trial already.", "Keep it or roll back, then try another one."
        )
    if session.results is not None and session.results.version == results.version:
        raise ModelError("This version is in use.", "Choose another one to try.")
    show_new_model(session, results, comparison)


def use_version(session: Session, results: ModelResults) -> None:
    """Put any version in use (undoable); what was on trial stays in the project's folder.

    Raises
    ------
    ProjectError
        If the folder is read-only; nothing changed then.
    """
    if session.history.do(UseModel(results)):
        session.say(f"Model {results.version} is in use now.")


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
