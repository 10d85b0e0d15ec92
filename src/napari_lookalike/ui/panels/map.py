"""The map panel: every slide's embedding; two look-alikes are selected and marked here."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.session import marks, selection
from napari_lookalike.session.colours import COLOUR_BY, ColourBy
from napari_lookalike.session.map_view import MapView, Shown, resolve_map, slide_facts
from napari_lookalike.session.pair_view import PairView, resolve_pair
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.map.scatter import Scatter
from napari_lookalike.ui.map.scene import Dots, PairLine, Places, Scene
from napari_lookalike.ui.maps import MapKeeper
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.widgets.hover_card import Card
from napari_lookalike.ui.widgets.legend import Legend
from napari_lookalike.ui.widgets.pair_form import PairDraft, PairForm, PairQuestion
from napari_lookalike.ui.widgets.pair_strip import PairStrip
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures

SHOWN: dict[Shown, tuple[str, str]] = {
    "before": ("Before", "The map as the model before the fine-tuning sees it."),
    "after": ("After", "The map as the fine-tuned model sees it."),
    "both": ("Both", "The new map, with an arrow from where each slide was before."),
}
PICTURE_PX = 96
CURSOR = "Selection"
"""What `_refresh` is called for; the names of the session's events otherwise."""
EVENTS = (
    "project", "cohort", "slide_id", "selection", "results", "results_before", "projection",
    "projection_before", "live", "marks", "expert", "jobs",
)  # fmt: skip


