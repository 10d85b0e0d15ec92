"""Which slides a batch holds, and how often each is drawn."""

from __future__ import annotations

from napari_lookalike.core.sampling.batches import Sampler, marked_pairs
from napari_lookalike.core.sampling.chances import Chances
from napari_lookalike.core.sampling.replay import Replay

__all__ = ["Chances", "Replay", "Sampler", "marked_pairs"]
