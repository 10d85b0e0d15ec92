"""Embed a cohort: every slide to its feature file, with all that the machine has."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.devices import check_device
from napari_lookalike.core.embed.claim import forget_dead
from napari_lookalike.core.embed.parts import discard, parts_folder
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.normalise import STAIN_METHODS
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome, embed_one
from napari_lookalike.core.pipeline.embed_state import Standing, feature_file, standing
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project

__all__ = ["EmbedReport", "Outcome", "embed_one", "embed_project"]

_WORTH_PROCESSES: Final = 64 << 20
"""A single slide whose file is smaller is done before further processes have started."""


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
        Tiles of the slides that were done in this run.
    seconds
        Wall time.
    tiles_per_second
        Over the whole run, reading and tissue included; 0 if nothing was embedded.
    reasons
        slide_id -> why it was skipped, for those that a person may want otherwise.
    damaged
        slide_id -> what was wrong with its former features, which were made again.
    partial
        slide_id -> share of its tiles that its features have, for those that were stopped
        early.
    note
        What was asked for and not done, as a sentence or two; empty if there is nothing.
    """

    done: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    tiles: int = 0
    seconds: float = 0.0
    tiles_per_second: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    partial: dict[str, float] = field(default_factory=dict)
    note: str = ""


def embed_project(
    root: Path,
    slide_ids: Sequence[str] | None = None,
    encoder: str | None = None,
    weights: Path | None = None,
    only_missing: bool = True,
    job: Job = SILENT,
    *,
    stain: str | None = None,
    device: str = "auto",
    batch: int = 0,
    stop_at: float = 1.0,
    compiled: bool = False,
    dask: str = "",
    features_url: str = "",
) -> EmbedReport:
    """Embed the slides of a project, and make their thumbnails.

    An error on one slide is reported and the rest goes on. If the job is cancelled, or the
    process killed, what is embedded stays, and the next run goes on from there, tile by tile.
    Several processes may work on one project: each slide is done by one of them.

    Parameters
    ----------
    root
        The project's folder.
    slide_ids
        Which slides, in which order; ``None`` for all that are not excluded.
    encoder, weights
        Another encoder (by name) and its local weights than the project's; it becomes
        the project's.
    only_missing
        Leave slides alone that have features of the same content, encoder, scale, tissue
        and stain settings, whole and undamaged.
    job
        Progress and cancel.
    stain
        Another stain normalisation than the project's (`core.normalise`); it becomes the
        project's.
    device
        "auto", "cpu", "mps", "cuda" or "cuda:<number>".
    batch
        Tiles that the encoder gets at once; 0 for what suits it.
    stop_at
        Share of a slide's tiles (0 to 1) at which it is left; its features say so, and a
        later run completes them.
    compiled
        Have torch compile the network: minutes at first, somewhat quicker then.
    dask
        Address of a Dask scheduler that does the work instead, or ``local:N`` for N processes
        here; empty for this machine.
    features_url
        Where Dask's workers leave their work if not in the project's folder (`core.cluster`).

    Returns
    -------
    EmbedReport

    Raises
    ------
    ProjectError
        If the folder is no project, is read-only, or has no such slide.
    EncoderError
        If the encoder or the stain normalisation is unknown, weights cannot be had, or the
        device is not here.
    JobCancelled
        If the job was cancelled.
    """
    from napari_lookalike.core.encoders import encoder_identity, encoder_spec

    started = time.perf_counter()
    project = Project.open(root)
    project.check_writable()
    if not dask:
        check_device(device)
    former = project.settings
    _choose(project, encoder, weights, stain)
    spec = encoder_spec(project.settings.encoder)
    identity = encoder_identity(spec.name, project.settings.weights_path)
    options = EmbedOptions(device, batch, stop_at, again=not only_missing, compiled=compiled)
    wanted = [project.cohort[i] for i in slide_ids] if slide_ids is not None else _included(project)
    found = {} if options.again else _standings(project, wanted, spec, identity, job)
    todo = [r.slide_id for r in wanted if _lacks(found.get(r.slide_id), stop_at)]
    outcomes: list[Outcome] = []
    try:
        for outcome in _outcomes(project, spec, todo, options, (dask, features_url), job):
            outcomes.append(outcome)
    except EncoderError:  # its weights do not fit, say: the project keeps what works
        if project.settings != former:
            project.save(settings=former)
        raise
    finally:  # what was learnt is kept when the job is cancelled, too
        _remember(project, outcomes)
    outcomes.sort(key=lambda outcome: todo.index(outcome.slide_id))
    complete = [r.slide_id for r in wanted if r.slide_id not in todo]
    report = _report(outcomes, complete, time.perf_counter() - started)
    damaged = {i: s.damage for i, s in found.items() if s.damage}
    return replace(report, damaged=damaged, note=not_used(spec, device, compiled))


