"""The list of bookmarks shows notes as they were typed."""

from __future__ import annotations

from napari_lookalike.core.bookmarks import Bookmark
from napari_lookalike.session.slide_view import BookmarkRow
from napari_lookalike.ui.widgets.bookmark_list import NOTE, BookmarkList


def test_a_note_is_no_markup(qtbot):
    widget = BookmarkList()
    qtbot.addWidget(widget)
    bookmark = Bookmark("S01", "0" * 32, 10.0, 20.0, 1.0, note="<b>5</b> mitoses")
    widget.show_rows((BookmarkRow(bookmark, note=bookmark.note, about="Set by A"),))
    item = widget.topLevelItem(0)
    assert item.text(NOTE) == "<b>5</b> mitoses"
    assert item.toolTip(NOTE) == "<qt>&lt;b&gt;5&lt;/b&gt; mitoses<br>Set by A</qt>"
