"""Losses against plain loops and pytorch-metric-learning, and by their invariances."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import SupConLoss
from torch import Tensor

from napari_lookalike.core.hard_negatives.weights import PairWeights
from napari_lookalike.core.losses import expert_supcon, hard_supcon, negative_weights, supcon
from napari_lookalike.core.losses.contrastive import Remembered

LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=9)


def embeddings(n: int, seed: int = 0, dim: int = 5) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_weights(n: int, seed: int = 0) -> Tensor:
    return 1 + 7 * torch.rand(n, n, generator=torch.Generator().manual_seed(seed)).double()


def plain_expert(
    z: Tensor,
    y: list[int],
    tau: float,
    w: Tensor,
    normalise: bool = False,
    tilt: float = 0.0,
    anchors: int | None = None,
) -> float:
    unit = [row / row.norm() for row in z]
    losses = []
    for i in range(len(y) if anchors is None else anchors):
        positives = [p for p in range(len(y)) if p != i and y[p] == y[i]]
        negatives = [n for n in range(len(y)) if y[n] != y[i]]
        if not positives:
            continue
        mean = sum(float(w[i, n]) for n in negatives) / len(negatives) if negatives else 1.0
        scale = mean if normalise else 1.0
        below = sum(math.exp(float(unit[i] @ unit[p]) / tau) for p in positives)
        near = {n: math.exp(tilt * float(unit[i] @ unit[n]) / tau) for n in negatives}
        usual = sum(near.values()) / len(near) if near else 1.0
        below += sum(
            float(w[i, n]) / scale * near[n] / usual * math.exp(float(unit[i] @ unit[n]) / tau)
            for n in negatives
        )
        parts = [math.log(math.exp(float(unit[i] @ unit[p]) / tau) / below) for p in positives]
        losses.append(-sum(parts) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


@given(LABELS, st.sampled_from([0.07, 0.1, 1.0]), st.booleans(), st.sampled_from([0.0, 0.5, 2.0]))
@settings(max_examples=60, deadline=None)
def test_expert_supcon_is_the_plain_loop(
    labels: list[int], tau: float, normalise: bool, tilt: float
) -> None:
    z, w = embeddings(len(labels)), random_weights(len(labels))
    got = expert_supcon(z, torch.tensor(labels), tau, w, normalise=normalise, tilt=tilt)
    assert got.item() == pytest.approx(plain_expert(z, labels, tau, w, normalise, tilt), abs=1e-9)


@given(LABELS, st.integers(1, 8), st.booleans(), st.sampled_from([0.0, 1.0]))
@settings(max_examples=40, deadline=None)
def test_remembered_slides_are_compared_but_are_no_anchors(
    labels: list[int], batch: int, normalise: bool, tilt: float
) -> None:
    batch = min(batch, len(labels) - 1)
    z, w, y = embeddings(len(labels)), random_weights(len(labels)), torch.tensor(labels)
    kept = Remembered(z[batch:], y[batch:])
    got = expert_supcon(
        z[:batch], y[:batch], 0.1, w[:batch], normalise=normalise, tilt=tilt, remembered=kept
    )
    expected = plain_expert(z, labels, 0.1, w, normalise, tilt, batch)
    assert got.item() == pytest.approx(expected, abs=1e-9)
    ones = torch.ones_like(w)
    plain = plain_expert(z, labels, 0.1, ones, anchors=batch)
    got = supcon(z[:batch], y[:batch], 0.1, remembered=kept)
    assert got.item() == pytest.approx(plain, abs=1e-9)


@given(LABELS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_an_empty_table_is_supcon_exactly(labels: list[int], seed: int) -> None:
    z, y = embeddings(len(labels), seed), torch.tensor(labels)
    classes = tuple("abcd")
    w = negative_weights(
        PairWeights.none(classes), 8.0, y.numpy(), classes, [str(i) for i in range(len(labels))]
    )
    assert expert_supcon(z, y, 0.1, torch.from_numpy(w)).item() == supcon(z, y, 0.1).item()


@given(LABELS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_supcon_is_pytorch_metric_learnings(labels: list[int], seed: int) -> None:
    assume(len(set(labels)) > 1)  # without negatives theirs is 0; ours is the paper's sum
    z, y = embeddings(len(labels), seed), torch.tensor(labels)
    theirs = SupConLoss(temperature=0.1)(z, y)
    assert supcon(z, y, 0.1).item() == pytest.approx(float(theirs), abs=1e-9)


def test_all_pairs_marked_and_normalised_is_supcon() -> None:
    y = torch.tensor([0, 0, 1, 1, 2])
    z = embeddings(5)
    full = torch.full((5, 5), 8.0, dtype=torch.float64)
    assert expert_supcon(z, y, 0.1, full, normalise=True).item() == pytest.approx(
        supcon(z, y, 0.1).item()
    )
    assert expert_supcon(z, y, 0.1, full).item() > supcon(z, y, 0.1).item() + 0.1


def test_a_weight_is_a_margin_of_tau_ln_w() -> None:
    """Weighting a negative by w is adding tau * ln(w) to its cosine."""
    tau, w = 0.1, 4.0
    y = torch.tensor([0, 0, 1])
    angle = {"pos": 0.6, "neg": 1.1}
    z = torch.tensor(
        [[1.0, 0.0]] + [[math.cos(a), math.sin(a)] for a in angle.values()], dtype=torch.float64
    )
    weights = torch.ones(3, 3, dtype=torch.float64)
    weights[0, 2] = w
    anchor0 = -math.log(
        1 / (1 + math.exp((math.cos(1.1) + tau * math.log(w) - math.cos(0.6)) / tau))
    )
    anchor1 = -math.log(1 / (1 + math.exp((math.cos(0.5) - math.cos(0.6)) / tau)))
    got = expert_supcon(z, y, tau, weights).item()
    assert got == pytest.approx((anchor0 + anchor1) / 2)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("tilt", [0.0, 0.7])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2], [0, 0, 0], [0, 0, 1]])
def test_gradients(normalise: bool, tilt: float, labels: list[int]) -> None:
    y, w = torch.tensor(labels), random_weights(len(labels))
    z = embeddings(len(labels)).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: expert_supcon(x, y, 0.5, w, normalise=normalise, tilt=tilt), (z,)
    )


def test_gradients_with_remembered_slides() -> None:
    y, w = torch.tensor([0, 0, 1]), random_weights(5)[:3]
    kept = Remembered(embeddings(2, 7), torch.tensor([1, 2]))
    z = embeddings(3).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: expert_supcon(x, y, 0.5, w, remembered=kept, tilt=0.5), (z,)
    )


@pytest.mark.parametrize("tau_plus", [0.0, 0.1])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2], [0, 0, 0], [0, 0, 1]])
def test_gradients_of_the_hard_loss(tau_plus: float, labels: list[int]) -> None:
    z, y = embeddings(len(labels)).requires_grad_(), torch.tensor(labels)
    assert torch.autograd.gradcheck(lambda x: hard_supcon(x, y, 0.5, 1.0, tau_plus), (z,))


def plain_hard(z: Tensor, y: list[int], tau: float, beta: float, tau_plus: float) -> float:
    """Robinson's loss as its authors write it, with negatives of other classes only."""
    unit = [row / row.norm() for row in z]
    means = []
    for i in range(len(y)):
        positives = [p for p in range(len(y)) if p != i and y[p] == y[i]]
        neg = [math.exp(float(unit[i] @ unit[n]) / tau) for n in range(len(y)) if y[n] != y[i]]
        if not positives or not neg:
            continue
        importance = [v**beta for v in neg]
        usual = sum(importance) / len(importance)
        reweighted = sum(a / usual * v for a, v in zip(importance, neg, strict=True))
        losses = []
        for p in positives:
            pos = math.exp(float(unit[i] @ unit[p]) / tau)
            rest = (reweighted - tau_plus * len(neg) * pos) / (1 - tau_plus)
            rest = max(rest, len(neg) * math.exp(-1 / tau))
            losses.append(-math.log(pos / (pos + rest)))
        means.append(sum(losses) / len(losses))
    return sum(means) / len(means) if means else 0.0


