"""Slide embeddings as AnnData (``.h5ad``): rows are slides; names as scanpy has them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.interop.kinds import Exporter
from napari_lookalike.core.interop.outgoing import Exported, ExportPlan
from napari_lookalike.core.interop.tables import PROBABILITY, row
from napari_lookalike.core.pipeline.maps import map_project
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.projection import Method

FILE = "slides.h5ad"
IDENTITY = "napari_lookalike"
"""Key of ``uns`` under which the model's identity stands."""


METHODS: tuple[Method, ...] = ("pca", "umap")
Points = NDArray[np.float32]


def why_not() -> str | None:
    """Why it cannot be written here."""
    return None if find_spec("anndata") else 'needs `pip install "napari-lookalike[interop]"`'


def write(plan: ExportPlan, job: Job) -> Exported:
    """``slides.h5ad``: X = slide embeddings, obs, obsm (PCA, UMAP, probabilities), uns."""
    import anndata

    results = plan.model()
    done = [s for s in plan.slide_ids if s in results.slides]
    if not done:
        raise ModelError("The model says nothing of these slides yet.", "Predict them first.")
    for slide_id in plan.slide_ids:
        if slide_id not in results.slides:
            plan.problems[slide_id] = "The model says nothing of it yet. Predict it first."
    job.step(0, 1, "Writing slide embeddings")
    slides = [results.slides[s] for s in done]
    table = anndata.AnnData(
        X=np.stack([s.embedding for s in slides]).astype(np.float32),
        obs=_obs(plan, done),
        var=pd.DataFrame(index=_names(f"embedding_{i}" for i in range(len(slides[0].embedding)))),
        uns={IDENTITY: _model(plan)},
    )
    table.obsm["probabilities"] = np.stack([s.probabilities for s in slides]).astype(np.float32)
    for method in METHODS:
        points = _points(plan, method, done, job)
        if points is not None:
            table.obsm[f"X_{method}"] = points
    write_atomic(plan.out / FILE, table.write_h5ad)
    return plan.exported(done, 1)


def _obs(plan: ExportPlan, done: list[str]) -> pd.DataFrame:
    rows = []
    for slide_id in done:
        columns = row(plan, slide_id)
        record = plan.project.cohort[slide_id]
        rows.append(
            {
                "subtype": record.label,
                "prediction": columns["prediction"],
                "probability": columns[f"{PROBABILITY}{columns['prediction']}"],
                "margin": columns["margin"],
                "split": "held out" if columns["held_out"] else "new",
                "fold": columns["fold"],
                "unlike_training": columns["unlike_training"],
                "patient": columns["patient"],
                "centre": record.site,
            }
        )
    table = pd.DataFrame(rows, index=_names(done, "slide_id"))
    for name in ("subtype", "prediction", "split", "patient", "centre"):
        kinds = _names(sorted(set(table[name])))
        table[name] = pd.Categorical(table[name].astype(object), categories=kinds)
    return table


def _names(names: Iterable[str], title: str | None = None) -> pd.Index[str]:
    """An index of plain strings: older versions of anndata read no others."""
    return pd.Index(list(names), name=title, dtype=object)


def _model(plan: ExportPlan) -> dict[str, Any]:
    """Which model's space this is: without it the numbers mean nothing."""
    results = plan.model()
    card = dict(results.card)
    return {
        "model": results.version,
        "head": str(card.get("head", "")),
        "encoder": str(card.get("encoder", "")),
        "classes": np.asarray(results.classes, dtype=object),
        "use": "research use only",
        "synthetic": plan.project.cohort.synthetic,
    }


def _points(plan: ExportPlan, method: Method, done: list[str], job: Job) -> Points | None:
    """The map that the window shows; drawn now if nobody looked at it yet."""
    made = map_project(plan.project.root, plan.model().version, method, job=job)
    place = {slide_id: i for i, slide_id in enumerate(made.slide_ids)}
    if not set(done) <= set(place):
        return None
    return made.points[[place[s] for s in done]]


EXPORTER = Exporter(
    name="h5ad",
    title="Slide embeddings (AnnData)",
    files=f"`{FILE}`: a row a slide, with subtype, fold, prediction, PCA and UMAP",
    opens_in="scanpy, anndata, cellxgene",
    identity="slide_ids, subtypes and centres; patients are numbered",
    write=write,
)
