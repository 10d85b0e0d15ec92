"""The twin review: two slides side by side, by doing what an expert does."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QKeySequence, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMainWindow
from tests.project_fixtures import TILE_PX0, tiny_project

from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.session import twin
from napari_lookalike.session.marks import mark_pair, set_expert
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.twin.keys import KEYS, LETTERS
from napari_lookalike.ui.twin.review import TwinReview

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
WAIT = 30_000


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    session = Session()
    open_project(session, tiny_project(tmp_path, features=True).root)
    set_expert(session, "Dr A")
    return session


class Below(QMainWindow):
    """Stands for napari's window: it must hear no key."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def keyPressEvent(self, event) -> None:
        self.heard.append(event.key())


@pytest.fixture
def make(qtbot, session):
    made = []

    def show(a: str = "S01", b: str = "S05") -> TwinReview:
        window = Below()
        qtbot.addWidget(window)
        window.resize(1300, 720)
        review = TwinReview(session, window)
        review.setGeometry(0, 0, 1300, 720)
        window.show()
        twin.open_twin(session, a, b)
        review.show_pair()
        made.append((window, review))
        qtbot.waitUntil(lambda: not review.loading, timeout=WAIT)
        return review

    yield show
    for window, review in made:
        review.close_pair()
        window.close()


@pytest.fixture
def review(make) -> TwinReview:
    return make()


