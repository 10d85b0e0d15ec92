"""One selection: map, Cases and the table of look-alikes follow one another, without an echo."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from tests.project_fixtures import tiny_projection

from napari_lookalike.session import marks
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.panels.cases import CasesPanel
from napari_lookalike.ui.panels.hard_negatives import HardNegativesPanel
from napari_lookalike.ui.panels.map import MapPanel


class NoJobs:
    def run(self, *_args, **_more):
        return 1

    def cancel(self, key):
        pass


@pytest.fixture
def panels(qtbot, tiny):
    session = Session()
    open_project(session, tiny.root)
    session.projection = tiny_projection(session.results)
    marks.set_expert(session, "Dr A")
    marks.mark_pair(session, "S01", "S05")
    made = [kind(session, NoJobs()) for kind in (MapPanel, CasesPanel, HardNegativesPanel)]
    for panel in made:
        qtbot.addWidget(panel)
        panel.resize(400, 600)
        panel.show()
    session.selection = ()
    heard = []
    session.events.selection.connect(heard.append)
    yield made, heard
    for panel in made:
        panel.close()


def shown_in_cases(cases):
    chosen = cases.list.selectionModel().selectedIndexes()
    return {cases.model.slide_at(index) for index in chosen}


def test_from_the_map(qtbot, panels):
    (on_map, cases, table), heard = panels
    for slide_id in ("S01", "S05"):
        qtbot.mouseClick(
            on_map.scatter,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.ControlModifier,
            on_map.scatter.point_at(slide_id),
        )
    assert heard == [("S01",), ("S01", "S05")]
    assert shown_in_cases(cases) == {"S01", "S05"}
    assert table.current().sides == ("S01", "S05")


def test_from_the_table(qtbot, panels):
    (on_map, cases, table), heard = panels
    table.table.selectRow(0)
    assert heard == [("S01", "S05")]
    assert on_map.scatter.scene.selected == ("S01", "S05")
    assert shown_in_cases(cases) == {"S01", "S05"}


def test_from_cases(qtbot, panels):
    (on_map, cases, table), heard = panels
    place = cases.list.visualRect(cases.model.index_of("S02")).center()
    qtbot.mouseClick(
        cases.list.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ControlModifier,
        place,
    )
    assert heard == [("S02",)]
    assert on_map.scatter.scene.selected == ("S02",)
    assert table.current() is None
