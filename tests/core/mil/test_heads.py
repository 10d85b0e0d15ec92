"""Heads: the contract for every registered one, and a plain unbatched computation of each."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from napari_lookalike.core.config import HEAD_TITLES
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil import HEADS, Head, default_arguments, make_head
from napari_lookalike.core.mil.clam import ClamMB, ClamSB, smooth_top1_svm

DIM, CLASSES = 6, 3


def make(name: str, **more: object) -> Head:
    torch.manual_seed(0)
    arguments = {"in_dim": DIM, "n_classes": CLASSES, "hidden_dim": 5, "attention_dim": 4}
    return make_head(name, {**arguments, **more}).double().eval()


def batch(*lengths: int) -> tuple[Tensor, Tensor]:
    """Random bags of these lengths, padded with garbage that must not count."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(len(lengths), max(lengths), DIM, generator=generator, dtype=torch.float64)
    mask = torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]
    x[~mask] = 1e3
    return x, mask


def plain_hidden(head: Head, bag: Tensor) -> list[Tensor]:
    linear = head.trunk[0]
    return [torch.clamp(linear.weight @ row + linear.bias, min=0) for row in bag]


@pytest.mark.parametrize("name", HEADS.names())
def test_logits_are_of_what_is_pooled(name: str) -> None:
    head = make(name)
    out = head(*batch(4, 2))
    assert out.pooled is not None
    torch.testing.assert_close(head.classify(out.pooled), out.logits)


@pytest.mark.parametrize("name", HEADS.names())
def test_gradients_are_right(name: str) -> None:
    """Of one parameter vector of each head, against finite differences."""
    head = make(name)
    x, mask = batch(5, 3)
    y = torch.tensor([0, 2])
    target = next(head.parameters())

    def loss(values: Tensor) -> Tensor:
        named = next(k for k, p in head.named_parameters() if p is target)
        out = torch.func.functional_call(head, {named: values}, (x, mask))
        return torch.nn.functional.cross_entropy(out.logits, y) + out.embedding.square().mean()

    assert torch.autograd.gradcheck(loss, (target,), fast_mode=True)


@pytest.mark.parametrize("name", HEADS.names())
def test_half_precision_is_near(name: str) -> None:
    head = make(name, hidden_dim=16).float()
    x, mask = batch(40, 3, 1)
    x = (x * mask[..., None]).float()
    with torch.autocast("cpu", torch.bfloat16):
        half = head(x, mask).single()
    full = head(x, mask)
    assert half.logits.dtype == half.embedding.dtype == torch.float32
    torch.testing.assert_close(half.logits, full.logits, atol=0.1, rtol=0.1)
    torch.testing.assert_close(half.embedding, full.embedding, atol=0.1, rtol=0.1)
    loss = half.logits.sum() + head.auxiliary_loss(half, x, mask, torch.tensor([0, 1, 2]))
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in head.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", ["clam_sb", "clam_mb", "dsmil"])
def test_gradients_of_the_heads_own_losses(name: str) -> None:
    head = make(name)
    x, mask = batch(5, 3)
    y = torch.tensor([0, 2])
    named = {k: p for k, p in head.named_parameters() if k.startswith("instance_classifier")}

    def loss(*values: Tensor) -> Tensor:
        given = dict(zip(named, values, strict=True))
        return torch.func.functional_call(
            Own(head, y), {f"head.{k}": v for k, v in given.items()}, (x, mask)
        )

    assert torch.autograd.gradcheck(loss, tuple(named.values()))
    scores = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).double()
    target = torch.tensor([0, 1, 2, 2])
    assert torch.autograd.gradcheck(
        lambda s: smooth_top1_svm(s, target), (scores.requires_grad_(),)
    )


class Own(torch.nn.Module):
    """A head's own loss as a module, so that its parameters can be swapped."""

    def __init__(self, head: Head, y: Tensor) -> None:
        super().__init__()
        self.head, self.y = head, y

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.head.auxiliary_loss(self.head(x, mask), x, mask, self.y)


SAVED = {
    "abmil": {"trunk.0", "attention.gates", "attention.score", "classifier"},
    "clam_mb": {
        "trunk.0",
        "attention.gates",
        "attention.score",
        "classifier",
        "instance_classifier",
    },
}


@pytest.mark.parametrize("name", SAVED)
def test_saved_models_keep_their_names(name: str) -> None:
    """Models on disk are read by these names, with the arguments that their cards hold."""
    head = make_head(name, default_arguments(4, 2))
    assert {key.rpartition(".")[0] for key in head.state_dict()} == SAVED[name]


