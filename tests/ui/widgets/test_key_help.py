"""The list of keys is read in full, on a small screen and with large text."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QLabel, QWidget

from napari_lookalike.ui.widgets.key_help import NORMAL_PT, KeyHelp

GROUPS = {
    heading: [(f"Ctrl + {i}", f"What the key {i} does, in a few words") for i in range(40)]
    for heading in ("Magnification", "Go to", "Panels", "Map")
}


def test_no_key_is_cut_when_the_text_is_larger(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.setStyleSheet("* { font-size: 16pt; }")
    dialog = KeyHelp(GROUPS, window)
    with qtbot.waitExposed(dialog):
        dialog.show()
    labels = dialog.area.widget().findChildren(QLabel)
    assert len(labels) == len(GROUPS)

    def uncut():
        hints = [(label.size(), label.sizeHint()) for label in labels]
        return all(s.width() >= h.width() and s.height() >= h.height() for s, h in hints)

    qtbot.waitUntil(uncut, timeout=20_000)
    room = dialog.screen().availableSize()
    assert dialog.width() <= room.width() and dialog.height() <= room.height()


def test_a_list_that_is_too_high_for_two_columns_takes_three(qtbot, monkeypatch):
    dialog = KeyHelp({heading: GROUPS[heading] for heading in ("Go to", "Panels", "Map")}, None)
    qtbot.addWidget(dialog)
    two = dialog._lay_out(2, NORMAL_PT).height()
    dialog._lay_out(3, NORMAL_PT)
    three = dialog._inside.heightForWidth(5000)
    assert three < two
    between = QSize(5000 + 200, (two + three) // 2 + dialog._rest())
    monkeypatch.setattr(dialog, "_room", lambda: between)
    dialog._fit()
    assert [column.count() - 1 for column in dialog._columns] == [1, 1, 1]  # and its stretch
    monkeypatch.setattr(dialog, "_room", lambda: QSize(5200, 300))  # too low for either
    dialog._fit()
    assert [column.count() - 1 for column in dialog._columns] == [1, 2, 0]
