"""Choosing how several experts' marks become one weight, in a way that can be undone."""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.hard_negatives.weights import Rule
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session


class ChooseRule:
    """Keep a rule in the project's training settings.

    Parameters
    ----------
    rule
        A key of `hard_negatives.RULES`.
    """

    text = "Choose how several marks count"

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._before: Rule | None = None

    def apply(self, session: Session) -> bool:
        """Keep it; whether it is another one than before."""
        self._before = writable_project_of(session).settings.train.marks_rule
        return self._before != self._rule and _keep(session, self._rule)

    def undo(self, session: Session) -> None:
        """Keep the former one again."""
        if self._before is not None:
            _keep(session, self._before)


def _keep(session: Session, rule: Rule) -> bool:
    project = writable_project_of(session)
    settings = project.settings
    project.save(settings=replace(settings, train=replace(settings.train, marks_rule=rule)))
    return True
