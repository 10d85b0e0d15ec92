"""The memory of slide embeddings: newest, each slide once, never the batch itself."""

from __future__ import annotations

import torch

from napari_lookalike.core.mil.memory import Memory


def push(memory: Memory, *slides: int, mark: float = 0.0) -> None:
    rows = torch.tensor(slides)
    z = torch.stack([rows.float(), torch.full((len(slides),), mark)], 1).requires_grad_()
    memory.push(z, rows % 3, rows)


def held(memory: Memory, *batch: int) -> list[tuple[float, float]]:
    found = memory.others(torch.tensor(batch, dtype=torch.int64))
    if found is None:
        return []
    kept, rows = found
    assert kept.z[:, 0].tolist() == rows.tolist()
    assert kept.y.tolist() == (rows % 3).tolist()
    assert not kept.z.requires_grad
    return [(float(z[0]), float(z[1])) for z in kept.z]


def test_first_in_first_out_and_each_slide_once() -> None:
    memory = Memory(4)
    assert held(memory, 0) == []
    push(memory, 0, 1)
    push(memory, 2, 0, mark=1.0)
    assert held(memory) == [(1, 0), (2, 1), (0, 1)]
    push(memory, 5, 6, mark=2.0)
    assert held(memory) == [(2, 1), (0, 1), (5, 2), (6, 2)]


def test_slides_of_the_batch_are_left_out() -> None:
    memory = Memory(4)
    push(memory, 0, 1, 2)
    assert held(memory, 1, 7) == [(0, 0), (2, 0)]
    assert held(memory, 0, 1, 2) == []
