"""The difficulties, chosen on seeds that are not used otherwise: the page of the plan tells how."""

from __future__ import annotations

from napari_lookalike.core.bench.lookalike.compose import Regime

HARDER = Regime("harder", tumour=(0.01, 0.02), tiles=64, slides=15, rare_slides=4)
EASIER = Regime("easier", tumour=(0.03, 0.06), tiles=32, slides=20, rare_slides=5)
SPARSE = Regime("sparse", tumour=(0.03, 0.10), tiles=64, slides=10, rare_slides=3)
"""Planned second: attention, and not the number of tumour tiles, is what is lacking."""
REGIMES = (HARDER, EASIER, SPARSE)
