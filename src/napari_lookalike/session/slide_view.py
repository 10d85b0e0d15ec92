"""Session -> what the Slide panel shows, and which slides come next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_lookalike.core.bookmarks import Bookmark
from napari_lookalike.session.case_filter import filtered
from napari_lookalike.session.case_sort import in_order
from napari_lookalike.session.case_view import cases_of, visible_slides
from napari_lookalike.session.power import NO_MPP, power_of, power_text
from napari_lookalike.session.session import Session

NO_SLIDE = "Open a slide: from Cases, with File → Open, or drop one on the window."
NO_ICC = "This file has no colour profile: its colours are shown as they were stored."
ICC = "Show colours as the scanner's profile says, instead of as they were stored."
NO_LABEL = "This file has neither a label nor a macro image."


@dataclass(frozen=True)
class SlideFacts:
    """What is known of the slide on the canvas.

    Parameters
    ----------
    name
        Its slide_id, else the beginning of its fingerprint.
    fingerprint
        Content id.
    of_project
        Whether it is a slide of the open project.
    size_px0
        (width, height), level-0 pixels.
    mpp
        µm per level-0 pixel; ``None`` if not known.
    has_profile
        Whether the file has a colour profile.
    pictures
        Names of its label and macro images.
    """

    name: str
    fingerprint: str
    of_project: bool = False
    size_px0: tuple[int, int] = (0, 0)
    mpp: float | None = None
    has_profile: bool = False
    pictures: tuple[str, ...] = ()

    def owns(self, bookmark: Bookmark) -> bool:
        """Whether a bookmark is on this slide."""
        if self.of_project:
            return bookmark.slide_id == self.name
        return not bookmark.of_project and bookmark.fingerprint == self.fingerprint


@dataclass(frozen=True)
class BookmarkRow:
    """One bookmark in the list.

    Parameters
    ----------
    bookmark
        The bookmark.
    where
        The slide's name; empty for the slide on the canvas.
    power
        "20x"; empty where it is not known.
    note
        As it was given.
    about
        Who and when.
    """

    bookmark: Bookmark
    where: str = ""
    power: str = ""
    note: str = ""
    about: str = ""


@dataclass(frozen=True)
class SlideView:
    """What the Slide panel shows, but for the zoom.

    Parameters
    ----------
    title
        Name of the slide, or what to do if there is none.
    there
        Whether there is a slide.
    powers_hint
        Why the magnifications cannot be chosen; empty if they can.
    profile, profile_hint
        Whether colours can be calibrated, and what to say of it.
    label, label_hint
        Whether there is a label or macro image, and what to say of it.
    bookmarks
        Rows of the list.
    bookmarks_hint
        Why nothing can be kept, or where it is kept; empty if that goes without saying.
    """

    title: str = NO_SLIDE
    there: bool = False
    powers_hint: str = ""
    profile: bool = False
    profile_hint: str = ""
    label: bool = False
    label_hint: str = ""
    bookmarks: tuple[BookmarkRow, ...] = field(default=())
    bookmarks_hint: str = ""


def resolve_slide(
    session: Session, facts: SlideFacts | None, *, all_slides: bool = False
) -> SlideView:
    """What the Slide panel shows.

    Parameters
    ----------
    session
        The state.
    facts
        The slide on the canvas, or ``None``.
    all_slides
        Whether bookmarks of the project's other slides are listed too.
    """
    rows = _rows(session, facts, all_slides)
    if facts is None:
        return SlideView(bookmarks=rows)
    return SlideView(
        facts.name,
        True,
        NO_MPP if facts.mpp is None else "",
        facts.has_profile,
        ICC if facts.has_profile else NO_ICC,
        bool(facts.pictures),
        "" if facts.pictures else NO_LABEL,
        rows,
        _kept_where(session, facts),
    )


def _kept_where(session: Session, facts: SlideFacts) -> str:
    if not facts.of_project:
        return "This slide belongs to no project: its bookmarks last until the window is closed."
    if session.project is not None and session.project.read_only:
        return "The project folder is read-only: bookmarks cannot be kept."
    return ""


def _rows(session: Session, facts: SlideFacts | None, all_slides: bool) -> tuple[BookmarkRow, ...]:
    here = [b for b in session.bookmarks if facts is not None and facts.owns(b)]
    listed = [_row(b, "", facts.mpp if facts is not None else None) for b in here]
    if all_slides:
        others = [b for b in session.bookmarks if b.of_project and b not in here]
        order = {record.slide_id: i for i, record in enumerate(session.cohort)}
        others.sort(key=lambda b: order.get(b.slide_id, len(order)))
        listed += [_row(b, b.slide_id, _mpp_of(session, b.slide_id)) for b in others]
    return tuple(listed)


def _mpp_of(session: Session, slide_id: str) -> float | None:
    """µm per pixel as the cohort gives it; what a file says is known only while it is open."""
    return session.cohort[slide_id].mpp if slide_id in session.cohort else None


def _row(bookmark: Bookmark, where: str, mpp: float | None) -> BookmarkRow:
    mpp = bookmark.mpp if mpp is None else mpp
    power = "" if mpp is None else power_text(power_of(bookmark.downsample * mpp))
    day = bookmark.time[:10]
    about = f"Set by {bookmark.expert} on {day}" if bookmark.expert else f"Set on {day}"
    return BookmarkRow(bookmark, where, power, bookmark.note, about)


def listed_slides(session: Session) -> tuple[str, ...]:
    """slide_ids in the order in which Cases lists them, and the open one in its place."""
    every = in_order(cases_of(session), session.case_sort)
    if not session.case_search and session.case_filter == "all":
        return visible_slides(every)
    found = cases_of(session, session.case_search)
    let_through = filtered(found, session.case_filter, session.cohort)
    shown = {*visible_slides(let_through), session.slide_id or ""}
    return tuple(s for s in visible_slides(every) if s in shown)


def neighbour_slides(session: Session) -> tuple[str | None, str | None]:
    """(previous, next) slide_id of the open one, as Cases lists them; ``None`` at an end.

    Slides that the search or the filter of Cases hides are passed over.
    """
    listed = listed_slides(session)
    if session.slide_id not in listed:
        return None, None
    at = listed.index(session.slide_id)
    before = listed[at - 1] if at > 0 else None
    after = listed[at + 1] if at + 1 < len(listed) else None
    return before, after
