"""The table model follows the declared columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import QAbstractItemView, QDoubleSpinBox, QTableView

from napari_lookalike.core.hard_negatives.columns import PairMark, columns
from napari_lookalike.ui.widgets.table import (
    DeclaredTableModel,
    ShareDelegate,
    TextRows,
    short_time,
)

Role = Qt.ItemDataRole


@dataclass(frozen=True)
class Row:
    """Three columns, one of them not shown."""

    name: str = field(default="", metadata={"title": "Name", "help": "What it is called."})
    share: float = field(default=0.5, metadata={"title": "Share", "editable": True})
    secret: str = field(default="x", metadata={"shown": False})


@pytest.fixture
def model(qtbot):
    model = DeclaredTableModel(Row, is_faint=lambda row: row.name == "old")
    model.set_rows([Row("new", 0.25), Row("old", 1.0)])
    return model


def test_columns_follow_the_declaration(model):
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    assert titles == ["Name", "Share"]
    assert model.headerData(0, Qt.Orientation.Horizontal, Role.ToolTipRole) == "What it is called."


def test_every_shown_column_of_a_mark_is_there(qtbot):
    model = DeclaredTableModel(PairMark)
    model.set_rows([PairMark(reason="alike")])
    assert [c.name for c in model.columns] == [
        n for n in columns() if PairMark.__dataclass_fields__[n].metadata["shown"]
    ]
    assert model.index(0, model.column_of("reason")).data() == "alike"


def test_cells(model):
    assert model.index(0, 1).data() == "0.25"
    assert model.index(0, 1).data(Role.EditRole) == 0.25
    assert model.index(0, 0).data(Role.ForegroundRole) is None
    assert model.index(1, 0).data(Role.FontRole).italic()
    assert "Double-click" in model.index(0, 1).data(Role.ToolTipRole)
    assert model.data(QModelIndex()) is None


def test_only_editable_columns_can_be_edited(model):
    assert not model.flags(model.index(0, 0)) & Qt.ItemFlag.ItemIsEditable
    assert model.flags(model.index(0, 1)) & Qt.ItemFlag.ItemIsEditable


def test_an_edit_is_asked_for_and_not_made(qtbot, model):
    with qtbot.waitSignal(model.edit_requested) as asked:
        model.setData(model.index(0, 1), 0.75)
    assert asked.args == [Row("new", 0.25), "share", 0.75]
    assert model.rows[0].share == 0.25


def test_the_same_value_asks_for_nothing(qtbot, model):
    with qtbot.assertNotEmitted(model.edit_requested):
        model.setData(model.index(0, 1), 0.25)


def test_changed_cells_keep_the_selection(qtbot, model):
    view = QTableView()
    qtbot.addWidget(view)
    view.setModel(model)
    view.selectRow(1)
    model.set_rows([model.rows[0], replace(model.rows[1], share=0.1)])
    assert [i.row() for i in view.selectionModel().selectedRows()] == [1]
    assert model.index(1, 1).data() == "0.10"


def test_the_editor_takes_shares_only(qtbot, model):
    view = QTableView()
    qtbot.addWidget(view)
    view.setModel(model)
    view.setItemDelegateForColumn(1, ShareDelegate(view))
    view.setEditTriggers(QAbstractItemView.EditTrigger.AllEditTriggers)
    view.show()
    view.edit(model.index(0, 1))
    editor = view.findChild(QDoubleSpinBox)
    editor.setValue(7.0)
    assert editor.value() == 1.0
    with qtbot.waitSignal(model.edit_requested) as asked:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert asked.args[1:] == ["share", 1.0]


def test_times_are_local_and_short():
    assert len(short_time("2026-05-31T14:00:00+00:00")) == 16
    assert short_time("not a time") == "not a time"


def test_rows_are_as_high_as_their_text(qtbot, model):
    view = QTableView()
    qtbot.addWidget(view)
    view.setModel(model)
    TextRows(view)
    with qtbot.waitExposed(view):
        view.show()
    before = view.rowHeight(0)
    assert before >= view.fontMetrics().height()
    view.setStyleSheet("font-size: 20pt;")
    qtbot.waitUntil(lambda: view.rowHeight(0) >= view.fontMetrics().height(), timeout=20_000)
    assert view.rowHeight(0) > before
