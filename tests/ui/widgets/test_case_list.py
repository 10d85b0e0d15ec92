"""The model of the list of cases: its rows are what is shown, and Qt can count them."""

from __future__ import annotations

from qtpy.QtCore import Qt
from tests.project_fixtures import tiny_project

from napari_lookalike.session.case_view import resolve_cases
from napari_lookalike.ui.widgets.case_list import ITEM, CaseModel


def test_rows_are_those_that_are_shown(qtbot, tmp_path):
    groups = resolve_cases(tiny_project(tmp_path).cohort)
    model, said = CaseModel(), []
    model.modelReset.connect(lambda: said.append(model.rowCount()))
    for shown in (groups, groups[:1], (), groups):
        rows = sum(1 + len(group.rows) for group in shown)
        model.show_groups(shown)
        assert model.rowCount() == rows == said[-1]
        assert model.rowCount(model.index(0)) == 0
        assert [model.index(i).data(ITEM) for i in range(rows)] == [
            item for group in shown for item in (group, *group.rows)
        ]
    assert len(said) == 4, "the view is told once a change"


def test_a_row_is_not_text_to_be_changed(qtbot, tmp_path):
    model = CaseModel()
    model.show_groups(resolve_cases(tiny_project(tmp_path).cohort))
    for row in range(model.rowCount()):
        assert not model.index(row).flags() & (
            Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled
        )


def test_qt_counts_the_rows_without_asking_python():
    """A list of 13,000 rows asks 27,000 times at each layout."""
    assert "rowCount" not in vars(CaseModel)
