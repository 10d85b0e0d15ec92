"""The state of one viewer: frozen values that are replaced, never changed in place.

Every field has an event of its own: ``session.events.slide_id.connect(callback)`` calls
back with (new, old) when the field was replaced by a different value. Views read the session and
answer to events; a view never writes the session in answer to an event.
Edits that an expert may want to take back go through `session.history` (see
`session.commands`), never by assignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from psygnal import SignalGroupDescriptor

from napari_lookalike.core.bookmarks import Bookmark
from napari_lookalike.core.cohort import Cohort
from napari_lookalike.core.early import EarlyAnswer
from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, Projection
from napari_lookalike.core.tissue import TissueSettings
from napari_lookalike.core.version_compare import VersionComparison
from napari_lookalike.session.history import History
from napari_lookalike.session.suggested import Proposal, Suggested

NoticeKind = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Notice:
    """One sentence for the user.

    Parameters
    ----------
    text
        What happened and what to do.
    kind
        How serious it is.
    """

    text: str
    kind: NoticeKind = "info"


@dataclass(frozen=True)
class JobStatus:
    """A job that runs, as panels show it.

    Parameters
    ----------
    key
        Unique per run.
    title
        What it is ("Fine-tuning").
    done, total
        Steps done and in all; total 0 = not known.
    what
        The current step, for a person.
    """

    key: int
    title: str
    done: int = 0
    total: int = 0
    what: str = ""


@dataclass(frozen=True)
class Waiting:
    """Changes of the marks that a shared table's server does not have yet.

    Parameters
    ----------
    n
        How many; they are on this computer's disk.
    why
        Why they wait, as a sentence; empty while they are on their way.
    """

    n: int = 0
    why: str = ""


@dataclass(frozen=True)
class OverlaySettings:
    """How attention is drawn over the slide.

    Parameters
    ----------
    visible
        Whether it is drawn.
    values
        "weights" (softmax, sums to 1) or "logits" (before softmax).
    branch
        Class whose attention is drawn, for heads that attend per class; empty = the
        predicted class.
    opacity
        0 to 1.
    """

    visible: bool = True
    values: Literal["weights", "logits"] = "weights"
    branch: str = ""
    opacity: float = 0.5


@dataclass(frozen=True)
class Focus:
    """A wish to look at a place of a slide.

    Parameters
    ----------
    slide_id
        The slide.
    x_px0, y_px0
        Centre, level-0 pixels.
    width_px0
        How much of the slide the view should span, level-0 pixels; 0 = keep the zoom.
    """

    slide_id: str
    x_px0: float
    y_px0: float
    width_px0: float = 0.0


@dataclass(frozen=True)
class ShownMap:
    """A map of another program that is drawn over slides that have it.

    Parameters
    ----------
    name
        The map's name in the project.
    column
        Which of its values.
    """

    name: str
    column: str


@dataclass(eq=False)
class Session:
    """All that the panels of one viewer share.

    Parameters
    ----------
    project
        The open project, or ``None``.
    cohort
        Its slide records (the same object as ``project.cohort``).
    slide_id
        The slide on the canvas.
    selection
        slide_ids selected anywhere: map, cases, table. At most a handful.
    results
        What the model in use says.
    results_before
        What the model before a fine-tuning said, while the user has yet to choose
        *keep* or *roll back*; ``None`` otherwise.
    comparison
        The two side by side, where that was computed.
    projection, projection_before
        The maps that belong to the two.
    live
        The map in the middle of a fine-tuning, laid over `projection`; ``None`` otherwise.
    marks
        Rows of the hard-negative table, retired ones too, in order of their id.
    evidence
        Evidence tiles of the marks, retired ones too, in order of their id.
    waiting
        What of them the server of a shared table has yet to get.
    expert
        Name of the expert who marks; empty until asked for.
    overlay
        How attention is drawn.
    shown_map
        The imported map that is drawn over slides that have it; ``None`` = none.
    show_patient_ids
        Whether the user asked to see patient ids in clear.
    show_tissue
        Whether the tissue mask of the open slide is drawn.
    tissue
        Thresholds that are being tried out; ``None`` = the project's.
    focus
        Last wish to look at a place.
    twin
        slide_ids of the two slides that are compared side by side; ``None`` = none are.
    bookmarks
        Places to find again: the project's, then those of slides opened by themselves.
    colour_managed
        Whether colours are shown as the scanner's profile says.
    case_search, case_filter, case_sort
        What the user looks for in Cases: words, a key of `case_filter`, and one of
        `case_sort.SORTS`. Next and previous go by them.
    jobs
        Jobs that run.
    embedded
        slide_ids that have features by the project's encoder.
    missing
        slide_ids whose file is not where it was, as far as that was looked up.
    coverage
        Share of the open slide's tiles in its features: below 1 where a person stopped
        there; 1 also where it has none.
    early
        What is known of the open slide while it is being embedded; ``None`` otherwise.
    unasked
        slide_ids that were embedded anew, and of which the model in use has yet to speak.
    failures
        slide_id -> why it could not be embedded, as a sentence.
    suggestions
        Pairs and slides to look at next, as far as somebody looked for them.
    proposal
        A pair that waits to be marked, with everything filled in; ``None`` = none.
    notice
        Last sentence for the user.
    history_changed
        Counts what was done, undone and redone (`history`).
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    project: Project | None = None
    cohort: Cohort = field(default_factory=Cohort)
    slide_id: str | None = None
    selection: tuple[str, ...] = ()
    results: ModelResults | None = None
    results_before: ModelResults | None = None
    comparison: VersionComparison | None = None
    projection: Projection | None = None
    projection_before: Projection | None = None
    live: Projection | None = None
    marks: tuple[PairMark, ...] = ()
    evidence: tuple[EvidenceTile, ...] = ()
    waiting: Waiting = field(default_factory=Waiting)
    expert: str = ""
    overlay: OverlaySettings = field(default_factory=OverlaySettings)
    shown_map: ShownMap | None = None
    show_patient_ids: bool = False
    show_tissue: bool = False
    tissue: TissueSettings | None = None
    focus: Focus | None = None
    twin: tuple[str, str] | None = None
    bookmarks: tuple[Bookmark, ...] = ()
    colour_managed: bool = False
    case_search: str = ""
    case_filter: str = "all"
    case_sort: str = "patient"
    jobs: tuple[JobStatus, ...] = ()
    embedded: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    coverage: float = 1.0
    early: EarlyAnswer | None = None
    unasked: frozenset[str] = frozenset()
    failures: Mapping[str, str] = field(default_factory=dict)
    suggestions: Suggested = field(default_factory=Suggested)
    proposal: Proposal | None = None
    notice: Notice | None = None
    history_changed: int = 0

    def __post_init__(self) -> None:
        self.history = History(self)

    def say(self, text: str, kind: NoticeKind = "info") -> None:
        """Tell the user something; saying the same twice shows it twice."""
        self.notice = None
        self.notice = Notice(text, kind)
