"""Evidence tiles, the mark and its check in the twin review, by doing what an expert does."""

from __future__ import annotations

import pytest
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest
from tests.ui.twin.reviewing import CTRL, SHIFT, WAIT, K, hover, press, used

from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.session.marks import mark_pair, set_expert
from napari_lookalike.session.opening import open_project
from napari_lookalike.ui.twin.keys import KEYS, LETTERS

# ---- evidence


def test_one_key_says_diagnostic_of_the_tile_under_the_pointer(review, session):
    region = review.compared.a.region(review.compared.a.top[0])
    hover(review, 0, region)
    press(review, K.Key_D)
    (tile,) = used(session)
    assert (tile.slide_id, tile.x, tile.y, tile.kind) == ("S01", region.x, region.y, "diagnostic")
    assert tile.expert == "Dr A"
    (mark,) = HardNegativeTable(session.project.table_path).rows()
    assert tile.mark == mark.id
    assert "diagnostic" in [f.look for f in review.panes.panes[0].frames]
    assert len(review.form.tiles.rows) == 1


def test_another_key_says_looks_alike_and_x_takes_it_back(review, session):
    press(review, K.Key_Right)
    assert review.panes.current[0] == 1
    press(review, K.Key_S)
    assert [(t.slide_id, t.kind) for t in used(session)] == [("S05", "look-alike")]
    assert "look-alike" in [f.look for f in review.panes.panes[1].frames]
    press(review, K.Key_X)
    assert used(session) == []
    assert "look-alike" not in [f.look for f in review.panes.panes[1].frames]


def test_ctrl_z_takes_tile_and_mark_back(review, session):
    press(review, K.Key_Left)
    press(review, K.Key_D)
    assert used(session)
    QTest.keySequence(review, QKeySequence.StandardKey.Undo)
    assert used(session) == []
    assert not any(m.active for m in session.marks)
    QTest.keySequence(review, QKeySequence.StandardKey.Redo)
    assert used(session)


def test_undoing_a_change_of_the_mark_is_seen_in_the_form(review):
    press(review, K.Key_2)
    press(review, K.Key_M)
    press(review, K.Key_5)
    press(review, K.Key_M)
    review.acts.undo()
    assert review.form.strength == 2
    review.acts.redo()
    assert review.form.strength == 5


def test_a_slide_that_is_embedded_meanwhile_gets_its_tiles(make, session, qtbot):
    path = session.project.features_path("S05")
    kept = path.read_bytes()
    path.unlink()
    session.embedded = session.embedded - {"S05"}
    review = make()
    review.panes.panes[0].set_field(review.panes.panes[0].field.centred(40.0, 40.0))
    looked_at = review.panes.panes[0].field
    session.embedded = session.embedded - {"S09"}  # another slide: nothing is read again
    assert not review.loader.busy
    path.write_bytes(kept)
    session.embedded = session.embedded | {"S05"}
    qtbot.waitUntil(lambda: bool(review.strip.cards), timeout=WAIT)
    assert review.panes.analysed(1)
    assert review.panes.panes[0].field == looked_at  # the view does not jump


def test_shift_and_an_arrow_frame_the_tile_beside(review):
    press(review, K.Key_Left)
    review.panes.go_to(0, review.panes._tiles[0].at(100.0, 100.0))
    press(review, K.Key_Right, SHIFT)
    assert review.panes.current[1].x == 128.0
    press(review, K.Key_Up, SHIFT)
    assert review.panes.current[1].y == 64.0


def test_slides_of_one_subtype_say_why_they_cannot_be_marked(make, session):
    review = make("S01", "S02")
    press(review, K.Key_D)
    assert used(session) == []
    assert not review.form.mark.isEnabled()
    press(review, K.Key_M)
    assert "two different subtypes" in review.notice.text()


def test_without_a_name_it_is_asked_for(make, session, qtbot):
    session.expert = ""
    review = make()
    press(review, K.Key_Left)
    press(review, K.Key_D)
    assert used(session) == []
    assert review.form.expert.isVisible()
    qtbot.keyClicks(review.form.expert, "Dr D")
    assert used(session) == []  # the letters D were typed, not heard as keys
    qtbot.keyClick(review.form.expert, K.Key_Return)
    assert session.expert == "Dr D"
    assert not review.form.expert.isVisible()
    press(review, K.Key_D)
    assert [t.expert for t in used(session)] == ["Dr D"]


# ---- the mark


def test_each_tile_is_shown_again_before_the_mark_is_kept(review, session):
    press(review, K.Key_Left)
    press(review, K.Key_D)
    press(review, K.Key_Right)
    press(review, K.Key_S)
    press(review, K.Key_2)
    before = session.marks[-1].strength
    press(review, K.Key_M)
    assert review.side.currentWidget() is review.check
    assert "1 of 2" in review.check.title.text()
    assert review.panes.current[0] == 0
    press(review, K.Key_D)  # means nothing here
    press(review, K.Key_Return)
    assert "2 of 2" in review.check.title.text()
    assert review.panes.current[0] == 1
    assert session.marks[-1].strength == before  # nothing is kept yet
    press(review, K.Key_X)  # it was wrong
    assert review.side.currentWidget() is not review.check
    assert [t.kind for t in used(session)] == ["diagnostic"]
    (mark,) = [m for m in session.marks if m.active]
    assert mark.strength == pytest.approx(0.4)
    assert "Marked with 1 tile." in review.notice.text()


