"""Answers to suggestions that can be undone. Nothing is deleted: undoing is one more answer."""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.suggest.decisions import (
    Decision,
    append_decision,
    latest,
    read_decisions,
)
from napari_lookalike.session.mark_commands import MarkPair, show_waiting, table_of
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session

_VERBS = {"reject": "Reject", "later": "Put off", "accept": "Accept"}


class Decide:
    """Answer a suggestion.

    Parameters
    ----------
    decision
        The answer; its time is filled in.
    """

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self._before: Decision | None = None
        self.text = f"{_VERBS[decision.what]} {decision.a} and {decision.b}"

    def apply(self, session: Session) -> bool:
        """Keep the answer."""
        said = latest(session.suggestions.decisions)
        self._before = said.get((self.decision.who, self.decision.key))
        _append(session, self.decision)
        return True

    def undo(self, session: Session) -> None:
        """Give the answer again that held before, or withdraw; and show the suggestion again."""
        withdrawn = replace(self.decision, what="withdraw", note="")
        _append(session, self._before or withdrawn)
        session.suggestions = replace(session.suggestions, at=self.decision.key)


class MarkSuggested:
    """Mark a suggested pair, and keep that it was accepted: one step.

    Parameters
    ----------
    mark
        The mark.
    decision
        That it was accepted.
    """

    def __init__(self, mark: PairMark, decision: Decision) -> None:
        self._mark = MarkPair(mark)
        self._decide = Decide(decision)
        self.text = self._mark.text

    @property
    def mark(self) -> PairMark:
        """The mark as it is in the table."""
        return self._mark.mark

    def apply(self, session: Session) -> bool:
        """Mark, then keep the answer; both or neither."""
        changed = self._mark.apply(session)
        try:
            self._decide.apply(session)
        except BaseException:
            if changed:
                self._mark.undo(session)
            raise
        return True

    def undo(self, session: Session) -> None:
        """Take both back."""
        self._mark.undo(session)
        self._decide.undo(session)


def _append(session: Session, decision: Decision) -> None:
    project, table = writable_project_of(session), table_of(session)
    append_decision(table, replace(decision, time="", deed=""))
    answers = read_decisions(project.root, table)
    session.suggestions = replace(session.suggestions, decisions=answers)
    show_waiting(session, table)
