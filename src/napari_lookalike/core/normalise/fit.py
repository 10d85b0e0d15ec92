"""Fit a stain normalisation to a slide, apply it, and write down what was done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import EncoderError, FeatureError
from napari_lookalike.core.normalise import macenko, reinhard
from napari_lookalike.core.normalise.colour_map import ColourMap
from napari_lookalike.core.normalise.pixels import NotFitted, check_stain, pooled

if TYPE_CHECKING:
    import torch

NONE: Final = "none"
STAIN_METHODS: Final = {
    NONE: "Colours as in the file",
    "macenko": "Macenko (stain vectors)",
    "reinhard": "Reinhard (mean and spread of colour)",
}
"""Name -> title. "none" is the default."""

VERSION: Final = 2
"""Of what the numbers mean: another one gives features of another kind."""


@dataclass(frozen=True)
class StainFit:
    """What one slide's tiles go through before the encoder. Call it with tiles.

    Parameters
    ----------
    method
        What is done: a name in `STAIN_METHODS`; "none" leaves tiles as they are.
    asked
        What was asked for. It differs from `method` where the slide could not be fitted.
    reason
        Why it could not, as a sentence; else empty.
    pixels
        Pixels that the fit looked at.
    source, target
        The slide's numbers and those it is moved to; ``None`` for "none".
    """

    method: str = NONE
    asked: str = NONE
    reason: str = ""
    pixels: int = 0
    source: macenko.Stains | reinhard.Colours | None = None
    target: macenko.Stains | reinhard.Colours | None = None

    @overload
    def __call__(self, tiles: NDArray[np.uint8]) -> NDArray[np.uint8]: ...
    @overload
    def __call__(self, tiles: torch.Tensor) -> torch.Tensor: ...
    def __call__(self, tiles: Any) -> Any:
        """Normalise tiles.

        Parameters
        ----------
        tiles
            uint8 (n, height, width, 3): an array, or a tensor on any device (then all
            is done there). Channels are last; a permuted view will do.

        Returns
        -------
        ndarray or tensor of uint8 (n, height, width, 3)
        """
        if self._map is None:
            return tiles
        if isinstance(tiles, np.ndarray):
            return self._map.on_array(tiles)
        return self._map.on_tensor(tiles)

    @cached_property
    def _map(self) -> ColourMap | None:
        if isinstance(self.source, macenko.Stains) and isinstance(self.target, macenko.Stains):
            return macenko.colour_map(self.source, self.target)
        if isinstance(self.source, reinhard.Colours) and isinstance(self.target, reinhard.Colours):
            return reinhard.colour_map(self.source, self.target)
        return None

    def to_json(self) -> str:
        """All of it, to stand beside the features; empty if nothing was asked for."""
        if self.asked == NONE:
            return ""
        return json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True)


def fit_stain(tiles: NDArray[np.uint8], method: str, *, h_and_e: bool = False) -> StainFit:
    """Fit to tiles that are spread over a slide's tissue.

    The same tiles give the same fit. A slide that cannot be fitted (too little tissue,
    one stain, another stain than H&E) gets a fit that changes nothing and says why.

    Parameters
    ----------
    tiles
        uint8 (n, height, width, 3), some tens of them, pooled: a fit per tile would
        paint a tile of stroma like one of tumour.
    method
        A name in `STAIN_METHODS`.
    h_and_e
        That the slide is stained with H&E is known, from its record or its thumbnail. Else
        its tiles are judged, by colour alone: a cellular carcinoma, or pale tissue in a
        scanner's warm light, does not pass there.

    Raises
    ------
    EncoderError
        If there is no such method.
    """
    if method not in STAIN_METHODS:
        known = ", ".join(STAIN_METHODS)
        raise EncoderError(f"There is no stain normalisation {method!r}.", f"Known: {known}.")
    if method == NONE:
        return StainFit()
    pixels = pooled(tiles)
    module = macenko if method == "macenko" else reinhard
    try:
        if not h_and_e:
            check_stain(tiles)
        source = module.estimate(pixels)
    except NotFitted as why:
        return StainFit(NONE, method, f"Not normalised, as {why}.", len(pixels))
    return StainFit(method, method, "", len(pixels), source, module.TARGET)


def stain_from_json(text: str) -> StainFit:
    """A fit from `StainFit.to_json`: it does to tiles what the first one did.

    Parameters
    ----------
    text
        From a feature file or a plan; empty for none.

    Raises
    ------
    FeatureError
        If it is damaged, or a newer version wrote it.
    """
    if not text:
        return StainFit()
    try:
        data = json.loads(text)
        kind: Any = {"macenko": macenko.Stains, "reinhard": reinhard.Colours}.get(data["method"])
        source, target = (
            kind(**{k: _tuples(v) for k, v in data[name].items()}) if kind else None
            for name in ("source", "target")
        )
        newer = data["version"] > VERSION
        fit = StainFit(
            data["method"], data["asked"], data["reason"], data["pixels"], source, target
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        what = "The stain normalisation in the file is damaged."
        raise FeatureError(what, "Embed the slide again.") from None
    if newer:
        what = "A newer version of the program normalised the stain."
        raise FeatureError(what, "Update it, or embed the slide again.")
    return fit


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
