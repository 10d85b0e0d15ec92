"""TransMIL and its attention against token-by-token loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from napari_lookalike.core.mil.nystrom import (
    RESIDUAL_KERNEL,
    NystromAttention,
    pseudo_inverse,
    segment_means,
)
from napari_lookalike.core.mil.transmil import TransMIL

DIM = 16


def tokens(n: int, seed: int = 0) -> Tensor:
    return torch.randn(1, n, DIM, generator=torch.Generator().manual_seed(seed)).double()


def attention(landmarks: int, iterations: int = 6) -> NystromAttention:
    torch.manual_seed(0)
    return NystromAttention(DIM, landmarks, iterations).double().eval()


def softmax_rows(scores: list[list[float]]) -> Tensor:
    return torch.tensor(scores, dtype=torch.float64).softmax(-1)


def plain_runs(rows: list[Tensor], m: int) -> list[Tensor]:
    """Means of m runs of neighbours, run lengths differing by one at most."""
    runs = [[r for i, r in enumerate(rows) if i * m // len(rows) == j] for j in range(m)]
    return [sum(run) / len(run) for run in runs]


def plain_attention(layer: NystromAttention, x: Tensor) -> Tensor:
    """The layer's output (n, dim) for tokens (n, dim), head by head and token by token."""
    n, size = len(x), DIM // layer.heads
    q, k, v = (part for part in (layer.qkv.weight @ x.T).T.split(DIM, dim=1))
    heads = []
    for h in range(layer.heads):
        part = slice(h * size, (h + 1) * size)
        qs = [row[part] / math.sqrt(size) for row in q]
        ks, vs = [row[part] for row in k], [row[part] for row in v]
        m = min(layer.landmarks, n)
        q_runs, k_runs = plain_runs(qs, m), plain_runs(ks, m)
        left = softmax_rows([[float(a @ b) for b in k_runs] for a in qs])
        middle = softmax_rows([[float(a @ b) for b in k_runs] for a in q_runs])
        right = softmax_rows([[float(a @ b) for b in ks] for a in q_runs])
        z = middle.T / (middle.sum(1).max() * middle.sum(0).max())
        eye = torch.eye(m, dtype=torch.float64)
        for _ in range(layer.iterations):
            az = middle @ z
            z = z @ (13 * eye - az @ (15 * eye - az @ (7 * eye - az))) / 4
        out = left @ z @ right @ torch.stack(vs)
        kernel, half = layer.residual.weight[h, 0], RESIDUAL_KERNEL // 2
        for i in range(n):
            for j in range(max(0, i - half), min(n, i + half + 1)):
                out[i] += kernel[j - i + half] * vs[j]
        heads.append(out)
    linear = layer.out[0]
    return torch.cat(heads, 1) @ linear.weight.T + linear.bias


@pytest.mark.parametrize(("n", "landmarks"), [(1, 4), (3, 4), (9, 4), (50, 7)])
@torch.no_grad()
def test_the_layer_is_the_plain_loop(n: int, landmarks: int) -> None:
    layer, x = attention(landmarks), tokens(n)
    got, first = layer(x)
    torch.testing.assert_close(got[0], plain_attention(layer, x[0]))
    q, k, _ = (layer.qkv.weight @ x[0].T).T.split(DIM, dim=1)
    size = DIM // layer.heads
    for h in range(layer.heads):
        part = slice(h * size, (h + 1) * size)
        expected = [float(q[0, part] @ row[part]) / math.sqrt(size) for row in k]
        assert first[0, h].tolist() == pytest.approx(expected)


@torch.no_grad()
def test_with_a_landmark_per_token_it_is_exact_attention() -> None:
    layer, x = attention(landmarks=12, iterations=60), tokens(12)
    q, k, v = layer.qkv(x).view(12, 3, layer.heads, -1).permute(1, 2, 0, 3)
    exact = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    exact = exact + layer._along(v[None])[0]
    expected = layer.out(exact.transpose(0, 1).reshape(12, DIM))
    torch.testing.assert_close(layer(x)[0][0], expected, atol=1e-6, rtol=1e-5)


def test_segments_cover_every_token_once() -> None:
    x = torch.arange(7.0)[:, None]
    assert segment_means(x, 3)[:, 0].tolist() == [1.0, 3.5, 5.5]
    assert segment_means(x, 7)[:, 0].tolist() == x[:, 0].tolist()
    assert segment_means(x, 1).item() == 3.0


def test_the_pseudo_inverse_is_one() -> None:
    matrix = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(0)).double().softmax(-1)
    got = pseudo_inverse(matrix, 40)
    torch.testing.assert_close(got, torch.linalg.pinv(matrix), atol=1e-6, rtol=1e-5)
    # Each matrix by its own norms, whatever else is in the batch.
    alone = pseudo_inverse(matrix[:1], 6)
    mixed = pseudo_inverse(torch.cat([matrix[:1], 50 * matrix[1:]]), 6)[:1]
    assert torch.equal(alone, mixed)


def plain_square(head: TransMIL, x: Tensor, side: int) -> Tensor:
    """Tokens (side^2, dim) with their three convolutions added, pixel by pixel."""
    out = x.clone()
    for conv in head.position.convolutions:
        half = conv.kernel_size[0] // 2
        for r in range(side):
            for c in range(side):
                out[r * side + c] += conv.bias
                for dr in range(-half, half + 1):
                    for dc in range(-half, half + 1):
                        if 0 <= r + dr < side and 0 <= c + dc < side:
                            weight = conv.weight[:, 0, dr + half, dc + half]
                            out[r * side + c] += weight * x[(r + dr) * side + c + dc]
    return out


def plain_norm(norm: torch.nn.LayerNorm, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    spread = (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt()
    return centred / spread * norm.weight + norm.bias


@pytest.mark.parametrize("n", [1, 2, 5, 11])
@torch.no_grad()
def test_transmil_is_the_plain_sequence(n: int) -> None:
    torch.manual_seed(1)
    head = TransMIL(6, 3, hidden_dim=DIM).double().eval()
    bag = torch.randn(n, 6).double()
    out = head(bag[None], torch.ones(1, n, dtype=torch.bool))
    h = torch.clamp(bag @ head.trunk[0].weight.T + head.trunk[0].bias, min=0)
    side = math.ceil(math.sqrt(n))
    square = torch.cat([h, h[: side * side - n]])
    x = torch.cat([head.class_token[None], square])
    x = x + plain_attention(head.layers[0], plain_norm(head.norms[0], x))
    x = torch.cat([x[:1], plain_square(head, x[1:], side)])
    last = plain_norm(head.norms[1], x)
    embedding = plain_norm(head.norms[2], (x + plain_attention(head.layers[1], last))[0])
    torch.testing.assert_close(out.embedding[0], embedding)
    torch.testing.assert_close(
        out.logits[0], head.classifier.weight @ embedding + head.classifier.bias
    )
    q, k, _ = (head.layers[1].qkv.weight @ last.T).T.split(DIM, dim=1)
    size = DIM // head.layers[1].heads
    share = torch.zeros(n, dtype=torch.float64)
    for start in range(0, DIM, size):
        part = slice(start, start + size)
        row = (k[1:, part] @ q[0, part] / math.sqrt(size)).softmax(0)
        for j, value in enumerate(row):
            share[j % n] += value  # a tile that fills up the square counts as itself
    torch.testing.assert_close(out.attention_logits[0, 0].softmax(0), share / share.sum())
