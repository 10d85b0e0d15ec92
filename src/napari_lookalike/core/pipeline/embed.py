"""Embed a cohort: every slide to its feature file, on all cores."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.embed import embed_slide
from napari_lookalike.core.encoders.base import Encoder, EncoderSpec
from napari_lookalike.core.errors import EncoderError, LookalikeError, SlideError
from napari_lookalike.core.features import read_header, save_features
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.settings import from_plain
from napari_lookalike.core.stain import H_AND_E, guess_stain
from napari_lookalike.core.tissue import TissueSettings


@dataclass(frozen=True)
class EmbedReport:
    """What became of every slide that was to be embedded.

    Parameters
    ----------
    done
        slide_ids embedded in this run.
    skipped
        slide_ids passed over: complete already, or of another stain.
    failed
        slide_id -> why, as a sentence that does not name the slide.
    tiles
        Tiles embedded in this run.
    seconds
        Wall time.
    tiles_per_second
        Over the whole run, reading and tissue included; 0 if nothing was embedded.
    reasons
        slide_id -> why it was skipped, for those that a person may want otherwise.
    """

    done: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    tiles: int = 0
    seconds: float = 0.0
    tiles_per_second: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one slide.

    Parameters
    ----------
    slide_id
        The slide.
    tiles
        Tiles embedded; 0 if it failed or was passed over.
    error
        Why it failed; empty if it did not.
    reason
        Why it was passed over; empty if it was not.
    fingerprint, stain
        What was learnt of it; empty if nothing.
    """

    slide_id: str
    tiles: int = 0
    error: str = ""
    reason: str = ""
    fingerprint: str = ""
    stain: str = ""


def embed_project(
    root: Path,
    slide_ids: Sequence[str] | None = None,
    encoder: str | None = None,
    weights: Path | None = None,
    only_missing: bool = True,
    job: Job = SILENT,
) -> EmbedReport:
    """Embed the slides of a project, and make their thumbnails.

    An error on one slide is reported and the rest goes on. If the job is cancelled, the
    feature files that are finished stay, and the next run goes on from there.

    Parameters
    ----------
    root
        The project's folder.
    slide_ids
        Which slides; ``None`` for all that are not excluded.
    encoder, weights
        Another encoder (by name) and its local weights than the project's; it becomes
        the project's.
    only_missing
        Leave slides alone that have features of the same content, encoder, scale and
        tissue settings.
    job
        Progress and cancel.

    Returns
    -------
    EmbedReport

    Raises
    ------
    ProjectError
        If the folder is no project, is read-only, or has no such slide.
    EncoderError
        If the encoder is unknown or its weights cannot be had.
    JobCancelled
        If the job was cancelled.
    """
    from napari_lookalike.core.encoders import encoder_identity, encoder_spec

    started = time.perf_counter()
    project = Project.open(root)
    project.check_writable()
    former = project.settings
    _choose_encoder(project, encoder, weights)
    spec = encoder_spec(project.settings.encoder)
    identity = encoder_identity(spec.name, project.settings.weights_path)
    wanted = [project.cohort[i] for i in slide_ids] if slide_ids is not None else _included(project)
    complete = [r for r in wanted if only_missing and _complete(project, r, spec, identity)]
    todo = [r.slide_id for r in wanted if r not in complete]
    outcomes: list[Outcome] = []
    try:
        for outcome in _outcomes(project, spec, todo, job):
            outcomes.append(outcome)
    except EncoderError:  # its weights do not fit, say: the project keeps what works
        if project.settings != former:
            project.save(settings=former)
        raise
    finally:  # what was learnt is kept when the job is cancelled, too
        _remember(project, outcomes)
    outcomes.sort(key=lambda outcome: todo.index(outcome.slide_id))
    return _report(outcomes, complete, time.perf_counter() - started)


