"""Session -> what the panel Embed shows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.encoders import ENCODERS
from napari_lookalike.core.pipeline.embed import EmbedReport, not_used
from napari_lookalike.session.early_view import early_of, share_text
from napari_lookalike.session.needs import count
from napari_lookalike.session.session import JobStatus, Session

EMBED, EMBEDDING = "Embed the slides", "Embedding"
"""What the button says, and the title of its job."""

NO_PROJECT = "Open or make a project first."
EMBED_TIP = (
    "Find tissue, cut tiles and encode them. The slide that is open comes first; slides that "
    "are finished are kept."
)
FIRST_TIP = "Go on with slide {} now, and with the others after it; nothing that is done is lost."
STOP_TIP = (
    "Keep what is embedded of slide {}, marked with its share of the tiles, and go on with the "
    "next slide. Embedding it again completes it."
)
CANCEL_TIP = "Stop. Finished slides stay, and of the others every tile that is done."
STOPPED = (
    "Stopped. {} Of the others every tile that is done is kept, and the next run goes on there."
)
TOLD = 20
"""Slides whose errors are written out in the panel; Project has all of them."""


@dataclass(frozen=True)
class Run:
    """A run of embedding that goes on.

    Parameters
    ----------
    key
        Of its job.
    root
        Of the project that it embeds.
    first
        slide_id that it began with; empty if there was none.
    """

    key: int
    root: Path
    first: str = ""


@dataclass(frozen=True)
class EmbedView:
    """What the panel shows.

    Parameters
    ----------
    enabled
        Whether there is a project to work with.
    settable
        Whether settings can be changed: a run goes by those that it began with.
    state
        How many slides have features, as a sentence.
    can_embed
        Whether the button that starts is enabled.
    first
        slide_id that can be brought to the front; empty if there is none.
    embed_text, first_text, stop_text
        What the buttons say.
    running
        The job that runs, or ``None``.
    elsewhere
        Whether it embeds another project than the open one.
    stoppable
        slide_id that can be stopped where it is; empty if there is none.
    """

    enabled: bool = False
    settable: bool = False
    state: str = NO_PROJECT
    can_embed: bool = False
    first: str = ""
    embed_text: str = EMBED
    first_text: str = ""
    stop_text: str = ""
    running: JobStatus | None = None
    elsewhere: bool = False
    stoppable: str = ""


def resolve_embed(session: Session, run: Run | None) -> EmbedView:
    """From the session to what the panel shows.

    Parameters
    ----------
    session
        The state.
    run
        The run that goes on, or ``None``.
    """
    project = session.project
    job = None if run is None else next((s for s in session.jobs if s.key == run.key), None)
    if project is None or (run is not None and run.root != project.root):
        return EmbedView(
            enabled=project is not None,
            settable=project is not None,
            state=NO_PROJECT if project is None else _state(session),
            running=job,
            elsewhere=job is not None,
        )
    wanted = {s.slide_id for s in session.cohort if not s.excluded}
    first = _can_be_first(session, wanted)
    if run is None:
        return EmbedView(
            enabled=True,
            settable=True,
            state=_state(session),
            # Also with all features there: slides whose settings changed are done again.
            can_embed=bool(wanted),
            embed_text=f"{EMBED} ({first} first)" if first and len(wanted) > 1 else EMBED,
        )
    first = "" if first == run.first else first  # it is at the front already
    early = early_of(session)
    stoppable = early is not None and early.result is not None
    return EmbedView(
        enabled=True,
        state=_state(session),
        first=first,
        first_text=f"Embed {first} first",
        running=job,
        stoppable=early.slide_id if early is not None and stoppable else "",
        stop_text=(
            f"Good enough: stop {early.slide_id} at {share_text(early.coverage)}"
            if early is not None
            else ""
        ),
    )


def stopped_text(session: Session, run: Run | None) -> str:
    """What is kept of a run that was cancelled."""
    project = session.project
    here = project is not None and run is not None and run.root == project.root
    return STOPPED.format(_state(session) if here else "Finished slides stay.")


def device_note(encoder: str, device: str) -> str:
    """What to know of a device that is chosen; empty if there is nothing.

    Parameters
    ----------
    encoder
        Its name.
    device
        As torch names it, or "auto".
    """
    row = next((entry.item for entry in ENCODERS if entry.name == encoder), None)
    return "" if row is None else not_used(row, device)


def _state(session: Session) -> str:
    wanted = {s.slide_id for s in session.cohort if not s.excluded}
    ready = len(wanted & session.embedded)
    return f"{ready} of {len(wanted)} slides have features by this encoder."


def _can_be_first(session: Session, wanted: set[str]) -> str:
    slide_id = session.slide_id
    if slide_id is None or slide_id not in wanted:
        return ""
    done = slide_id in session.embedded and session.coverage >= 1
    return "" if done else slide_id


def embed_order(
    cohort: Cohort, first: str | None, without: Collection[str] = ()
) -> tuple[str, ...]:
    """slide_ids to embed: the one that is looked at, then the others as the cohort has them.

    Parameters
    ----------
    cohort
        The slides; excluded ones are left out.
    first
        The slide that comes first; ``None``, unknown or excluded: nothing changes.
    without
        slide_ids to leave out.
    """
    ids = [s.slide_id for s in cohort if not s.excluded and s.slide_id not in without]
    return tuple(sorted(ids, key=lambda slide_id: slide_id != first))  # a stable sort


def summary_of(found: EmbedReport) -> tuple[str, ...]:
    """What a run did, in sentences; what went wrong is told apart."""
    lines = [
        f"{count(len(found.done), 'slide')} embedded ({found.tiles:,} tiles, "
        f"{found.tiles_per_second:.0f} per second)."
    ]
    lines += [
        f"{slide_id} was left at {share_text(share)} of its tiles."
        for slide_id, share in found.partial.items()
    ]
    if found.note:
        lines.append(found.note)
    if found.damaged:
        which = ", ".join(found.damaged)
        lines.append(f"Made again, since the former features were damaged: {which}.")
    return tuple(lines)


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