def plain_attention(head: Head, hidden: list[Tensor]) -> Tensor:
    """(branches, n), instance by instance."""
    gates, score = head.attention.gates, head.attention.score
    half = gates.out_features // 2
    v, u = gates.weight[:half], gates.weight[half:]
    columns = []
    for h in hidden:
        gated = torch.tanh(v @ h + gates.bias[:half]) / (
            1 + torch.exp(-(u @ h + gates.bias[half:]))
        )
        columns.append(score.weight @ gated + score.bias)
    return torch.stack(columns, 1)


def pooled(logits: Tensor, hidden: list[Tensor]) -> Tensor:
    weights = [math.exp(float(v)) for v in logits]
    return sum(w * h for w, h in zip(weights, hidden, strict=True)) / sum(weights)


@pytest.mark.parametrize("name", HEADS.names())
def test_batch_of_padded_bags_is_each_bag_alone(name: str) -> None:
    head = make(name)
    lengths = (7, 1, 4)
    x, mask = batch(*lengths)
    together = head(x, mask)
    for i, n in enumerate(lengths):
        alone = head(x[i : i + 1, :n], mask[i : i + 1, :n])
        torch.testing.assert_close(together.embedding[i], alone.embedding[0])
        torch.testing.assert_close(together.logits[i], alone.logits[0])
        torch.testing.assert_close(together.attention_logits[i, :, :n], alone.attention_logits[0])
        assert torch.isneginf(together.attention_logits[i, :, n:]).all()


@pytest.mark.parametrize("name", HEADS.names())
def test_order_of_instances_does_not_matter(name: str) -> None:
    head = make(name)
    x, mask = batch(6)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    a, b = head(x, mask), head(x[:, order], mask)
    if head.ordered:
        assert not torch.allclose(a.embedding, b.embedding)
        return
    torch.testing.assert_close(a.embedding, b.embedding)
    torch.testing.assert_close(a.attention_logits[..., order], b.attention_logits)


