"""From the tokens of a vision transformer to one vector. Written once, for every encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    import torch


def pool_tokens(tokens: torch.Tensor, pooling: str, prefix: int) -> torch.Tensor:
    """Class token, mean of the patch tokens, or both.

    Parameters
    ----------
    tokens
        (n, prefix + patches, width): class token, registers, patch tokens, in this order.
    pooling
        "cls", "mean" or "cls+mean".
    prefix
        Number of tokens that are not patches (class token and registers). They never enter
        the mean: Virchow2 has 1 + 4 and takes ``tokens[:, 5:]``.

    Returns
    -------
    Tensor (n, width), or (n, 2 * width) for "cls+mean"

    Raises
    ------
    EncoderError
        For another pooling: the row of the catalogue is wrong.
    """
    import torch

    if pooling == "cls":
        return tokens[:, 0]
    if pooling == "mean":
        return tokens[:, prefix:].mean(dim=1)
    if pooling == "cls+mean":
        return torch.cat([tokens[:, 0], tokens[:, prefix:].mean(dim=1)], dim=-1)
    raise EncoderError(
        f"There is no pooling called {pooling!r}.", "Use cls, mean, cls+mean or none."
    )
