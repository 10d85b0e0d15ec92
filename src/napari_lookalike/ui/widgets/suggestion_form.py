"""The form of a suggestion that was accepted: everything filled in, and what tells them apart."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QLabel, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from napari_lookalike.session.suggested import Proposal
from napari_lookalike.ui.widgets.pair_form import PairDraft, PairForm, PairQuestion
from napari_lookalike.ui.widgets.scrolled import without_frame

LEAST_PX = 185
"""Least height of the tabs: a card with its two pictures and the buttons."""


class SuggestionTabs(QTabWidget):
    """Asks for no more height than a card needs, whatever text it holds for a moment.

    napari's docks keep the largest least height that they ever had, and the window grows.
    """

    def add(self, widget: QWidget, title: str, tip: str) -> None:
        """One more tab."""
        self.setTabToolTip(self.addTab(widget, title), tip)

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(hint.width(), min(hint.height(), LEAST_PX))

    def hasHeightForWidth(self) -> bool:
        """No: what needs more height scrolls inside, and the buttons stay in sight."""
        return False


class FilledForm(QScrollArea):
    """A `PairForm` that scrolls, so that it does not ask for height while it is hidden.

    Attributes
    ----------
    form
        The form itself, with its signals.
    test
        What tells the two apart; hidden where nothing is known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.form, self.test = PairForm(), QLabel()
        self.test.setWordWrap(True)
        inside = QWidget()
        inner = QVBoxLayout(inside)
        inner.setContentsMargins(0, 0, 4, 0)
        inner.setSpacing(2)
        inner.addWidget(self.test)
        inner.addWidget(self.form)
        inner.addStretch(1)
        without_frame(self)
        self.setWidget(inside)
        self._asked: Proposal | None = None

    def forget(self) -> None:
        """There is no pair to ask for."""
        self._asked = None

    def ask(
        self, proposal: Proposal, expert: str, gamma: float, tau: float, *, take_focus: bool
    ) -> bool:
        """Ask for this pair, unless it is asked for already; whether it is new.

        Parameters
        ----------
        proposal
            The pair.
        expert
            Who would mark.
        gamma, tau
            Of the loss, to say what a strength asks of the model.
        take_focus
            Whether the user is to type here: whoever compares the two side by side types
            over there.
        """
        if proposal == self._asked:
            return False
        self._asked = proposal
        draft = PairDraft(
            proposal.level, proposal.strength, proposal.reason, expert, test=proposal.test
        )
        question = PairQuestion(
            proposal.slides, proposal.subtypes, expert, gamma, tau, draft, proposed=True
        )
        self.test.setText(f"Tells them apart: {proposal.test}." if proposal.test else "")
        self.test.setVisible(bool(proposal.test))
        self.form.ask(question, take_focus=take_focus)
        return True
