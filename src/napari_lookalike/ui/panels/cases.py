"""The cases panel: the cohort by patient; a click opens a slide, Ctrl-click selects a pair."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QPoint, QSize, Qt, QTimer
from qtpy.QtGui import QCloseEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.project import Project
from napari_lookalike.session import selection
from napari_lookalike.session.case_filter import REVIEWED, column_filters, filtered
from napari_lookalike.session.case_rows import CaseGroup
from napari_lookalike.session.case_sort import in_order
from napari_lookalike.session.case_view import cases_of, visible_slides
from napari_lookalike.session.cohort_commands import EditRecord
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import disconnect_all
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.soon import Soon
from napari_lookalike.ui.widgets.case_bar import CaseBar
from napari_lookalike.ui.widgets.case_list import CaseList, CaseModel
from napari_lookalike.ui.widgets.case_paint import CaseDelegate
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures

NO_PROJECT = "No project is open. Open one, or make a new one, in Project."
NO_SLIDES = "The project has no slides yet. Add them in Project."
NOTHING_FOUND = "No slide matches the search and the filter."
NEXT_KEY, PREVIOUS_KEY, REVIEW_KEY = "PgDown", "PgUp", "Ctrl+Return"
"""napari leaves these free."""
DATA = ("project", "cohort", "results", "marks", "missing", "show_patient_ids")
STATE = ("slide_id", "selection")
STREAMS = ("embedded", "failures")
"""Events that come in long rows while slides are embedded: answered a few times a second."""
STREAM_MS = 250


class CasesPanel(QWidget):
    """The list of cases with search, filter, next, previous and *reviewed*.

    Parameters
    ----------
    session
        The state of this viewer.
    runner
        Its jobs.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        del runner
        self.session = session
        self._pictures = SlidePictures(self)
        self._order: tuple[str, ...] = ()
        self._offered: Cohort | None = None
        self.bar = CaseBar(session)
        self.search, self.filter, self.sort = self.bar.search, self.bar.filter, self.bar.sort
        self.show_ids = self.bar.show_ids
        self.model = CaseModel()
        self.list = CaseList(self.model)
        self.list.setItemDelegate(CaseDelegate(self._pictures, self.model, self.list))
        self.empty = QLabel()
        self.show_all = self._button("Show all slides", "Clear the search and the filter.")
        self.previous = self._button("‹", f"Previous slide of the list ({PREVIOUS_KEY})")
        self.next = self._button("›", f"Next slide of the list ({NEXT_KEY})")
        self.count = QLabel()
        self.reviewed = QPushButton("Reviewed")
        self._stream = QTimer(self, interval=STREAM_MS, singleShot=True)
        self._soon = Soon(self, self._refresh, lambda: len(session.cohort))
        self._lay_out()
        self._connect_widgets()
        self._connect_session()
        self._on_project(session.project)
        self._refresh()

    # ---- making

    @staticmethod
    def _button(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip if len(text) == 1 else text)
        return button

    def _lay_out(self) -> None:
        steps = QHBoxLayout()
        for button in (self.previous, self.next):
            button.setFixedWidth(34)
            steps.addWidget(button)
        steps.addWidget(self.count, 1)
        self.count.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.reviewed.setCheckable(True)
        self.reviewed.setAccessibleName("The open slide is reviewed")
        steps.addWidget(self.reviewed)
        nothing = QWidget()
        column = QVBoxLayout(nothing)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addStretch()
        column.addWidget(self.empty)
        column.addWidget(self.show_all, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch()
        self._nothing, middle = nothing, QWidget()
        self._stack = QStackedLayout(middle)
        self._stack.addWidget(self.list)
        self._stack.addWidget(nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.bar)
        layout.addWidget(middle, 1)
        layout.addLayout(steps)

    def _connect_widgets(self) -> None:
        self.bar.changed.connect(self._choose)
        self.show_all.clicked.connect(self.bar.show_everything)
        self.show_ids.toggled.connect(self._show_patient_ids)
        self.list.open_requested.connect(self._open)
        self.list.toggle_requested.connect(self._toggle)
        self.list.range_requested.connect(self._select)
        self.list.step_requested.connect(self.step)
        self.list.menu_requested.connect(self._menu)
        self.next.clicked.connect(lambda: self.step(1))
        self.previous.clicked.connect(lambda: self.step(-1))
        self.reviewed.clicked.connect(self._review_open)
        self._pictures.ready.connect(self._repaint)
        self._stream.timeout.connect(self._refresh)
        window = Qt.ShortcutContext.WindowShortcut
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for keys, context, act in (
            (QKeySequence(NEXT_KEY), window, partial(self.step, 1)),
            (QKeySequence(PREVIOUS_KEY), window, partial(self.step, -1)),
            (QKeySequence(REVIEW_KEY), window, self.reviewed.click),
            (QKeySequence(QKeySequence.StandardKey.Undo), here, partial(self._history, "undo")),
            (QKeySequence(QKeySequence.StandardKey.Redo), here, partial(self._history, "redo")),
            (QKeySequence(QKeySequence.StandardKey.Find), here, self.search.setFocus),
        ):
            shortcut = QShortcut(keys, self)
            shortcut.setContext(context)
            shortcut.activated.connect(act)

    def _connect_session(self) -> None:
        events = self.session.events
        pairs: list[tuple[Any, Any]] = [(getattr(events, name), self._soon) for name in DATA]
        pairs += [(getattr(events, name), self._show_state) for name in STATE]
        pairs += [(getattr(events, name), self._later) for name in STREAMS]
        pairs += [(events.project, self._on_project)]
        for signal, answer in pairs:
            signal.connect(answer)
        self._connections = pairs
        self.destroyed.connect(partial(disconnect_all, pairs))

    def closeEvent(self, event: QCloseEvent) -> None:
        session = self.session  # nobody sees now what is looked for
        session.case_search, session.case_filter, session.case_sort = "", "all", "patient"
        disconnect_all(self._connections)
        self._stream.stop()
        self._soon.stop()
        self._pictures.close()
        super().closeEvent(event)

    # ---- from the session to the widgets

    def _on_project(self, project: Project | None) -> None:
        self._pictures.set_project(project)

    def _later(self) -> None:
        if not self._stream.isActive():
            self._stream.start()

    def _refresh(self) -> None:
        """Data changed: resolve everything anew."""
        self._stream.stop()
        self._soon.stop()
        self.bar.show_patient_ids(self.session.show_patient_ids)
        if self._columns_gone():
            self._choose()
        else:
            self._show_rows()

    def _columns_gone(self) -> bool:
        """Offer the columns of another cohort; whether the chosen one has gone with them."""
        if self.session.cohort is self._offered:
            return False
        self._offered = self.session.cohort
        return self.bar.offer_columns(column_filters(self._offered))

    def _show_rows(self) -> None:
        """Show those rows that search and filter let through, in their order."""
        every = in_order(cases_of(self.session), self.bar.chosen_sort)
        self._order = visible_slides(every)
        shown = every
        if self.bar.words or self.bar.chosen_filter != "all":
            found = cases_of(self.session, self.bar.words)
            shown = in_order(self._filtered(found), self.bar.chosen_sort)
        moved = self.model.show_groups(shown)
        n, total = len(self.model.slide_ids), len(self._order)
        self.count.setText(f"{n:,} of {total:,}" if n != total else _slides(total))
        self._show_empty(n, total)
        self._show_state()
        if moved:
            self.list.reveal(self.session.slide_id)

    def _filtered(self, groups: tuple[CaseGroup, ...]) -> tuple[CaseGroup, ...]:
        return filtered(groups, self.bar.chosen_filter, self.session.cohort)

    def _show_empty(self, n: int, total: int) -> None:
        if self.session.project is None and not total:
            text = NO_PROJECT
        else:
            text = NOTHING_FOUND if total else NO_SLIDES
        self.empty.setText(text)
        self.show_all.setVisible(total > 0)
        self.bar.enable(total > 0)
        self._stack.setCurrentWidget(self.list if n else self._nothing)

    def _show_state(self) -> None:
        """Another slide is open, or others are selected."""
        session = self.session
        self.model.show_state(session.slide_id, session.selection)
        self.list.show_selection(session.slide_id, session.selection)
        self.list.reveal(session.slide_id)
        listed = bool(self.model.slide_ids)
        for button in (self.next, self.previous):
            button.setEnabled(listed)
        self._show_reviewed()

    def _show_reviewed(self) -> None:
        project, slide_id = self.session.project, self.session.slide_id
        there = slide_id is not None and slide_id in self.session.cohort
        self.reviewed.setEnabled(there and project is not None and not project.read_only)
        done = there and self.session.cohort[slide_id or ""].state == REVIEWED
        self.reviewed.setChecked(done)
        self.reviewed.setText("✓ Reviewed" if done else "Reviewed")
        tip = f"Mark the open slide as reviewed, or take that back ({REVIEW_KEY})."
        if project is not None and project.read_only:
            tip = "The project folder is read-only: nothing can be marked."
        self.reviewed.setToolTip(tip)

    def _repaint(self, slide_id: str) -> None:
        index = self.model.index_of(slide_id)
        if index.isValid():
            self.list.update(index)

    # ---- what the user does

    def step(self, by: int) -> None:
        """Open the next (1) or previous (-1) slide of the list.

        A search or filter may hide the open slide: its place in the cohort counts then.
        """
        listed = set(self.model.slide_ids)
        if not listed:
            return
        listed.add(self.session.slide_id or "")
        with reported(self.session):
            selection.next_slide(self.session, [s for s in self._order if s in listed], by)

    def _open(self, slide_id: str) -> None:
        with reported(self.session):
            selection.open_slide(self.session, slide_id)

    def _toggle(self, slide_id: str) -> None:
        with reported(self.session):
            selection.toggle(self.session, slide_id)

    def _select(self, slide_ids: tuple[str, ...]) -> None:
        with reported(self.session):
            selection.select(self.session, slide_ids)

    def _choose(self, *_: object) -> None:
        """Search, filter or order was changed: next and previous go by them everywhere."""
        self.session.case_search = self.bar.words
        self.session.case_filter = self.bar.chosen_filter
        self.session.case_sort = self.bar.chosen_sort
        self._show_rows()

    def _show_patient_ids(self, on: bool) -> None:
        with reported(self.session):
            self.session.show_patient_ids = on

    def _review_open(self) -> None:
        slide_id = self.session.slide_id
        if slide_id is not None and slide_id in self.session.cohort:
            self._review((slide_id,), self.session.cohort[slide_id].state != REVIEWED)
        self._show_reviewed()

    def _review(self, slide_ids: tuple[str, ...], done: bool) -> None:
        with reported(self.session):
            self.session.history.do(EditRecord(slide_ids, state=REVIEWED if done else ""))

    def _history(self, way: str) -> None:
        with reported(self.session):
            getattr(self.session.history, way)()

    def _menu(self, slide_id: str, at: QPoint) -> None:
        self.make_menu(slide_id).popup(at)

    def make_menu(self, slide_id: str) -> QMenu:
        """The menu of a right click: on the selection if the slide is part of it."""
        chosen = self.session.selection if slide_id in self.session.selection else (slide_id,)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Open", partial(self._open, slide_id))
        inside = slide_id in self.session.selection
        text = "Take out of the selection" if inside else "Add to the selection (Ctrl-click)"
        menu.addAction(text, partial(self._toggle, slide_id))
        menu.addSeparator()
        what = slide_id if len(chosen) == 1 else _slides(len(chosen))
        for words, done in (("reviewed", True), ("not reviewed", False)):
            action = menu.addAction(f"Mark {what} as {words}")
            action.triggered.connect(partial(self._review, chosen, done))
            project = self.session.project
            action.setEnabled(project is not None and not project.read_only)
        menu.addSeparator()
        menu.addAction("Copy slide name", partial(QApplication.clipboard().setText, slide_id))
        return menu

    def sizeHint(self) -> QSize:
        return QSize(300, 380)


def _slides(n: int) -> str:
    return "1 slide" if n == 1 else f"{n:,} slides"
