"""Fine-tuning an encoder's attention with low-rank adapters (LoRA), on attended tiles."""

from __future__ import annotations

from napari_lookalike.core.lora.plan import TunePlan

__all__ = ["TunePlan"]
