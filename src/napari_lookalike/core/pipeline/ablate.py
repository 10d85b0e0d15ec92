"""The ablation as a whole job: every run is kept as soon as it is done, and never done twice."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike import __version__
from napari_lookalike.core.ablation.grid import LAMBDAS, TAUS, ArmName, Run, planned
from napari_lookalike.core.ablation.outcome import summary
from napari_lookalike.core.ablation.shuffled import shuffled_rows
from napari_lookalike.core.ablation.verdict import verdict
from napari_lookalike.core.config import LossName, TrainConfig
from napari_lookalike.core.config_check import check_config
from napari_lookalike.core.evaluation import evaluate
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.hard_negatives.outbox import send_waiting
from napari_lookalike.core.model import MilModel
from napari_lookalike.core.model_report.ablation_page import save_ablation
from napari_lookalike.core.model_report.files import write_text
from napari_lookalike.core.pipeline.mark_weights import MarkWeights, marked_pairs
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.pipeline.training_data import (
    TrainingData,
    folds_for,
    load_start,
    load_training_data,
)
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project

FOLDER = "ablations"
_LOSS: dict[ArmName, LossName] = {
    "ce": "ce",
    "supcon": "supcon",
    "expert": "expert",
    "shuffled": "expert",
}


@dataclass(frozen=True, eq=False)
class _Setting:
    """What all runs share."""

    project: Project
    data: TrainingData
    config: TrainConfig
    rows: tuple[PairMark, ...]
    shuffled: tuple[PairMark, ...]
    marked: tuple[tuple[str, str], ...]
    start: MilModel
    folds: NDArray[np.int64]


def ablate_project(
    root: Path | str,
    config: TrainConfig,
    out: Path | str | None = None,
    *,
    start_from: str | None = None,
    lambdas: Sequence[float] = LAMBDAS,
    taus: Sequence[float] = TAUS,
    job: Job = SILENT,
) -> dict[str, Any]:
    """Fine-tune one start model with every arm, lambda and temperature, and compare.

    Arms: cross-entropy, SupCon, expert-guided, and expert-guided with a shuffled table. All
    start from the same networks, with the same folds, seed and passes. Finished runs lie in
    ``<project>/ablations/<id>/``; the same command goes on where a cancelled one stopped,
    and a changed cohort, table or configuration begins anew. What is done is written out
    also when the job is cancelled.

    Parameters
    ----------
    root
        The project folder.
    config
        As for `train_project`; its lambda and temperature are the comparison that is judged,
        and belong to the grid (a lambda of 0 becomes 1).
    out
        Folder for ``ablation.html``, ``ablation.json`` and ``ablation.csv``; ``None``: the
        folder of the runs.
    start_from
        Version that every run fine-tunes; ``None``: one that is trained first with
        cross-entropy, as a version of the project.
    lambdas, taus
        The grid.
    job
        Progress and cancel.

    Returns
    -------
    dict
        JSON values: see `ablation.outcome.summary`, with ``verdict``, ``notes``, ``missing`` (runs
        not done) and what they share.

    Raises
    ------
    TrainingError, ModelError, TableError, ProjectError
        As `train_project`.
    JobCancelled
        If the job was cancelled; finished runs are kept and written out.
    """
    check_config(config)
    project = Project.open(root)
    project.check_writable()
    config = replace(config, lam=config.lam or 1.0)
    send_waiting(project)
    rows = tuple(r for r in HardNegativeTable(project.table_place).rows() if r.active)
    data = load_training_data(project, job.part(0, 100))
    folder = project.root / FOLDER / _identity(data, config, rows, start_from)
    version = start_from or _start_version(project, folder, config, job.part(1, 100))
    start = load_start(project, version, data)
    config = replace(config, head=start.head)
    folds, fold_notes = folds_for(data, config, start)
    marked = tuple(marked_pairs(project.cohort, rows, data.classes, config.marks_rule))
    shuffled, note = _shuffled(project, data, rows, marked, config.seed)
    setting = _Setting(project, data, config, rows, shuffled, marked, start, folds)
    arms: list[ArmName] = ["supcon"]
    if marked:
        arms.append("expert")
    if shuffled:
        arms.append("shuffled")
    runs = planned(lambdas, taus, (config.lam, config.tau), arms)
    facts = {
        "start": version,
        "notes": [n for n in (*data.notes, *fold_notes, note if marked else "") if n],
        "table_version": HardNegativeTable(project.table_place).version,
    }
    try:
        for i, run in enumerate(runs):
            if not _kept(folder, run):
                part = job.part(2 + i, 2 + len(runs), f"Run {i + 1} of {len(runs)} ({run.title}): ")
                _keep(folder, run, _trained(setting, run, part))
    finally:
        report = _report(setting, folder, runs, facts)
        save_ablation(Path(out) if out is not None else folder, report)
    return report


def _identity(
    data: TrainingData,
    config: TrainConfig,
    rows: Sequence[PairMark],
    start_from: str | None,
) -> str:
    """What decides the runs' results, as a short name."""
    settings = {
        k: v for k, v in asdict(config).items() if k not in ("loss", "lam", "tau", "threads")
    }
    cohort = [
        (b.slide_id, b.label, b.group, b.instances.shape, float(b.instances.sum(dtype=np.float64)))
        for b in data.bags
    ]
    table = sorted((*r.sides, r.level, r.strength) for r in rows)
    known = repr((settings, cohort, table, asdict(data.source), start_from))
    return hashlib.sha256(known.encode()).hexdigest()[:10]


