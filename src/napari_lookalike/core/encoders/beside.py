"""What a configuration beside a weight file settles, where the row alone cannot.

Rows are complete without it. Two facts of published files are not written in the file itself
and decide what a tile becomes: whether a CLIP network uses the quick GELU of its first
authors, and what it was normalised with. The hub keeps both in a file beside the weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

OPEN_CLIP_FILE = "open_clip_config.json"
CONFIG_FILES = (OPEN_CLIP_FILE, "config.json", "preprocessor_config.json")
"""What is taken along when weights are brought in."""

_LARGEST = 1 << 20


def with_facts_beside(spec: EncoderSpec, weights: Path) -> EncoderSpec:
    """The row, with what a configuration in the weight file's folder says differently.

    Parameters
    ----------
    spec
        The row.
    weights
        The weight file.

    Raises
    ------
    EncoderError
        If there is such a configuration and it is damaged: remove or replace it.
    """
    if spec.loader != "open_clip":
        return spec
    config = read_config(weights.parent / OPEN_CLIP_FILE)
    if config is None:
        return spec
    model, fed = _part(config, "model_cfg"), _part(config, "preprocess_cfg")
    if "quick_gelu" in spec.arguments:
        quick = bool(model.get("quick_gelu", False))
        spec = replace(spec, arguments={**spec.arguments, "quick_gelu": quick})
    mean, std = three(fed.get("mean")), three(fed.get("std"))
    return replace(spec, mean=mean or spec.mean, std=std or spec.std)


def read_config(path: Path) -> Mapping[str, Any] | None:
    """A JSON object from a file, or ``None`` if the file is not there.

    Raises
    ------
    EncoderError
        If it is something else, or far too large for a configuration.
    """
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > _LARGEST:
            raise ValueError("too large")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(config, dict):
        raise _damaged(path)
    return config


def _damaged(path: Path) -> EncoderError:
    return EncoderError(
        f"The file {path.name} beside the weights cannot be read as a configuration.",
        "Copy it again, or remove it.",
    )


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = config.get(name)
    return part if isinstance(part, dict) else {}


def three(value: Any) -> tuple[float, float, float] | None:
    """Three numbers in (0, 1], as a mean or a deviation of RGB is; else ``None``."""
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        return None
    if not all(isinstance(v, (int, float)) and 0 < v <= 1 for v in value):
        return None
    return (float(value[0]), float(value[1]), float(value[2]))
