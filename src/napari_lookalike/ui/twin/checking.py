"""Goes through tiles one by one: own ones before a mark is kept, others' for a second opinion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt

from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.session import twin
from napari_lookalike.session.twin_view import TileView
from napari_lookalike.ui.notify import reported

if TYPE_CHECKING:
    from napari_lookalike.ui.twin.review import TwinReview

PASSED_ON = (Qt.Key.Key_Home, Qt.Key.Key_L, Qt.Key.Key_F1)
"""Keys that mean the same while tiles are checked."""

Key = tuple[int, str]


class Checking:
    """What is being checked, and what comes then.

    Parameters
    ----------
    review
        Shows the tiles.
    """

    def __init__(self, review: TwinReview) -> None:
        self._review = review
        self._queue: list[Key] = []
        self._total = 0
        self._then: Callable[[], None] | None = None
        self.own = True

    @property
    def running(self) -> bool:
        """Whether tiles are being checked now."""
        return bool(self._queue)

    def reset(self) -> None:
        """Another pair is shown."""
        self._end()

    def own_tiles(self, then: Callable[[], None]) -> None:
        """Show each of this expert's tiles that was not looked at again yet; then go on.

        Also those of an earlier sitting that ended before it came to that.

        Parameters
        ----------
        then
            Called when all are right, or were taken back.
        """
        tiles = twin.own_tiles(self._review.session)
        self._begin(True, [_key(t) for t in tiles if t.waits], then)

    def others_tiles(self) -> None:
        """Show other experts' tiles that nobody has given a second opinion on."""
        tiles = twin.others_tiles(self._review.session)
        waiting = [_key(t) for t in tiles if not t.second_says]
        if not waiting:
            self._review.say("No tile of another expert waits for a second opinion.")
            return
        self._begin(False, waiting, None)

    def right(self) -> None:
        """The tile stays; the second expert agrees."""
        if not self._queue:
            return
        judge = twin.check_tile if self.own else twin.confirm_tile
        with reported(self._review.session):
            judge(self._review.session, self._queue[0][0])
        self._go_on()

    def wrong(self) -> None:
        """The tile is taken back; the second expert does not agree."""
        if not self._queue:
            return
        judge = twin.retire_tile if self.own else twin.dispute_tile
        with reported(self._review.session):
            judge(self._review.session, self._queue[0][0])
        self._go_on()

    def stop(self) -> None:
        """Back to the slides, without going on."""
        self._end()

    def key(self, key: int) -> bool:
        """A key while tiles are checked; whether it ends here."""
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.right()
        elif key == Qt.Key.Key_X:
            self.wrong()
        elif key == Qt.Key.Key_Escape:
            self.stop()
        return key not in PASSED_ON

    # -- inside -------------------------------------------------------------------

    def _begin(self, own: bool, queue: list[Key], then: Callable[[], None] | None) -> None:
        self.own, self._queue, self._total, self._then = own, queue, len(queue), then
        self._show()

    def _go_on(self) -> None:
        self._queue = self._queue[1:]
        self._show()

    def _show(self) -> None:
        """The first tile that is still there; at the end, what comes then."""
        while self._queue and self._tile() is None:  # taken back meanwhile
            self._queue = self._queue[1:]
        tile = self._tile()
        if tile is None:
            then = self._then
            self._end()
            if then is not None:
                then()
            return
        nth = self._total - len(self._queue) + 1
        self._review.check.show_tile(tile, nth, self._total)
        self._review.side.setCurrentWidget(self._review.check)
        self._review.go_to_tile(tile)

    def _tile(self) -> TileView | None:
        view = self._review.view
        if view is None or not self._queue:
            return None
        return next((t for t in view.tiles if _key(t.tile) == self._queue[0]), None)

    def _end(self) -> None:
        self._queue, self._then = [], None
        self._review.side.setCurrentIndex(0)


def _key(tile: EvidenceTile) -> Key:
    """The same word on the same tile: another word is to be looked at again."""
    return tile.id, tile.kind