def test_a_tile_that_was_checked_is_not_shown_again_and_a_changed_one_is(review):
    press(review, K.Key_Left)
    press(review, K.Key_D)
    press(review, K.Key_M)
    press(review, K.Key_Return)
    press(review, K.Key_M)
    assert not review.checking.running
    press(review, K.Key_S)  # changed one's mind
    press(review, K.Key_M)
    assert review.checking.running


def test_all_that_the_form_holds_is_kept(review, session):
    review.form.reason.setCurrentText("small round blue cells")
    review.form.features.setText("rosettes; tubules")
    review.form.test.setCurrentText("INI1 (SMARCB1)")
    review.form.result.setCurrentText("lost")
    review.form.confidence.setCurrentText("sure")
    press(review, K.Key_5)
    press(review, K.Key_M)
    (mark,) = HardNegativeTable(session.project.table_path).rows()
    assert (mark.strength, mark.reason, mark.tags) == (
        1.0,
        "small round blue cells",
        ("rosettes", "tubules"),
    )
    assert (mark.test, mark.test_result, mark.confidence) == ("INI1 (SMARCB1)", "lost", "sure")
    assert mark.model_version == session.results.version


def test_the_form_shows_the_mark_that_is_there(make, session):
    mark_pair(session, "S05", "S01", "both blue", 0.4)
    review = make()
    assert review.form.strength == 2
    assert review.form.reason.currentText() == "both blue"
    assert "Keep the changes" in review.form.mark.text()
    review.form.reason.setCurrentText("")
    press(review, K.Key_M)
    assert session.marks[-1].reason == ""


def test_leaving_shows_unchecked_tiles_first(review, session):
    press(review, K.Key_Left)
    press(review, K.Key_D)
    press(review, K.Key_Escape)
    assert session.twin is not None
    assert review.checking.running
    press(review, K.Key_Escape)  # back to the slides
    assert not review.checking.running
    press(review, K.Key_Escape)
    press(review, K.Key_Return)
    assert session.twin is None


def test_a_second_expert_confirms_and_disputes(review, session, qtbot):
    press(review, K.Key_Left)
    press(review, K.Key_D)
    press(review, K.Key_Right)
    press(review, K.Key_S)
    set_expert(session, "Dr B")
    review.show_pair()
    qtbot.waitUntil(lambda: not review.loading)
    assert review.form.second.isVisibleTo(review)
    press(review, K.Key_C)
    assert "the tiles of Dr A: 1 of 2" in review.check.title.text()
    press(review, K.Key_Return)
    press(review, K.Key_X)
    said = {t.kind: (t.second_expert, t.second_says) for t in used(session)}
    assert said == {"diagnostic": ("Dr B", "confirmed"), "look-alike": ("Dr B", "disputed")}
    assert not review.form.second.isVisibleTo(review)
    press(review, K.Key_Escape)  # they are not Dr B's own: nothing is left to check
    assert session.twin is None


def test_n_shows_the_next_pair(review, session, qtbot):
    mark_pair(session, "S02", "S06", "next", 0.6)
    press(review, K.Key_N)
    assert session.twin == ("S02", "S06")


def test_n_at_the_end_says_so(review):
    press(review, K.Key_N)
    assert "no further pair" in review.notice.text()


# ---- keys


def test_no_key_reaches_the_window_below(review):
    window = review.parent()
    for key in (*LETTERS, K.Key_V, K.Key_A, K.Key_7, K.Key_Space, K.Key_Delete):
        if key not in (K.Key_Escape, K.Key_F1):
            press(review, key)
    press(review, K.Key_G, CTRL)
    assert window.heard == []


def test_every_letter_has_a_method_and_is_listed(review):
    for name in LETTERS.values():
        assert hasattr(review.acts, name) != hasattr(review, name), name
    listed = {key.name for key in KEYS}
    assert set(LETTERS.values()) - {"show_keys"} <= listed


def test_tab_stays_in_this_view(review, qtbot):
    review.take_focus()
    fields = review.form.fields()
    for field in fields:
        review.focusNextPrevChild(True)
        assert review.window().focusWidget() in (field, *field.findChildren(type(field)))
    review.focusNextPrevChild(True)
    assert review.window().focusWidget() is review


def test_letting_go_closes_both_files(review, monkeypatch):
    sources = [pane.source for pane in review.panes.panes]
    closed = []
    for source in sources:
        monkeypatch.setattr(source.slide, "close", lambda s=source: closed.append(s))
    review.close_pair()
    assert {id(s) for s in closed} == {id(s) for s in sources}
    assert all(pane.source is None for pane in review.panes.panes)


def test_tiles_of_a_sitting_that_was_cut_off_are_shown_again(make, session):
    tile = EvidenceTile(
        slide_id="S01", x=64, y=32, size=32, expert="Dr A", unchecked=True,
        mark=mark_pair(session, "S01", "S05").id,
    )  # fmt: skip
    HardNegativeTable(session.project.table_path).add_evidence(tile)
    open_project(session, session.project.root)
    review = make()
    press(review, K.Key_Escape)
    assert review.checking.running
    assert "1 of 1" in review.check.title.text()
    press(review, K.Key_Return)
    assert session.twin is None  # that was all
    assert session.evidence[0].used
    review = make()
    press(review, K.Key_Escape)
    assert session.twin is None  # it is not asked for again
