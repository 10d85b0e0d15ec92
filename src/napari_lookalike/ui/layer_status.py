"""What napari's status bar says of a layer of ours under the pointer, in words."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from math import isnan
from typing import Any

from napari.layers import Layer

Words = Callable[[Any], str]
"""Value of a layer, ``None`` outside it -> what to say; empty: the place alone."""

NO_TILE = "no tile here"


def say_values(layer: Layer, words: Words) -> None:
    """Have napari say the values of a layer in these words, instead of "nan" or "[, ]".

    Parameters
    ----------
    layer
        A layer of this program.
    words
        Asked in napari's own thread: it may not touch the window.
    """
    held = weakref.ref(layer)

    def get_status(position: Any = None, **how: Any) -> dict[str, Any]:
        layer = held()
        if layer is None:
            return {}
        said: dict[str, Any] = type(layer).get_status(layer, position, **how)
        if position is not None:
            said["value"] = words(layer.get_value(position, **how)) if layer.visible else ""
            said["coordinates"] = ": ".join(t for t in (said["coords"], said["value"]) if t)
        return said

    layer.get_status = get_status


def or_none(value: Any, named: str, none: str) -> str:
    """Words for a mask that is NaN, or has no pixel, where there is nothing."""
    return none if value is None or isnan(value) else named


def of_tile(value: Any) -> str:
    """Words for an attention map."""
    return NO_TILE if value is None or isnan(value) else f"{value:.3g}"


def of_pixel(value: Any) -> str:
    """Words for a slide; its values are (level, colour)."""
    colour = value[1] if isinstance(value, tuple) else value
    return "" if colour is None else "RGB " + ", ".join(str(int(part)) for part in colour)


def nothing(_value: Any) -> str:
    """Words for a layer whose values mean nothing."""
    return ""
