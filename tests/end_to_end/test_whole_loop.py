"""The whole loop on real tissue: slides composed from LC25000 tiles, whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tests.end_to_end.conftest import Trained
from tests.lc25000_cohort import LABELS, TILE_PX, ComposedSlide

from napari_lookalike.core.attention import top_tiles
from napari_lookalike.core.pipeline.maps import map_project
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, load_results
from napari_lookalike.core.tiles import read_tile
from napari_lookalike.session import marks, trial
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.resolve import resolve_comparison, resolve_map, resolve_overlay
from napari_lookalike.session.session import OverlaySettings, Session

pytestmark = [pytest.mark.shared, pytest.mark.slow]

ACA, SCC = LABELS["lung_aca"], LABELS["lung_scc"]


def tumours(trained: Trained) -> Iterator[tuple[ComposedSlide, NDArray[np.int32]]]:
    """Slides that hold tumour and benign tiles, with the cells of their tile grids."""
    project = Project.open(trained.root)
    for slide in trained.composed.slides:
        if (slide.tissue & ~slide.tumour).any():
            yield slide, project.load_features(slide.slide_id).grid.cells


def test_every_composed_cell_is_a_tile(trained: Trained) -> None:
    assert not trained.report.failed and not trained.report.skipped
    for slide, cells in tumours(trained):
        analysed = np.zeros_like(slide.tissue)
        analysed[cells[:, 1], cells[:, 0]] = True
        assert not (analysed & ~slide.tissue).any()  # never glass
        assert (slide.tumour & ~analysed).sum() == 0
        assert analysed.sum() > 0.9 * slide.tissue.sum()


def test_a_tile_holds_the_pixels_of_its_cell(trained: Trained) -> None:
    project = Project.open(trained.root)
    for slide in trained.composed.slides[::6]:
        grid = project.load_features(slide.slide_id).grid
        assert grid.size_px0 == grid.stride_px0 == (TILE_PX, TILE_PX)
        with project.open_slide(slide.slide_id) as opened:
            level0 = opened.read_level(0, 0, 0, *opened.size)
            for i in range(0, len(grid), 7):
                x, y = (int(c) * TILE_PX for c in grid.cells[i])
                cell = level0[y : y + TILE_PX, x : x + TILE_PX]
                np.testing.assert_array_equal(read_tile(opened, grid, i), cell)


def test_no_photograph_and_no_patient_is_in_two_folds(trained: Trained) -> None:
    results = load_results(Project.open(trained.root).version_dir(trained.version))
    fold_of: dict[str, set[int]] = {}
    for slide in trained.composed.slides:
        result = results.slides[slide.slide_id]
        assert result.held_out
        for owner in (slide.patient_id, *slide.prototypes):
            fold_of.setdefault(owner, set()).add(result.fold)
    assert all(len(folds) == 1 for folds in fold_of.values())
    assert len({r.fold for r in results.slides.values()}) == 5


def test_the_model_knows_the_classes_and_looks_at_the_tumour(trained: Trained) -> None:
    """Held-out slides: right far above chance, and attention finds the tumour's tiles."""
    project = Project.open(trained.root)
    results = load_results(project.version_dir(trained.version))
    assert results.metrics["balanced_accuracy"]["value"] > 0.75  # chance: 0.25
    assert results.card["train_slides"] == 24 and not results.card["notes"]
    found = {}
    for slide, cells in tumours(trained):
        truth = slide.tumour[cells[:, 1], cells[:, 0]]
        logits = results.slides[slide.slide_id].attention_logits[0]
        found.setdefault(slide.label, []).append(float(roc_auc_score(truth, logits)))
        if slide.label in (ACA, SCC):
            grid = project.load_features(slide.slide_id).grid
            best = top_tiles(logits, 5, grid)
            assert truth[best].mean() >= truth.mean()
    assert np.mean(found[ACA]) > 0.85 and np.mean(found[SCC]) > 0.85
    assert np.mean([v for values in found.values() for v in values]) > 0.75


