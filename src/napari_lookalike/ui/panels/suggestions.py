"""The panel Suggestions: one pair at a time, what nobody looked at, what to review next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Qt, QTimer, QUrl
from qtpy.QtGui import QCloseEvent, QDesktopServices, QKeySequence, QShowEvent
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.suggest.textbook import write_project_textbook
from napari_lookalike.session import marks, selection, suggestions, twin_next
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggestions_view import SuggestionsView, resolve_suggestions
from napari_lookalike.session.table_view import train_config
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.soon import MANY, Soon
from napari_lookalike.ui.suggesting import SuggestionKeeper
from napari_lookalike.ui.widgets.coverage_bar import CoverageBar
from napari_lookalike.ui.widgets.pair_form import PairDraft
from napari_lookalike.ui.widgets.roomy import roomy
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures
from napari_lookalike.ui.widgets.suggestion_answers import (
    ANYWHERE,
    KEYS,
    AnswerBar,
    AskedLine,
    typing,
)
from napari_lookalike.ui.widgets.suggestion_card import SuggestionCard
from napari_lookalike.ui.widgets.suggestion_form import FilledForm, SuggestionTabs
from napari_lookalike.ui.widgets.suggestion_lists import PairList, ReviewList

__all__ = ["ANYWHERE", "KEYS", "SuggestionsPanel"]

EVENTS = (
    "project", "cohort", "results", "marks", "expert", "suggestions", "proposal",
    "history_changed",
)  # fmt: skip


class SuggestionsPanel(QWidget):
    """Suggestions, coverage of the confusions, and slides to review next.

    Parameters
    ----------
    session
        The state of this viewer.
    runner
        Its jobs; the panel needs none.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self.session, self.runner = session, runner
        self._pictures = SlidePictures(self)
        self._accepting = False
        self._docked = False
        self._why_of: object = None
        self._waiting: Callable[[], None] | None = None
        self.position, self.empty, self.meter = QLabel(), QLabel(), QLabel()
        self.name = AskedLine(
            "Your name or initials, then Enter",
            "Your name",
            "Who says so: kept with each answer. Asked once.",
        )
        self.why = AskedLine(
            "Why are they no look-alikes? Enter rejects, Esc goes back",
            "Why you reject the suggestion",
            "Your reason, which colleagues read on the card. Enter rejects the pair.",
        )
        self.research = QLabel("Research use only")
        self.card, self._filled = SuggestionCard(self._pictures), FilledForm()
        self.form, self.test = self._filled.form, self._filled.test
        self.answers = AnswerBar(self, partial(getattr, self), self._from_afar)
        self.buttons = self.answers.buttons
        self.textbook = QPushButton("Textbook…")
        self.bar, self.pairs, self.review = CoverageBar(), PairList(), ReviewList()
        self._lay_out()
        self._connect_widgets()
        self.keeper = SuggestionKeeper(session, self)
        self._background = Background(session, self)
        self._soon = Soon(self, self._rank, lambda: len(session.cohort))
        self._events = [getattr(session.events, n) for n in EVENTS]
        for event in self._events:
            event.connect(self._soon)
        self._refresh()

    # ---- making

    def _lay_out(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for label in (self.empty, self.meter):
            label.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMargin(12)
        self.research.setToolTip("What a model says is no diagnosis.")
        for label in (self.position, self.research):
            label.setWordWrap(True)  # large text in a narrow dock
        self.research.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        top = QHBoxLayout()
        top.addWidget(self.position)
        top.addStretch(1)
        top.addWidget(self.research)
        self.stack = QStackedWidget()
        for widget in (self.card, self._filled, self.empty):
            self.stack.addWidget(widget)
        pair = QWidget()
        column = QVBoxLayout(pair)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(3)
        column.addLayout(top)
        column.addWidget(self.name)
        column.addWidget(self.why)
        column.addWidget(self.stack, 1)
        column.addWidget(self.answers)
        covering = QWidget()
        cover = QVBoxLayout(covering)
        cover.setContentsMargins(0, 0, 0, 0)
        cover.addWidget(self.pairs, 1)
        cover.addWidget(self.textbook, 0, Qt.AlignmentFlag.AlignLeft)
        self.tabs = SuggestionTabs()
        self.tabs.add(pair, "Pairs", "Pairs that may be look-alikes, best first.")
        self.tabs.add(covering, "Coverage", "Which confusions of the model nobody has looked at.")
        self.tabs.add(self.review, "Review next", "Which slides to look at next.")
        layout = roomy(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(3)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.bar)
        layout.addWidget(self.meter)

    def _connect_widgets(self) -> None:
        self.card.opened.connect(self._open)
        self.form.submitted.connect(self._mark)
        self.form.cancelled.connect(self._cancel)
        self.name.returnPressed.connect(self._named)
        self.name.cancelled.connect(self._forget_waiting)
        self.why.returnPressed.connect(self._reject_because)
        self.why.cancelled.connect(self._stop_asking)
        self.textbook.clicked.connect(self._edit_textbook)
        self.bar.chosen.connect(self._show_subtypes)
        self.pairs.chosen.connect(self._show_subtypes)
        self.review.opened.connect(self._open)
        self.review.method_chosen.connect(self.keeper_choose)
        self.answers.shortcut("Shift+N", self.previous)
        self.answers.shortcut(QKeySequence.StandardKey.Undo, self._undo)
        self.answers.shortcut(QKeySequence.StandardKey.Redo, self._redo)

    def closeEvent(self, event: QCloseEvent) -> None:
        for signal in self._events:
            signal.disconnect(self._soon)
        self._events = []
        self._soon.stop()
        self._background.forget()
        self._pictures.close()
        super().closeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        dock = self.parentWidget()
        while dock is not None and not isinstance(dock, QDockWidget):
            dock = dock.parentWidget()
        if dock is not None and not self._docked:
            self._docked = True
            dock.visibilityChanged.connect(self._on_seen)

    def _on_seen(self, seen: bool) -> None:
        if seen:  # what raised the tab may move the focus after it: come last
            QTimer.singleShot(0, self._take_focus)

    def _take_focus(self) -> None:
        """Let the keys work where the tab was clicked; who is typing goes on typing."""
        if not typing() and self.buttons["A"].isEnabled() and not self.visibleRegion().isEmpty():
            self.setFocus()

    # ---- from the session to the widgets

    def _rank(self) -> None:
        """Show what is there now; in a large project its queue is made in a thread before."""
        self._background.forget()
        large = len(self.session.cohort) > MANY
        work = suggestions.to_rank(self.session) if large else None
        if work is None:
            self._refresh()
        else:
            self._background.run(work, self._ranked)

    def _ranked(self, ranked: suggestions.Ranked) -> None:
        suggestions.keep_ranked(self.session, ranked)
        self._rank()  # once more, where something changed meanwhile

    def _refresh(self) -> None:
        self._pictures.set_project(self.session.project)
        view = resolve_suggestions(self.session)
        self.position.setText(f"Suggestion {view.position}" if view.position else "")
        self.research.setVisible(bool(view.position))
        if view.card is not None:
            self.card.show_card(view.card)
        if self._shown_key() != self._why_of or self.session.proposal is not None:
            self.why.stop()  # a reason is for the pair that it was asked for
        self.empty.setText(view.empty)
        self._show_form(view)
        self.answers.enable(card=view.card is not None, can_answer=view.can_answer)
        self.bar.show_pairs(view.pairs, view.meter)
        self.meter.setText(view.meter)
        self.meter.setToolTip("Click a part of the bar to get that pair's suggestion.")
        self.meter.setVisible(bool(view.meter))
        self.pairs.show_rows(view.pairs)
        self.textbook.setToolTip(f"{view.textbook} Click to edit a copy in the project's folder.")
        self.textbook.setAccessibleName("Edit the table of textbook look-alikes")
        self.textbook.setEnabled(self.session.project is not None)
        self.review.show_rows(view.review, view.review_note, view.method)

    def _show_form(self, view: SuggestionsView) -> None:
        proposal = view.proposal
        self.answers.setVisible(proposal is None and self.why.isHidden())
        if proposal is None:
            self._filled.forget()
            self.stack.setCurrentWidget(self.empty if view.card is None else self.card)
            return
        config, expert = train_config(self.session), self.session.expert
        if self._filled.ask(proposal, expert, config.gamma, config.tau, take_focus=self._accepting):
            self._accepting = False
        self.stack.setCurrentWidget(self._filled)

    # ---- what the user does

    def accept(self) -> None:
        """Show the form for the pair, filled in."""
        self.tabs.setCurrentIndex(0)
        self._accepting = True  # until the form is shown, which may be later
        self._try(lambda: suggestions.accept(self.session))
        self._accepting = self._accepting and self.session.proposal is not None

    def reject(self) -> None:
        """Say no."""
        self._try(lambda: suggestions.reject(self.session))

    def ask_why(self) -> None:
        """Ask for a reason, and say no with it."""
        if self.session.proposal is None and suggestions.current(self.session) is not None:
            self.tabs.setCurrentIndex(0)
            self._why_of = self._shown_key()
            self.answers.hide()  # its room is needed in a low window
            self.why.ask()

    def _shown_key(self) -> object:
        shown = suggestions.current(self.session)
        return shown.key if shown is not None else None

    def _stop_asking(self) -> None:
        self.why.stop()
        self.answers.setVisible(self.session.proposal is None)
        self.setFocus()

    def _reject_because(self) -> None:
        note = self.why.text()
        self._stop_asking()
        self._try(lambda: suggestions.reject(self.session, note))

    def later(self) -> None:
        """Put it off."""
        self._try(lambda: suggestions.later(self.session))

    def next(self) -> None:
        """Go on without an answer."""
        self._try(lambda: suggestions.next_suggestion(self.session))

    def previous(self) -> None:
        """Go back without an answer."""
        self._try(lambda: suggestions.next_suggestion(self.session, -1))

    def compare(self) -> None:
        """Show the two slides side by side."""
        self._accepting = False
        if suggestions.current(self.session) is not None:
            self._try(lambda: twin_next.compare_suggestion(self.session))

    def keeper_choose(self, method: str) -> None:
        """Choose how slides to review are chosen."""
        self.keeper.choose("kmeans" if method == "kmeans" else "entropy")

    def _try(self, act: Callable[[], object]) -> None:
        """Do something; where a name is missing, ask for it and do it then."""
        with reported(self.session):
            try:
                act()
            except marks.NeedsExpertName:
                self._waiting = lambda: self._try(act)
                self.name.ask()
            else:
                if self.session.proposal is None and self.isVisible():
                    self.setFocus()

    def _from_afar(self, act: Callable[[], None]) -> None:
        """Answer without a click into the panel; nothing that cannot be seen is answered."""
        in_sight = self.session.twin is None and not self.card.visibleRegion().isEmpty()
        if not in_sight or typing():
            return
        held = QApplication.focusWidget()
        act()
        asks = self.session.proposal is not None or typing()
        if held is not None and not asks and self.session.twin is None:
            held.setFocus()

    def _named(self) -> None:
        with reported(self.session):
            marks.set_expert(self.session, self.name.text())
            self.name.hide()
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                waiting()

    def _forget_waiting(self) -> None:
        self._waiting = None
        self.setFocus()

    def _mark(self, draft: PairDraft) -> None:
        proposal = self.session.proposal
        if proposal is None:
            return
        with reported(self.session):
            if draft.expert != self.session.expert:
                marks.set_expert(self.session, draft.expert)
            suggestions.mark_proposal(
                self.session, draft.level, draft.strength, draft.reason, **draft.details
            )
            self.setFocus()

    def _cancel(self) -> None:
        self.session.proposal = None
        self.setFocus()

    def _open(self, slide_id: str) -> None:
        with reported(self.session):
            selection.open_slide(self.session, slide_id)

    def _show_subtypes(self, a: str, b: str) -> None:
        if suggestions.show_subtypes(self.session, a, b) is None:
            self.session.say(f"No suggestion is left for {a} and {b}.")
        else:
            self.tabs.setCurrentIndex(0)
            self.setFocus()

    def _edit_textbook(self) -> None:
        with reported(self.session):
            path = write_project_textbook(writable_project_of(self.session).root)
            self.session.say(
                f"{path.name} in the project's folder has the table. Save it there as CSV; "
                "it is read when the project is opened again."
            )
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _undo(self) -> None:
        with reported(self.session):
            self.session.history.undo()

    def _redo(self) -> None:
        with reported(self.session):
            self.session.history.redo()
