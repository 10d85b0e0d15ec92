"""Keeping a model, rolling back, or using another version, in a way that can be undone."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.core.version_compare import VersionComparison
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session


@dataclass(frozen=True, eq=False)
class Shown:
    """What the session shows of models; see the fields of `Session`."""

    results: ModelResults | None
    results_before: ModelResults | None = None
    projection: Projection | None = None
    projection_before: Projection | None = None
    comparison: VersionComparison | None = None


class _Choice:
    """Puts a version in use; undoing brings everything back as it was."""

    text: str

    def __init__(self) -> None:
        self._before: Shown | None = None
        self._version: str | None = None

    def after(self, shown: Shown) -> Shown | None:
        """What the session shows once the choice is made; ``None``: there is nothing to do."""
        raise NotImplementedError

    def apply(self, session: Session) -> bool:
        """Make the choice; ``False`` where there is nothing to choose."""
        project = writable_project_of(session)
        before = shown_by(session)
        chosen = self.after(before)
        if chosen is None:
            return False
        in_use = project.current_version
        project.set_current_version(chosen.results.version if chosen.results is not None else None)
        self._before, self._version = before, in_use
        show(session, chosen)
        return True

    def undo(self, session: Session) -> None:
        """Show what was shown, with the version in use that was."""
        if self._before is not None:
            writable_project_of(session).set_current_version(self._version)
            show(session, self._before)


class KeepModel(_Choice):
    """Put the model on trial in use."""

    text = "Keep the new model"

    def after(self, shown: Shown) -> Shown | None:
        """The new model, with nothing before it."""
        if shown.results is None or shown.results_before is None:
            return None
        return Shown(shown.results, projection=shown.projection)


class RollBackModel(_Choice):
    """Go back to the model before; the new version stays in the project's folder."""

    text = "Roll back the new model"

    def after(self, shown: Shown) -> Shown | None:
        """The former model."""
        if shown.results is None or shown.results_before is None:
            return None
        return Shown(shown.results_before, projection=shown.projection_before)


class UseModel(_Choice):
    """Use any version of the project. A model on trial is left for it.

    Parameters
    ----------
    results
        What that version says.
    """

    def __init__(self, results: ModelResults) -> None:
        super().__init__()
        self._results = results
        self.text = f"Use model {results.version}"

    def after(self, shown: Shown) -> Shown | None:
        """That version, without a map: it is drawn anew."""
        there, before = shown.results, shown.results_before
        if there is not None and before is None and there.version == self._results.version:
            return None
        if there is not None and there.version == self._results.version:
            return Shown(there, projection=shown.projection)
        return Shown(self._results)


def shown_by(session: Session) -> Shown:
    """What the session shows of models now."""
    return Shown(
        session.results,
        session.results_before,
        session.projection,
        session.projection_before,
        session.comparison,
    )


def show(session: Session, shown: Shown) -> None:
    """Show these models."""
    # What lies beneath first: a view that answers to `results` then finds the rest in place.
    session.comparison = shown.comparison
    session.results_before = shown.results_before
    session.projection, session.projection_before = shown.projection, shown.projection_before
    session.results = shown.results
