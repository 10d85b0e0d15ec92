"""One slide of a project: claimed, embedded, finished; its errors are a part of the outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.embed.claim import Watch, claim
from napari_lookalike.core.embed.parts import PartStore, discard, parts_folder, seed
from napari_lookalike.core.embed.prepare import Prepared, prepare_slide
from napari_lookalike.core.embed.slide import fill, named
from napari_lookalike.core.embed.stopping import forget_to_stop
from napari_lookalike.core.encoders.base import Encoder
from napari_lookalike.core.errors import LookalikeError, SlideError, system_reason
from napari_lookalike.core.pipeline.embed_state import feature_file, standing
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.core.stain import H_AND_E, guess_stain


@dataclass(frozen=True)
class EmbedOptions:
    """How a run embeds; no part of what the features are.

    Parameters
    ----------
    device
        "auto", "cpu", "mps", "cuda" or "cuda:<number>".
    batch
        Tiles that the encoder gets at once; 0 for what suits it.
    stop_at
        Share of a slide's tiles that is enough.
    again
        Embed also what is complete, from the start.
    compiled
        Have torch compile the network.
    """

    device: str = "auto"
    batch: int = 0
    stop_at: float = 1.0
    again: bool = False
    compiled: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one slide.

    Parameters
    ----------
    slide_id
        The slide.
    tiles
        Tiles that its features have; 0 if it failed or was passed over.
    error
        Why it failed; empty if it did not.
    reason
        Why it was passed over; empty if it was not.
    fingerprint, stain
        What was learnt of it; empty if nothing.
    coverage
        Share of its tiles that its features have.
    busy
        Another process embeds it: nothing was done.
    elsewhere
        Another process finished it meanwhile.
    """

    slide_id: str
    tiles: int = 0
    error: str = ""
    reason: str = ""
    fingerprint: str = ""
    stain: str = ""
    coverage: float = 1.0
    busy: bool = False
    elsewhere: bool = False


EXPECTED: Final = (
    LookalikeError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    LookupError,
)
"""What a slide, a decoder or a network may raise without stopping the other slides."""

Filler = Callable[[Slide, Prepared, PartStore], None]
"""Encodes the tiles that a store lacks."""


def embed_one(
    project: Project,
    slide_id: str,
    encoder: Encoder,
    job: Job,
    options: EmbedOptions | None = None,
    *,
    readers: int | None = None,
    watch: Watch | None = None,
    filler: Filler | None = None,
) -> Outcome:
    """Embed one slide of a project to its feature file.

    Parameters
    ----------
    project
        The project.
    slide_id
        The slide.
    encoder
        The loaded encoder.
    job
        Progress and cancel.
    options
        How; the defaults if ``None``.
    readers
        Threads that read; ``None`` for as many as suit the device.
    watch
        Remembers the claims of other processes between calls.
    filler
        Encodes instead of `embed.slide.fill`: several processes share a slide so.

    Returns
    -------
    Outcome
        An error is a part of it; only `JobCancelled` and faults of the program are raised.
    """
    options = options or EmbedOptions()

    def here(slide: Slide, prepared: Prepared, store: PartStore) -> None:
        fill(
            slide, prepared, store, job=job, stop_at=options.stop_at, readers=readers,
            batch=options.batch or None,
        )  # fmt: skip

    try:
        outcome = _embed_one(project, slide_id, encoder, job, options, watch, filler or here)
    except EXPECTED as error:
        return Outcome(slide_id, error=explained(error))
    if outcome.tiles:
        with contextlib.suppress(SlideError, OSError):  # it is made again when it is asked for
            project.thumbnail(slide_id)
    return outcome


def explained(error: BaseException) -> str:
    """One of `EXPECTED` as a sentence that names no file."""
    if isinstance(error, LookalikeError):
        return f"{error.what} {error.remedy}".strip()
    if isinstance(error, MemoryError):
        return "There is not enough memory for it."
    if isinstance(error, OSError):  # its own text would name the path
        return f"It cannot be read ({system_reason(error)})."
    return f"Embedding failed unexpectedly ({type(error).__name__}). Please report it."


def judged(slide: Slide, record: SlideRecord, settings: ProjectSettings) -> Outcome:
    """What is learnt of a slide at first sight; with a reason if it is to be passed over."""
    stain, reason = record.stain, f"its stain is {record.stain} and not H&E"
    if not stain:
        guess = guess_stain(slide)
        stain, reason = guess.name, f"it does not look like H&E: {guess.reason}"
    learnt = Outcome(record.slide_id, fingerprint=slide.fingerprint, stain=stain)
    if stain == H_AND_E or settings.other_stains:
        return learnt
    remedy = "Set its stain to H&E, or allow other stains in this project."
    return replace(learnt, reason=f"Not embedded, as {reason.rstrip('.')}. {remedy}")


def _embed_one(
    project: Project,
    slide_id: str,
    encoder: Encoder,
    job: Job,
    options: EmbedOptions,
    watch: Watch | None,
    filler: Filler,
) -> Outcome:
    record, settings = project.cohort[slide_id], project.settings
    path = feature_file(project, record, encoder.spec, encoder.identity)
    with project.open_slide(slide_id) as slide, claim(path, watch) as mine:
        if not mine:
            return Outcome(slide_id, busy=True)
        if not options.again:  # another process may have been quicker
            had = standing(project, record, encoder.spec, encoder.identity).coverage
            if had >= options.stop_at:
                return Outcome(slide_id, elsewhere=True, coverage=had)
        learnt = judged(slide, record, settings)
        if learnt.reason:
            return learnt
        folder = parts_folder(path)
        if options.again:
            discard(folder)
        with named(slide, slide_id):
            prepared = prepare_slide(
                slide, slide_id, encoder, tissue=settings.tissue,
                level0_tiles=record.level0_tiles, stain=settings.stain_normalisation,
                h_and_e=learnt.stain == H_AND_E, store=folder, job=job,
            )  # fmt: skip
            store = PartStore(folder, prepared.plan)
            if not options.again:
                seed(store, path)
            forget_to_stop(folder)
            filler(slide, prepared, store)
            store.finish(path, partial=True)
    return replace(learnt, tiles=store.done, coverage=store.coverage)