@given(LABELS, st.sampled_from([0.1, 0.5]), st.sampled_from([0.0, 1.0, 2.0]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_hard_loss_is_the_plain_loop(
    labels: list[int], tau: float, beta: float, doubted: bool
) -> None:
    z, tau_plus = embeddings(len(labels)), 0.1 if doubted else 0.0
    got = hard_supcon(z, torch.tensor(labels), tau, beta, tau_plus)
    assert got.item() == pytest.approx(plain_hard(z, labels, tau, beta, tau_plus), abs=1e-9)


def test_with_one_positive_the_tilt_and_the_hard_loss_are_one() -> None:
    """With a single positive per anchor both write the same fraction."""
    z, y = embeddings(6), torch.tensor([0, 0, 1, 1, 2, 2])
    ones = torch.ones(6, 6, dtype=torch.float64)
    tilted = expert_supcon(z, y, 0.2, ones, tilt=1.5)
    assert tilted.item() == pytest.approx(hard_supcon(z, y, 0.2, 1.5).item())


def test_unmarked_pairs_keep_weight_one_and_are_tilted_all_the_same() -> None:
    """Class 2 is marked with nobody: it is no less a negative, and near ones count more."""
    strength = torch.zeros(3, 3)
    strength[0, 1] = strength[1, 0] = 1.0
    marks = PairWeights(tuple("abc"), strength.numpy(), {})
    y = torch.tensor([0, 0, 1, 1, 2, 2])
    w = torch.from_numpy(negative_weights(marks, 8.0, y.numpy(), tuple("abc"), list("uvwxyz")))
    assert w[0, 2:].tolist() == [8.0, 8.0, 1.0, 1.0]

    def pull(z: Tensor, tilt: float) -> float:
        """Size of the loss's push on an unmarked negative of class 2."""
        z = z.clone().requires_grad_()
        expert_supcon(z, y, 0.1, w.double(), tilt=tilt).backward()
        return float(z.grad[4].norm())

    z = embeddings(6)
    z[4] = z[0] + 0.3 * embeddings(1, 3)[0]  # an unmarked look-alike of an anchor
    assert pull(z, 0.0) > 0
    assert pull(z, 1.0) > pull(z, 0.0)


@given(LABELS, st.floats(0.01, 100), st.sampled_from([0.0, 1.0]))
@settings(max_examples=30, deadline=None)
def test_length_of_embeddings_does_not_matter(labels: list[int], scale: float, tilt: float) -> None:
    z, y, w = embeddings(len(labels)), torch.tensor(labels), random_weights(len(labels))
    a, b = (expert_supcon(v, y, 0.1, w, tilt=tilt).item() for v in (z, scale * z))
    assert a == pytest.approx(b, abs=1e-8)
    a, b = (hard_supcon(v, y, 0.1, 1.0).item() for v in (z, scale * z))
    assert a == pytest.approx(b, abs=1e-8)


@given(LABELS, st.floats(1, 8), st.sampled_from([0.0, 1.0]))
@settings(max_examples=30, deadline=None)
def test_a_normalised_table_that_marks_all_alike_is_none(
    labels: list[int], gamma: float, tilt: float
) -> None:
    z, y = embeddings(len(labels)), torch.tensor(labels)
    full = torch.full((len(labels), len(labels)), gamma, dtype=torch.float64)
    marked = expert_supcon(z, y, 0.1, full, normalise=True, tilt=tilt)
    none = expert_supcon(z, y, 0.1, torch.ones_like(full), tilt=tilt)
    assert marked.item() == pytest.approx(none.item(), abs=1e-9)


def test_small_temperatures_stay_finite_in_single_precision() -> None:
    z, y = embeddings(6).float().requires_grad_(), torch.tensor([0, 0, 1, 1, 2, 2])
    w = random_weights(6).float()
    loss = expert_supcon(z, y, 0.01, w, tilt=1.0) + hard_supcon(z, y, 0.01, 1.0, 0.1)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()


@given(LABELS, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_slides_does_not_matter(labels: list[int], random: object) -> None:
    order = list(range(len(labels)))
    random.shuffle(order)  # type: ignore[attr-defined]
    z, y, w = embeddings(len(labels)), torch.tensor(labels), random_weights(len(labels))
    for tilt in (0.0, 1.0):
        a = expert_supcon(z, y, 0.1, w, tilt=tilt)
        b = expert_supcon(z[order], y[order], 0.1, w[order][:, order], tilt=tilt)
        assert a.item() == pytest.approx(b.item(), abs=1e-9)
    a, b = hard_supcon(z, y, 0.1, 1.0), hard_supcon(z[order], y[order], 0.1, 1.0)
    assert a.item() == pytest.approx(b.item(), abs=1e-9)


@given(LABELS)
@settings(max_examples=30, deadline=None)
def test_duplicated_slides_stay_finite(labels: list[int]) -> None:
    z = torch.cat([embeddings(len(labels))] * 2).requires_grad_()
    y = torch.tensor(labels * 2)
    w = random_weights(len(y))
    loss = supcon(z, y, 0.07) + hard_supcon(z, y, 0.07, 1.0)
    loss = loss + expert_supcon(z, y, 0.07, w, normalise=True, tilt=1.0)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("kind", ["supcon", "expert", "hard"])
@pytest.mark.parametrize("labels", [[0, 1, 2], [0], [1, 1, 2], [0, 0, 0]])
def test_singletons_and_missing_sides_are_finite(labels: list[int], kind: str) -> None:
    z, y = embeddings(len(labels)).requires_grad_(), torch.tensor(labels)
    losses = {
        "supcon": lambda: supcon(z, y, 0.1),
        "expert": lambda: expert_supcon(z, y, 0.1, random_weights(len(y)), tilt=1.0),
        "hard": lambda: hard_supcon(z, y, 0.1, 1.0),
    }
    loss = losses[kind]()
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()
    if len(set(labels)) == len(labels):
        assert loss.item() == 0.0
        assert torch.equal(z.grad, torch.zeros_like(z))


def test_a_zero_embedding_is_finite() -> None:
    z = torch.zeros(3, 4, requires_grad=True)
    loss = supcon(z, torch.tensor([0, 0, 1]), 0.1)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()
