"""Twin review: two slides side by side, over the window's canvas and panels."""

from __future__ import annotations

from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.slides.tile_source import TileSource
from napari_lookalike.core.twin import Comparison
from napari_lookalike.session.session import Notice, Session
from napari_lookalike.session.twin import proposal_of_pair
from napari_lookalike.session.twin_view import RESEARCH, TileView, TwinView, resolve_twin
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.twin.acts import TwinActs
from napari_lookalike.ui.twin.check import CheckPage
from napari_lookalike.ui.twin.checking import Checking
from napari_lookalike.ui.twin.form import TwinForm
from napari_lookalike.ui.twin.frames import frames_of, region_of
from napari_lookalike.ui.twin.hearing import Letters, hear
from napari_lookalike.ui.twin.keys import groups, key_of, title_of
from napari_lookalike.ui.twin.loading import TwinLoader
from napari_lookalike.ui.twin.panes import TwinPanes
from napari_lookalike.ui.twin.strip import MatchStrip
from napari_lookalike.ui.widgets.key_help import KeyHelp
from napari_lookalike.ui.widgets.palette import theme_of
from napari_lookalike.ui.widgets.scrolled import scrolled

FORM_PX = 292
EVENTS = ("marks", "evidence", "expert", "cohort")


class TwinReview(QWidget):
    """Two slides, the tiles that look alike, and what the expert says.

    Parameters
    ----------
    session
        Of the viewer; its ``twin`` says which slides.
    parent
        The window that it lies over.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("twinReview")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAutoFillBackground(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Two slides side by side")
        self.compared: Comparison | None = None
        self.view: TwinView | None = None
        self.row: int | None = None
        self._top = [-1, -1]
        self.panes, self.strip, self.form = TwinPanes(), MatchStrip(), TwinForm()
        self.check, self.side = CheckPage(), QStackedWidget()
        self.checking, self.acts = Checking(self), TwinActs(self)
        self.loader = TwinLoader(session, self)
        self.notice = QLabel()
        self._lay_out()
        self._connect()
        self.installEventFilter(Letters(self))

    def _lay_out(self) -> None:
        title = QLabel("Compare side by side")
        title.setStyleSheet("font-weight: bold; font-size: 12pt;")
        self.notice.setWordWrap(True)
        self.link = _button("Move together (L)", "Move both slides at once, by the same µm.", True)
        self.all = _button("Whole slides (Home)", "Show both slides whole, at one scale.")
        self.help = _button("Keys (F1)", "List every key of this view.")
        self.exit = _button("Close (Esc)", "Back to the workspace. What you marked stays.")
        top = QHBoxLayout()
        top.addWidget(title)
        top.addWidget(self.notice, 1)
        for button in (self.link, self.all, self.help, self.exit):
            top.addWidget(button)
        scroll = scrolled(self.form)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.side.addWidget(scroll)
        self.side.addWidget(self.check)
        self.side.setFixedWidth(FORM_PX)
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(self.panes, 1)
        left.addWidget(self.strip)
        body = QHBoxLayout()
        body.addLayout(left, 1)
        right = QVBoxLayout()
        right.addWidget(self.side, 1)
        research = QLabel(RESEARCH)
        research.setWordWrap(True)
        right.addWidget(research)
        body.addLayout(right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addLayout(body, 1)

    def _connect(self) -> None:
        acts = self.acts
        for button, act in (
            (self.link, self.toggle_link),
            (self.all, self.show_all),
            (self.help, self.show_keys),
            (self.exit, self.acts.leave),
        ):
            button.clicked.connect(lambda *_, act=act: act())
        self.strip.row_chosen.connect(self.go_to_row)
        self.panes.turned.connect(self.strip.lay)
        self.form.mark_requested.connect(acts.mark)
        self.form.next_requested.connect(acts.next_pair)
        self.form.second_look_requested.connect(acts.second_look)
        self.form.expert_given.connect(acts.give_name)
        self.form.tiles.chosen.connect(self.go_to_tile)
        self.form.tiles.take_back.connect(acts.retire)
        self.check.right.connect(self.checking.right)
        self.check.wrong.connect(self.checking.wrong)
        self.check.back.connect(self.checking.stop)
        self.loader.opened.connect(self._opened)
        self.loader.failed.connect(self._failed)
        self.loader.compared.connect(self._compared)
        self.loader.pictured.connect(self.strip.show_pictures)
        for pane in self.panes.panes:
            pane.clicked.connect(self.take_focus)
            pane.menu_requested.connect(self._menu)
        listen(self, [getattr(self.session.events, name) for name in EVENTS], self._refresh)
        listen(self, [self.session.events.embedded], self._on_embedded)
        listen(self, [self.session.events.results], self._on_results)
        listen(self, [self.session.events.notice], self._on_notice)

    # -- the pair -----------------------------------------------------------------

    def show_pair(self) -> None:
        """Show the session's two slides."""
        pair = self.session.twin
        self.close_pair()
        if pair is None:
            return
        for pane, slide_id in zip(self.panes.panes, pair, strict=True):
            pane.clear(f"Opening {slide_id}…")
        self._refresh()
        own = self.view.own if self.view is not None else None
        self.form.fill(own or proposal_of_pair(self.session))
        self.loader.load(pair)
        self.take_focus()

    def close_pair(self) -> None:
        """Let go of both slides."""
        self.checking.reset()
        self.panes.clear()
        self.loader.close()
        self.strip.show_rows(())
        self.compared, self.row, self._top = None, None, [-1, -1]
        self.notice.clear()

    @property
    def loading(self) -> bool:
        """Whether something is being read that will change what is shown."""
        return self.loader.busy or not all(
            pane.complete or pane.source is None for pane in self.panes.panes
        )

    def _opened(self, i: int, source: TileSource) -> None:
        self.panes.show_source(i, source)
        self._place()

    def _failed(self, i: int, sentence: str) -> None:
        self.panes.panes[i].clear(sentence)

    def _compared(self, found: Comparison) -> None:
        self.compared = found
        self.strip.show_rows(found.rows)
        self._refresh()
        self._place()

    def _place(self) -> None:
        """Open each slide at its first top tile, once it and its tiles are there."""
        if self.compared is None:
            return
        leader = None
        for i, side in enumerate((self.compared.a, self.compared.b)):
            if self.panes.panes[i].source is None:
                continue
            self.panes.show_tiles(i, side.grid)
            if self._top[i] >= 0:  # it has been placed; the user may have gone on since
                continue
            self._top[i] = 0
            leader = i if leader is None else leader
            if side.top:
                region = side.region(side.top[0])
                self.panes.zoom_to(i, region)
                self.panes.go_to(i, region)
                leader = i
        if leader is not None:
            self.panes.match_scales(leader)
            self.panes.choose_side(0)
        self._draw()

    def _on_embedded(self, now: frozenset[str], before: frozenset[str]) -> None:
        """One of the two has features now, or has none any more; others do not matter."""
        if any((s in now) != (s in before) for s in self.session.twin or ()):
            self._compare_again()

    def _on_results(self, now: ModelResults | None, before: ModelResults | None) -> None:
        """Another model looks elsewhere."""
        self._refresh()
        if (now and now.version) != (before and before.version):
            self._compare_again()

    def _compare_again(self) -> None:
        if self.session.twin is not None:
            self.row = None
            self.loader.compare(self.session.twin)

    def _refresh(self, *_: object) -> None:
        self.view = resolve_twin(self.session, self.compared)
        if self.view is None:
            return
        self.panes.show_sides(self.view.sides)
        self.strip.caption.setText(self.view.rows)
        self.form.show_view(self.view, self.session.expert)
        self._draw()

    def _draw(self) -> None:
        self.panes.set_frames(*frames_of(self.view, self.compared, self.row))

    def _on_notice(self, notice: Notice | None) -> None:
        """Napari shows notices over the canvas, which this view covers."""
        if notice is not None:
            self.say(notice.text, notice.kind != "info")

    def say(self, text: str, warning: bool = False) -> None:
        """A sentence above the slides."""
        colour = theme_of(self).warning if warning else theme_of(self).text
        self.notice.setStyleSheet(f"color: {colour.name()};")
        self.notice.setText(text)

    # -- going places -------------------------------------------------------------

    def go_to_row(self, row: int) -> None:
        """Show a row's two areas."""
        if self.compared is None or not 0 <= row < len(self.compared.rows):
            return
        self.row = row
        match = self.compared.rows[row]
        self.strip.select(row)
        self._draw()
        self.panes.go_both(self.compared.a.region(match.a), self.compared.b.region(match.b))
        self.take_focus()

    def go_to_tile(self, view: TileView) -> None:
        """Show an evidence tile."""
        self.panes.go_to(0 if view.letter == "A" else 1, region_of(view.tile))
        self.take_focus()

    def top_tile(self) -> None:
        """The next of the current slide's most attended tiles."""
        if self.compared is None:
            return
        i = self.panes.side
        side = (self.compared.a, self.compared.b)[i]
        if not side.top:
            self.say(side.missing or "This slide has no top tiles.", True)
            return
        self._top[i] = (self._top[i] + 1) % len(side.top)
        self.panes.go_to(i, side.region(side.top[self._top[i]]))

    def show_all(self) -> None:
        """Both slides whole."""
        self.panes.show_all()

    def _menu(self, at: QPoint) -> None:
        """What the keys say of a tile, for the mouse."""
        if self.panes.current is None or self.checking.running:
            return
        menu = QMenu(self)
        for name, act in (
            ("diagnostic", self.acts.diagnostic),
            ("lookalike", self.acts.lookalike),
            ("take_back", self.acts.take_back),
        ):
            menu.addAction(f"{title_of(name)} ({key_of(name)})", act)
        menu.popup(at)

    def toggle_link(self) -> None:
        """Move both together, or each by itself."""
        self.panes.linked = not self.panes.linked
        self.link.setChecked(self.panes.linked)
        both = "Both slides move together." if self.panes.linked else "Each slide moves by itself."
        self.say(both)

    # -- keys ---------------------------------------------------------------------

    def show_keys(self) -> None:
        """List the keys."""
        KeyHelp(groups(), self.window()).show()

    def take_focus(self, *_: object) -> None:
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        hear(self, event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays within this view: what lies below cannot be seen."""
        fields = [self, *self.form.fields()]
        now = self.focusWidget()
        at = next((n for n, f in enumerate(fields) if f is now), 0)
        fields[(at + (1 if forward else -1)) % len(fields)].setFocus(Qt.FocusReason.TabFocusReason)
        return True


def _button(text: str, tip: str, checkable: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys go to the review
    return button
