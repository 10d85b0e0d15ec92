"""``train``: a model from a project's features and its marks."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    err,
    known_device,
    new_folder,
    out,
    present_file,
    present_folder,
    print_json,
    progress,
    table,
    wrong_usage,
)
from napari_lookalike.cli.sources import open_project
from napari_lookalike.core.ablation.grid import LAMBDAS, TAUS
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.votes import read_votes_csv, save_votes

MOST = 1000.0
"""Of every weight: more, and infinity, makes numbers that are none."""


def _joined(values: tuple[float, ...]) -> str:
    return ",".join(f"{v:g}" for v in values)


class Loss(StrEnum):
    """Which loss teaches the model."""

    ce = "ce"
    supcon = "supcon"
    expert = "expert"


class Precision(StrEnum):
    """What the head computes in."""

    single = "single"
    half = "half"


def train(
    project: Annotated[Path, typer.Argument(callback=present_folder, help="A project.")],
    loss: Annotated[
        Loss, typer.Option(help="Cross-entropy, + SupCon, + expert's marks.")
    ] = Loss.supcon,
    head: Annotated[
        str | None, typer.Option(help="abmil, clam_sb, clam_mb, dsmil, transmil, mean or linear.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="Model version to fine-tune.")] = None,
    lam: Annotated[float | None, typer.Option(min=0, max=MOST, help="Contrastive weight.")] = None,
    gamma: Annotated[
        float | None, typer.Option(min=1, max=MOST, help="Strength of a full mark.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option("--folds", "--cv", min=2, help="Cross-validation folds.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the cohort.")] = None,
    instances: Annotated[
        int | None, typer.Option(min=0, help="Tiles of a slide drawn in each step; 0: all.")
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="half: faster where the processor has bfloat16.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(callback=known_device, help="auto, cpu, cuda or mps.")
    ] = None,
    memory: Annotated[
        int | None, typer.Option(min=0, help="Also contrast with so many slides of before.")
    ] = None,
    by_centre: Annotated[
        bool | None, typer.Option(help="Draw every centre as often, within a subtype.")
    ] = None,
    by_hardness: Annotated[
        bool | None, typer.Option(help="Draw slides that are got wrong more often.")
    ] = None,
    replay: Annotated[
        int | None, typer.Option(min=0, help="Add so many slides that were mistaken to a batch.")
    ] = None,
    mixup: Annotated[
        float | None,
        typer.Option(min=0, max=MOST, help="Mix slides; alpha of the share, such as 0.4."),
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Option(callback=present_file, help="CSV of experts' votes: slide_id, label."),
    ] = None,
    use_votes: Annotated[
        bool | None, typer.Option(help="Learn the shares of the project's votes.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, help="Stop after so many passes without gain; 0: never.")
    ] = None,
    evidence_attention: Annotated[
        float | None,
        typer.Option(min=0, max=MOST, help="Evidence tiles: weight on attention; 0: off."),
    ] = None,
    evidence_tiles: Annotated[
        float | None,
        typer.Option(min=0, max=MOST, help="Evidence tiles: weight on classes; 0: off."),
    ] = None,
    benign: Annotated[
        list[str] | None,
        typer.Option(help="A subtype without tumour, whose tiles mean nothing in other slides."),
    ] = None,
    benign_weight: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="How strongly; 0: off.")
    ] = None,
    pair_thresholds: Annotated[
        bool | None,
        typer.Option(help="Decide between marked pairs where held-out slides say."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Of everything random.")
    ] = None,
    use: Annotated[bool, typer.Option(help="Make it the project's model.")] = True,
    report: Annotated[
        Path | None,
        typer.Option(callback=new_folder, help="Folder for a report: report.html and report.json."),
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Compare losses, λ and τ; goes on where it stopped.")
    ] = False,
    lambdas: Annotated[str, typer.Option(help="λ of --ablate, with commas.")] = _joined(LAMBDAS),
    taus: Annotated[str, typer.Option(help="τ of --ablate, with commas.")] = _joined(TAUS),
    json: Json = False,
) -> None:
    """Train with patient-grouped cross-validation, or fine-tune from a version."""
    from napari_lookalike.core.pipeline.train import train_project
    from napari_lookalike.core.results import load_results

    opened = open_project(project)
    wishes: dict[str, Any] = {
        "head": head,
        "lam": lam,
        "gamma": gamma,
        "folds": folds,
        "seed": seed,
    }
    wishes |= {
        "patience": patience,
        "max_instances": instances,
        "precision": precision and precision.value,
    }
    wishes |= {"device": device, "memory": memory, "replay": replay, "mixup": mixup}
    wishes |= {"by_centre": by_centre, "by_hardness": by_hardness, "votes": use_votes}
    wishes |= {"evidence_attention": evidence_attention, "evidence_tiles": evidence_tiles}
    wishes |= {"benign": _known(opened, benign), "benign_weight": benign_weight}
    wishes["pair_thresholds"] = pair_thresholds
    wishes["finetune_epochs" if start else "epochs"] = epochs
    given: dict[str, Any] = {key: value for key, value in wishes.items() if value is not None}
    if votes is not None:
        given["votes"] = True
        _import_votes(opened, votes)
    config = replace(opened.settings.train, loss=loss.value, **given)
    if ablate:
        grid = _numbers(lambdas, "--lambdas", lowest=0.0), _numbers(taus, "--taus", lowest=1e-3)
        _ablate(opened, config, start, grid, report, json=json)
        return
    with progress("Training", quiet=json) as job, _kept_on_interrupt(job):
        version = train_project(opened.root, config, start_from=start, job=job)
    results = load_results(opened.version_dir(version))
    evidence = results.metrics.get("evidence", {})
    harmed = evidence.get("keep") is False
    if use and not harmed:
        opened.set_current_version(version)
    if report is not None:
        from napari_lookalike.core.model_report import build_model_report, save_model_report

        save_model_report(report, build_model_report(opened, version))
    if json:
        print_json({"version": version, "card": results.card, "metrics": results.metrics})
        return
    accuracy = results.metrics["balanced_accuracy"]
    out.print(f"Model {version}. {RESEARCH}")
    rows = [["balanced accuracy", *_interval(accuracy)]]
    for pair, figures in results.metrics["pairs"].items():
        rows.append([f"confusion {pair}", *_interval(figures["confusion"])])
        rows.append([f"margin {pair}", *_interval(figures["margin"])])
    table("Held-out patients", ["", "value", "95 % interval"], rows)
    comparison = results.metrics.get("comparison")
    if comparison:
        out.print(f"Against {comparison['before']}: {comparison['verdict']}", highlight=False)
    elif evidence:
        out.print(evidence["sentence"], highlight=False)
    if use and harmed:
        err.print(
            f"{version} is not put in use; versions keep does it all the same.", style="yellow"
        )
    if report is not None:
        out.print("report.html and report.json are in the folder you named.")
    for note in results.card["notes"]:
        err.print(note, style="yellow", highlight=False, markup=False)


def _known(opened: Project, names: list[str] | None) -> tuple[str, ...] | None:
    """Labels of the cohort, or a usage error."""
    labels = {slide.label for slide in opened.cohort}
    unknown = [name for name in names or () if name not in labels]
    if unknown:
        wrong_usage(f"no slide has the subtype {', '.join(unknown)}.")
    return tuple(names) if names else None


@contextmanager
def _kept_on_interrupt(job: Job) -> Iterator[None]:
    """Ctrl-C ends the training after this pass and keeps it; a second one ends it at once."""

    def finish(signum: int, frame: FrameType | None) -> None:
        if job.finishing:
            signal.default_int_handler(signum, frame)
        job.finish()
        err.print("Stopping after this pass, and keeping it. Once more: stop at once.")

    before = signal.signal(signal.SIGINT, finish)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _import_votes(opened: Project, path: Path) -> None:
    """Keep the votes in the project: fine-tuning in the window learns from them too."""
    opened.check_writable()
    votes, notes = read_votes_csv(path, opened.cohort)
    save_votes(opened.root, votes)
    for note in notes:
        err.print(note, style="yellow", highlight=False)


def _ablate(
    opened: Project,
    config: TrainConfig,
    start: str | None,
    grid: tuple[list[float], list[float]],
    folder: Path | None,
    *,
    json: bool,
) -> None:
    from napari_lookalike.core.pipeline.ablate import ablate_project

    lambdas, taus = grid
    with progress("Ablation", quiet=json) as job:
        found = ablate_project(
            opened.root, config, folder, start_from=start, lambdas=lambdas, taus=taus, job=job
        )
    if json:
        print_json(found)
        return
    for sentence in found["verdict"]:
        out.print(sentence, highlight=False, markup=False)
    where = "the folder you named" if folder is not None else "the project's folder ablations"
    out.print(f"ablation.html, ablation.json and ablation.csv are in {where}. {RESEARCH}")
    for note in found["notes"]:
        err.print(note, style="yellow", highlight=False, markup=False)


def _numbers(text: str, option: str, *, lowest: float) -> list[float]:
    """Numbers between commas."""
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        wrong_usage(f"{option} takes numbers with commas, such as {_joined(LAMBDAS)}.")
    if not all(lowest <= v < MOST for v in values):  # False for NaN too
        wrong_usage(f"{option} takes numbers from {lowest:g} on.")
    return values


def _interval(figure: dict[str, float | None]) -> list[str]:
    def text(x: float | None) -> str:
        return "–" if x is None else f"{x:.3f}"

    return [text(figure["value"]), f"{text(figure['low'])} to {text(figure['high'])}"]
