"""The figures beside the map: folded away, and measured when they are asked for."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_lookalike.core.pipeline.map_figures import MapFigures, map_figures
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.session.map_figures_view import (
    FiguresAsked,
    FiguresView,
    figures_asked,
    resolve_figures,
)
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.notify import report
from napari_lookalike.ui.widgets.fold import Fold
from napari_lookalike.ui.widgets.palette import theme_of

LANE, TITLE = "map", "Figures of the map"
NO_MODEL = "There are no figures yet: they are of the held-out slides of a trained model."
MEASURING = "Measuring…"
HEIGHT_PX = 150


class MapFiguresFold(Fold):
    """Compactness, separation, pairs, robustness to the centre, and what moved.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session, self._runner = session, runner
        self._asked: FiguresAsked | None = None
        self._key: int | None = None
        self._broken = False
        self._inner = QWidget()
        self._grid = QGridLayout(self._inner)
        self._grid.setContentsMargins(4, 0, 4, 0)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(1, 1)
        self.labels: tuple[QLabel, ...] = ()
        scroll = QScrollArea()
        scroll.setWidget(self._inner)
        scroll.setWidgetResizable(True)
        scroll.setFixedHeight(HEIGHT_PX)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Figures of the map")
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(scroll)
        super().__init__("Figures", content)
        self.button.setToolTip(
            "How tight and how far apart the subtypes lie, which pairs lie among each other,"
            " what the centre has to do with it, and what a fine-tuning moved."
        )
        self.button.toggled.connect(self._on_fold)

    def _on_fold(self, _shown: bool) -> None:
        if self._broken:  # opening it again asks again; nothing else does
            self._asked, self._broken = None, False
        self.follow()

    def follow(self) -> None:
        """Measure if the figures are seen and are of something else than what is shown."""
        if not self.button.isChecked():
            return
        asked = figures_asked(self._session)
        project = self._session.project
        if asked == self._asked and asked is not None:
            return
        self._stop()
        self._asked = asked
        if asked is None or project is None:
            self._say(NO_MODEL)
            return
        self._say(MEASURING)
        self._key = self._runner.run(
            map_figures,
            project.root,
            asked.version,
            asked.before,
            asked.pairs,
            title=TITLE,
            on_result=partial(self._take, asked),
            on_error=partial(self._failed, asked),
            lane=LANE,
        )

    def close_down(self) -> None:
        """Stop measuring."""
        self._stop()

    def _stop(self) -> None:
        if self._key is not None:
            self._runner.cancel(self._key)
        self._key = None

    def _take(self, asked: FiguresAsked, figures: MapFigures) -> None:
        if asked == self._asked:
            self._key = None
            self.show_view(resolve_figures(figures, asked.pairs))

    def _failed(self, asked: FiguresAsked, error: BaseException) -> None:
        if asked != self._asked:
            return
        self._key, self._broken = None, True
        if isinstance(error, JobCancelled):
            self._say("Cancelled. Fold this and open it again to measure.")
        else:
            self._say("They could not be measured.")
            report(self._session, error)

    def _say(self, text: str) -> None:
        self.show_view(FiguresView(note=text))

    def show_view(self, view: FiguresView) -> None:
        """Show figures."""
        while self._grid.count():
            item: Any = self._grid.takeAt(0)
            item.widget().setParent(None)
            item.widget().deleteLater()
        lines: list[tuple[QLabel, ...]] = []
        for sentence in view.warnings:
            label = _label(sentence, sentence)
            label.setStyleSheet(f"font-size: 9pt; color: {theme_of(self).warning.name()};")
            lines.append((label,))
        lines += [(_label(row.name, row.tip), _label(row.value, row.tip)) for row in view.rows]
        lines.append((_label(view.note, view.note),))
        for number, line in enumerate(lines):
            for column, label in enumerate(line):
                self._grid.addWidget(label, number, column, 1, 2 if len(line) == 1 else 1)
        self.labels = tuple(label for line in lines for label in line)


def _label(text: str, tip: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setToolTip(tip)
    label.setStyleSheet("font-size: 9pt;")
    return label