class MapPanel(QWidget):
    """A map of the cohort with its legend, and the form to mark a look-alike pair.

    Parameters
    ----------
    session
        The state of this viewer.
    runner
        Its jobs.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self.session, self.runner = session, runner
        self._keeper = MapKeeper(session, runner, self._refresh)
        self._pictures = SlidePictures(self)
        self._emphasised = ""
        self._view: MapView | None = None
        self._pair: PairView | None = None
        self.colour_by = self._make_colour_by()
        self.shown_buttons = {key: self._tool(*SHOWN[key], checkable=True) for key in SHOWN}
        self.lasso = self._tool(
            "Lasso",
            "Drag to select slides. Without it: Ctrl-drag, or Shift-drag a rectangle.",
            True,
        )
        self.reset = self._tool("Show all", "Bring the whole map back into view (Home).")
        self.caption, self.empty = QLabel(), QLabel()
        self.scatter = Scatter(self._card)
        self.legend = Legend()
        self.strip = PairStrip(self._pictures)
        self.form = PairForm()
        self._lay_out()
        self._connect_widgets()
        self._events = [getattr(session.events, name) for name in EVENTS]
        for event in self._events:
            event.connect(self._refresh)
        self._refresh()

    # ---- making

    def _make_colour_by(self) -> QComboBox:
        box = QComboBox()
        for key, title in COLOUR_BY.items():
            box.addItem(title, key)
        box.setToolTip("What the colours of the points stand for.")
        box.setAccessibleName("Colour by")
        return box

    @staticmethod
    def _tool(text: str, tip: str, checkable: bool = False) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setCheckable(checkable)
        return button

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        label = QLabel("Colour by")
        label.setBuddy(self.colour_by)
        top.addWidget(label)
        top.addWidget(self.colour_by)
        top.addStretch(1)
        top.addWidget(self.lasso)
        top.addWidget(self.reset)
        self._shown_group = QButtonGroup(self)
        self.compare = QWidget()
        state = QHBoxLayout(self.compare)
        state.setContentsMargins(0, 0, 0, 0)
        state.addWidget(QLabel("Fine-tuning"))
        for button in self.shown_buttons.values():
            self._shown_group.addButton(button)
            state.addWidget(button, 1)
        self.shown_buttons["after"].setChecked(True)
        for text in (self.caption, self.empty):
            text.setWordWrap(True)
        self.caption.setStyleSheet("font-size: 8pt;")
        self.caption.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMargin(24)
        plot = QWidget()
        self._plot = QStackedLayout(plot)
        self._plot.addWidget(self.scatter)
        self._plot.addWidget(self.empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.compare)
        layout.addWidget(plot, 1)
        for widget in (self.legend, self.caption, self.strip, self.form):
            layout.addWidget(widget)
        self.form.hide()

    def _connect_widgets(self) -> None:
        self.colour_by.currentIndexChanged.connect(lambda _i: self._refresh())
        self._shown_group.buttonClicked.connect(lambda _b: self._refresh())
        self.lasso.toggled.connect(self._use_lasso)
        self.reset.clicked.connect(self.scatter.reset_view)
        self.legend.emphasis_requested.connect(self._emphasise)
        self.scatter.opened.connect(self._open)
        self.scatter.selection_requested.connect(self._select)
        self.strip.mark_requested.connect(self.ask)
        self.strip.clear_requested.connect(lambda: self._select(()))
        self.form.submitted.connect(self._mark)
        self.form.cancelled.connect(self._close_form)
        shortcut = QShortcut(QKeySequence("M"), self.scatter)
        shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
        shortcut.activated.connect(self.ask)

    def closeEvent(self, event: QCloseEvent) -> None:
        for signal in self._events:
            signal.disconnect(self._refresh)
        self._events = []
        self._keeper.close()
        self._pictures.close()
        super().closeEvent(event)

    # ---- from the session to the widgets

    @property
    def shown(self) -> Shown:
        """Which of the two maps is shown."""
        return next(key for key, button in self.shown_buttons.items() if button.isChecked())

    def _refresh(self) -> None:
        session = self.session
        by: ColourBy = self.colour_by.currentData()
        view = self._view = resolve_map(session, by, self.shown, self._keeper.computing)
        self._pictures.set_project(session.project)
        self._pair = resolve_pair(session.selection, session.cohort, session.marks, session.expert)
        self.scatter.set_corner_text(view.method)
        self.caption.setText(view.caption)
        self.empty.setText(view.empty)
        self._plot.setCurrentWidget(self.empty if view.empty else self.scatter)
        for widget in (self.legend, self.caption, self.colour_by, self.lasso, self.reset):
            widget.setEnabled(not view.empty)
        self.compare.setVisible(view.can_compare)
        if self._emphasised not in {c.name for c in view.colouring.categories}:
            self._emphasised = ""
        self.legend.show_rows(view.colouring.categories, view.shapes.sites, self._emphasised)
        self.scatter.show_scene(self._scene(view))
        self.strip.show_pair(self._pair)
        if not self._pair.can_mark and self.form.isVisible():
            self._close_form()

    def _scene(self, view: MapView) -> Scene:
        names = [c.name for c in view.colouring.categories]
        only = frozenset([names.index(self._emphasised)]) if self._emphasised else None
        dots = Dots(
            Places(view.slide_ids, view.points),
            np.asarray(view.colouring.of, np.int64),
            tuple(c.colour for c in view.colouring.categories),
            np.asarray(view.shapes.of, np.int64),
            only,
        )
        return Scene(
            dots,
            view.before,
            tuple(PairLine(x.a, x.b, x.strength, x.of_subtypes) for x in view.lines),
            self.session.selection,
            self.session.slide_id,
        )

    def _card(self, slide_id: str) -> Card:
        before = self.shown == "before" and self.session.results_before is not None
        results = self.session.results_before if before else self.session.results
        facts = slide_facts(self.session, slide_id, results)
        return Card(slide_id, facts, self._pictures.get(slide_id, PICTURE_PX))

    # ---- what the user does

    def _use_lasso(self, on: bool) -> None:
        self.scatter.lasso_tool = on

    def _emphasise(self, name: str) -> None:
        self._emphasised = name
        self._refresh()

    def _open(self, slide_id: str) -> None:
        with reported(self.session):
            selection.open_slide(self.session, slide_id)

    def _select(self, slide_ids: tuple[str, ...]) -> None:
        with reported(self.session):
            selection.select(self.session, slide_ids)

    def ask(self) -> None:
        """Open the form for the two selected slides."""
        pair = self._pair
        if pair is None or not pair.can_mark:
            return
        (a, b), mark = pair.sides, pair.existing
        project = self.session.project
        config = project.settings.train if project is not None else TrainConfig()
        draft = PairDraft(mark.level, mark.strength, mark.reason, mark.expert) if mark else None
        question = PairQuestion(
            (a.slide_id, b.slide_id),
            (a.label, b.label),
            self.session.expert,
            config.gamma,
            config.tau,
            draft,
        )
        for widget in (self.legend, self.caption, self.strip):
            widget.hide()
        self.form.ask(question)

    def _close_form(self) -> None:
        self.form.hide()
        for widget in (self.legend, self.caption, self.strip):
            widget.show()
        self.scatter.setFocus()

    def _mark(self, draft: PairDraft) -> None:
        pair = self._pair
        if pair is None or not pair.can_mark:
            return
        with reported(self.session):
            if draft.expert != self.session.expert:
                marks.set_expert(self.session, draft.expert)
            if pair.existing is not None:
                changes = {"strength": draft.strength, "reason": draft.reason}
                marks.change(self.session, pair.existing.id, **changes)
            else:
                a, b = (side.slide_id for side in pair.sides)
                marks.mark_slides(
                    self.session, a, b, draft.strength, draft.reason, level=draft.level
                )
            self._close_form()