def test_overlay_shows_each_logit_at_its_own_cell(trained: Trained) -> None:
    project = Project.open(trained.root)
    results = load_results(project.version_dir(trained.version))
    for slide, cells in tumours(trained):
        settings = OverlaySettings(values="logits")
        view = resolve_overlay(project, results, slide.slide_id, settings)
        assert view is not None
        image = view.overlay
        assert image.corner_px0 == (0.0, 0.0) and image.pixel_px0 == (TILE_PX, TILE_PX)
        logits = results.slides[slide.slide_id].attention_logits[0]
        for (column, row), logit in zip(cells, logits, strict=True):
            assert image.value_at((column + 0.5) * TILE_PX, (row + 0.5) * TILE_PX) == logit
        assert np.isnan(image.image[~slide.tissue]).all()


def test_mark_finetune_compare_keep_and_roll_back(copied: Path, trained: Trained) -> None:
    session = Session()
    project = open_project(session, copied)
    before = session.results
    assert before is not None and before.version == trained.version

    session.projection = map_project(copied, before.version, "pca")
    session.projection = umap = map_project(copied, before.version, "umap")
    assert len(umap.points) == 24 and nearest_share_label(umap.points, trained) > 0.6

    marks.set_expert(session, "Dr Field")
    one = marks.mark_pair(session, "lungaca-1", "lungscc-2", "solid sheets", 0.8)
    two = marks.mark_subtypes(session, ACA, SCC, "poorly differentiated", 1.0)
    assert one.model_version == two.model_version == before.version
    session.history.undo()
    assert [m.active for m in session.marks] == [True, False]
    session.history.redo()
    assert [m.active for m in session.marks] == [True, True]

    config = replace(project.settings.train, loss="expert")
    version = train_project(copied, config, start_from=before.version)
    after = load_results(project.version_dir(version))
    trial.show_new_model(session, after)
    session.projection = map_project(copied, version, "umap")
    assert same_folds(before, after)
    check_comparison(session, before, after)
    shown = resolve_map(session, "label", "both")
    assert shown.can_compare and shown.before is not None and len(shown.lines) == 2

    assert project.current_version == before.version  # on trial, not in use
    trial.keep(session)
    assert project.current_version == version and session.results_before is None
    session.history.undo()
    assert project.current_version == before.version and session.results_before is before
    trial.roll_back(session)
    assert session.results is before and project.current_version == before.version

    again = Session()  # all of it is on the disk
    open_project(again, copied)
    assert again.notice is None and again.results is not None
    assert again.results.version == before.version and len(again.marks) == 2
    assert again.project is not None and again.project.versions() == (before.version, version)


def check_comparison(session: Session, before: ModelResults, after: ModelResults) -> None:
    """The figures are those of the held-out slides, counted here once more."""
    assert after.card["start_from"] == before.version and len(after.card["marks"]) == 1
    rows = {c.row.name: c for c in resolve_comparison(before, after, session.marks)}
    comparison = after.metrics["comparison"]
    assert comparison["n_slides"] == 24 and comparison["verdict"]
    for which, results in (("before", before), ("after", after)):
        pair = comparison["pairs"][f"{ACA} | {SCC}"]
        assert pair["confusion"][which] == pytest.approx(confused(session, results))
        assert comparison["balanced_accuracy"][which] == pytest.approx(balanced(session, results))
    margin = comparison["pairs"][f"{ACA} | {SCC}"]["margin"]
    assert margin["after"] > margin["before"]  # they were pushed apart
    assert any("margin" in name for name in rows) and "Balanced accuracy" in rows


def said(results: ModelResults, slide_id: str) -> str:
    return results.classes[int(np.argmax(results.slides[slide_id].probabilities))]


def confused(session: Session, results: ModelResults) -> float:
    """Share of the pair's slides that are called the other of the pair."""
    other = {ACA: SCC, SCC: ACA}
    pair = [s for s in session.cohort if s.label in other]
    return float(np.mean([said(results, s.slide_id) == other[s.label] for s in pair]))


def balanced(session: Session, results: ModelResults) -> float:
    recalls = []
    for label in results.classes:
        own = [s.slide_id for s in session.cohort if s.label == label]
        recalls.append(np.mean([said(results, s) == label for s in own]))
    return float(np.mean(recalls))


def same_folds(before: ModelResults, after: ModelResults) -> bool:
    return all(before.slides[s].fold == after.slides[s].fold for s in before.slides)


def nearest_share_label(points: NDArray[np.float32], trained: Trained) -> float:
    """How often the nearest other slide on the map has the same label (chance: about 0.22)."""
    labels = np.array([s.label for s in trained.composed.slides])
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return float(np.mean(labels[distance.argmin(axis=1)] == labels))
