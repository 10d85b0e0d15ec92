"""What the expert does in the twin review: say something of a tile, mark, go on, leave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_lookalike.core.hard_negatives.evidence import Kind
from napari_lookalike.session import twin
from napari_lookalike.session.marks import set_expert
from napari_lookalike.session.twin_next import next_pair
from napari_lookalike.session.twin_view import TileView
from napari_lookalike.ui.notify import reported

if TYPE_CHECKING:
    from napari_lookalike.ui.twin.review import TwinReview

NO_TILE = "Point at a tile first: a frame shows which one is meant. Glass has none."
NO_FEATURES = "This slide is not embedded yet: training learns from the tile once it is."


class TwinActs:
    """Turns keys and buttons into commands of the session.

    Parameters
    ----------
    review
        Where the framed tile, the form and the sentence are.
    """

    def __init__(self, review: TwinReview) -> None:
        self._review = review
        self._session = review.session

    def diagnostic(self) -> None:
        """The framed tile is diagnostic."""
        self._say_of_tile("diagnostic")

    def lookalike(self) -> None:
        """The framed tile looks alike and is not diagnostic."""
        self._say_of_tile("look-alike")

    def _say_of_tile(self, kind: Kind) -> None:
        current, pair = self._review.panes.current, self._session.twin
        if current is None or pair is None:
            self._review.say(NO_TILE, True)
            return
        i, region = current
        if not self._named("Evidence"):
            return
        with reported(self._session):
            said = twin.say_of_tile(
                self._session, pair[i], region, kind, **self._review.form.draft()
            )
            if said is not None and not self._review.panes.analysed(i):
                self._review.say(NO_FEATURES, True)
            else:
                self._review.say("Kept." if said is not None else "Taken back.")

    def take_back(self) -> None:
        """Take back what this expert said of the framed tile."""
        current, pair = self._review.panes.current, self._session.twin
        if current is None or pair is None:
            self._review.say(NO_TILE, True)
            return
        tile = twin.own_tile(self._session, pair[current[0]], current[1])
        if tile is None:
            self._review.say("You said nothing of this tile.")
        else:
            self._retire(tile.id)

    def retire(self, view: TileView) -> None:
        """Take back a tile of the list."""
        self._retire(view.tile.id)

    def _retire(self, tile_id: int) -> None:
        with reported(self._session):
            twin.retire_tile(self._session, tile_id)
            self._review.say("Taken back.")

    def mark(self) -> None:
        """Keep the mark, once each of this expert's new tiles was looked at again."""
        view = self._review.view
        if view is None or not view.can_mark:
            self._review.say(view.mark if view is not None else "", True)
        elif self._named("A mark"):
            self._review.checking.own_tiles(then=self._keep)

    def _keep(self) -> None:
        with reported(self._session):
            twin.keep_mark(self._session, **self._review.form.draft())
            n = len(twin.own_tiles(self._session))
            tiles = f" with {n} tile{'' if n == 1 else 's'}" if n else ""
            self._review.say(f"Marked{tiles}. N shows the next pair.")

    def second_look(self) -> None:
        """Confirm or dispute other experts' tiles."""
        if self._named("A second opinion"):
            self._review.checking.others_tiles()

    def next_pair(self) -> None:
        """Go on to the next pair; tiles that were not looked at again come first."""
        self._review.checking.own_tiles(then=self._next)

    def _next(self) -> None:
        with reported(self._session):
            if not next_pair(self._session):
                self._review.say("There is no further pair to look at.")

    def leave(self) -> None:
        """Back to the workspace; tiles that were not looked at again come first."""
        if self._review.form.has_focus():
            self._review.take_focus()  # out of the field that was typed in
        else:
            self._review.checking.own_tiles(then=self._leave)

    def _leave(self) -> None:
        twin.close_twin(self._session)

    def give_name(self, name: str) -> None:
        """The expert typed a name."""
        with reported(self._session):
            set_expert(self._session, name)
            self._review.take_focus()

    def _named(self, what: str) -> bool:
        """Whether it is known who says so; asks if it is not."""
        if self._session.expert:
            return True
        self._review.say(f"{what} needs a name: type yours on the right.", True)
        self._review.form.ask_name()
        return False

    def undo(self) -> None:
        """Take the last change back."""
        with reported(self._session):
            text = self._session.history.undo_text
            with self._form_follows():
                self._session.history.undo()
            self._review.say(f"Undone: {text}." if text else "There is nothing to undo.")

    def redo(self) -> None:
        """Make the change again that was taken back."""
        with reported(self._session):
            text = self._session.history.redo_text
            with self._form_follows():
                self._session.history.redo()
            self._review.say(f"Done again: {text}." if text else "There is nothing to redo.")

    @contextmanager
    def _form_follows(self) -> Iterator[None]:
        """The form shows what the mark says again, if that changed; else what was typed stays."""
        before = twin.own_mark(self._session)
        yield
        now = twin.own_mark(self._session)
        if now is not None and before is not None and now != before and now.active:
            self._review.form.fill(now)
