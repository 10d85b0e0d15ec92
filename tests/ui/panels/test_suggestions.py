"""The panel Suggestions: one card at a time, keys, the form filled in, coverage, review list."""

from __future__ import annotations

import threading

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit
from tests.project_fixtures import tiny_project

from napari_lookalike.core.hard_negatives import Decision, HardNegativeTable
from napari_lookalike.core.suggest import rank, read_decisions
from napari_lookalike.core.suggest.textbook import FILE_NAME
from napari_lookalike.session import suggestions
from napari_lookalike.session.marks import mark_subtypes
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import Session
from napari_lookalike.session.table_watch import look, take_over
from napari_lookalike.ui.panels.suggestions import KEYS, SuggestionsPanel

pytestmark = pytest.mark.gui
LEFT = Qt.MouseButton.LeftButton
BOOK = "subtype_a,subtype_b,why,test,strength,source,confirmed_by\nbeta,alpha,Blue,INI1,0.9,,\n"
PATIENT_MS = 20_000


@pytest.fixture
def session(tmp_path) -> Session:
    project = tiny_project(tmp_path)
    (project.root / FILE_NAME).write_text(BOOK)
    session = Session()
    open_project(session, project.root)
    session.expert = "Dr A"
    return session


def until_looked(qtbot, session) -> None:
    qtbot.waitUntil(lambda: session.suggestions.found is not None, timeout=PATIENT_MS)


@pytest.fixture
def panel(qtbot, session):
    panel = SuggestionsPanel(session, None)
    qtbot.addWidget(panel)
    panel.resize(430, 300)
    panel.show()
    until_looked(qtbot, session)
    yield panel
    panel.close()


def press(panel, key: str) -> None:
    """What its shortcut does; a bare X server gives no window the focus that keys need."""
    panel.buttons[key].click()


def test_looking_is_said_and_then_there_is_a_card(qtbot, session):
    panel = SuggestionsPanel(session, None)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.text() == "Looking for pairs…"
    assert not panel.buttons["A"].isEnabled()
    until_looked(qtbot, session)
    assert panel.stack.currentWidget() is panel.card
    assert panel.position.text().startswith("Suggestion 1 of ")
    assert {side.side.label for side in panel.card.sides} == {"alpha", "beta"}
    assert "INI1" in panel.card.text.text()
    assert "To be confirmed by a neuropathologist" in panel.card.text.text()
    assert panel.research.isVisible()
    panel.close()


def test_accept_shows_the_form_filled_in_and_enter_marks(qtbot, panel, session):
    press(panel, "A")
    assert panel.stack.currentWidget() is panel._filled
    assert not panel.answers.isVisible()
    assert panel.form.draft().strength == pytest.approx(0.9)
    assert panel.form.draft().reason == "Blue"
    assert panel.form.ok.text() == "Mark"
    assert panel.form.slides_button.isVisible()
    assert "INI1" in panel.test.text()
    assert session.marks == ()
    qtbot.keyClick(panel.form, Qt.Key.Key_Return)
    [mark] = session.marks
    assert (mark.expert, mark.reason, mark.strength) == ("Dr A", "Blue", 0.9)
    assert panel.stack.currentWidget() is panel.card
    assert panel.answers.isVisible()
    assert [d.what for d in read_decisions(session.project.root)] == ["accept"]


def test_cancel_keeps_nothing(qtbot, panel, session):
    press(panel, "A")
    qtbot.keyClick(panel.form, Qt.Key.Key_Escape)
    assert panel.stack.currentWidget() is panel.card
    assert session.marks == ()
    assert session.proposal is None


def test_reject_later_next_and_undo(panel, session):
    first, second, third = (s.key for s in suggestions.queue(session)[:3])
    press(panel, "N")
    assert suggestions.current(session).key == second
    panel.previous()
    assert suggestions.current(session).key == first
    press(panel, "X")
    assert suggestions.current(session).key == second
    press(panel, "L")
    assert suggestions.current(session).key == third
    assert [d.what for d in read_decisions(session.project.root)] == ["reject", "later"]
    panel._undo()
    assert suggestions.current(session).key == second
    panel._undo()
    assert suggestions.current(session).key == first
    panel._redo()
    assert first not in [s.key for s in suggestions.queue(session)]


