"""Session -> what the panel Embed shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.session.early_view import early_of, share_text
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import JobStatus, Session

NO_PROJECT = "Open or make a project first."
EMBED_TIP = (
    "Find tissue, cut tiles and encode them. The slide that is open comes first; slides that "
    "are finished are kept."
)
FIRST_TIP = "Go on with slide {} now, and with the others after it; nothing that is done is lost."
NO_SLIDE_TIP = "Open a slide that is not embedded yet: it can be brought to the front."
STOP_TIP = (
    "Keep what is embedded of slide {}, marked with its share of the tiles, and go on with the "
    "next slide. Embedding it again completes it."
)
CANCEL_TIP = "Stop. Finished slides stay, and of the others every tile that is done."
TOLD = 20
"""Slides whose errors are written out in the panel; Project has all of them."""


@dataclass(frozen=True)
class EmbedView:
    """What the panel shows.

    Parameters
    ----------
    enabled
        Whether there is a project to work with.
    state
        How many slides have features, as a sentence.
    can_embed
        Whether the button that starts is enabled.
    first
        slide_id that can be brought to the front; empty if there is none.
    first_tip
        What that button does, or needs.
    running
        The job that runs, or ``None``.
    stoppable
        slide_id that can be stopped where it is; empty if there is none.
    stop_text
        What the button says that does it.
    """

    enabled: bool = False
    state: str = NO_PROJECT
    can_embed: bool = False
    first: str = ""
    first_tip: str = NO_SLIDE_TIP
    running: JobStatus | None = None
    stoppable: str = ""
    stop_text: str = ""


def resolve_embed(session: Session, job: int | None, first: str = "") -> EmbedView:
    """From the session to what the panel shows.

    Parameters
    ----------
    session
        The state.
    job
        Key of the job that embeds, or ``None``.
    first
        slide_id that the running job began with.
    """
    if session.project is None:
        return EmbedView()
    wanted = {s.slide_id for s in session.cohort if not s.excluded}
    ready = len(wanted & session.embedded)
    running = next((s for s in session.jobs if s.key == job), None) if job is not None else None
    busy = job is not None
    candidate = _can_be_first(session, wanted)
    if busy and candidate == first:  # it is at the front already
        candidate = ""
    early = early_of(session)
    stoppable = early.slide_id if busy and early is not None and early.result is not None else ""
    return EmbedView(
        enabled=True,
        state=f"{ready} of {len(wanted)} slides have features by this encoder.",
        # Also with all features there: slides whose thresholds or scale changed are done again.
        can_embed=bool(wanted) and not busy,
        first=candidate,
        first_tip=FIRST_TIP.format(candidate) if candidate else NO_SLIDE_TIP,
        running=running,
        stoppable=stoppable,
        stop_text=(
            f"Good enough: stop {stoppable} at {share_text(early.coverage)}"
            if stoppable and early is not None
            else ""
        ),
    )


def _can_be_first(session: Session, wanted: set[str]) -> str:
    slide_id = session.slide_id
    if slide_id is None or slide_id not in wanted:
        return ""
    done = slide_id in session.embedded and session.coverage >= 1
    return "" if done else slide_id


def embed_order(cohort: Cohort, first: str | None) -> tuple[str, ...]:
    """slide_ids to embed: the one that is looked at, then the others as the cohort has them.

    Parameters
    ----------
    cohort
        The slides; excluded ones are left out.
    first
        The slide that comes first; ``None``, unknown or excluded: nothing changes.
    """
    ids = [s.slide_id for s in cohort if not s.excluded]
    return tuple(sorted(ids, key=lambda slide_id: slide_id != first))  # a stable sort


def report_lines(told: Mapping[str, str], summary: Sequence[str]) -> str:
    """What became of a run, as rich text: a summary, then slide by slide what went wrong.

    Parameters
    ----------
    told
        slide_id -> why it was not embedded.
    summary
        Sentences above them.
    """
    lines = [escape(line) for line in summary]
    names = list(told)
    lines += [f"<b>{escape(s)}</b>: {escape(told[s])}" for s in names[:TOLD]]
    if len(names) > TOLD:
        more = count(len(names) - TOLD, "more slide")
        lines.append(f"… and {more}: see the column State of Project.")
    return "<br>".join(lines)