def embed_one(project: Project, slide_id: str, encoder: Encoder, job: Job, readers: int) -> Outcome:
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
    readers
        Threads that read.

    Returns
    -------
    Outcome
        An error is a part of it; only `JobCancelled` and faults of the program are raised.
    """
    try:
        outcome = _embed_one(project, slide_id, encoder, job, readers)
    except LookalikeError as error:
        return Outcome(slide_id, error=f"{error.what} {error.remedy}".strip())
    except MemoryError:
        return Outcome(slide_id, error="There is not enough memory for it.")
    except OSError as error:  # its own text would name the path
        what = error.strerror or type(error).__name__
        return Outcome(slide_id, error=f"It cannot be read ({what}).")
    except (RuntimeError, ValueError, ArithmeticError, LookupError) as error:
        # a decoder or a network that failed on this slide must not stop the others
        what = f"Embedding failed unexpectedly ({type(error).__name__})"
        return Outcome(slide_id, error=f"{what}. Please report it.")
    with contextlib.suppress(SlideError, OSError):  # it is made again when it is asked for
        project.thumbnail(slide_id)
    return outcome


def _embed_one(
    project: Project, slide_id: str, encoder: Encoder, job: Job, readers: int
) -> Outcome:
    record, settings = project.cohort[slide_id], project.settings
    path = _path(project, record, encoder.spec, encoder.identity)
    with project.open_slide(slide_id) as slide:
        stain, reason = record.stain, f"its stain is {record.stain} and not H&E"
        if not stain:
            guess = guess_stain(slide)
            stain, reason = guess.name, f"it does not look like H&E: {guess.reason}"
        learnt = Outcome(slide_id, fingerprint=slide.fingerprint, stain=stain)
        if stain != H_AND_E and not settings.other_stains:
            remedy = "Set its stain to H&E, or allow other stains in this project."
            return replace(learnt, reason=f"Not embedded, as {reason.rstrip('.')}. {remedy}")
        features = embed_slide(
            slide,
            slide_id,
            encoder,
            tissue=settings.tissue,
            level0_tiles=record.level0_tiles,
            job=job,
            readers=readers,
        )
        save_features(path, features)
    return replace(learnt, tiles=len(features))


def _outcomes(
    project: Project, spec: EncoderSpec, todo: Sequence[str], job: Job
) -> Iterable[Outcome]:
    """Outcomes as they come: processes for our own encoder on the CPU, else one by one.

    A network uses all cores, or the GPU, by itself, and its weights should lie in memory
    once; our own descriptor is numpy and holds Python's lock.
    """
    from napari_lookalike.core.pipeline import embed_pool

    if not todo:
        return
    workers = min(embed_pool.cores(), len(todo), embed_pool.MAX_WORKERS)
    if spec.loader == "builtin" and workers > 1:
        yield from embed_pool.in_processes(project.root, todo, workers, job)
    else:
        yield from embed_pool.in_this_process(project, todo, job)


def _choose_encoder(project: Project, encoder: str | None, weights: Path | None) -> None:
    settings = project.settings
    if encoder is not None and encoder != settings.encoder:
        settings = replace(settings, encoder=encoder, weights=None)
    if weights is not None:
        settings = replace(settings, weights=str(weights))
    if settings != project.settings:
        from napari_lookalike.core.encoders import encoder_identity, encoder_spec

        # An unknown encoder, or one without weights here, is refused before it is written down.
        encoder_spec(settings.encoder)
        encoder_identity(settings.encoder, settings.weights_path)
        project.save(settings=settings)


def _included(project: Project) -> list[SlideRecord]:
    return [record for record in project.cohort if not record.excluded]


def _path(project: Project, record: SlideRecord, spec: EncoderSpec, identity: str) -> Path:
    mpp = None if record.level0_tiles else spec.mpp
    return project.features_dir(identity, spec.tile_px, mpp) / f"{record.slide_id}.h5"


def _complete(project: Project, record: SlideRecord, spec: EncoderSpec, identity: str) -> bool:
    """Whether its features are there, and made as they would be made now."""
    header = read_header(_path(project, record, spec, identity))
    if header is None or (header.slide_id, header.encoder) != (record.slide_id, identity):
        return False
    if record.fingerprint and header.fingerprint and record.fingerprint != header.fingerprint:
        return False
    if header.tissue:  # a field that is newer than the file counts as its default
        used = from_plain(TissueSettings, json.loads(header.tissue))
        if used != project.settings.tissue:
            return False
    if record.mpp is None or header.slide_mpp is None or record.level0_tiles:
        return True
    return max(abs(had / record.mpp - 1) for had in header.slide_mpp) < 1e-6


def _remember(project: Project, outcomes: Iterable[Outcome]) -> None:
    """Keep fingerprints and guessed stains in the slides' records, where there were none."""
    project.reload()
    cohort = project.cohort
    for outcome in outcomes:
        if outcome.slide_id in cohort:
            old = cohort[outcome.slide_id]
            new = replace(
                old,
                fingerprint=old.fingerprint or outcome.fingerprint,
                stain=old.stain or outcome.stain,
            )
            cohort = cohort.with_record(new) if new != old else cohort
    if cohort != project.cohort:
        project.save(cohort=cohort)


def _report(
    outcomes: Sequence[Outcome], complete: Sequence[SlideRecord], seconds: float
) -> EmbedReport:
    tiles = sum(outcome.tiles for outcome in outcomes)
    reasons = {o.slide_id: o.reason for o in outcomes if o.reason}
    return EmbedReport(
        done=tuple(o.slide_id for o in outcomes if o.tiles),
        skipped=(*(r.slide_id for r in complete), *reasons),
        failed={o.slide_id: o.error for o in outcomes if o.error},
        tiles=tiles,
        seconds=seconds,
        tiles_per_second=tiles / seconds if tiles else 0.0,
        reasons=reasons,
    )