def test_a_reason_goes_with_the_no(qtbot, panel, session):
    first = suggestions.current(session).key
    press(panel, "W")
    assert panel.why.isVisible()
    assert not panel.answers.isVisible()
    qtbot.keyClicks(panel.why, "no rosettes")
    assert read_decisions(session.project.root) == ()
    qtbot.keyClick(panel.why, Qt.Key.Key_Return)
    [kept] = read_decisions(session.project.root)
    assert (kept.what, kept.key, kept.note) == ("reject", first, "no rosettes")
    assert not panel.why.isVisible()
    assert panel.why.text() == ""
    assert panel.answers.isVisible()


def test_a_reason_is_never_given_for_another_pair(qtbot, panel, session):
    press(panel, "W")
    qtbot.keyClicks(panel.why, "no rosettes")
    qtbot.keyClick(panel.why, Qt.Key.Key_Escape)
    assert not panel.why.isVisible()
    assert panel.answers.isVisible()
    press(panel, "W")
    qtbot.keyClicks(panel.why, "no rosettes")
    press(panel, "N")
    qtbot.waitUntil(lambda: not panel.why.isVisible(), timeout=PATIENT_MS)
    assert panel.why.text() == ""
    assert read_decisions(session.project.root) == ()


def test_a_colleagues_no_stands_on_the_card(qtbot, panel, session):
    first = suggestions.current(session)
    table = HardNegativeTable(session.project.table_path)
    table.answer(Decision("reject", first.level, first.a, first.b, "Dr B", note="no rosettes"))
    take_over(session, look(session.project.table_place, -1))
    suggestions.show(session, first.key)
    qtbot.waitUntil(lambda: "Rejected by Dr B on" in panel.card.text.text(), timeout=PATIENT_MS)
    assert "no rosettes" in panel.card.text.text()


def test_answers_of_an_older_version_come_into_the_table(qtbot, session):
    line = '{"what": "reject", "level": "slide", "a": "S01", "b": "S05", "who": "Dr B"}\n'
    (session.project.root / "suggestions.jsonl").write_text(line)
    panel = SuggestionsPanel(session, None)
    qtbot.addWidget(panel)
    panel.show()
    until_looked(qtbot, session)
    [answer] = HardNegativeTable(session.project.table_path).answers()
    assert (answer.what, answer.who) == ("reject", "Dr B")
    panel.close()


def test_without_a_name_it_asks_and_then_does_it(qtbot, panel, session):
    session.expert = ""
    key = suggestions.current(session).key
    press(panel, "X")
    assert panel.name.isVisible()
    assert read_decisions(session.project.root) == ()
    qtbot.keyClicks(panel.name, "Dr Z")
    qtbot.keyClick(panel.name, Qt.Key.Key_Return)
    assert not panel.name.isVisible()
    [kept] = read_decisions(session.project.root)
    assert (kept.who, kept.key) == ("Dr Z", key)


def test_compare_shows_the_two_side_by_side(panel, session):
    slides = suggestions.current(session).slides
    press(panel, "C")
    assert session.twin == slides


def test_a_picture_opens_its_slide(qtbot, panel, session):
    picture = panel.card.sides[1]
    qtbot.mouseClick(picture, LEFT)
    assert session.slide_id == picture.side.slide_id
    qtbot.keyClick(panel.card.sides[0], Qt.Key.Key_Return)
    assert session.slide_id == panel.card.sides[0].side.slide_id


def test_pictures_come_when_they_are_read(qtbot, panel):
    sides = [s.side.slide_id for s in panel.card.sides]
    qtbot.waitUntil(
        lambda: all(panel._pictures.get(s, 40) is not None for s in sides), timeout=PATIENT_MS
    )
    assert not panel.card.grab().isNull()


def test_the_bar_follows_marks_and_a_click_brings_the_pair(qtbot, panel, session):
    [(area, row)] = panel.bar.parts()
    assert row.open
    assert "0 of " in panel.meter.text()
    suggestions.show(session, suggestions.queue(session)[-1].key)
    panel.tabs.setCurrentIndex(1)
    qtbot.mouseClick(panel.bar, LEFT, pos=QPoint(round(area.center().x()), 5))
    assert panel.tabs.currentIndex() == 0
    assert set(suggestions.current(session).subtypes) == {"alpha", "beta"}
    mark_subtypes(session, "alpha", "beta")
    [(_, row)] = panel.bar.parts()
    assert not row.open
    assert row.standing == "marked by Dr A"
    assert not panel.bar.grab().isNull()


