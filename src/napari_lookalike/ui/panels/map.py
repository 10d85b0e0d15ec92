"""The map panel: every slide's embedding; two look-alikes are selected and marked here."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent, QPixmap, QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QStackedLayout, QWidget

from napari_lookalike.core.attended import hottest_place
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session import marks, selection
from napari_lookalike.session.colours import Colouring, Shapes
from napari_lookalike.session.column_colours import column_titles
from napari_lookalike.session.map_view import (
    MapLine,
    MapMemory,
    MapView,
    Once,
    Shown,
    resolve_map,
    slide_facts,
)
from napari_lookalike.session.pair_view import PairView, resolve_pair
from napari_lookalike.session.session import Session
from napari_lookalike.session.twin import compare_selected
from napari_lookalike.session.twin_next import select_suggested
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.map.attended import AttendedPictures
from napari_lookalike.ui.map.controls import CompareRow, MapControls
from napari_lookalike.ui.map.detail import MOST_DOTS
from napari_lookalike.ui.map.figures import MapFiguresFold
from napari_lookalike.ui.map.marks import PICTURE_PX
from napari_lookalike.ui.map.scatter import Scatter
from napari_lookalike.ui.map.scene import Dots, PairLine, Places, Scene
from napari_lookalike.ui.maps import MapKeeper
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.text_size import small_text
from napari_lookalike.ui.widgets.hover_card import Card
from napari_lookalike.ui.widgets.legend import Legend, LegendArea
from napari_lookalike.ui.widgets.pair_form import LEVEL_KEYS, PairDraft, PairForm, PairQuestion
from napari_lookalike.ui.widgets.pair_strip import PairStrip
from napari_lookalike.ui.widgets.roomy import roomy
from napari_lookalike.ui.widgets.slide_pictures import SlidePictures

EVENTS = (
    "project", "cohort", "slide_id", "selection", "results", "results_before", "projection",
    "projection_before", "live", "marks", "expert", "jobs", "show_patient_ids",
)  # fmt: skip
LEAST_MAP, LEAST_BESIDE_FORM = 120, 80
LEAST_PANEL = 400


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
        self._attended = AttendedPictures(session, self, self._on_picture)
        self._reader = Background(session, self)
        self._only: frozenset[str] = frozenset()
        self._memory = MapMemory()
        self._places, self._dots = Once(Places), Once(_dots_of)
        self._lines = Once(_pair_lines)
        self._view: MapView | None = None
        self._pair: PairView | None = None
        self.controls, self.compare = MapControls(), CompareRow()
        self.colour_by, self.lasso = self.controls.colour_by, self.controls.lasso
        self.reset, self.shown_buttons = self.controls.reset, self.compare.buttons
        self.caption, self.empty = QLabel(), QLabel()
        self.scatter = Scatter(self._card, self._thumbnail)
        self.legend = Legend()
        self.figures = MapFiguresFold(session, runner)
        self.strip = PairStrip(self._pictures)
        self.form = PairForm()
        self._legend_area = LegendArea(self.legend)
        self._lay_out()
        self._connect_widgets()
        self._events = [getattr(session.events, name) for name in EVENTS]
        for event in self._events:
            event.connect(self._refresh)
        self._refresh()

    # ---- making

    def _lay_out(self) -> None:
        for text in (self.caption, self.empty):
            text.setWordWrap(True)
        small_text(self.caption, 8)
        self.caption.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMargin(24)
        plot = self._plot_area = QWidget()
        # What the others do not need is the map's, so the legend is not shortened for its sake.
        plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        plot.setMinimumHeight(LEAST_MAP)
        self._plot = QStackedLayout(plot)
        self._plot.addWidget(self.scatter)
        self._plot.addWidget(self.empty)
        layout = roomy(self, LEAST_PANEL)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.controls)
        layout.addWidget(self.compare)
        layout.addWidget(plot, 1)
        for widget in (self._legend_area, self.figures, self.caption, self.strip, self.form):
            layout.addWidget(widget)
        self.form.hide()

    def _connect_widgets(self) -> None:
        controls, scatter = self.controls, self.scatter
        self.colour_by.currentIndexChanged.connect(lambda _i: self._refresh())
        self.compare.group.buttonClicked.connect(lambda _b: self._refresh())
        self.lasso.toggled.connect(self._use_lasso)
        controls.every_dot.toggled.connect(self._use_every_dot)
        controls.pictures.toggled.connect(self._use_pictures)
        self.reset.clicked.connect(scatter.reset_view)
        self._pictures.ready.connect(lambda _slide_id: self._on_thumbnail())
        self.legend.filter_requested.connect(self._filter)
        scatter.opened.connect(self._open)
        scatter.selection_requested.connect(self._select)
        self.strip.mark_requested.connect(self.ask)
        self.strip.compare_requested.connect(self._compare)
        self.strip.clear_requested.connect(lambda: self._select(()))
        self.form.submitted.connect(self._mark)
        self.form.cancelled.connect(self._close_form)
        scatter.keys = {
            Qt.Key.Key_M: self._ask_or_keep,
            Qt.Key.Key_N: self._next_pair,
            Qt.Key.Key_C: self._compare,
            **{key: partial(self._strength, level) for key, level in LEVEL_KEYS.items()},
            Qt.Key.Key_L: self.lasso.toggle,
            Qt.Key.Key_D: controls.every_dot.toggle,
            Qt.Key.Key_P: controls.pictures.toggle,
        }

    def closeEvent(self, event: QCloseEvent) -> None:
        for signal in self._events:
            signal.disconnect(self._refresh)
        self._events = []
        self._keeper.close()
        self.figures.close_down()
        self._attended.close()
        self._reader.forget()
        self._pictures.close()
        super().closeEvent(event)

    # ---- from the session to the widgets

    @property
    def shown(self) -> Shown:
        """Which of the two maps is shown."""
        return self.compare.shown

    def _refresh(self) -> None:
        session = self.session
        self.controls.offer_columns(column_titles(session.cohort))
        view = self._view = resolve_map(
            session, self.controls.by, self.shown, self._keeper.computing, self._memory
        )
        self._pictures.set_project(session.project)
        self._pair = resolve_pair(session.selection, session.cohort, session.marks, session.expert)
        self.caption.setText(view.caption)
        self.empty.setText(view.empty)
        self._plot.setCurrentWidget(self.empty if view.empty else self.scatter)
        for widget in (self.legend, self.caption, self.controls):
            widget.setEnabled(not view.empty)
        self.compare.setVisible(view.can_compare)
        names = {c.name for c in view.colouring.categories}
        self._only = self._only if self._only <= names else frozenset()
        self.legend.show_rows(view.colouring.categories, view.shapes.sites, self._only)
        self.scatter.show_scene(self._scene(view))
        self._show_method()
        self.figures.follow()
        self.strip.show_pair(self._pair)
        self._legend_area.fit()
        if not self._pair.can_mark and self.form.isVisible():
            self._close_form()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._legend_area.fit()

    def _show_method(self) -> None:
        n = len(self.scatter.scene.keys)
        many = n > MOST_DOTS and not self.controls.every_dot.isChecked()
        self.controls.every_dot.setVisible(n > MOST_DOTS)
        method = self._view.method if self._view is not None else ""
        self.scatter.set_corner_text(f"{method} · density, zoom in for dots" if many else method)

    def _scene(self, view: MapView) -> Scene:
        places = self._places(view.slide_ids, view.points)
        return Scene(
            self._dots(places, view.colouring, view.shapes, self._only),
            view.before,
            self._lines(view.lines),
            self.session.selection,
            self.session.slide_id,
        )

    def _of(self) -> ModelResults | None:
        """What the model says of which the map is shown."""
        before = self.shown == "before" and self.session.results_before is not None
        return self.session.results_before if before else self.session.results

    def _card(self, slide_id: str) -> Card:
        results, cohort = self._of(), self.session.cohort
        near = self._memory.near(results, cohort) if results is not None else None
        facts = slide_facts(self.session, slide_id, results, near)
        return Card(slide_id, facts, self._attended.get(slide_id, results))

    def _thumbnail(self, slide_id: str) -> QPixmap | None:
        return self._pictures.get(slide_id, PICTURE_PX)

    def _on_thumbnail(self) -> None:
        if self.scatter.painter.detail == "pictures":
            self.scatter.redraw()

    def _on_picture(self, slide_id: str) -> None:
        self.scatter.show_card_again(slide_id)

    # ---- what the user does

    def _use_lasso(self, on: bool) -> None:
        self.scatter.lasso_tool = on

    def _use_every_dot(self, on: bool) -> None:
        self.scatter.painter.every_dot = on
        self.scatter.redraw()
        self._show_method()

    def _use_pictures(self, on: bool) -> None:
        self.scatter.painter.pictures = on
        self.scatter.redraw()

    def _filter(self, names: tuple[str, ...]) -> None:
        self._only = frozenset(names)
        self._refresh()

    def _open(self, slide_id: str) -> None:
        """Open a slide where the model looked at most."""
        with reported(self.session):
            selection.open_slide(self.session, slide_id)
        project, results = self.session.project, self._of()
        self._reader.forget()
        if project is None or results is None or slide_id not in results.slides:
            return
        self._reader.run(
            partial(hottest_place, project, results, slide_id),
            partial(selection.look_at, self.session, slide_id),
        )

    def _select(self, slide_ids: tuple[str, ...]) -> None:
        with reported(self.session):
            selection.select(self.session, slide_ids)

    def _compare(self) -> None:
        """Show the two selected slides side by side."""
        with reported(self.session):
            compare_selected(self.session)

    def ask(self) -> None:
        """Open the form for the two selected slides."""
        pair = self._pair
        if pair is None or not pair.can_mark:
            return
        (a, b), mark = pair.sides, pair.existing
        project = self.session.project
        config = project.settings.train if project is not None else TrainConfig()
        draft = PairDraft.of(mark) if mark else None
        question = PairQuestion(
            (a.slide_id, b.slide_id),
            (a.label, b.label),
            self.session.expert,
            config.gamma,
            config.tau,
            draft,
        )
        for widget in (self._legend_area, self.figures, self.caption, self.strip):
            widget.hide()
        # The form may be folded out in a small window; what it is about is seen all the same.
        self._plot_area.setMinimumHeight(LEAST_BESIDE_FORM)
        self.form.ask(question)

    def _ask_or_keep(self) -> None:
        """M: open the form, or keep what is filled in."""
        if self.form.isVisible():
            self.form.submit()
        else:
            self.ask()

    def _strength(self, level: int) -> None:
        """1 to 5: how alike the two selected slides are; the form is opened for it."""
        if not self.form.isVisible():
            self.ask()
        if self.form.isVisible():
            self.form.set_strength(level)

    def _next_pair(self) -> None:
        """N: select the next suggested pair."""
        with reported(self.session):
            if self.form.isVisible():
                self._close_form()
            if not select_suggested(self.session):
                self.session.say("No other pair is suggested. The panel Suggestions says why.")

    def _close_form(self) -> None:
        self.form.hide()
        for widget in (self._legend_area, self.figures, self.caption, self.strip):
            widget.show()
        self._plot_area.setMinimumHeight(LEAST_MAP)
        self.scatter.setFocus()

    def _mark(self, draft: PairDraft) -> None:
        pair = self._pair
        if pair is None or not pair.can_mark:
            return
        with reported(self.session):
            if draft.expert != self.session.expert:
                marks.set_expert(self.session, draft.expert)
            if pair.existing is not None:
                said = {"strength": draft.strength, "reason": draft.reason, **draft.details}
                marks.change(self.session, pair.existing.id, **said)
            else:
                a, b = (side.slide_id for side in pair.sides)
                marks.mark_slides(
                    self.session, a, b, draft.strength, draft.reason, draft.level, **draft.details
                )
            self._close_form()


def _dots_of(places: Places, colouring: Colouring, shapes: Shapes, only: frozenset[str]) -> Dots:
    names = [c.name for c in colouring.categories]
    shown = frozenset(names.index(name) for name in only) if only else None
    palette = tuple(c.colour for c in colouring.categories)
    return Dots(places, colouring.of, palette, shapes.of, shown)


def _pair_lines(lines: tuple[MapLine, ...]) -> tuple[PairLine, ...]:
    return tuple(PairLine(x.a, x.b, x.strength, x.of_subtypes) for x in lines)
