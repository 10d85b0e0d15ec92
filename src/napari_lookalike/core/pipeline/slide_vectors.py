"""One vector for every embedded slide of a project, by a slide encoder."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.encoders.slide_load import load_slide_encoder
from napari_lookalike.core.errors import FeatureError, LookalikeError, ProjectError
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.project_file import write_atomic


@dataclass(frozen=True)
class SlideVectors:
    """Vectors of slides.

    Parameters
    ----------
    encoder
        Identity of the slide encoder.
    slide_ids
        The slides, in the cohort's order.
    vectors
        float32 (n_slides, dim).
    left_out
        slide_id -> why it has none.
    """

    encoder: str
    slide_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    left_out: Mapping[str, str] = field(default_factory=dict)


def slide_vectors(
    root: Path, encoder: str = "mean", *, weights: Path | None = None, job: Job | None = None
) -> SlideVectors:
    """Pool the tiles of every embedded slide.

    Parameters
    ----------
    root
        The project.
    encoder
        Name in `SLIDE_ENCODERS`.
    weights
        Its weight file, where it is not found by itself.
    job
        Progress and cancel.

    Raises
    ------
    ProjectError
        If the folder is no project.
    EncoderError
        If the encoder is unknown, cannot be loaded, or takes tiles of another encoder.
    FeatureError
        If no slide is embedded.
    """
    job = job or Job()
    project = Project.open(root)
    pooling = load_slide_encoder(encoder, weights=weights)
    wanted = [record.slide_id for record in project.cohort if not record.excluded]
    made: dict[str, NDArray[np.float32]] = {}
    left_out: dict[str, str] = {}
    for i, slide_id in enumerate(wanted):
        job.step(i, len(wanted), f"Slide {slide_id}")
        try:
            features = project.load_features(slide_id)
        except LookalikeError as error:
            left_out[slide_id] = f"{error.what} {error.remedy}".strip()
            continue
        made[slide_id] = pooling.encode(features.instances, features.encoder)
    if not made:
        raise FeatureError("No slide of this project is embedded.", "Embed the slides first.")
    return SlideVectors(pooling.identity, tuple(made), np.stack(list(made.values())), left_out)


def save_slide_vectors(path: Path, found: SlideVectors) -> None:
    """Write vectors: ``.npz`` (slide_ids, vectors, encoder), else CSV with a column a number.

    Raises
    ------
    ProjectError
        If the file cannot be written.
    """

    def write_npz(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(
                file,
                slide_ids=np.array(found.slide_ids),
                vectors=found.vectors,
                encoder=np.array(found.encoder),
            )

    def write_csv(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            dim = found.vectors.shape[1]
            table.writerow(["slide_id", "encoder", *(f"f{i}" for i in range(dim))])
            for slide_id, vector in zip(found.slide_ids, found.vectors, strict=True):
                table.writerow([slide_id, found.encoder, *(f"{v:.9g}" for v in vector)])

    try:
        write_atomic(path, write_npz if path.suffix.lower() == ".npz" else write_csv)
    except ProjectError as error:  # it may lie anywhere: copying the project would not help
        raise ProjectError(
            error.what.replace("project folder", "file"), "Choose another folder."
        ) from None
