"""Native tiles of TIFF pyramids, decoded without a reader between file and codec.

`pages` says which pages of a TIFF are a slide's levels, `codecs` how their tiles are
coded, `level` decodes one tile, `check` compares with another reader, and `source` puts
the tiles under a slide that OpenSlide opened.
"""

from napari_lookalike.core.slides.native.level import NativeLevel
from napari_lookalike.core.slides.native.source import NativeTiles, with_native_tiles

__all__ = ["NativeLevel", "NativeTiles", "with_native_tiles"]
