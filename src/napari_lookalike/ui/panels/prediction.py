"""The prediction panel: what the model says of the open slide and its patient, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

from qtpy.QtCore import QEvent, QSize, Qt, QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lookalike.core.signed import unbroken
from napari_lookalike.session.colours import UNKNOWN, class_colours
from napari_lookalike.session.early_view import early_of, results_with
from napari_lookalike.session.overlay import resolve_legend
from napari_lookalike.session.prediction_view import (
    CaseView,
    PredictionView,
    resolve_prediction,
)
from napari_lookalike.session.session import OverlaySettings, Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.text_size import scaled
from napari_lookalike.ui.widgets.case_list import percent
from napari_lookalike.ui.widgets.overlay_controls import OverlayControls
from napari_lookalike.ui.widgets.palette import theme_of
from napari_lookalike.ui.widgets.probability_bars import Bar, ProbabilityBars
from napari_lookalike.ui.widgets.roomy import roomy
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.words import words

EVENTS = (
    "project", "cohort", "slide_id", "results", "results_before", "overlay", "show_patient_ids",
    "early", "coverage",
)  # fmt: skip
LEAST_PANEL, LEAST_BARS = 260, 110
VERDICTS = {
    "correct": "✓ The prediction agrees.",
    "wrong": "✗ The prediction differs.",
    "": "",
}
ON_TRIAL = (
    "This model is on trial: keep it or roll back in Teach. The line across a bar is what the "
    "former model said."
)


class PredictionPanel(QWidget):
    """Probabilities, differential, case, provenance; the controls of the attention layer.

    Parameters
    ----------
    session
        The state of this viewer.
    runner
        Its jobs.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self._restyle = QTimer(self, interval=0, singleShot=True)
        self._restyle.timeout.connect(self._follow_style)
        del runner
        self.session = session
        self._view: PredictionView | None = None
        self.title, self.label, self.empty = words(), words(), words()
        self.early, self.unlike, self.differential = words(), words(), words()
        self.bars = ProbabilityBars()
        self.case, self.provenance, self.notes = words(), words(), words()
        self.overlay = OverlayControls()
        self._lay_out()
        self.overlay.changed.connect(self._draw_overlay)
        self._signals = [getattr(session.events, name) for name in EVENTS]
        for signal in self._signals:
            signal.connect(self._refresh)
        self.destroyed.connect(partial(_disconnect, self._signals, self._refresh))
        self._refresh()

    # ---- making

    def _lay_out(self) -> None:
        self.setObjectName("LookalikePrediction")
        for warning in (self.early, self.unlike):
            warning.setProperty("warning", True)
        for small in (self.label, self.case, self.provenance, self.overlay.text, self.notes):
            small.setProperty("small", True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setMargin(16)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(6)
        for widget in (
            self.early, self.label, self.unlike, self.differential, self.bars, self.case,
            self.provenance,
        ):  # fmt: skip
            column.addWidget(widget)
        column.addStretch()
        self.area = scrolled(inner)
        self.area.setMinimumHeight(LEAST_BARS)
        layout = roomy(self, LEAST_PANEL)
        layout.setContentsMargins(8, 4, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.area, 1)
        layout.addWidget(self.overlay)
        layout.addWidget(self.notes)

    def closeEvent(self, event: QCloseEvent) -> None:
        _disconnect(self._signals, self._refresh)
        super().closeEvent(event)

    # ---- from the session to the widgets

    def _refresh(self) -> None:
        session = self.session
        view = resolve_prediction(
            session.cohort,
            session.results,
            session.slide_id,
            show_patient_ids=session.show_patient_ids,
            early=early_of(session),
            coverage=session.coverage,
        )
        if view != self._view:
            self._view = view
            self._show(view)
        self.bars.show_bars(self._bars(view))
        self._show_provenance(view)
        self._show_overlay(view)

    def _show(self, view: PredictionView) -> None:
        if self.styleSheet() != (style := self._style()):
            self.setStyleSheet(style)
        self.title.setText(f"<b>{escape(view.slide_id)}</b>")
        self.title.setVisible(bool(view.slide_id))
        self.empty.setText(view.empty)
        self.empty.setVisible(bool(view.empty))
        self.area.setVisible(not view.empty)
        label = f"Label: {view.label}." if view.label else "Not labelled."
        self.label.setText(f"{label} {VERDICTS[view.verdict]}".strip())
        self.early.setText(unbroken(view.early))
        self.early.setVisible(bool(view.early))
        self.unlike.setText(f"⚠ {view.unlike}")
        self.unlike.setVisible(bool(view.unlike))
        self.differential.setText(_differential_text(view))
        self.case.setVisible(view.case is not None)
        if view.case is not None:
            self.case.setText(_case_text(view.case))
        self.notes.setText(" ".join(view.notes))

    def _show_provenance(self, view: PredictionView) -> None:
        on_trial = self.session.results_before is not None
        self.provenance.setText(f"{view.provenance} {ON_TRIAL}" if on_trial else view.provenance)

    def _bars(self, view: PredictionView) -> list[Bar]:
        session = self.session
        colours = class_colours(session.cohort, session.results)
        former = resolve_prediction(session.cohort, session.results_before, session.slide_id)
        before = dict(former.probabilities)
        return [
            Bar(
                name,
                p,
                percent(p),
                colours.get(name, UNKNOWN),
                name == view.label,
                before.get(name),
            )
            for name, p in view.probabilities
        ]

    def _show_overlay(self, view: PredictionView) -> None:
        session, legend = self.session, None
        if not view.empty and session.results is not None:
            shown = results_with(session.results, early_of(session))
            legend = resolve_legend(shown or session.results, view.slide_id, session.overlay)
        self.overlay.setVisible(legend is not None)
        if legend is not None:
            self.overlay.show_settings(session.overlay, legend)

    def changeEvent(self, event: QEvent) -> None:
        """Light became dark, or text larger: the panel's own style follows, when all is set."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._restyle.start()

    def _follow_style(self) -> None:
        if self.styleSheet() != (style := self._style()):
            self.setStyleSheet(style)

    def _style(self) -> str:
        theme = theme_of(self)
        return (
            "#LookalikePrediction QLabel { padding: 0px; margin: 0px; }"
            '#LookalikePrediction QLabel[small="true"]'
            f" {{ font-size: {scaled(8):.1f}pt; }}"
            '#LookalikePrediction QLabel[warning="true"]'
            f" {{ color: {theme.warning.name()}; padding-left: 6px;"
            f" border-left: 3px solid {theme.warning.name()}; }}"
        )

    # ---- what the user does

    def _draw_overlay(self, settings: OverlaySettings) -> None:
        self.session.overlay = settings

    def sizeHint(self) -> QSize:
        return QSize(300, 460)


def _differential_text(view: PredictionView) -> str:
    """The sentence with the first subtype in bold."""
    rest = view.differential.removeprefix(view.first)
    return f"<b>{escape(view.first)}</b>{unbroken(escape(rest))}"


def _case_text(case: CaseView) -> str:
    """The case with its rule, as rich text."""
    return (
        f"<b>{escape(case.title)}, {len(case.slides)} slides together:</b> "
        f"{unbroken(escape(case.sentence))} {escape(_sentence(case.agreement))}<br>"
        f"Rule: {escape(case.rule)}"
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _disconnect(signals: Sequence[Any], answer: Callable[[], None], *_: object) -> None:
    for signal in signals:
        signal.disconnect(answer, missing_ok=True)
