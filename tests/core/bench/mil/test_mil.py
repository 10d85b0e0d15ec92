"""``bench mil``: its loop against torch's own optimizer, what it learns, what it lists."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lookalike.core.bench import BENCHES
from napari_lookalike.core.bench import mil as bench
from napari_lookalike.core.bench.mil import bench_mil, classic, speed
from napari_lookalike.core.bench.mil.classic import PLAIN, Recipe, arguments, held_out
from napari_lookalike.core.bench.mil.sets import PAPER, MilSet
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.mil import HEADS, make_head
from napari_lookalike.core.progress import SILENT, Job, JobCancelled

SHORT = Recipe(lr=0.01, epochs=12, widths=(8, 6), attention=4, dropout=0.1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Bags of a few instances: on a busy machine threads wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(signal: float = 3.0, n: int = 24, repeats: int = 2) -> MilSet:
    """Bags of which the positive ones have one instance that is far out."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    bags = []
    for label in y:
        bag = rng.normal(size=(int(rng.integers(1, 6)), 4)).astype(np.float32)
        bag[0, 0] += signal * label
        bags.append(bag)
    held = [rng.permutation(n) % 3 for _ in range(repeats)]
    train = np.array([[part != f for f in range(3)] for part in held])
    return MilSet("Made", tuple(bags), y.astype(np.int64), train)


def as_file(folder: Path, data: MilSet, name: str = "Made.npz") -> Path:
    file = folder / name
    bag = np.repeat(np.arange(len(data.bags)), [len(b) for b in data.bags])
    np.savez(file, X=np.concatenate(data.bags), bag=bag, y=data.y, folds_train=data.train)
    return file


@pytest.mark.parametrize("name", ["abmil", PLAIN, "clam_mb"])
def test_heads_learn_what_can_be_learnt(name: str) -> None:
    data = made(signal=8.0)
    recipe = replace(SHORT, epochs=30)
    right = [held_out(data, data.train[0, f], name, recipe, f, SILENT) for f in range(3)]
    assert np.concatenate(right).mean() > 0.8
    assert sum(len(r) for r in right) == len(data.bags)


def test_held_out_labels_do_not_reach_the_training() -> None:
    data, fold = made(), 0
    train = data.train[0, fold]
    turned = replace(data, y=np.where(train, data.y, 1 - data.y))
    one = held_out(data, train, "abmil", SHORT, 0, SILENT)
    other = held_out(turned, train, "abmil", SHORT, 0, SILENT)
    np.testing.assert_array_equal(one, ~other)
    np.testing.assert_array_equal(one, held_out(data, train, "abmil", SHORT, 0, SILENT))


def test_the_step_is_torchs_sgd() -> None:
    torch.manual_seed(0)
    ours = make_head(*arguments("abmil", 4, 2, SHORT)).double().eval()
    theirs = copy.deepcopy(ours)
    mine = classic._Momentum(ours, SHORT)
    reference = torch.optim.SGD(
        theirs.parameters(), lr=SHORT.lr, momentum=SHORT.momentum, weight_decay=SHORT.weight_decay
    )
    x, mask = torch.randn(1, 5, 4).double(), torch.ones(1, 5, dtype=torch.bool)
    for step in range(5):
        for head in (ours, theirs):
            (head(x, mask).logits[0, step % 2] * (step + 1)).backward()
        mine.step()
        reference.step()
        reference.zero_grad()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def test_only_abmil_has_the_papers_layers() -> None:
    recipe = Recipe()
    _, gated = arguments("abmil", 9, 2, recipe)
    name, plain = arguments(PLAIN, 9, 2, recipe)
    assert name == "abmil"
    assert gated["before"] == plain["before"] == [256, 128]
    assert (gated["gated"], plain["gated"]) == (True, False)
    for head in HEADS.names():
        kind, given = arguments(head, 9, 2, recipe)
        assert make_head(kind, given).n_classes == 2


def test_a_file_gives_its_own_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classic, "Recipe", lambda: SHORT)
    monkeypatch.setattr(classic, "RECIPES", {"Fox": SHORT})
    report = bench_mil(data=as_file(tmp_path, made()), heads=("abmil", "mean"))
    assert [row.name for row in report.rows] == [
        "Made, abmil: accuracy, held out",
        "Made, mean: accuracy, held out",
    ]
    assert report.not_measured == ()
    assert all(row.target is None and "2 x 3 folds" in row.beside for row in report.rows)
    fox = bench_mil(data=as_file(tmp_path, made(), "Fox.npz"), heads=(PLAIN,))
    (row,) = fox.rows
    assert "0.615 (from memory, unverified)" in row.beside
    means = bench.repeat_means(replace(made(), name="Fox"), PLAIN, 2, SILENT)
    assert row.value == pytest.approx(means.mean())
    assert row.target == pytest.approx(0.615 - means.std(ddof=1))
    assert (row.low, row.high) == (means.min(), means.max())
    assert row.met == (row.value >= row.target)


def test_what_is_not_here_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LOOKALIKE_SHARED", raising=False)
    monkeypatch.setattr(speed, "TILES", 1000)
    monkeypatch.setattr(speed, "FEW", 400)
    monkeypatch.setattr(speed, "DIMS", (8, 12))
    monkeypatch.setattr(speed, "_THREADS", 1)
    report = BENCHES.get("mil")(data=None, quick=True, job=SILENT)
    missing = [m.name for m in report.not_measured]
    assert len(missing) == 2 * len(PAPER)
    assert all(name in " ".join(missing) for name in PAPER)
    timed = [row for row in report.rows if "attention over" in row.name]
    assert len(timed) == (len(HEADS) + 3) * len(speed.DIMS)  # three also in bfloat16
    assert {row.name.split(":")[0] for row in timed if row.target} == {
        "abmil",
        "clam_sb",
        "clam_mb",
    }


def test_unknown_heads_and_cancelling(tmp_path: Path) -> None:
    file = as_file(tmp_path, made())
    with pytest.raises(LookalikeError, match="no head called"):
        bench_mil(data=file, heads=("abacus",))
    job = Job()
    job.cancel()
    with pytest.raises(JobCancelled):
        bench_mil(data=file, job=job)
