"""What a model version says of every slide, readable without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.content import UNKNOWN, Content
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.project_file import write_atomic

RESULTS_FILE = "results.h5"
METRICS_FILE = "metrics.json"
SCHEMA = 1
UNLIKE = 0.99


@dataclass(frozen=True, eq=False)
class SlideResult:
    """What one model version says of one slide.

    Parameters
    ----------
    slide_id
        The slide.
    probabilities
        float32 (n_classes,), over `ModelResults.classes`.
    embedding
        float32 (embed_dim,): the slide embedding in the space of the final model (for a
        held-out slide: of its fold's model, rotated into that space).
    attention_logits
        float32 (n_branches, n_tiles), before softmax, in the order of the slide's features.
    held_out
        True: said by a fold's model that never saw this patient. False: a new slide.
    fold
        Which fold held it out; -1 for a new slide.
    unlike
        Cosine distance to the nearest training slide, as a share of training slides that
        lie nearer to theirs (0 to 1); above 0.99 reads "unlike anything in the training set".
    content
        What the slide is known by besides its name; empty in results of before this was kept.
    """

    slide_id: str
    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    attention_logits: NDArray[np.float32]
    held_out: bool
    fold: int = -1
    unlike: float = 0.0
    content: Content = UNKNOWN

    @property
    def is_unlike(self) -> bool:
        """Whether to say "unlike anything in the training set"."""
        return self.unlike > UNLIKE

    @property
    def ranking(self) -> NDArray[np.intp]:
        """Class indices, most probable first."""
        return np.argsort(-self.probabilities, kind="stable")


@dataclass(frozen=True, eq=False)
class ModelResults:
    """What one model version says of the whole cohort.

    Parameters
    ----------
    version
        Name of the model version ("m002-expert").
    classes
        Class names, in the order of the probabilities.
    slides
        slide_id -> result.
    metrics
        Held-out metrics (`core.evaluation.evaluate`), JSON-like.
    card
        The model's card: head, encoder, configuration, table version, seeds, folds.
    left_out
        Slides whose result is of another slide under that name (`results_here`): not kept.
    """

    version: str
    classes: tuple[str, ...]
    slides: Mapping[str, SlideResult] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Projection:
    """Slide embeddings in two dimensions.

    Parameters
    ----------
    version
        Model version whose embeddings these are.
    method
        "pca" or "umap".
    slide_ids
        In the order of ``points``.
    points
        float32 (n_slides, 2).
    parameters
        Seed, neighbours, minimum distance, metric; whether it was aligned to another map.
    """

    version: str
    method: str
    slide_ids: tuple[str, ...]
    points: NDArray[np.float32]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def save_results(folder: Path, results: ModelResults) -> None:
    """Write ``results.h5`` and ``metrics.json`` into a version's folder, each all or not at all.

    Parameters
    ----------
    folder
        The version's folder; made if it is not there.
    results
        What to keep. Slides are kept in the mapping's order. Every slide's embedding
        has the same length, and its attention the same number of branches.

    Raises
    ------
    ProjectError
        If the folder cannot be written.
    """
    metrics = json.dumps(results.metrics, indent=1, allow_nan=False)
    write_atomic(folder / METRICS_FILE, lambda p: _write_text(p, metrics))
    write_atomic(folder / RESULTS_FILE, lambda p: _write_h5(p, results))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_h5(path: Path, results: ModelResults) -> None:
    slides = list(results.slides.values())
    lengths = [s.attention_logits.shape[1] for s in slides]
    with h5py.File(path, "w") as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["version"] = results.version
        text = h5py.string_dtype()
        file.create_dataset("classes", data=list(results.classes), dtype=text)
        file.create_dataset("card", data=json.dumps(results.card, allow_nan=False), dtype=text)
        file.create_dataset("slide_ids", data=[s.slide_id for s in slides], dtype=text)
        for part in ("slide", "features"):
            hashes = [getattr(s.content, part) for s in slides]
            file.create_dataset(f"content_{part}", data=hashes, dtype=text)
        file["offsets"] = np.cumsum([0, *lengths], dtype=np.int64)
        file["held_out"] = np.array([s.held_out for s in slides], bool)
        file["fold"] = np.array([s.fold for s in slides], np.int32)
        file["unlike"] = np.array([s.unlike for s in slides], np.float32)
        if slides:
            _array(file, "probabilities", np.stack([s.probabilities for s in slides]))
            _array(file, "embeddings", np.stack([s.embedding for s in slides]))
            _array(file, "attention", np.concatenate([s.attention_logits for s in slides], axis=1))


def _array(file: h5py.File, name: str, values: NDArray[Any]) -> None:
    # A checksum per chunk: a flipped bit is an error and not a wrong probability.
    chunks = True if values.size else None
    file.create_dataset(
        name, data=values.astype(np.float32), chunks=chunks, fletcher32=bool(values.size)
    )


def load_results(folder: Path) -> ModelResults:
    """Read what `save_results` wrote.

    Parameters
    ----------
    folder
        The version's folder.

    Raises
    ------
    ModelError
        If the results are missing, damaged, or of a newer version of the program.
    """
    remedy = "Choose another model version, or train again."
    if not (folder / RESULTS_FILE).is_file():
        raise ModelError("This model version has no results.", remedy)
    try:
        metrics = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
        with h5py.File(folder / RESULTS_FILE, "r") as file:
            if int(file.attrs["schema"]) > SCHEMA:
                raise ModelError(
                    "A newer version of napari-lookalike made these results.",
                    "Update napari-lookalike (pip install -U napari-lookalike).",
                )
            return _read_h5(file, metrics)
    except (OSError, KeyError, ValueError, IndexError, TypeError) as error:
        raise ModelError("The results of this model version are damaged.", remedy) from error


def _read_h5(file: h5py.File, metrics: Mapping[str, Any]) -> ModelResults:
    ids = [str(s) for s in file["slide_ids"].asstr()[()]]
    slides: dict[str, SlideResult] = {}
    if ids:
        offsets = file["offsets"][()]
        attention = file["attention"][()]
        columns = zip(
            ids,
            file["probabilities"][()],
            file["embeddings"][()],
            np.split(attention, offsets[1:-1], axis=1),
            file["held_out"][()],
            file["fold"][()],
            file["unlike"][()],
            _contents(file, len(ids)),
            strict=True,
        )
        for slide_id, p, z, logits, held_out, fold, unlike, content in columns:
            slides[slide_id] = SlideResult(
                slide_id, p, z, logits, bool(held_out), int(fold), float(unlike), content
            )
    return ModelResults(
        version=str(file.attrs["version"]),
        classes=tuple(str(c) for c in file["classes"].asstr()[()]),
        slides=slides,
        metrics=metrics,
        card=json.loads(file["card"].asstr()[()]),
    )


def _contents(file: h5py.File, n: int) -> list[Content]:
    if "content_slide" not in file:
        return [UNKNOWN] * n
    parts = (file[f"content_{part}"].asstr()[()] for part in ("slide", "features"))
    return [Content(str(slide), str(features)) for slide, features in zip(*parts, strict=True)]
