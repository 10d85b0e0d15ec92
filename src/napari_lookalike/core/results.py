"""What a model version says of every slide, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SlideResult:
    """What one model version says of one slide.

    Parameters
    ----------
    slide_id
        The slide.
    probabilities
        float32 (n_classes,), over `ModelResults.classes`.
    embedding
        float32 (embed_dim,): the slide embedding in the space of the final model (for a
        held-out slide: of its fold's model, rotated into that space).
    attention_logits
        float32 (n_branches, n_tiles), before softmax, in the order of the slide's features.
    held_out
        True: said by a fold's model that never saw this patient. False: a new slide.
    fold
        Which fold held it out; -1 for a new slide.
    unlike
        Cosine distance to the nearest training slide, as a share of training slides that
        lie nearer to theirs (0 to 1); above 0.99 reads "unlike anything in the training set".
    """

    slide_id: str
    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    attention_logits: NDArray[np.float32]
    held_out: bool
    fold: int = -1
    unlike: float = 0.0

    @property
    def is_unlike(self) -> bool:
        """Whether to say "unlike anything in the training set"."""
        return self.unlike > 0.99

    @property
    def ranking(self) -> NDArray[np.intp]:
        """Class indices, most probable first."""
        return np.argsort(-self.probabilities, kind="stable")


@dataclass(frozen=True, eq=False)
class ModelResults:
    """What one model version says of the whole cohort.

    Parameters
    ----------
    version
        Name of the model version ("m002-expert").
    classes
        Class names, in the order of the probabilities.
    slides
        slide_id -> result.
    metrics
        Held-out metrics (`core.evaluation.evaluate`), JSON-like.
    card
        The model's card: head, encoder, configuration, table version, seeds, folds.
    """

    version: str
    classes: tuple[str, ...]
    slides: Mapping[str, SlideResult] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Projection:
    """Slide embeddings in two dimensions.

    Parameters
    ----------
    version
        Model version whose embeddings these are.
    method
        "pca" or "umap".
    slide_ids
        In the order of ``points``.
    points
        float32 (n_slides, 2).
    parameters
        Seed, neighbours, minimum distance, metric; whether it was aligned to another map.
    """

    version: str
    method: str
    slide_ids: tuple[str, ...]
    points: NDArray[np.float32]
    parameters: Mapping[str, Any] = field(default_factory=dict)
