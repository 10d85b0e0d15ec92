"""The bench of training: every part gives its figures, and the plain loop is CLAM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lookalike.core.bench import BENCHES
from napari_lookalike.core.bench.train import accuracy, attention, bench_train, memory, speed
from napari_lookalike.core.bench.train.finetune import demo_like
from napari_lookalike.core.bench.train.material import CLASSES, classes_of, mapped, write_bags
from napari_lookalike.core.bench.train.plain import PlainClam, plain_pass
from napari_lookalike.core.mil import make_head
from napari_lookalike.core.progress import SILENT


def test_it_is_registered() -> None:
    assert "train" in BENCHES.names()


def test_features_are_half_precision_and_stay_on_the_disk(tmp_path: Path) -> None:
    files = write_bags(tmp_path, 5, tiles=6, dim=5)
    bags = [mapped(file) for file in files]
    assert all(isinstance(bag, np.memmap) and bag.dtype == np.float16 for bag in bags)
    assert not np.array_equal(bags[0], bags[4])  # the same block, turned
    assert classes_of(5).tolist() == [0, 1, 2, 3, 4]


def test_the_plain_loop_is_clam() -> None:
    """With the same numbers in it the plain network and our head have the same bag loss."""
    torch.manual_seed(0)
    plain = PlainClam(5, 3, hidden=4, gate=2).eval()
    ours = make_head("clam_sb", {"in_dim": 5, "n_classes": 3, "hidden_dim": 4, "attention_dim": 2})
    ours.eval()
    with torch.no_grad():
        ours.trunk[0].load_state_dict(plain.trunk[0].state_dict())
        ours.attention.gates.weight.copy_(torch.cat([plain.v[0].weight, plain.u[0].weight]))
        ours.attention.gates.bias.copy_(torch.cat([plain.v[0].bias, plain.u[0].bias]))
        ours.attention.score.load_state_dict(plain.w.state_dict())
        ours.classifier.load_state_dict(plain.classifier.state_dict())
        for c, judge in enumerate(plain.instances):
            ours.instance_classifier.weight[2 * c : 2 * c + 2] = judge.weight
            ours.instance_classifier.bias[2 * c : 2 * c + 2] = judge.bias
    ours.instance_loss = "ce"
    bag, y = torch.randn(30, 5), torch.tensor([1])
    mask = torch.ones(1, 30, dtype=torch.bool)
    out = ours(bag[None], mask)
    extra = ours.auxiliary_loss(out, bag[None], mask, y)
    expected = 0.7 * torch.nn.functional.cross_entropy(out.logits, y) + 0.3 * extra
    assert plain(bag, 1).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_plain_loop_learns(tmp_path: Path) -> None:
    files = write_bags(tmp_path, 3, tiles=20, dim=6)
    network = PlainClam(6, len(CLASSES))
    before = network.classifier.weight.detach().clone()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    plain_pass(network, optimizer, files, classes_of(3), torch.device("cpu"))
    assert not torch.equal(before, network.classifier.weight)


def test_our_pass_draws_as_many_slides_as_the_plain_one() -> None:
    assert speed.drawn_in_a_pass(speed.SLIDES_TIMED) == speed.SLIDES_TIMED


def test_speed_compares_with_the_plain_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "TILES", 64)
    rows, missing = speed.speed(tmp_path, "cpu", True, SILENT)
    assert not missing
    assert [row.target for row in rows] == [1.5, 5.0]
    assert all(row.value > 0 and "plain" in row.beside for row in rows)


def test_accuracy_on_whole_bags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "_QUICK_TILES", 100)
    monkeypatch.setattr(accuracy, "_SLIDES", 24)
    row = accuracy.accuracy(True, "cpu", SILENT)
    assert -1 <= row.value <= 1
    assert row.target == accuracy.TOLERANCE


@pytest.mark.processes
def test_memory_is_that_of_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = memory.write_bags
    monkeypatch.setattr(memory, "write_bags", lambda folder, n: write(folder, n, tiles=40))
    monkeypatch.setattr(memory, "_QUICK_SLIDES", 12)
    row = memory.memory(tmp_path, True, 1, SILENT)
    if isinstance(row, memory.NotMeasured):
        pytest.skip(row.reason)
    assert 0 < row.value < memory.TARGET_MB
    assert "on the disk" in row.beside


def test_attention_times_every_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_QUICK_TILES", 200)
    monkeypatch.setattr(attention, "DIM", 16)
    rows = attention.attention("cpu", True, SILENT)
    assert sum(row.target == attention.TARGET_S for row in rows) == 3
    assert all(row.value > 0 for row in rows)


def test_the_cohort_for_fine_tuning_has_the_demo_s_shape(tmp_path: Path) -> None:
    project = demo_like(tmp_path / "project")
    assert len(project.cohort) == 54
    assert len({s.group for s in project.cohort}) == 46
    assert project.load_features("S000").instances.shape[1] == 586


def test_without_a_gpu_every_part_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    report = bench_train(device="cuda")
    assert not report.rows
    assert len(report.not_measured) == 5