def press(review, key, modifiers=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(review, key, modifiers)


def used(session):
    tiles = HardNegativeTable(session.project.table_path).evidence()
    return [t for t in tiles if t.status == "active"]


def centre_of(region):
    return region.x + region.width / 2, region.y + region.height / 2


def hover(review, i, region):
    """Bring the pointer over a tile that is in sight."""
    pane = review.panes.panes[i]
    at = pane.point_of(*centre_of(region)).toPoint()
    assert pane.rect().contains(at)
    QTest.mouseMove(pane, at + QPoint(1, 1))
    QTest.mouseMove(pane, at)
    pane.pointed.emit(*centre_of(region))  # a window that is not in front gets no moves
    assert review.panes.current == (i, region)


def wheel(pane, notches, at=None):
    at = QPointF(pane.rect().center()) if at is None else at
    event = QWheelEvent(
        at,
        QPointF(pane.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


# ---- opening


def test_each_slide_opens_at_its_most_attended_tile_at_one_scale(review, session):
    for i, slide_id in enumerate(session.twin):
        logits = session.results.slides[slide_id].attention_logits[0]
        side = (review.compared.a, review.compared.b)[i]
        region = side.region(int(logits.argmax()))
        field = review.panes.panes[i].field
        assert (field.x_px0, field.y_px0) == centre_of(region)
    a, b = review.panes.fields
    assert a.pixel == pytest.approx(b.pixel)


def test_a_pane_draws_the_slide_where_it_says(review, session):
    """The colour under a place is the slide's own there, at whatever zoom."""
    review.show_all()
    pane = review.panes.panes[0]
    pane.set_frames(())
    picture = pane.grab().toImage()
    ratio = pane.devicePixelRatioF()
    with session.project.open_slide("S01") as slide:
        pixels = slide.read_level(0, 0, 0, *slide.size).astype(int)
    compared = 0
    for x, y in np.random.default_rng(0).integers(4, (250, 186), (200, 2)):
        patch = pixels[y - 1 : y + 2, x - 1 : x + 2]
        if np.ptp(patch, axis=(0, 1)).max():  # at an edge, where neighbours mix
            continue
        at = pane.point_of(x + 0.5, y + 0.5)
        if not pane.rect().adjusted(0, 0, 0, -60).contains(at.toPoint()):
            continue
        colour = picture.pixelColor(round(at.x() * ratio), round(at.y() * ratio))
        drawn = np.array([colour.red(), colour.green(), colour.blue()])
        assert np.abs(drawn - pixels[y, x]).max() <= 6, (x, y)
        compared += 1
    assert compared > 50


def test_names_predictions_and_research_use_are_said(review):
    assert review.panes.titles[0].text() == "A: S01, alpha"
    assert review.panes.titles[1].text() == "B: S05, beta"
    assert "The model says" in review.panes.predictions[0].text()


def test_a_slide_without_features_is_shown_and_says_so(make, session):
    session.project.features_path("S05").unlink()
    review = make()
    assert review.panes.panes[1].source is not None
    assert "Embed the slide first" in review.panes.missing[1].text()
    assert review.strip.cards == ()
    review.panes.choose_side(1)
    press(review, K.Key_D)
    (tile,) = used(session)
    assert tile.slide_id == "S05"
    assert "not embedded yet" in review.notice.text()


def test_a_slide_whose_file_is_gone_says_so_and_the_other_is_shown(make, session):
    session.cohort["S05"].path.unlink()
    review = make()
    assert review.panes.panes[0].source is not None
    assert "not where it was" in review.panes.panes[1].message
    press(review, K.Key_Home)  # nothing of it stands in the way
    press(review, K.Key_Plus)


# ---- rows


def test_a_click_on_a_row_goes_there_in_both(review, qtbot):
    card = review.strip.cards[1]
    qtbot.mouseClick(card, LEFT)
    match = review.compared.rows[1]
    for i, (side, tile) in enumerate(((review.compared.a, match.a), (review.compared.b, match.b))):
        field = review.panes.panes[i].field
        assert (field.x_px0, field.y_px0) == centre_of(side.region(tile))
    assert card.selected
    assert not review.strip.cards[0].selected


def test_rows_by_key_and_their_pictures(review, qtbot):
    qtbot.waitUntil(lambda: all(c._pictures for c in review.strip.cards), timeout=WAIT)
    press(review, K.Key_Down)
    assert review.row == 0
    press(review, K.Key_Down)
    assert review.row == 1
    press(review, K.Key_Up)
    press(review, K.Key_Up)
    assert review.row == 0
    assert [c.selected for c in review.strip.cards].index(True) == 0


def test_going_far_out_and_to_a_row_comes_near_again(review):
    press(review, K.Key_Home)
    for _ in range(12):
        press(review, K.Key_Minus)
    review.go_to_row(0)
    drawn = TILE_PX0 / review.panes.panes[0].field.step[0]
    assert drawn >= 48


# ---- moving


def test_the_wheel_zooms_both_by_the_same_um(review):
    before = review.panes.fields
    wheel(review.panes.panes[1], -2)
    a, b = review.panes.fields
    assert a.pixel == pytest.approx(b.pixel)
    assert a.pixel > before[0].pixel


def test_the_wheel_keeps_what_is_under_the_pointer(review):
    pane = review.panes.panes[0]
    at = QPointF(pane.width() * 0.6, pane.height() * 0.4)
    before = pane.place_at(at)
    wheel(pane, 1, at)
    assert pane.place_at(at) == pytest.approx(before, abs=0.01)


def test_panning_moves_one_and_both_when_linked(review):
    press(review, K.Key_Home)
    press(review, K.Key_Plus)
    press(review, K.Key_Plus)
    for pane in review.panes.panes:
        pane.set_field(pane.field.centred(128.0, 96.0))
    a, b = review.panes.fields
    review.panes.panes[0].pan_requested.emit(20.0, 10.0)
    assert review.panes.fields[0] != a
    assert review.panes.fields[1] == b
    press(review, K.Key_L)
    assert review.link.isChecked()
    a, b = review.panes.fields
    review.panes.panes[1].pan_requested.emit(20.0, 10.0)
    moved = [
        (n.x_px0 - o.x_px0, n.y_px0 - o.y_px0)
        for n, o in zip(review.panes.fields, (a, b), strict=True)
    ]
    assert moved[0] == pytest.approx(moved[1])
    assert moved[0][0] > 0


def test_a_drag_pans_and_is_no_click(review, qtbot):
    pane = review.panes.panes[0]
    clicks, pans = [], []
    pane.clicked.connect(lambda *at: clicks.append(at))
    pane.pan_requested.connect(lambda *by: pans.append(by))
    qtbot.mousePress(pane, LEFT, pos=pane.rect().center())
    qtbot.mouseMove(pane, pane.rect().center() + QPoint(30, 0))
    qtbot.mouseMove(pane, pane.rect().center() + QPoint(40, 10))
    qtbot.mouseRelease(pane, LEFT, pos=pane.rect().center() + QPoint(40, 10))
    if pans:  # a virtual screen may hold mouse moves back
        assert clicks == []
    qtbot.mouseClick(pane, LEFT, pos=pane.rect().center())
    assert len(clicks) == (1 if pans else 2)


def test_the_next_top_tile(review):
    first = review.panes.current
    press(review, K.Key_Left)
    press(review, K.Key_T)
    second = review.compared.a.region(review.compared.a.top[1])
    assert review.panes.current == (0, second)
    assert first != review.panes.current


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


def test_a_second_expert_confirms_and_disputes(review, session):
    press(review, K.Key_Left)
    press(review, K.Key_D)
    press(review, K.Key_Right)
    press(review, K.Key_S)
    set_expert(session, "Dr B")
    review.show_pair()
    QTest.qWait(0)
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
