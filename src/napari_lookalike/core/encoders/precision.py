"""In which precision a network computes: half where the device is quicker so and agrees."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from napari_lookalike.core.encoders.base import EncoderSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

FULL: Final = "float32"

QUICKER: Final = 1.15
"""Half precision is used on a CPU only if it is so many times as quick."""

SAME: Final = 0.999
"""... and if the least cosine between a tile's vectors in both is this."""

_MANY_PARAMETERS: Final = 100e6
_PROBE_TILES, _PROBE_TILES_LARGE = 4, 1


def choose_precision(
    device: str, spec: EncoderSpec, parameters: int, run: Callable[[Any, str], Any]
) -> str:
    """The precision that a network should compute in, tried out on some tiles.

    Parameters
    ----------
    device
        "cpu", "mps", "cuda" or "cuda:<number>".
    spec
        The encoder's row.
    parameters
        How many the network has: a large one is tried on a single tile.
    run
        ``run(tiles, precision)``: features of uint8 tiles on the device, in a precision.

    Returns
    -------
    str
        "bfloat16", "float16" (a GPU without the other) or "float32".
    """
    half = _candidate(device)
    if half == FULL:
        return FULL
    tiles = _tiles(spec, _PROBE_TILES_LARGE if parameters > _MANY_PARAMETERS else _PROBE_TILES)
    tiles = tiles.to(device)
    try:
        if device == "cpu":
            quick, same = _on_cpu(tiles, half, run)
        else:
            quick, same = True, _cosine(run(tiles, FULL), run(tiles, half))
    except (RuntimeError, TypeError):  # an operation that the device has no half precision of
        return FULL
    return half if quick and same >= SAME else FULL


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """Context in which a network on a device computes in a precision."""
    import torch

    if precision == FULL:
        return nullcontext()
    kind = device.split(":")[0]
    return torch.autocast(kind, dtype=getattr(torch, precision))


def _candidate(device: str) -> str:
    """What the hardware has in it; emulated half precision is slower than none."""
    import torch

    kind = device.split(":")[0]
    if kind == "cuda":
        native = torch.cuda.get_device_capability(device)[0] >= 8
        return "bfloat16" if native else "float16"
    if kind == "mps":
        return "float16"
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    found = (getattr(torch.cpu, name, None) for name in names)
    return "bfloat16" if any(check() for check in found if check is not None) else FULL


def _on_cpu(tiles: torch.Tensor, half: str, run: Callable[[Any, str], Any]) -> tuple[bool, float]:
    """Whether half precision is quicker, in seconds of one thread (other programs don't count)."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds, vectors = {}, {}
        for precision in (half, FULL, half, FULL):
            started = time.thread_time()
            vectors[precision] = run(tiles, precision)
            seconds[precision] = time.thread_time() - started  # the second try counts
            if seconds[precision] > 2 and len(seconds) == 2:
                break  # a large network: what warming up took is small beside it
    finally:
        torch.set_num_threads(threads)
    quick = seconds[half] * QUICKER < seconds[FULL]
    return quick, _cosine(vectors[FULL], vectors[half])


def _cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    """The least cosine between rows; NaN, which is not enough, where something overflowed."""
    import torch

    return float(torch.nn.functional.cosine_similarity(one.float(), other.float()).min())


def _tiles(spec: EncoderSpec, count: int) -> torch.Tensor:
    """Smooth pink and violet with grain: something that looks like stain, always the same."""
    import torch

    chance = torch.Generator().manual_seed(0)
    coarse = torch.rand((count, 1, 8, 8), generator=chance)
    edge = spec.tile_px
    part = torch.nn.functional.interpolate(coarse, size=(edge, edge), mode="bilinear")
    pink, violet = (torch.tensor(c).view(1, 3, 1, 1) for c in ((225.0, 160, 195), (120.0, 80, 160)))
    grain = 12 * torch.randn((count, 3, edge, edge), generator=chance)
    picture = (pink * part + violet * (1 - part) + grain).clamp(0, 255)
    return picture.to(torch.uint8).permute(0, 2, 3, 1).contiguous()
