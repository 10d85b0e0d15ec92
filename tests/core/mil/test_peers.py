"""Weights that other programs trained, against a plain computation from their own names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil import make_head
from napari_lookalike.core.mil.clam import ClamMB, ClamSB
from napari_lookalike.core.mil.peers import from_clam, from_dsmil

if TYPE_CHECKING:
    from pathlib import Path


def published(shared: Path, name: str) -> dict[str, Tensor]:
    path = shared / "data" / "peers" / name
    if not path.is_file():
        pytest.skip(f"{name} is not in the shared data")
    return torch.load(path, weights_only=True, map_location="cpu")


def bag(n: int, dim: int) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(0))


def ask(head: torch.nn.Module, x: Tensor) -> object:
    """The bag alone, then padded beside a longer one: both must say the same."""
    with torch.inference_mode():
        alone = head(x[None], torch.ones(1, len(x), dtype=torch.bool))
        padded = torch.full((2, len(x) + 3, x.shape[1]), 9.0)
        padded[0, : len(x)] = x
        mask = torch.ones(2, len(x) + 3, dtype=torch.bool)
        mask[0, len(x) :] = False
        beside = head(padded, mask)
    torch.testing.assert_close(beside.logits[:1], alone.logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(beside.embedding[:1], alone.embedding, atol=1e-5, rtol=1e-4)
    return alone


def linear(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return state[f"{name}.weight"].double() @ x + state[f"{name}.bias"].double()


def plain_clam(state: dict[str, Tensor], net: str, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Attention logits (branches, n) and hidden instances, by the file's own names."""
    hidden = [torch.clamp(linear(state, f"{net}.0", row), min=0) for row in x.double()]
    columns = []
    for h in hidden:
        a = torch.tanh(linear(state, f"{net}.3.attention_a.0", h))
        b = 1 / (1 + torch.exp(-linear(state, f"{net}.3.attention_b.0", h)))
        columns.append(linear(state, f"{net}.3.attention_c", a * b))
    return torch.stack(columns, 1), hidden


def weighted(logits: Tensor, rows: list[Tensor]) -> Tensor:
    weights = [math.exp(float(v - logits.max())) for v in logits]
    return sum(w * r for w, r in zip(weights, rows, strict=True)) / sum(weights)


def check_clam_sb(state: dict[str, Tensor], net: str) -> None:
    head = from_clam(state)
    assert isinstance(head, ClamSB)
    x = bag(9, state[f"{net}.0.weight"].shape[1])
    out = ask(head, x)
    attention, hidden = plain_clam(state, net, x)
    m = weighted(attention[0], hidden)
    torch.testing.assert_close(out.attention_logits[0].double(), attention, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.embedding[0].double(), m, atol=1e-5, rtol=1e-4)
    expected = linear(state, "classifiers", m)
    torch.testing.assert_close(out.logits[0].double(), expected, atol=1e-5, rtol=1e-4)
    for c in range(len(expected)):
        mine = head.instance_classifier.weight[2 * c : 2 * c + 2]
        assert torch.equal(mine, state[f"instance_classifiers.{c}.weight"])


@pytest.mark.shared
def test_a_published_clam_says_what_its_weights_say(shared: Path) -> None:
    check_clam_sb(published(shared, "clam/s_0_checkpoint.pt"), "attention_net.module")


def made_clam(classes: int, multi: bool) -> dict[str, Tensor]:
    """A state dict in CLAM's form; nobody's weights."""
    torch.manual_seed(3)
    shapes = {"attention_net.0": (8, 6), "attention_net.3.attention_a.0": (4, 8)}
    shapes["attention_net.3.attention_b.0"] = (4, 8)
    shapes["attention_net.3.attention_c"] = (classes if multi else 1, 4)
    shapes |= {f"instance_classifiers.{c}": (2, 8) for c in range(classes)}
    shapes |= {f"classifiers.{c}": (1, 8) for c in range(classes)} if multi else {}
    shapes |= {} if multi else {"classifiers": (classes, 8)}
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(shape), torch.randn(shape[0])
    return state