def test_the_list_of_confused_pairs_brings_the_pair_too(panel, session):
    suggestions.show(session, suggestions.queue(session)[-1].key)
    item = panel.pairs.tree.topLevelItem(0)
    assert item.text(2) == "nobody looked"
    panel.pairs.tree.itemClicked.emit(item, 0)
    assert set(suggestions.current(session).subtypes) == {"alpha", "beta"}
    while any(set(s.subtypes) == {"alpha", "beta"} for s in suggestions.queue(session)):
        suggestions.show_subtypes(session, "alpha", "beta")
        suggestions.reject(session)
    panel.pairs.tree.itemClicked.emit(panel.pairs.tree.topLevelItem(0), 0)
    assert "No suggestion is left" in session.notice.text


def test_review_list_opens_slides_and_says_why(panel, session):
    tree = panel.review.tree
    item = tree.topLevelItem(0)
    tree.setCurrentItem(item)
    assert panel.review.why.text() == item.text(2)
    tree.itemActivated.emit(item, 0)
    assert session.slide_id == item.text(0)
    last = tree.topLevelItem(tree.topLevelItemCount() - 1)
    assert last.text(2).startswith("Set apart: ")
    assert last.font(0).italic()


def test_the_other_way_to_choose_slides(qtbot, panel, session):
    box = panel.review.method
    box.setCurrentIndex(box.findData("kmeans"))
    box.activated.emit(box.currentIndex())
    qtbot.waitUntil(lambda: session.suggestions.found.review.method == "kmeans", timeout=PATIENT_MS)
    assert box.currentData() == "kmeans"


def test_a_new_label_is_answered(qtbot, panel, session):
    from dataclasses import replace

    record = replace(session.cohort["S01"], label="")
    session.cohort = session.cohort.with_record(record)
    qtbot.waitUntil(lambda: "S01" not in session.suggestions.found.labels, timeout=PATIENT_MS)
    assert not any("S01" in s.slides for s in suggestions.queue(session))


def test_another_project_and_none(qtbot, panel, session):
    press(panel, "A")
    close_project(session)
    assert panel.empty.text() == "No project is open."
    assert session.proposal is None
    assert panel.stack.currentWidget() is panel.empty
    assert not panel.buttons["N"].isEnabled()


def test_a_large_project_is_looked_at_when_the_panel_is_seen(qtbot, session, monkeypatch):
    monkeypatch.setattr("napari_lookalike.ui.suggesting.AT_ONCE", 5)
    panel = SuggestionsPanel(session, None)
    qtbot.addWidget(panel)
    qtbot.waitUntil(lambda: panel.keeper._owed, timeout=PATIENT_MS)
    assert session.suggestions.found is None
    panel.show()
    until_looked(qtbot, session)
    panel.close()


def test_the_textbook_is_copied_and_opened(panel, session, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    (session.project.root / FILE_NAME).unlink()
    panel.textbook.click()
    assert (session.project.root / FILE_NAME).is_file()
    assert opened[0].fileName() == FILE_NAME
    assert "read when the project is opened again" in session.notice.text


def test_a_broken_textbook_is_said(qtbot, session):
    (session.project.root / FILE_NAME).write_text("nonsense\n")
    panel = SuggestionsPanel(session, None)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: session.notice is not None, timeout=PATIENT_MS)
    assert "lacks the column" in session.notice.text
    assert not session.suggestions.looking
    panel.close()


def test_every_act_has_a_key_and_every_control_a_tooltip(panel):
    assert [key for key, *_ in KEYS] == list(panel.buttons)
    for key, button in panel.buttons.items():
        assert f"({key})" in button.text()
        assert f"Key: {key}." in button.toolTip()
    for kind in (QAbstractButton, QLineEdit, QComboBox):
        for widget in panel.findChildren(kind):
            inner = widget.objectName().startswith("qt_") or isinstance(widget.parent(), QComboBox)
            assert inner or widget.toolTip() or widget.accessibleName() or not widget.isEnabled()


