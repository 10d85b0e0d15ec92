"""What looking at slides needs in one viewer: camera, distances, bookmarks, next and previous.

Made once per viewer, when our first panel opens or our first slide is shown, whoever opened it.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from math import hypot
from typing import Any

from napari_lookalike.core.bookmarks import Bookmark
from napari_lookalike.session.bookmark_commands import AddBookmark
from napari_lookalike.session.orientation import UPRIGHT
from napari_lookalike.session.power import NO_MPP
from napari_lookalike.session.selection import next_slide, open_slide
from napari_lookalike.session.session import Focus, Session
from napari_lookalike.session.slide_view import NO_SLIDE, listed_slides
from napari_lookalike.session.tile_memory import apply_tile_memory
from napari_lookalike.session.twin import compare_selected
from napari_lookalike.ui.calibration import Calibration
from napari_lookalike.ui.keys import Key, bind, grouped, slide_keys
from napari_lookalike.ui.measure import Measure
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.readout import CanvasReadout
from napari_lookalike.ui.sessions import session_for, unwrap
from napari_lookalike.ui.view_controls import ViewControls
from napari_lookalike.ui.viewer_names import canvas_size, window_of
from napari_lookalike.ui.widgets.key_help import KeyHelp


@dataclass(frozen=True, eq=False)
class SlideTools:
    """What the keys and the Slide panel of one viewer act on.

    Parameters
    ----------
    session
        The viewer's.
    controls
        Its camera.
    measure
        Distances.
    readout
        The line in the corner of the canvas.
    calibration
        What applies the session's wish for calibrated colours.
    keys
        What is bound, in the order in which it is listed.
    """

    session: Session
    controls: ViewControls
    measure: Measure
    readout: CanvasReadout
    calibration: Calibration
    keys: list[Key]

    # -- zoom and turn ------------------------------------------------------------

    def power(self, power: float) -> None:
        """Zoom to an objective power, or say why not."""
        if not self._slide_there():
            return
        if not self.controls.set_power(power):
            self.session.say(NO_MPP, "warning")

    def native(self) -> None:
        """One screen pixel per pixel of the slide."""
        if self._slide_there():
            self.controls.set_native()

    def show_all(self) -> None:
        """The whole slide."""
        if self._slide_there():
            self.controls.show_all()

    def upright(self) -> None:
        """As it was scanned."""
        self.controls.set_orientation(UPRIGHT)

    def _slide_there(self) -> bool:
        there = self.controls.layer() is not None
        if not there:
            self.session.say(NO_SLIDE)
        return there

    # -- distances ----------------------------------------------------------------

    def toggle_measure(self) -> None:
        """Begin to measure, or end."""
        if not self.measure.toggle():
            self.session.say(NO_SLIDE)

    # -- the cohort ---------------------------------------------------------------

    def compare(self) -> None:
        """Show the two selected slides side by side."""
        with reported(self.session):
            compare_selected(self.session)

    def step(self, by: int) -> None:
        """Open the next (1) or previous (-1) slide of those that Cases lists."""
        if self.session.project is None:
            self.session.say("There is no next slide: no project is open.")
            return
        with reported(self.session):
            next_slide(self.session, listed_slides(self.session), by)

    # -- bookmarks ----------------------------------------------------------------

    def add_bookmark(self) -> Bookmark | None:
        """Keep what the canvas shows; ``None`` if that could not be done (it is then said)."""
        field, facts = self.controls.field(), self.controls.facts
        if field is None or facts is None:
            self.session.say(NO_SLIDE)
            return None
        bookmark = Bookmark(
            facts.name if facts.of_project else "",
            facts.fingerprint,
            *field.centre_px0,
            field.downsample,
            facts.mpp,
            expert=self.session.expert,
        )
        with reported(self.session):
            self.session.history.do(AddBookmark(bookmark))
        return bookmark if bookmark in self.session.bookmarks else None

    def go_to(self, bookmark: Bookmark) -> None:
        """Show a bookmark's place, on another slide of the project too."""
        facts = self.controls.facts
        if facts is not None and facts.owns(bookmark):
            self.controls.look_at(bookmark.x_px0, bookmark.y_px0, bookmark.downsample)
        elif bookmark.of_project:
            with reported(self.session):
                open_slide(self.session, bookmark.slide_id)
                width_px0 = bookmark.downsample * min(canvas_size(self.controls.viewer))
                self.session.focus = Focus(
                    bookmark.slide_id, bookmark.x_px0, bookmark.y_px0, width_px0
                )

    def next_bookmark(self) -> None:
        """Show the next bookmark of this slide, after the nearest one."""
        facts, field = self.controls.facts, self.controls.field()
        if facts is None or field is None:
            self.session.say(NO_SLIDE)
            return
        own = [b for b in self.session.bookmarks if facts.owns(b)]
        if not own:
            self.session.say("This slide has no bookmarks yet.")
            return
        x, y = field.centre_px0
        apart = [hypot(b.x_px0 - x, b.y_px0 - y) for b in own]
        nearest = apart.index(min(apart))
        there = apart[nearest] < 2 * field.downsample  # it is in the middle of the canvas
        self.go_to(own[(nearest + 1) % len(own) if there else nearest])

    # -- help ---------------------------------------------------------------------

    def show_keys(self) -> None:
        """List the keys in a window of their own."""
        KeyHelp.open_for(grouped(self.keys), window_of(self.controls.viewer))


_tools: weakref.WeakKeyDictionary[Any, SlideTools] = weakref.WeakKeyDictionary()


def slide_tools_for(viewer: Any) -> SlideTools:
    """The viewer's tools, made at the first call; its keys are bound then."""
    viewer = unwrap(viewer)
    found = _tools.get(viewer)
    if found is None:
        controls, session = ViewControls(viewer), session_for(viewer)
        parts = (Measure(controls), CanvasReadout(controls), Calibration(session, controls))
        found = SlideTools(session, controls, *parts, [])
        _tools[viewer] = found
        found.keys.extend(slide_keys(found))
        bind(viewer, found.keys)
        apply_tile_memory()
    return found