def _start_version(project: Project, folder: Path, config: TrainConfig, job: Job) -> str:
    """The start model of these runs: the one that they had, else a new one."""
    note = folder / "start.json"
    try:
        version = str(json.loads(note.read_text(encoding="utf-8"))["version"])
        if version in project.versions():
            return version
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the first time, or a file that was cut short
    version = train_project(project.root, replace(config, loss="ce"), table_rows=(), job=job)
    write_text(note, json.dumps({"version": version}))
    return version


def _shuffled(
    project: Project,
    data: TrainingData,
    rows: Sequence[PairMark],
    marked: Sequence[tuple[str, str]],
    seed: int,
) -> tuple[tuple[PairMark, ...], str]:
    slides_of: dict[str, list[str]] = defaultdict(list)
    for bag in data.bags:
        if bag.label:
            slides_of[bag.label].append(bag.slide_id)
    labels = {s.slide_id: s.label for s in project.cohort}
    return shuffled_rows(rows, marked, slides_of, labels, seed)


def _trained(setting: _Setting, run: Run, job: Job) -> dict[str, Any]:
    """Held-out metrics of one run."""
    from napari_lookalike.core.training import cross_validate

    config = replace(setting.config, loss=_LOSS[run.arm], lam=run.lam, tau=run.tau)
    rows = setting.shuffled if run.arm == "shuffled" else setting.rows
    marks = MarkWeights(setting.project, setting.data, config, rows, setting.folds)
    cv = cross_validate(
        setting.data.bags,
        setting.data.classes,
        config,
        marks.without_fold,
        setting.folds,
        job,
        setting.start,
        final=setting.start,
    )
    return evaluate(cv, setting.marked, config.seed)


def _file(folder: Path, run: Run) -> Path:
    return folder / "runs" / f"{run.name}.json"


def _kept(folder: Path, run: Run) -> dict[str, Any] | None:
    """A finished run's metrics, or None; a file that was cut short is no finished run."""
    try:
        data = json.loads(_file(folder, run).read_text(encoding="utf-8"))
        return dict(data["metrics"]) if data["run"] == asdict(run) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(folder: Path, run: Run, metrics: Mapping[str, Any]) -> None:
    text = json.dumps({"run": asdict(run), "metrics": metrics}, allow_nan=False)
    write_text(_file(folder, run), text)


def _report(
    setting: _Setting, folder: Path, runs: Sequence[Run], facts: Mapping[str, Any]
) -> dict[str, Any]:
    done = {run: kept for run in runs if (kept := _kept(folder, run)) is not None}
    config = setting.config
    found = summary(done, setting.marked, (config.lam, config.tau), config.seed)
    return {
        "format": "napari-lookalike ablation",
        "program": __version__,
        "research_use_only": True,
        "synthetic": setting.project.cohort.synthetic,
        **facts,
        "config": asdict(config) | {"benign": list(config.benign)},  # as it comes from JSON
        "slides": sum(bool(b.label) for b in setting.data.bags),
        "patients": len({b.group for b in setting.data.bags if b.label}),
        "missing": [run.name for run in runs if run not in done],
        **found,
        "verdict": list(verdict(found)),
    }
