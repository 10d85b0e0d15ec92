"""A plan and vectors for tests of the store."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.core.embed.test_order import full

from napari_lookalike.core.embed.plan import Plan


def some_plan(columns: int = 6, rows: int = 5, **changes: Any) -> Plan:
    plan = Plan("S01", "abcd", "enc-1", 4, full(columns, rows), (0.25, 0.26), '{"auto": true}', "")
    return dataclasses.replace(plan, **changes)


def vectors_of(indices: NDArray[np.int64], dim: int = 4) -> NDArray[np.float32]:
    """Numbers that tell the tile."""
    return (np.asarray(indices)[:, None] * 10.0 + np.arange(dim)).astype(np.float32)
