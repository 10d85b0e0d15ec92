"""What is there of a slide's features while it is being embedded. Reads only."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from napari_lookalike.core.embed.parts import load_parts, parts_folder, read_plan, tiles_in
from napari_lookalike.core.embed.plan import Plan, same_numbers
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import Features, load_features, read_header


def partial_features(features_path: Path) -> Features | None:
    """The features that are there so far; safe while another process writes.

    Parameters
    ----------
    features_path
        The slide's feature file, which need not exist yet.

    Returns
    -------
    Features or None
        Over the tiles that are done; its ``coverage`` is their share. If nothing unfinished
        is there, those of the feature file itself. ``None`` if there is nothing at all.
    """
    folder = parts_folder(features_path)
    plan = read_plan(folder)
    if plan is not None and not _finished(features_path, plan):
        with contextlib.suppress(FeatureError):  # removed under us: finished, or begun anew
            indices, vectors = load_parts(folder, plan)
            if len(indices):
                return dataclasses.replace(plan.features(indices), instances=vectors)
    try:
        return load_features(features_path)
    except FeatureError:
        return None


def coverage(features_path: Path) -> float:
    """Share of the slide's tiles that are embedded, 0 to 1; safe while another process writes.

    Parameters
    ----------
    features_path
        The slide's feature file, which need not exist yet.
    """
    folder = parts_folder(features_path)
    plan = read_plan(folder)
    if plan is not None and not _finished(features_path, plan):
        have = tiles_in(folder, plan)
        if have.any():
            return float(have.mean())
    header = read_header(features_path)
    return 0.0 if header is None else header.coverage


def _finished(features_path: Path, plan: Plan) -> bool:
    """Whether the feature file is what the parts were to become."""
    header = read_header(features_path)
    return header is not None and same_numbers(header, plan) and header.coverage >= 1
