"""What a model version says of the slides of *this* project.

A version's folder that was copied from another cohort may name slides that are called alike
here. What it said of those is not shown for these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_lookalike.core.content import UNKNOWN, Content, content_of, content_on_disk
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, load_results

_LOOK = 20
"""Of slides without a fingerprint, so many feature files are opened first; all only if one is
of another slide. Opening ten thousand would take as long as a coffee."""


def results_here(project: Project, version: str) -> ModelResults:
    """A version's results without those of other slides under the same names.

    Parameters
    ----------
    project
        An open project.
    version
        The model version.

    Returns
    -------
    ModelResults
        As `load_results` gives them; ``left_out`` names the slides whose result was of another
        slide. Their held-out answers are left out of ``metrics["slides"]`` too; the figures in
        ``metrics`` stay, since they are the model's, in the cohort that it was trained on.

    Raises
    ------
    ModelError
        If the results are missing or damaged; see `load_results`.
    """
    results = load_results(project.version_dir(version))
    others = other_slides(project, {s: r.content for s, r in results.slides.items()})
    slides = {s: r for s, r in results.slides.items() if s not in others}
    here = replace(results, slides=slides, left_out=others) if others else results
    metrics = _held_here(results.metrics, here)
    return here if metrics is results.metrics else replace(here, metrics=metrics)


def other_slides(project: Project, known: Mapping[str, Content]) -> tuple[str, ...]:
    """slide_ids that are another slide in this project than the one that is known.

    Parameters
    ----------
    project
        The project.
    known
        slide_id -> what the slide is known by. Where nothing is known it is taken on trust.
    """
    others, to_read = [], []
    for slide_id, content in known.items():
        if slide_id not in project.cohort or content == UNKNOWN:
            continue
        fingerprint = project.cohort[slide_id].fingerprint
        if fingerprint and content.slide:
            if content.is_other(content_of(fingerprint)):
                others.append(slide_id)
        else:
            to_read.append(slide_id)
    found = {*others, *_read(project, known, to_read)}
    return tuple(s for s in known if s in found)


def content_here(project: Project, slide_id: str) -> Content:
    """What a slide of the project is known by; reads a few rows of its features."""
    fingerprint = project.cohort[slide_id].fingerprint
    return content_on_disk(fingerprint, project.features_path(slide_id))


def left_out_sentence(results: ModelResults) -> str:
    """What to tell where results are of other slides; empty where none is."""
    n = len(results.left_out)
    if not n:
        return ""
    some = ", ".join(results.left_out[:3]) + (", …" if n > 3 else "")
    what = "1 slide" if n == 1 else f"{n} slides"
    return (
        f"What {results.version} says of {what} is not shown: it was asked about other slides "
        f"that are called the same, or about other features ({some}). Predict again, or train "
        "a new model here."
    )


def _read(project: Project, known: Mapping[str, Content], names: Sequence[str]) -> list[str]:
    def differ(some: Sequence[str]) -> list[str]:
        return [s for s in some if known[s].is_other(content_here(project, s))]

    spread = np.unique(np.linspace(0, len(names) - 1, _LOOK).astype(int)) if names else ()
    return differ(names) if differ([names[i] for i in spread]) else []


def _held_here(metrics: Mapping[str, Any], results: ModelResults) -> Mapping[str, Any]:
    """The figures, with held-out answers only of slides that are the same here.

    Slides that were another one, and were asked about again since, have an answer of the final
    network: it is not held out.
    """
    stored = metrics.get("slides")
    if not stored:
        return metrics
    shown, gone = results.slides, set(results.left_out)
    gone |= {s for s in stored["slide_ids"] if s in shown and not shown[s].held_out}
    keep = [i for i, s in enumerate(stored["slide_ids"]) if s not in gone]
    if len(keep) == len(stored["slide_ids"]):
        return metrics
    rows = {k: v if k == "classes" else [v[i] for i in keep] for k, v in stored.items()}
    # Numbered anew: a patient without a slide must not be drawn by the bootstrap.
    rows["patient"] = np.unique(rows["patient"], return_inverse=True)[1].tolist()
    return {**metrics, "slides": rows}
