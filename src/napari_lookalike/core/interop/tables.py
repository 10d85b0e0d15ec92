"""Predictions as a CSV table: one row a slide."""

from __future__ import annotations

from typing import Any

import pandas as pd

from napari_lookalike.core.interop.kinds import Exporter
from napari_lookalike.core.interop.outgoing import Exported, ExportPlan
from napari_lookalike.core.prediction import differential
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project_file import write_atomic

FILE = "predictions.csv"
PROBABILITY = "probability "


def write(plan: ExportPlan, job: Job) -> Exported:
    """``predictions.csv``."""
    results = plan.model()
    done, rows = [], []
    for i, slide_id in enumerate(plan.slide_ids):
        job.step(i, len(plan.slide_ids), f"Exporting slide {slide_id}")
        if slide_id not in results.slides:
            plan.problems[slide_id] = "The model says nothing of it yet. Predict it first."
            continue
        rows.append(row(plan, slide_id))
        done.append(slide_id)
    table = pd.DataFrame(rows)
    write_atomic(plan.out / FILE, lambda p: table.to_csv(p, index=False))
    return plan.exported(done, 1)


def row(plan: ExportPlan, slide_id: str) -> dict[str, Any]:
    """What the model says of one slide, as columns of a table."""
    results = plan.model()
    result, record = results.slides[slide_id], plan.project.cohort[slide_id]
    first = differential(result, results.classes)
    columns: dict[str, Any] = {
        "slide_id": slide_id,
        "patient": plan.patient(slide_id),
        "subtype": record.label,
        "prediction": first.first,
        "second": first.second,
        "margin": float(first.margin),
    }
    for name, p in zip(results.classes, result.probabilities.tolist(), strict=True):
        columns[f"{PROBABILITY}{name}"] = p
    return columns | {
        "said_by": "a model that never saw this patient" if result.held_out else "the final model",
        "held_out": result.held_out,
        "fold": result.fold,
        "unlike_training": result.is_unlike,
        "model": results.version,
        "use": "research use only",
    }


EXPORTER = Exporter(
    name="csv",
    title="Predictions as a table (CSV)",
    files=f"`{FILE}`: slide, prediction, probabilities, who said so",
    opens_in="spreadsheets, R, pandas",
    identity="slide_ids and subtypes; patients are numbered",
    write=write,
)
