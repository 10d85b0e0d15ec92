"""Whether settings of a training mean anything: they may come from a script or a file."""

from __future__ import annotations

from math import inf, isfinite
from typing import get_args

from napari_lookalike.core.config import LossName, TrainConfig
from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.hard_negatives.weights import RULES

_CHOICES = {
    "loss": get_args(LossName),
    "schedule": ("cosine", "constant"),
    "precision": ("single", "half"),
    "marks_rule": tuple(RULES),
}

_LEAST = {
    **dict.fromkeys(("epochs", "finetune_epochs", "slides_per_class"), 1),
    **dict.fromkeys(("folds", "classes_per_batch"), 2),
    **dict.fromkeys(("memory", "replay", "patience", "max_instances", "seed"), 0),
    **dict.fromkeys(("lam", "tilt", "focal", "mixup", "weight_decay", "dropout"), 0),
    **dict.fromkeys(("evidence_attention", "evidence_tiles", "benign_weight"), 0),
    "gamma": 1,
}

_ABOVE_ZERO = ("tau", "lr", "clip", "validation_share")
_BELOW_ONE = ("dropout", "validation_share")


def check_config(config: TrainConfig) -> None:
    """Refuse settings that no training can mean.

    A head and a device are checked where they are looked up.

    Parameters
    ----------
    config
        The settings.

    Raises
    ------
    TrainingError
        Naming the first setting that is wrong, and what it may be.
    """
    for name, allowed in _CHOICES.items():
        value = getattr(config, name)
        if value not in allowed:
            _refuse(name, value, f"Choose one of these: {', '.join(allowed)}.")
    for name, least in _LEAST.items():
        value = getattr(config, name)
        if not (isfinite(value) and value >= least):
            _refuse(name, value, f"Give a number from {least} on.")
    for name in _ABOVE_ZERO:
        value = getattr(config, name)
        if not 0 < value < inf:
            _refuse(name, value, "Give a number above 0.")
    for name in _BELOW_ONE:
        value = getattr(config, name)
        if value >= 1:
            _refuse(name, value, "Give a number below 1.")


def _refuse(name: str, value: object, remedy: str) -> None:
    raise TrainingError(f"The setting {name} of the training is {value!r}.", remedy)
