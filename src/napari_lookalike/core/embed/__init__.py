"""From an open slide to its features; see ``docs/design/embedding.md``."""

from __future__ import annotations

from napari_lookalike.core.embed.slide import embed_slide
from napari_lookalike.core.embed.stages import embed_grid, encode_tiles
from napari_lookalike.core.embed.timing import Timing

__all__ = ["Timing", "embed_grid", "embed_slide", "encode_tiles"]
