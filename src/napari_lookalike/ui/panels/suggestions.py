"""The panel Suggestions: one pair at a time, what nobody looked at, what to review next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QSize, Qt, QTimer, QUrl
from qtpy.QtGui import QCloseEvent, QDesktopServices, QKeySequence, QShortcut, QShowEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_lookalike.core.suggest.textbook import write_project_textbook
from napari_lookalike.session import marks, selection, suggestions, twin_next
from napari_lookalike.session.needs import writable_project_of
from napari_lookalike.session.session import Session
from napari_lookalike.session.suggested import Proposal
from napari_lookalike.session.suggestions_view import SuggestionsView, resolve_suggestions
from napari_lookalike.session.table_view import train_config
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.soon import MANY, Soon
from napari_lookalike.ui.suggesting import SuggestionKeeper
from napari_lookalike.ui.widgets.coverage_bar import CoverageBar
from napari_lookalike.ui.widgets.pair_form import PairDraft, PairForm, PairQuestion
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures
from napari_lookalike.ui.widgets.suggestion_card import SuggestionCard
from napari_lookalike.ui.widgets.suggestion_lists import PairList, ReviewList

EVENTS = (
    "project", "cohort", "results", "marks", "expert", "suggestions", "proposal",
    "history_changed",
)  # fmt: skip
KEYS = (
    ("A", "Accept", "accept", "They look alike: mark them, with everything filled in."),
    ("X", "Reject", "reject", "They are no look-alikes: do not suggest them to you again."),
    ("L", "Later", "later", "Put it at the end of the queue."),
    ("N", "Next", "next", "Go on without an answer; Shift+N goes back."),
    ("C", "Compare", "compare", "Show the two slides side by side."),
)
"""(key, button, method, what it does)."""
ANYWHERE = {k: f"Alt+Shift+{k}" for k in "AXLN"} | {"C": "Alt+Shift+V", "Shift+N": "Alt+Shift+B"}
"""Key in the panel -> in the whole window, where plain letters, and Alt+Shift+C, are napari's."""
LEAST_PX = 185
"""Least height of the tabs: a card with its two pictures and the buttons."""


TYPED = (QLineEdit, QComboBox, QAbstractSpinBox, QTextEdit, QPlainTextEdit)


def _typing() -> bool:
    """Whether a field has the focus: who is typing goes on typing."""
    return isinstance(QApplication.focusWidget(), TYPED)