def test_text_stands_below_the_pictures_where_there_is_height(qtbot, panel):
    from qtpy.QtWidgets import QBoxLayout

    assert panel.card._layout.direction() == QBoxLayout.Direction.LeftToRight
    panel.resize(430, 700)
    qtbot.waitUntil(
        lambda: panel.card._layout.direction() == QBoxLayout.Direction.TopToBottom,
        timeout=PATIENT_MS,
    )


def test_keys_work_while_the_panel_has_the_focus(qtbot, panel, session):
    panel.activateWindow()
    panel.setFocus()
    qtbot.waitUntil(panel.hasFocus, timeout=PATIENT_MS)
    first, second = (s.key for s in suggestions.queue(session)[:2])
    qtbot.keyClick(panel, Qt.Key.Key_N)
    assert suggestions.current(session).key == second
    qtbot.keyClick(panel, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert suggestions.current(session).key == first
    qtbot.keyClick(panel, Qt.Key.Key_X)
    qtbot.keyClick(panel, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert suggestions.current(session).key == first
    qtbot.keyClick(panel, Qt.Key.Key_A)
    assert panel.stack.currentWidget() is panel._filled
    # While the form is open its letters are text, and no answers.
    qtbot.keyClicks(panel.form.reason.lineEdit(), "xaln")
    assert "xaln" in panel.form.draft().reason
    assert session.proposal is not None
    assert [d.what for d in read_decisions(session.project.root)] == ["reject", "withdraw"]


# ---- ten thousand slides


def test_a_large_queue_is_ranked_in_a_thread(qtbot, session, monkeypatch):
    """The window's thread never ranks: not when pairs were found, nor when one was answered."""
    for place in ("ui.soon", "ui.panels.suggestions"):
        monkeypatch.setattr(f"napari_lookalike.{place}.MANY", 5)
    threads = []

    def watched(*args):
        threads.append(threading.current_thread())
        return rank(*args)

    monkeypatch.setattr("napari_lookalike.session.suggestions.rank", watched)
    panel = SuggestionsPanel(session, None)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: bool(panel.position.text()), timeout=PATIENT_MS)
    total = len(suggestions.queue(session))
    assert panel.position.text() == f"Suggestion 1 of {total}"
    press(panel, "X")
    told = f"Suggestion 1 of {total - 1}"
    qtbot.waitUntil(lambda: panel.position.text() == told, timeout=PATIENT_MS)
    assert len(threads) == 2
    assert threading.main_thread() not in threads
    press(panel, "A")  # the form comes with the refresh, and is typed in
    qtbot.waitUntil(lambda: panel.stack.currentWidget() is panel._filled, timeout=PATIENT_MS)
    assert panel.isAncestorOf(panel.window().focusWidget())
    assert panel.window().focusWidget() is not panel
    panel.close()


def test_what_changes_while_it_is_ranked_is_ranked_again(qtbot, session, monkeypatch):
    for place in ("ui.soon", "ui.panels.suggestions"):
        monkeypatch.setattr(f"napari_lookalike.{place}.MANY", 5)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*args):
        begun.set()
        go_on.wait(PATIENT_MS / 1e3)
        return rank(*args)

    monkeypatch.setattr("napari_lookalike.session.suggestions.rank", slow)
    panel = SuggestionsPanel(session, None)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(begun.is_set, timeout=PATIENT_MS)
    session.expert = "Dr B"
    go_on.set()
    qtbot.waitUntil(lambda: bool(panel.position.text()), timeout=PATIENT_MS)
    assert suggestions.to_rank(session) is None  # what is shown is Dr B's
    panel.close()


def test_an_answer_that_is_late_is_not_made_good_in_the_windows_thread(
    qtbot, panel, session, monkeypatch
):
    for place in ("ui.soon", "ui.panels.suggestions"):
        monkeypatch.setattr(f"napari_lookalike.{place}.MANY", 5)
    late = suggestions.Ranked((None,) * 4, ())  # made of what no longer holds
    threads = []

    def watched(*args):
        threads.append(threading.current_thread())
        return rank(*args)

    monkeypatch.setattr("napari_lookalike.session.suggestions.rank", watched)
    panel._ranked(late)
    qtbot.waitUntil(lambda: suggestions.to_rank(session) is None, timeout=PATIENT_MS)
    assert threads
    assert threading.main_thread() not in threads
