"""Evidence tiles from the project's table to a version: used, counted, judged, never leaked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.core.pipeline.small_project import small_project

from napari_lookalike.core.checkpoints import load_model
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.pipeline import train as module
from napari_lookalike.core.pipeline.mark_weights import MarkWeights
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.progress import Job
from napari_lookalike.core.results import load_results
from napari_lookalike.core.thresholds import KEY

CONFIG = TrainConfig(epochs=3, finetune_epochs=2, folds=3, device="cpu", threads=1, seed=1)
EXPERT = replace(CONFIG, loss="expert")


def tile(mark: int, slide_id: str, column: int, kind: str = "diagnostic") -> EvidenceTile:
    """A click on the tile of this column in the first row of `small_project.grid`."""
    return EvidenceTile(0, mark, slide_id, 448 * column, 0, 448, kind, "Dr A")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory):
    """A project with marks, evidence, a start model, and a version that learnt from them."""
    project = small_project(tmp_path_factory.mktemp("taught") / "p")
    table = HardNegativeTable(project.table_path)
    mark = table.add(
        PairMark(level="slide", slide_a="A0", slide_b="B0", reason="both", expert="Dr A")
    )
    for slide_id in ("A0", "B0"):
        table.add_evidence(tile(mark.id, slide_id, 0))
        table.add_evidence(tile(mark.id, slide_id, 3, "look-alike"))
    table.add_evidence(replace(tile(mark.id, "A0", 0), x=40_000))  # nowhere
    start = train_project(project.root, CONFIG)
    seen: list[MarkWeights] = []

    class Watched(MarkWeights):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            seen.append(self)

    steps: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MarkWeights", Watched)
        job = Job(lambda done, total, what: steps.append(done / total))
        version = train_project(project.root, EXPERT, start_from=start, job=job)
    return project, start, version, seen[0], steps


def test_the_card_counts_what_was_used_and_what_was_not(taught) -> None:
    project, _, version, _, _ = taught
    card = load_results(project.version_dir(version)).card
    assert card["evidence"] == {
        "tiles": 4,
        "slides": 2,
        "left_out": {"lies on no tile of the slide that was embedded": 1},
    }
    assert any("pointed at 4 tiles of 2 slides" in s for s in card["marks"])
    assert any("1 evidence tile not used" in s for s in card["marks"])
    table = HardNegativeTable(project.table_path)
    assert card["table_version"] == table.version


def test_no_fold_learns_from_evidence_of_its_test_patients(taught) -> None:
    project, _, version, marks, _ = taught
    model = load_model(project.version_dir(version))
    card = load_results(project.version_dir(version)).card
    tested = {fold for s in ("A0", "B0") for fold in [model.folds[s]]}
    for fold in range(3):
        evidence = marks.without_fold(fold).evidence
        left_out = card["marks_left_out_by_fold"][fold]
        reason = "touches a test patient (evidence tiles)"
        if fold in tested:  # the mark was made by looking at both slides
            assert not evidence
            assert left_out[reason] == 5
        else:
            assert set(evidence) == {"A0", "B0"}
            assert reason not in left_out
    assert tested != {0, 1, 2}
    assert all(not marks.fold_without_evidence(f).evidence for f in range(3))


def test_its_held_out_effect_is_shown_where_it_is_offered(taught) -> None:
    project, start, version, _, steps = taught
    results = load_results(project.version_dir(version))
    effect = results.metrics["evidence"]
    assert effect["n_tiles"] == 4
    assert effect["keep"] in (True, False)
    assert "evidence tiles" in effect["sentence"]
    assert results.metrics["comparison"]["before"] == start
    assert results.metrics["comparison"]["verdict"].startswith(effect["sentence"]) or (
        effect["sentence"] in results.metrics["comparison"]["verdict"]
    )
    assert effect["sentence"] in results.card["marks"]
    assert steps == sorted(steps)
    assert steps[-1] == 1.0


def test_other_losses_and_given_rows_have_no_evidence(taught) -> None:
    project, start, _, _, _ = taught
    rows = HardNegativeTable(project.table_path).rows()
    for config, given in ((replace(CONFIG, loss="supcon"), None), (EXPERT, rows)):
        version = train_project(project.root, config, start, given)
        results = load_results(project.version_dir(version))
        assert "evidence" not in results.metrics
        assert "evidence" not in results.card


def test_from_scratch_there_is_a_control_too(taught) -> None:
    project, *_ = taught
    version = train_project(project.root, EXPERT)
    results = load_results(project.version_dir(version))
    assert results.metrics["evidence"]["n_tiles"] == 4
    assert "comparison" not in results.metrics


def test_thresholds_are_fitted_on_other_folds_and_told(tmp_path: Path) -> None:
    project = small_project(tmp_path / "p", per_class=10)
    table = HardNegativeTable(project.table_path)
    table.add(PairMark(level="subtype", subtype_a="A", subtype_b="B", reason="x", expert="D"))
    config = replace(EXPERT, epochs=1, finetune_epochs=1, lr=1e-4, pair_thresholds=True)
    version = train_project(project.root, config)
    results, model = (f(project.version_dir(version)) for f in (load_results, load_model))
    assert set(model.extras[KEY]) == {"final", "folds"}
    assert any("threshold" in note for note in results.card["notes"])
    slides = results.metrics["slides"]
    for slide_id, said in zip(slides["slide_ids"], slides["predicted"], strict=True):
        assert results.slides[slide_id].ranking[0] == said  # figures and answers agree
