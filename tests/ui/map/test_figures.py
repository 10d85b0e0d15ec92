"""The fold with the figures: measured when opened, again when something changed."""

from __future__ import annotations

import pytest

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.pipeline.map_figures import map_figures
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.map.figures import MapFiguresFold


class HandRunner:
    def __init__(self):
        self.calls, self.cancelled = [], []

    def run(self, function, *args, **more):
        self.calls.append((function, args, more))
        return len(self.calls)

    def cancel(self, key):
        self.cancelled.append(key)


@pytest.fixture
def fold(qtbot, tiny):
    session = Session()
    open_project(session, tiny.root)
    fold = MapFiguresFold(session, HandRunner())
    qtbot.addWidget(fold)
    fold.show()
    return fold


def text(fold):
    return " ".join(label.text() for label in fold.labels)


def test_nothing_is_measured_before_it_is_opened(fold):
    fold.follow()
    assert fold._runner.calls == []


def test_figures_come_and_are_kept_until_something_changes(fold, tiny):
    fold.open()
    ((function, args, more),) = fold._runner.calls
    assert function is map_figures
    assert args[:2] == (tiny.root, tiny.current_version)
    assert "Measuring" in text(fold)
    more["on_result"](map_figures(*args))
    assert "Compactness" in text(fold)
    assert "not on the map" in text(fold)
    fold.follow()
    assert len(fold._runner.calls) == 1
    fold._session.results_before = fold._session.results
    fold.follow()
    assert len(fold._runner.calls) == 2
    more["on_result"](map_figures(*args))  # late: of something else
    assert "Measuring" in text(fold)


def test_after_an_error_only_opening_it_again_asks_again(fold):
    fold.open()
    fold._runner.calls[0][2]["on_error"](ModelError("It is damaged.", "Train again."))
    assert "could not" in text(fold)
    fold.follow()
    assert len(fold._runner.calls) == 1
    fold.button.setChecked(False)
    fold.open()
    assert len(fold._runner.calls) == 2


def test_without_a_model_it_says_so(qtbot):
    fold = MapFiguresFold(Session(), HandRunner())
    qtbot.addWidget(fold)
    fold.open()
    assert "trained model" in text(fold)


def test_closing_stops_what_runs(fold):
    fold.open()
    fold.close_down()
    assert fold._runner.cancelled == [1]
