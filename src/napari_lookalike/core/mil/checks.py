"""What must hold before training starts; every refusal says what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.model import MilModel


def labelled_bags(bags: Sequence[Bag], classes: Sequence[str], dim: int) -> list[Bag]:
    """The bags that can be trained on: those with a label.

    Raises
    ------
    TrainingError
        If a slide is there twice, has no instances, instances of another length or values
        that are not numbers, or a label that is no class; or if fewer than two classes
        are labelled.
    """
    twice = [name for name, n in Counter(bag.slide_id for bag in bags).items() if n > 1]
    if twice:
        raise TrainingError("There are two bags of this slide.", "Give each slide once.", twice[0])
    labelled = [bag for bag in bags if bag.label]
    for bag in labelled:
        _check_bag(bag, classes, dim)
    if len({bag.label for bag in labelled}) < 2:
        found = "Only one subtype is" if labelled else "No slide is"
        raise TrainingError(f"{found} labelled.", "Label slides of at least two subtypes.")
    return labelled


def _check_bag(bag: Bag, classes: Sequence[str], dim: int) -> None:
    embed_again = "Embed the slide again, or exclude it."
    if bag.label not in classes:
        raise TrainingError(
            f"Its label {bag.label} is not among the model's subtypes.",
            "Correct the label, or train a new model.",
            bag.slide_id,
        )
    if bag.instances.ndim != 2 or len(bag.instances) == 0:
        raise TrainingError("It has no tiles.", embed_again, bag.slide_id)
    if bag.instances.shape[1] != dim:
        raise TrainingError(
            f"Its instances have length {bag.instances.shape[1]}, others {dim}.",
            embed_again,
            bag.slide_id,
        )
    if not np.isfinite(bag.instances.sum(dtype=np.float64)):
        raise TrainingError("Its features are not all numbers.", embed_again, bag.slide_id)


def check_start(classes: Sequence[str], config: TrainConfig, start: MilModel | None) -> None:
    """Whether this stage can begin there.

    Raises
    ------
    TrainingError
        From scratch with a contrastive loss; or with other classes or another head than
        the model it starts from.
    """
    if start is None:
        if config.loss != "ce":
            raise TrainingError(
                "Contrastive fine-tuning starts from a trained model.",
                "Train with cross-entropy first.",
            )
        return
    if tuple(classes) != start.classes:
        raise TrainingError(
            "The subtypes are not those of the model.", "Train a new model from scratch."
        )
    if config.head != start.head:
        raise TrainingError(
            f"The model has the head {start.head}, not {config.head}.",
            "Choose the model's head, or train a new model from scratch.",
        )


def check_folds(bags: Sequence[Bag], folds: NDArray[np.int64]) -> int:
    """Number of folds.

    Raises
    ------
    TrainingError
        If there are fewer than two, one is empty, a patient is in two, or a labelled slide
        is in none (make the folds anew).
    """
    again = "Make the folds again from the patients."
    k = int(folds.max(initial=-1)) + 1
    if len(folds) != len(bags) or k < 2:
        raise TrainingError("Cross-validation needs a fold for every slide, 2 at least.", again)
    fold_of_group: dict[str, int] = {}
    for bag, fold in zip(bags, folds, strict=True):
        if fold < 0 and bag.label:
            raise TrainingError("It is labelled but in no fold.", again, bag.slide_id)
        if fold_of_group.setdefault(bag.group, int(fold)) != fold:
            raise TrainingError("Its patient is in two folds.", again, bag.slide_id)
    held_out = {int(fold) for bag, fold in zip(bags, folds, strict=True) if bag.label}
    if held_out != set(range(k)):
        raise TrainingError("A fold has no labelled slide.", again)
    return k


def check_same_folds(
    bags: Sequence[Bag], folds: NDArray[np.int64], k: int, start: MilModel
) -> None:
    """Whether fold network i of ``start`` never saw what fold i holds out here.

    Raises
    ------
    TrainingError
        If not: its fold networks know slides that are held out now (use the model's
        folds, or train from scratch).
    """
    remedy = "Fine-tune with the model's own folds, or train a new model from scratch."
    if len(start.fold_networks) != k:
        raise TrainingError(
            f"The model has {len(start.fold_networks)} folds, here are {k}.", remedy
        )
    seen = [set(network.train_slide_ids) for network in start.fold_networks]
    for bag, fold in zip(bags, folds, strict=True):
        if fold >= 0 and bag.slide_id in seen[fold]:
            raise TrainingError(
                "The model's network for its fold was trained on it.", remedy, bag.slide_id
            )
