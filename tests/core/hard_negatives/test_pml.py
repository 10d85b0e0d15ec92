"""Pair indices: what pytorch-metric-learning makes of them is what the marks say."""

from pathlib import Path

import numpy as np
import pytest

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import PairMark
from napari_lookalike.core.hard_negatives.pml import export_pml, pml_pairs


def _slide(slide_id, label, patient, **kw):
    return SlideRecord(slide_id, Path("x"), patient, label, **kw)


COHORT = Cohort(
    (
        _slide("a1", "A", "P1"),
        _slide("a2", "A", "P2"),
        _slide("b1", "B", "P3"),
        _slide("b2", "B", "P4"),
        _slide("c1", "C", "P5"),
        _slide("u", "", "P6"),
        _slide("x", "A", "P7", excluded=True),
    )
)
ROWS = (
    PairMark(slide_a="a1", slide_b="c1", strength=0.5, expert="x"),
    PairMark(level="subtype", subtype_a="A", subtype_b="B", strength=1.0, expert="x"),
    PairMark(slide_a="a1", slide_b="b1", strength=0.25, expert="x"),
    PairMark(slide_a="b1", slide_b="c1", strength=1.0, expert="x", status="disputed"),
)


def named(pairs):
    ids = pairs.slide_ids
    found = zip(pairs.a2, pairs.n, pairs.strength, strict=True)
    return {(ids[i], ids[j]): float(s) for i, j, s in found if i < j}


def test_pairs_are_those_that_are_marked_in_both_orders():
    pairs = pml_pairs(ROWS, COHORT)
    assert pairs.slide_ids == ("a1", "a2", "b1", "b2", "c1")
    # a1 and c1 are marked; so are A and C then, by that mark.
    assert named(pairs) == {
        ("a1", "b1"): 0.25, ("a1", "b2"): 1.0, ("a2", "b1"): 1.0, ("a2", "b2"): 1.0,
        ("a1", "c1"): 0.5, ("a2", "c1"): 0.5,
    }  # fmt: skip
    assert len(pairs.n) == 12
    both = zip(pairs.a1, pairs.p, strict=True)
    positive = {(pairs.slide_ids[i], pairs.slide_ids[j]) for i, j in both}
    assert positive == {("a1", "a2"), ("a2", "a1"), ("b1", "b2"), ("b2", "b1")}


def test_locked_slides_and_marks_made_on_them_are_left_out():
    pairs = pml_pairs(ROWS, COHORT, without_slides={"c1"})
    assert "c1" not in pairs.slide_ids
    assert {s for pair in named(pairs) for s in pair} == {"a1", "a2", "b1", "b2"}


def test_a_loss_of_the_library_takes_them(tmp_path):
    torch = pytest.importorskip("torch")
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    path = tmp_path / "pairs.npz"
    assert export_pml(pml_pairs(ROWS, COHORT), path) == 6
    with np.load(path) as file:  # allow_pickle is off
        found = {name: file[name] for name in file.files}
    assert list(found["slide_ids"]) == ["a1", "a2", "b1", "b2", "c1"]
    torch.manual_seed(0)
    z = torch.nn.functional.normalize(torch.randn(5, 4, dtype=torch.float64))
    indices = tuple(torch.from_numpy(found[name]) for name in ("a1", "p", "a2", "n"))
    loss = losses.ContrastiveLoss(pos_margin=0.0, neg_margin=3.0)
    value = loss(z, torch.from_numpy(found["labels"]), indices)
    a1, p, a2, n = indices
    pulled = torch.linalg.norm(z[a1] - z[p], dim=1).mean()
    pushed = (3.0 - torch.linalg.norm(z[a2] - z[n], dim=1)).mean()
    assert float(value) == pytest.approx(float(pulled + pushed), rel=1e-4)


def test_nothing_marked_is_a_sentence(tmp_path):
    with pytest.raises(TableError, match="No mark"):
        export_pml(pml_pairs((), COHORT), tmp_path / "x.npz")
