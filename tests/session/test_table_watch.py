"""What others do to the table is seen, and never shown in the wrong project."""

from dataclasses import replace

from napari_lookalike.core.hard_negatives import HardNegativeTable
from napari_lookalike.session import marks
from napari_lookalike.session.opening import close_project
from napari_lookalike.session.table_watch import look, take_over


def test_news_of_others_come_in_and_are_said(opened):
    place = opened.project.table_place
    assert look(place, -1) is None  # no table yet
    mark = marks.mark_pair(opened, "S01", "S05")
    first = look(place, -1)
    assert not take_over(opened, first)  # one's own
    seen = first.held[2]
    assert look(place, seen) is None
    table = HardNegativeTable(place)
    table.add(replace(mark, expert="Dr B"))
    table.update(1, by="Dr B", strength=0.1)
    assert take_over(opened, look(place, seen))
    assert [m.expert for m in opened.marks] == ["Dr A", "Dr B"]
    assert opened.notice.text == "1 mark came in from Dr B, 1 mark was changed by others."


def test_a_project_that_was_closed_meanwhile_gets_nothing(opened):
    marks.mark_pair(opened, "S01", "S05")
    news = look(opened.project.table_place, -1)
    close_project(opened)
    assert not take_over(opened, news)
    assert opened.marks == ()