class _Tabs(QTabWidget):
    """Asks for no more height than a card needs, whatever text it holds for a moment.

    napari's docks keep the largest least height that they ever had, and the window grows.
    """

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(hint.width(), min(hint.height(), LEAST_PX))


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
        self._asked: Proposal | None = None
        self._accepting = False
        self._docked = False
        self._waiting: Callable[[], None] | None = None
        self.position, self.empty, self.meter = QLabel(), QLabel(), QLabel()
        self.research = QLabel("Research use only")
        self.card, self.form = SuggestionCard(self._pictures), PairForm()
        self.test = QLabel()
        self.name = QLineEdit()
        self.buttons = {key: self._button(key, *rest) for key, *rest in KEYS}
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

    def _button(self, key: str, text: str, method: str, tip: str) -> QPushButton:
        button = QPushButton(f"{text} ({key})")
        button.setToolTip(f"{tip} Key: {key}. From the slide or a panel: {ANYWHERE[key]}.")
        button.setAccessibleName(f"{text} the suggestion")
        act: Callable[[], None] = getattr(self, method)
        button.clicked.connect(lambda _checked=False: act())
        self._shortcut(key, act)
        return button

    def _shortcut(self, key: QKeySequence.StandardKey | str, act: Callable[[], None]) -> None:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)
        if key in ANYWHERE:
            far = QShortcut(QKeySequence(ANYWHERE[str(key)]), self)
            far.setContext(Qt.ShortcutContext.WindowShortcut)
            far.activated.connect(partial(self._from_afar, act))

    def _lay_out(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for label in (self.empty, self.meter, self.test):
            label.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMargin(12)
        self.research.setToolTip("What a model says is no diagnosis.")
        self.name.setPlaceholderText("Your name or initials, then Enter")
        self.name.setAccessibleName("Your name")
        self.name.setToolTip("Who says so: kept with each answer. Asked once.")
        self.name.hide()
        top = QHBoxLayout()
        top.addWidget(self.position)
        top.addStretch(1)
        top.addWidget(self.research)
        inside = QWidget()
        inner = QVBoxLayout(inside)
        inner.setContentsMargins(0, 0, 4, 0)
        inner.setSpacing(2)
        inner.addWidget(self.test)
        inner.addWidget(self.form)
        inner.addStretch(1)
        # In a scroll area, so that the form does not ask for height while it is hidden.
        self._filled = scrolled(inside)
        self.stack = QStackedWidget()
        for widget in (self.card, self._filled, self.empty):
            self.stack.addWidget(widget)
        self.answers = QWidget()
        flow = QFlowLayout(self.answers)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setHorizontalSpacing(4)
        flow.setVerticalSpacing(2)
        for button in self.buttons.values():
            flow.addWidget(button)
        pair = QWidget()
        column = QVBoxLayout(pair)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(3)
        column.addLayout(top)
        column.addWidget(self.name)
        column.addWidget(self.stack, 1)
        column.addWidget(self.answers)
        covering = QWidget()
        cover = QVBoxLayout(covering)
        cover.setContentsMargins(0, 0, 0, 0)
        cover.addWidget(self.pairs, 1)
        cover.addWidget(self.textbook, 0, Qt.AlignmentFlag.AlignLeft)
        self.tabs = _Tabs()
        self.tabs.addTab(pair, "Pairs")
        self.tabs.addTab(covering, "Coverage")
        self.tabs.addTab(self.review, "Review next")
        self.tabs.setTabToolTip(0, "Pairs that may be look-alikes, best first.")
        self.tabs.setTabToolTip(1, "Which confusions of the model nobody has looked at.")
        self.tabs.setTabToolTip(2, "Which slides to look at next.")
        layout = QVBoxLayout(self)
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
        self.textbook.clicked.connect(self._edit_textbook)
        self.bar.chosen.connect(self._show_subtypes)
        self.pairs.chosen.connect(self._show_subtypes)
        self.review.opened.connect(self._open)
        self.review.method_chosen.connect(self.keeper_choose)
        self._shortcut("Shift+N", self.previous)
        self._shortcut(QKeySequence.StandardKey.Undo, self._undo)
        self._shortcut(QKeySequence.StandardKey.Redo, self._redo)

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
        if not _typing() and self.buttons["A"].isEnabled() and not self.visibleRegion().isEmpty():
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
        self.empty.setText(view.empty)
        self._show_form(view)
        for key, button in self.buttons.items():
            looks_only = key in ("N", "C")
            button.setEnabled(view.card is not None if looks_only else view.can_answer)
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
        self.answers.setVisible(proposal is None)
        if proposal is None:
            self._asked = None
            self.stack.setCurrentWidget(self.empty if view.card is None else self.card)
            return
        if proposal != self._asked:
            self._asked = proposal
            self._ask(proposal)
        self.stack.setCurrentWidget(self._filled)

    def _ask(self, proposal: Proposal) -> None:
        config = train_config(self.session)
        draft = PairDraft(
            proposal.level,
            proposal.strength,
            proposal.reason,
            self.session.expert,
            test=proposal.test,
        )
        question = PairQuestion(
            proposal.slides, proposal.subtypes, self.session.expert, config.gamma, config.tau,
            draft, proposed=True,
        )  # fmt: skip
        self.test.setText(f"Tells them apart: {proposal.test}." if proposal.test else "")
        self.test.setVisible(bool(proposal.test))
        # Whoever compares the two side by side types over there.
        self.form.ask(question, take_focus=self._accepting)
        self._accepting = False

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
                self.name.show()
                self.name.setFocus()
            else:
                if self.session.proposal is None and self.isVisible():
                    self.setFocus()

    def _from_afar(self, act: Callable[[], None]) -> None:
        """Answer without a click into the panel; nothing that cannot be seen is answered."""
        in_sight = self.session.twin is None and not self.card.visibleRegion().isEmpty()
        if not in_sight or _typing():
            return
        held = QApplication.focusWidget()
        act()
        asks = self.session.proposal is not None or self._waiting is not None
        if held is not None and not asks and self.session.twin is None:
            held.setFocus()

    def _named(self) -> None:
        with reported(self.session):
            marks.set_expert(self.session, self.name.text())
            self.name.hide()
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                waiting()

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