@pytest.mark.parametrize("name", HEADS.names())
@pytest.mark.parametrize("lengths", [(1,), (1, 1), (2, 1), (3, 40)])
def test_small_bags_give_finite_losses_and_gradients(name: str, lengths: tuple[int, ...]) -> None:
    head = make(name).train()
    x, mask = batch(*lengths)
    x = x * mask[..., None]
    y = torch.arange(len(lengths)) % CLASSES
    output = head(x, mask)
    loss = output.logits.sum() + output.embedding.sum() + head.auxiliary_loss(output, x, mask, y)
    loss.backward()
    assert math.isfinite(loss.item())
    assert all(torch.isfinite(p.grad).all() for p in head.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", HEADS.names())
def test_branches_and_titles(name: str) -> None:
    head = make(name)
    out = head(*batch(4, 2))
    assert out.attention_logits.shape == (2, CLASSES if head.per_class_attention else 1, 4)
    assert tuple(HEAD_TITLES) == HEADS.names()


@torch.no_grad()
def test_abmil_is_the_papers_sum() -> None:
    head = make("abmil")
    x, mask = batch(5, 3)
    out = head(x, mask)
    for i, n in enumerate((5, 3)):
        hidden = plain_hidden(head, x[i, :n])
        logits = plain_attention(head, hidden)
        z = pooled(logits[0], hidden)
        torch.testing.assert_close(out.attention_logits[i, :, :n], logits)
        torch.testing.assert_close(out.embedding[i], z)
        torch.testing.assert_close(out.logits[i], head.classifier.weight @ z + head.classifier.bias)


@torch.no_grad()
def test_plain_attention_has_no_gate_and_layers_can_come_before() -> None:
    head = make("abmil", gated=False, before=[7, 6])
    x, mask = batch(5, 3)
    out = head(x, mask)
    layers = [m for m in head.trunk if isinstance(m, torch.nn.Linear)]
    assert [m.out_features for m in layers] == [7, 6, 5]
    for i, n in enumerate((5, 3)):
        hidden = []
        for row in x[i, :n]:
            for layer in layers:
                row = torch.clamp(layer.weight @ row + layer.bias, min=0)
            hidden.append(row)
        v, w = head.attention.hidden, head.attention.score
        logits = torch.cat([w.weight @ torch.tanh(v.weight @ h + v.bias) + w.bias for h in hidden])
        z = pooled(logits, hidden)
        torch.testing.assert_close(out.attention_logits[i, 0, :n], logits)
        torch.testing.assert_close(out.embedding[i], z)


@pytest.mark.parametrize("name", ["mean", "linear"])
@torch.no_grad()
def test_means_are_means(name: str) -> None:
    head = make(name)
    x, mask = batch(5, 3)
    out = head(x, mask)
    for i, n in enumerate((5, 3)):
        rows = plain_hidden(head, x[i, :n]) if name == "mean" else list(x[i, :n])
        z = sum(rows) / n
        torch.testing.assert_close(out.embedding[i], z)
        torch.testing.assert_close(out.logits[i], head.classifier.weight @ z + head.classifier.bias)
        assert out.attention_logits[i, 0, :n].tolist() == [0.0] * n


@pytest.mark.parametrize("trunk", [True, False])
@pytest.mark.parametrize("query", ["mlp", "linear"])
@pytest.mark.parametrize("value", ["identity", "linear", "relu"])
@torch.no_grad()
def test_dsmil_is_the_papers_two_streams(trunk: bool, query: str, value: str) -> None:
    head = make("dsmil", trunk=trunk, query=query, value=value)
    x, mask = batch(5, 3, 1)
    out = head(x, mask)
    y = torch.tensor([2, 0, 1])
    auxiliary = 0.0
    for i, n in enumerate((5, 3, 1)):
        hidden = plain_hidden(head, x[i, :n]) if trunk else list(x[i, :n])
        attention, bags, loudest = plain_dsmil(head, hidden, query, value)
        logits = [
            head.classifier.bias[c] + head.classifier.weight[c] @ torch.cat(bags)
            for c in range(CLASSES)
        ]
        p = torch.stack(logits).softmax(0)
        torch.testing.assert_close(out.attention_logits[i, :, :n], attention)
        torch.testing.assert_close(out.logits[i], torch.stack(logits))
        torch.testing.assert_close(out.embedding[i], sum(p[c] * bags[c] for c in range(CLASSES)))
        auxiliary -= math.log(float(torch.tensor(loudest).softmax(0)[y[i]])) / 3
    assert head.auxiliary_loss(out, x, mask, y).item() == pytest.approx(auxiliary)


def plain_dsmil(
    head: Head, hidden: list[Tensor], query: str, value: str
) -> tuple[Tensor, list[Tensor], list[float]]:
    """Attention (C, n), bag vectors and the critical instances' scores of one bag."""

    def asks(h: Tensor) -> Tensor:
        q = head.query[0].weight @ h + head.query[0].bias
        if query == "mlp":
            q = torch.tanh(head.query[2].weight @ torch.clamp(q, min=0) + head.query[2].bias)
        return q

    def says(h: Tensor) -> Tensor:
        v = h if value == "identity" else head.value[0].weight @ h + head.value[0].bias
        return torch.clamp(v, min=0) if value == "relu" else v

    rows, bags, loudest = [], [], []
    for c in range(CLASSES):
        judge = head.instance_classifier
        scores = [float(judge.weight[c] @ h + judge.bias[c]) for h in hidden]
        critical = hidden[scores.index(max(scores))]
        row = [float(asks(h) @ asks(critical)) / math.sqrt(len(asks(h))) for h in hidden]
        rows.append(row)
        bags.append(pooled(torch.tensor(row, dtype=torch.float64), [says(h) for h in hidden]))
        loudest.append(max(scores))
    return torch.tensor(rows, dtype=torch.float64), bags, loudest


@torch.no_grad()
def test_clam_sb_has_one_branch_and_one_classifier() -> None:
    head = make("clam_sb")
    x, mask = batch(5, 3)
    out = head(x, mask)
    for i, n in enumerate((5, 3)):
        hidden = plain_hidden(head, x[i, :n])
        attention = plain_attention(head, hidden)
        z = pooled(attention[0], hidden)
        torch.testing.assert_close(out.attention_logits[i, :, :n], attention)
        torch.testing.assert_close(out.embedding[i], z)
        torch.testing.assert_close(out.logits[i], head.classifier.weight @ z + head.classifier.bias)


@torch.no_grad()
def test_clam_has_a_classifier_per_branch_and_a_probability_weighted_embedding() -> None:
    head = make("clam_mb")
    x, mask = batch(5, 3)
    out = head(x, mask)
    for i, n in enumerate((5, 3)):
        hidden = plain_hidden(head, x[i, :n])
        attention = plain_attention(head, hidden)
        branches = [pooled(attention[c], hidden) for c in range(CLASSES)]
        logits = [
            float(head.classifier.weight[c] @ branches[c] + head.classifier.bias[c])
            for c in range(CLASSES)
        ]
        total = sum(math.exp(v) for v in logits)
        embedding = sum(math.exp(v) / total * m for v, m in zip(logits, branches, strict=True))
        torch.testing.assert_close(out.logits[i], torch.tensor(logits, dtype=torch.float64))
        torch.testing.assert_close(out.embedding[i], embedding)


def plain_svm(scores: Tensor, target: int) -> float:
    return math.log(
        sum(
            math.exp((j != target) + float(scores[j]) - float(scores[target]))
            for j in range(len(scores))
        )
    )


def plain_ce(scores: Tensor, target: int) -> float:
    return math.log(sum(math.exp(float(v - scores[target])) for v in scores))


def plain_instance_loss(head: ClamSB | ClamMB, bag: Tensor, y: int) -> float:
    """Instance loss of one bag, from the paper's description."""
    hidden = plain_hidden(head, bag)
    attention = plain_attention(head, hidden)
    n_sampled = min(head.n_sampled, len(bag) // 2)
    loss_of = plain_svm if head.instance_loss == "svm" else plain_ce
    total = 0.0
    for c in range(CLASSES) if head.subtyping else [y]:
        branch = attention[c if len(attention) > 1 else 0]
        order = sorted(range(len(bag)), key=lambda k: -float(branch[k]))
        chosen = [(k, int(c == y)) for k in order[:n_sampled]]
        if c == y:
            chosen += [(k, 0) for k in order[-n_sampled:]]
        losses = []
        for k, target in chosen:
            rows = slice(2 * c, 2 * c + 2)
            classifier = head.instance_classifier
            losses.append(
                loss_of(classifier.weight[rows] @ hidden[k] + classifier.bias[rows], target)
            )
        total += sum(losses) / len(losses)
    return total / CLASSES if head.subtyping else total


@pytest.mark.parametrize("name", ["clam_sb", "clam_mb"])
@pytest.mark.parametrize("n_sampled", [1, 2, 8])
@pytest.mark.parametrize("subtyping", [True, False])
@pytest.mark.parametrize("loss", ["svm", "ce"])
@torch.no_grad()
def test_clam_instance_loss_is_the_plain_loop(
    name: str, n_sampled: int, subtyping: bool, loss: str
) -> None:
    head = make(name, n_sampled=n_sampled, subtyping=subtyping, instance_loss=loss)
    lengths, y = (9, 1, 4, 20), torch.tensor([0, 1, 2, 1])
    x, mask = batch(*lengths)
    output = head(x, mask)
    got = head.auxiliary_loss(output, x, mask, y)
    # The bag of one instance has no instance that is top and not bottom: it is left out.
    parts = [plain_instance_loss(head, x[i, :n], int(y[i])) for i, n in enumerate(lengths) if n > 1]
    assert got.item() == pytest.approx(sum(parts) / len(parts))


@pytest.mark.parametrize("name", ["clam_sb", "clam_mb"])
def test_clam_instance_loss_of_single_instances_is_zero_with_a_graph(name: str) -> None:
    head = make(name)
    x, mask = batch(1, 1)
    loss = head.auxiliary_loss(head(x, mask), x, mask, torch.tensor([0, 1]))
    assert loss.item() == 0.0
    assert loss.requires_grad


def test_smooth_svm_is_its_formula() -> None:
    scores = torch.tensor([[0.3, -1.2], [2.0, 0.5]], dtype=torch.float64)
    got = smooth_top1_svm(scores, torch.tensor([1, 0]))
    assert got.tolist() == pytest.approx([plain_svm(scores[0], 1), plain_svm(scores[1], 0)])


def test_sizes_follow_the_instances() -> None:
    assert default_arguments(400, 3)["hidden_dim"] == 128
    assert default_arguments(1536, 3)["hidden_dim"] == 512


def test_unknown_heads_and_arguments_are_model_errors() -> None:
    with pytest.raises(ModelError, match="abmil"):
        make_head("abmll", default_arguments(4, 2))
    with pytest.raises(ModelError, match="arguments"):
        make_head("abmil", {"in_dim": 4, "n_classes": 2, "wings": 2})
