"""Answers to suggestions that can be undone. Nothing is deleted: undoing is one more line."""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.suggest.decisions import Decision, append_decision, now
from napari_lookalike.session.mark_commands import MarkPair
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
        self.text = f"{_VERBS[decision.what]} {decision.a} and {decision.b}"

    def apply(self, session: Session) -> bool:
        """Keep the answer."""
        _append(session, self.decision)
        return True

    def undo(self, session: Session) -> None:
        """Withdraw it, and show the suggestion again."""
        _append(session, replace(self.decision, what="withdraw"))
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
    project = writable_project_of(session)
    stamped = replace(decision, time=now())
    append_decision(project.root, stamped)
    known = session.suggestions
    session.suggestions = replace(known, decisions=(*known.decisions, stamped))
