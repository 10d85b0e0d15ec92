"""Tuning the project's encoder on the tiles that its model attends to.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lookalike.core.attention import top_tiles
from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.encoders import encoder_spec, load_encoder
from napari_lookalike.core.encoders.adapter import Adapter, remedy_for_base, save_adapter
from napari_lookalike.core.encoders.identity import weight_file
from napari_lookalike.core.errors import EncoderError, TrainingError
from napari_lookalike.core.folds import draw_patients
from napari_lookalike.core.locked_test import locked_slide_ids
from napari_lookalike.core.lora.plan import TunePlan
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults
from napari_lookalike.core.results_here import results_here
from napari_lookalike.core.tiles import read_tiles

if TYPE_CHECKING:
    from napari_lookalike.core.lora.tune import Tiles

_LEFT_TO_TRAIN = 1
_NO_MODEL = "The project has no model in use that could choose tiles."


@dataclass(frozen=True)
class _Chosen:
    record: SlideRecord
    tiles: tuple[int, ...]


def tune_encoder(
    root: Path | str,
    out: Path,
    plan: TunePlan | None = None,
    *,
    device: str = "auto",
    job: Job = SILENT,
) -> dict[str, Any]:
    """Train an adapter for the project's encoder and write it.

    Nothing in the project changes. To use the adapter, embed again with it as the weights;
    features with and without it have different names and are never mixed.

    Parameters
    ----------
    root
        The project folder. Its model in use chooses the tiles.
    out
        The adapter's file, ``….safetensors``.
    plan
        How; ``None``: the defaults.
    device
        "auto", "cuda", "mps" or "cpu".
    job
        Progress and cancel.

    Returns
    -------
    dict
        What was done, for JSON: tiles, slides, balanced accuracy of validation patients with
        the plain and with the tuned encoder, which pass was kept, and what is to be done
        before the adapter can be used (empty if nothing is).

    Raises
    ------
    TrainingError
        If there is no model in use, or too few patients to validate with.
    EncoderError
        If the encoder cannot be tuned here, or peft is not installed.
    """
    from napari_lookalike.core.encoders.checksums import remembered_checksum
    from napari_lookalike.core.encoders.network import NetworkEncoder
    from napari_lookalike.core.lora.tune import tune

    plan = TunePlan() if plan is None else plan
    if out.suffix != ".safetensors":
        raise EncoderError("An adapter's file ends in .safetensors.", "Name it so.")
    project = Project.open(root)
    version = project.current_version
    if version is None:
        raise TrainingError(_NO_MODEL, "Train a first model.")
    results = results_here(project, version)
    spec = encoder_spec(project.settings.encoder)
    if spec.loader != "timm":
        raise EncoderError(
            f"The encoder {spec.title} is no network of timm.",
            "Embed with a vision transformer of timm, train a model, then tune it.",
        )
    weights = weight_file(spec, project.settings.weights_path)
    encoder = load_encoder(spec, weights=weights, device=device)
    if not isinstance(encoder, NetworkEncoder):
        raise EncoderError(f"The encoder {spec.title} cannot be tuned.", "Choose another.")
    chosen = _choose(project, results, plan)
    tiles = _read(project, results, chosen, plan, job.part(0, 2))
    tuned = tune(encoder, tiles, len(results.classes), plan, job.part(1, 2))
    about = Adapter(spec.name, remembered_checksum(weights), plan.rank, plan.alpha)
    save_adapter(out, about, tuned.layers)
    return {
        "encoder": spec.name,
        "chosen_by": version,
        "slides": len(chosen),
        "validation_slides": len(np.unique(tiles.slide[tiles.held_out])),
        "tiles": len(tiles.y),
        "plan": asdict(plan),
        "balanced_accuracy_plain": tuned.before,
        "balanced_accuracy_tuned": tuned.after,
        "best_pass": tuned.best_epoch,
        "adapter": out.name,
        "before_use": remedy_for_base(out, about, spec),
    }


def _choose(project: Project, results: ModelResults, plan: TunePlan) -> list[_Chosen]:
    """The most attended tiles of every labelled slide; the locked test set is not touched.

    A slide of the cohort is attended to by the network that never saw its patient. In a head
    with a branch per subtype that of the slide's label counts.
    """
    locked = locked_slide_ids(project)
    chosen = []
    for record in project.cohort:
        said = results.slides.get(record.slide_id)
        usable = record.label in results.classes and not record.excluded
        if said is None or not usable or record.slide_id in locked:
            continue
        logits = np.asarray(said.attention_logits)
        branch = results.classes.index(record.label) if len(logits) > 1 else 0
        features = project.load_features(record.slide_id, mapped=True)
        if len(features) == logits.shape[1]:
            best = top_tiles(logits[branch], plan.tiles, features.grid)
            chosen.append(_Chosen(record, tuple(int(i) for i in best)))
    if len({c.record.label for c in chosen}) < 2:
        raise TrainingError(
            "Fewer than two subtypes have slides that the model was asked about.",
            "Embed more slides and train a model first.",
        )
    return chosen


def _read(
    project: Project, results: ModelResults, chosen: Sequence[_Chosen], plan: TunePlan, job: Job
) -> Tiles:
    from napari_lookalike.core.lora.tune import Tiles

    labels = [c.record.label for c in chosen]
    groups = [c.record.group for c in chosen]
    rng = np.random.default_rng(plan.seed)
    away = draw_patients(labels, groups, plan.validation_share, _LEFT_TO_TRAIN, rng)
    # A patient with two subtypes may have been the last one of the other.
    left = {label for label, g in zip(labels, groups, strict=True) if g not in away}
    if not away or left != set(labels):
        raise TrainingError(
            "There are too few patients of some subtype to keep any for validation.",
            "Label slides of more patients, two of each subtype at least.",
        )
    pixels, y, slide, held_out = [], [], [], []
    for i, each in enumerate(chosen):
        slide_id = each.record.slide_id
        job.step(i, len(chosen), f"Reading tiles of slide {slide_id}")
        grid = project.load_features(slide_id, mapped=True).grid
        with project.open_slide(slide_id) as opened:
            found = read_tiles(opened, grid, each.tiles)
        n = len(found)
        pixels.append(found)
        y.append(np.full(n, results.classes.index(each.record.label)))
        slide.append(np.full(n, i))
        held_out.append(np.full(n, each.record.group in away))
    sizes = Counter(p.shape[1:] for p in pixels)
    if len(sizes) > 1:
        raise TrainingError("Tiles of the slides differ in size.", "Embed all slides alike.")
    whole = (np.concatenate(part) for part in (y, slide))
    classes, slides = (np.asarray(part, np.int64) for part in whole)
    return Tiles(np.concatenate(pixels), classes, slides, np.concatenate(held_out))