def test_clam_of_one_branch() -> None:
    check_clam_sb(made_clam(3, multi=False), "attention_net")


def test_clam_of_several_branches() -> None:
    state = made_clam(12, multi=True)  # 12: their names do not sort like numbers
    head = from_clam(state)
    assert isinstance(head, ClamMB)
    x = bag(5, 6)
    out = ask(head, x)
    attention, hidden = plain_clam(state, "attention_net", x)
    logits = torch.cat(
        [linear(state, f"classifiers.{c}", weighted(attention[c], hidden)) for c in range(12)]
    )
    torch.testing.assert_close(out.logits[0].double(), logits, atol=1e-5, rtol=1e-4)


def plain_dsmil(state: dict[str, Tensor], judge: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """Attention (C, n) and class logits (C,), by the file's own names."""
    rows = list(x.double())
    scores = torch.stack([linear(state, judge, r) for r in rows])

    def ask_with(r: Tensor) -> Tensor:
        q = torch.clamp(linear(state, "b_classifier.q.0", r), min=0)
        return torch.tanh(linear(state, "b_classifier.q.2", q))

    queries = [ask_with(r) for r in rows]
    classes = scores.shape[1]
    attention = torch.zeros(classes, len(rows), dtype=torch.float64)
    bags = []
    for c in range(classes):
        critical = queries[int(scores[:, c].argmax())]
        for k, q in enumerate(queries):
            attention[c, k] = q @ critical / math.sqrt(len(q))
        bags.append(weighted(attention[c], rows))
    weight, bias = state["b_classifier.fcc.weight"].double(), state["b_classifier.fcc.bias"]
    logits = [(weight[c] * torch.stack(bags)).sum() + bias[c].double() for c in range(classes)]
    return attention, torch.stack(logits)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["dsmil/c16_aggregator.pth", "dsmil/tcga_aggregator.pth"])
def test_a_published_dsmil_says_what_its_weights_say(shared: Path, name: str) -> None:
    state = published(shared, name)
    x = bag(11, 512)
    out = ask(from_dsmil(state), x)
    attention, logits = plain_dsmil(state, "i_classifier.fc.0", x)
    torch.testing.assert_close(out.attention_logits[0].double(), attention, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.logits[0].double(), logits, atol=1e-5, rtol=1e-4)


@pytest.mark.shared
def test_dsmils_first_weights_give_its_queries_and_values(shared: Path) -> None:
    state = published(shared, "dsmil/init.pth")
    with pytest.raises(ModelError, match="how many classes"):
        from_dsmil(state)
    head, x = from_dsmil(state, n_classes=2).requires_grad_(False), bag(6, 512)
    out = ask(head, x)
    rows = list(x.double())
    q = [linear(state, "b_classifier.q", r) for r in rows]
    v = [linear(state, "b_classifier.v.1", r) for r in rows]
    judge = head.instance_classifier
    for c in range(2):
        scores = [float(judge.weight[c].double() @ r + judge.bias[c]) for r in rows]
        critical = q[scores.index(max(scores))]
        row = torch.stack([critical @ one / math.sqrt(128) for one in q])
        torch.testing.assert_close(out.attention_logits[0, c].double(), row, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(
            out.pooled[0, c].double(), weighted(row, v), atol=1e-5, rtol=1e-4
        )


@pytest.mark.parametrize("read", [from_clam, from_dsmil])
def test_other_weights_are_refused(read: object) -> None:
    foreign = make_head("mean", {"in_dim": 3, "n_classes": 2}).state_dict()
    with pytest.raises(ModelError, match="not the weights"):
        read(foreign)  # type: ignore[operator]
    torn = made_clam(2, multi=False)
    torn["attention_net.3.attention_c.weight"] = torch.zeros(1, 5)
    with pytest.raises(ModelError, match="not the weights"):
        from_clam(torn)
