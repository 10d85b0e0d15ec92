"""Keeping a fine-tuned model, or rolling back, in a way that can be undone."""

from __future__ import annotations

from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session

_State = tuple[ModelResults | None, ModelResults | None, Projection | None, Projection | None]


class _Choice:
    """Ends a trial; undoing brings it back."""

    text: str

    def __init__(self) -> None:
        self._before: _State | None = None
        self._version: str | None = None

    def after(self, state: _State) -> _State:
        """What the session shows once the choice is made."""
        raise NotImplementedError

    def apply(self, session: Session) -> bool:
        """Make the choice; ``False`` where no model is on trial."""
        project = writable_project_of(session)
        before = _state(session)
        if before[0] is None or before[1] is None:
            return False
        chosen = self.after(before)
        in_use = project.current_version
        project.set_current_version(chosen[0].version if chosen[0] is not None else None)
        self._before, self._version = before, in_use
        _show(session, chosen)
        return True

    def undo(self, session: Session) -> None:
        """Put the model on trial again."""
        if self._before is not None:
            writable_project_of(session).set_current_version(self._version)
            _show(session, self._before)


class KeepModel(_Choice):
    """Put the model on trial in use."""

    text = "Keep the new model"

    def after(self, state: _State) -> _State:
        """The new model, with nothing before it."""
        return state[0], None, state[2], None


class RollBackModel(_Choice):
    """Go back to the model before; the new version stays in the project's folder."""

    text = "Roll back the new model"

    def after(self, state: _State) -> _State:
        """The former model."""
        return state[1], None, state[3], None


def _state(session: Session) -> _State:
    return session.results, session.results_before, session.projection, session.projection_before


def _show(session: Session, state: _State) -> None:
    # What lies beneath first: a view that answers to `results` then finds the rest in place.
    _, session.results_before, session.projection, session.projection_before = state
    session.results = state[0]
