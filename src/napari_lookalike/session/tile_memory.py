"""How much memory decoded tiles may take: the user's choice, kept with the user's settings."""

from __future__ import annotations

from napari_lookalike.core.slides.tile_cache import DEFAULT_BYTES, tile_cache
from napari_lookalike.session import expert

SETTING = "tile_memory_mib"
MIB = 1 << 20
DEFAULT_MIB = DEFAULT_BYTES // MIB
RANGE_MIB = (128, 16384)


def tile_memory() -> int:
    """MiB that decoded tiles may take, as kept; the default if nothing sound is kept."""
    found = expert.kept(SETTING)
    low, high = RANGE_MIB
    sound = isinstance(found, int) and not isinstance(found, bool) and low <= found <= high
    return found if sound else DEFAULT_MIB


def apply_tile_memory() -> None:
    """Give the tiles of this process as much memory as the user chose."""
    tile_cache().resize(tile_memory() * MIB)


def choose_tile_memory(mib: int) -> bool:
    """Take over a choice at once; whether it could be kept for the next time.

    Parameters
    ----------
    mib
        MiB; brought into `RANGE_MIB`.
    """
    low, high = RANGE_MIB
    mib = min(max(mib, low), high)
    kept = expert.keep(SETTING, mib)
    tile_cache().resize(mib * MIB)
    return kept
