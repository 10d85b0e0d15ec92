"""The list of keys is read in full, on a small screen and with large text."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QWidget

from napari_lookalike.ui.widgets.key_help import KeyHelp

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
