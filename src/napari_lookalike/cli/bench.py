"""``bench NAME``: measurements, each beside a peer or a ceiling, in one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lookalike.cli.console import (
    Json,
    out,
    present,
    print_json,
    progress,
    table,
    wrong_usage,
)
from napari_lookalike.core.progress import Job

if TYPE_CHECKING:
    from napari_lookalike.core.bench.report import BenchReport, Row

VIEW, DECODE, EMBED, MIL, TRAIN, MAP = "view", "decode", "embed", "mil", "train", "map"
TWIN = "twin"
LOOKALIKE, ENCODER = "lookalike", "encoder"
_RUNS, _QUICK_RUNS = 3, 1


def bench(
    name: Annotated[
        str,
        typer.Argument(
            help="What to measure: view, decode, encoder, embed, mil, train, map, twin, lookalike."
        ),
    ],
    slide: Annotated[
        list[Path] | None,
        typer.Option(callback=present, help="view, decode: a slide; view takes several."),
    ] = None,
    peer: Annotated[
        str | None,
        typer.Option(help="view: napari-wsi, or another napari plugin that reads slides."),
    ] = None,
    runs: Annotated[
        int | None, typer.Option(min=1, max=99, help="view: rounds in which readers take turns.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            callback=present, help="Folder of the real test data; mil: also one npz file."
        ),
    ] = None,
    head: Annotated[
        list[str] | None,
        typer.Option(help="mil: heads to measure; abmil-plain is ABMIL without gate."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="embed, train: where networks run: cpu, cuda; embed: mps."),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="Only some. embed: speed, reading, shipped, memory, early, cluster; "
            "train: speed, accuracy, memory, attention, finetune; "
            "map: pan, first, umap, mark, open; encoder: peers, shipped, stain."
        ),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="lookalike: how many, 10 by default.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="lookalike: a JSON file of all seeds; a stopped run goes on from it."),
    ] = None,
    quick: Annotated[bool, typer.Option(help="Fewer samples: a look, not a figure.")] = False,
    json: Json = False,
) -> None:
    """Measure, and show each figure beside its target."""
    from napari_lookalike.core.bench import BENCHES

    known = [VIEW, MAP, TWIN, *BENCHES.names()]
    if name not in known:
        wrong_usage(f"there is no bench {name!r}; known: {', '.join(known)}.")
    if name != VIEW and (peer or runs):
        wrong_usage(f"--peer and --runs are of bench {VIEW}.")
    if slide and (name not in (VIEW, DECODE) or (name == DECODE and len(slide) > 1)):
        wrong_usage(f"--slide is of bench {VIEW}, and of bench {DECODE}, which takes one.")
    if device and name not in (EMBED, TRAIN):
        wrong_usage(f"--device is of bench {EMBED} and of bench {TRAIN}.")
    if part and name not in (EMBED, TRAIN, MAP, ENCODER):
        wrong_usage(f"--part is of the benches {EMBED}, {TRAIN}, {MAP} and {ENCODER}.")
    if name != MIL and (head or (data and not data.is_dir())):
        wrong_usage(f"--head, and --data with a file, are of bench {MIL}.")
    if name != LOOKALIKE and (seeds or keep):
        wrong_usage(f"--seeds and --keep are of bench {LOOKALIKE}.")
    with progress(f"Measuring {name}", quiet=json) as job:
        if name == VIEW:
            rounds = runs or (_QUICK_RUNS if quick else _RUNS)
            report = _view(slide or [], peer, rounds, quick, job)
        elif name in (EMBED, TRAIN):
            report = _on_device(name, device or "cpu", tuple(part or ()), quick, job)
        elif name == MAP:
            report = _map(tuple(part or ()), quick, job)
        elif name == ENCODER:
            report = _encoder(data, tuple(part or ()), quick, job)
        elif name == TWIN:
            report = _twin(quick, job)
        elif name == MIL:
            report = _mil(data, tuple(head or ()), quick, job)
        elif name == LOOKALIKE:
            report = _lookalike(data, seeds, keep, quick, job)
        elif slide:
            report = _decode(slide[0], quick, job)
        else:
            report = BENCHES.get(name)(data=data, quick=quick, job=job)
    if json:
        print_json(report.to_json())
    else:
        _show(name, report)


def _view(slides: list[Path], peer: str | None, runs: int, quick: bool, job: Job) -> BenchReport:
    from napari_lookalike.core.bench.replay import PEER
    from napari_lookalike.ui.bench.view import bench_view

    return bench_view(slides, peer=peer or PEER, runs=runs, quick=quick, job=job)


def _map(parts: tuple[str, ...], quick: bool, job: Job) -> BenchReport:
    from napari_lookalike.core.bench.map import PARTS
    from napari_lookalike.ui.bench.map import bench_map

    unknown = [p for p in parts if p not in PARTS]
    if unknown:
        wrong_usage(f"bench {MAP} has no part {', '.join(unknown)}. It has {', '.join(PARTS)}.")
    return bench_map(only=parts, quick=quick, job=job)


def _encoder(data: Path | None, parts: tuple[str, ...], quick: bool, job: Job) -> BenchReport:
    from napari_lookalike.core.bench import BENCHES
    from napari_lookalike.core.bench.encoder_rows import PARTS

    unknown = [p for p in parts if p not in PARTS]
    if unknown:
        wrong_usage(f"bench {ENCODER} has no part {', '.join(unknown)}. It has {', '.join(PARTS)}.")
    chosen = {"only": parts} if parts else {}
    return BENCHES.get(ENCODER)(data=data, quick=quick, job=job, **chosen)


def _twin(quick: bool, job: Job) -> BenchReport:
    from napari_lookalike.ui.bench.twin import bench_twin

    return bench_twin(quick=quick, job=job)


def _mil(data: Path | None, heads: tuple[str, ...], quick: bool, job: Job) -> BenchReport:
    from napari_lookalike.core.bench.mil import DEFAULT_HEADS, bench_mil

    return bench_mil(data=data, quick=quick, job=job, heads=heads or DEFAULT_HEADS)


def _lookalike(
    data: Path | None, seeds: int | None, keep: Path | None, quick: bool, job: Job
) -> BenchReport:
    from napari_lookalike.core.bench.lookalike import bench_lookalike

    return bench_lookalike(data=data, quick=quick, job=job, seeds=seeds, keep=keep)


def _decode(slide: Path, quick: bool, job: Job) -> BenchReport:
    from napari_lookalike.core.bench.decode import bench_decode

    return bench_decode(slide=slide, quick=quick, job=job)


def _on_device(
    name: str, device: str, parts: tuple[str, ...], quick: bool, job: Job
) -> BenchReport:
    """Those that have parts, on a device."""
    from napari_lookalike.core.bench import embed, train

    of = embed if name == EMBED else train
    unknown = [p for p in parts if p not in of.PARTS]
    if unknown or device not in of.DEVICES:
        known = f"parts: {', '.join(of.PARTS)}; devices: {', '.join(of.DEVICES)}"
        wrong_usage(f"bench {name} does not know {', '.join(unknown) or device}. It has {known}.")
    measure = embed.bench_embed if name == EMBED else train.bench_train
    return measure(device=device, only=parts, quick=quick, job=job)


def _show(name: str, report: BenchReport) -> None:
    """The figures for a person; columns that no row fills are left out."""
    columns = ["figure", "value", "min to max", "target", "unit", "met", "beside"]
    rows = [_cells(row) for row in report.rows]
    used = [i for i, c in enumerate(columns) if c not in _OPTIONAL or any(row[i] for row in rows)]
    table(f"bench {name}", [columns[i] for i in used], [[row[i] for i in used] for row in rows])
    for missing in report.not_measured:
        out.print(f"Not measured: {missing.name}: {missing.reason}", style="yellow")


_OPTIONAL = ("min to max", "beside")


def _cells(row: Row) -> list[str]:
    return [
        row.name,
        f"{row.value:.4g}",
        "" if row.low is None or row.high is None else f"{row.low:.4g} to {row.high:.4g}",
        "" if row.target is None else f"{row.target:.4g}",
        row.unit,
        "yes" if row.met else "NO",
        row.beside,
    ]