def not_used(spec: EncoderSpec, device: str, compiled: bool = False) -> str:
    """What an encoder makes no use of though it was asked for; empty if there is nothing.

    Parameters
    ----------
    spec
        Its row.
    device, compiled
        As of `embed_project`.
    """
    if spec.loader != "builtin":
        return ""
    told = [f"{spec.title} computes on the CPU: {device} is not used."]
    told = told if device not in ("auto", "cpu") else []
    return " ".join([*told, *([f"{spec.title} is never compiled."] if compiled else [])])


def _standings(
    project: Project, wanted: Sequence[SlideRecord], spec: EncoderSpec, identity: str, job: Job
) -> dict[str, Standing]:
    found = {}
    for i, record in enumerate(wanted):
        job.step(0, 0, f"Looking at what is there: slide {i + 1} of {len(wanted)}")
        there = found[record.slide_id] = standing(project, record, spec, identity)
        path = feature_file(project, record, spec, identity)
        if there.coverage >= 1 and forget_dead(path):  # it was killed when it was done
            discard(parts_folder(path))
    return found


def _lacks(there: Standing | None, stop_at: float) -> bool:
    return there is None or there.coverage < stop_at


def _outcomes(
    project: Project,
    spec: EncoderSpec,
    todo: Sequence[str],
    options: EmbedOptions,
    cluster: tuple[str, str],
    job: Job,
) -> Iterator[Outcome]:
    """Outcomes as they come: processes for our own encoder on the CPU, else one by one.

    A network uses all cores, or the GPU, by itself, and its weights should lie in memory
    once; our own encoder is numpy for a good part and holds Python's lock.
    """
    from napari_lookalike.core.pipeline import embed_here, embed_pool

    if not todo:
        return
    if any(cluster):
        from napari_lookalike.core.cluster.run import embed_on_cluster

        yield from embed_on_cluster(project, todo, *cluster, options, job)
        return
    workers = min(embed_pool.cores(), embed_pool.MAX_WORKERS)
    alone = len(todo) == 1 and not _is_large(project.cohort[todo[0]].path)
    if spec.loader == "builtin" and workers > 1 and not alone:
        yield from embed_pool.in_processes(project.root, todo, workers, job, options)
    else:
        yield from embed_here.in_this_process(project, todo, job, options)


def _is_large(path: Path) -> bool:
    try:
        return path.is_dir() or path.stat().st_size > _WORTH_PROCESSES
    except OSError:
        return False


def _choose(project: Project, encoder: str | None, weights: Path | None, stain: str | None) -> None:
    settings = project.settings
    if stain is not None:
        if stain not in STAIN_METHODS:
            known = ", ".join(STAIN_METHODS)
            raise EncoderError(f"There is no stain normalisation {stain!r}.", f"Known: {known}.")
        settings = replace(settings, stain_normalisation=stain)
    if encoder is not None and encoder != settings.encoder:
        settings = replace(settings, encoder=encoder, weights=None)
    if weights is not None:
        settings = replace(settings, weights=str(weights))
    if settings != project.settings:
        from napari_lookalike.core.encoders import encoder_identity, encoder_spec

        # An unknown encoder, or one without weights here, is refused before it is written down.
        spec = encoder_spec(settings.encoder)
        if weights is not None and spec.loader == "builtin":
            raise EncoderError(
                f"{spec.title} ships with the program and takes no weight file.",
                "Name the encoder that the weights are of.",
            )
        encoder_identity(settings.encoder, settings.weights_path)
        project.save(settings=settings)


def _included(project: Project) -> list[SlideRecord]:
    return [record for record in project.cohort if not record.excluded]


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


def _report(outcomes: Sequence[Outcome], complete: Sequence[str], seconds: float) -> EmbedReport:
    tiles = sum(outcome.tiles for outcome in outcomes)
    reasons = {o.slide_id: o.reason for o in outcomes if o.reason}
    elsewhere = [o.slide_id for o in outcomes if o.elsewhere]
    return EmbedReport(
        done=tuple(o.slide_id for o in outcomes if o.tiles),
        skipped=(*complete, *elsewhere, *reasons),
        failed={o.slide_id: o.error for o in outcomes if o.error},
        tiles=tiles,
        seconds=seconds,
        tiles_per_second=tiles / seconds if tiles else 0.0,
        reasons=reasons,
        partial={o.slide_id: o.coverage for o in outcomes if o.tiles and o.coverage < 1},
    )
