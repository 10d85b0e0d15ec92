"""A trained model and what its cross-validation said, as plain arrays (no torch).

Plain arrays so that both travel between processes and are read where torch is not loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.content import Content
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.features import Features

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSource:
    """Which features a model was trained on; it accepts no others.

    Parameters
    ----------
    encoder
        `Encoder.identity`.
    dim
        Length of an instance.
    tile_px
        Edge of a tile in pixels, as the encoder saw it.
    mpp
        µm per pixel of a tile; ``None`` for tiles cut in level-0 pixels.
    """

    encoder: str
    dim: int
    tile_px: int
    mpp: float | None

    @property
    def tile_mode(self) -> str:
        """How tiles were cut: "mpp" (by micrometres) or "level-0" (by level-0 pixels)."""
        return "level-0" if self.mpp is None else "mpp"

    @staticmethod
    def of(features: Features) -> FeatureSource:
        """The source of these features."""
        grid = features.grid
        return FeatureSource(features.encoder, features.instances.shape[1], grid.tile_px, grid.mpp)


@dataclass(frozen=True, eq=False)
class Network:
    """A trained head with what belongs to it: the final one, or one fold's.

    Parameters
    ----------
    state
        Parameter name -> array, as torch's ``state_dict``.
    mean, std
        float32 (dim,) of the instances of its training slides (each slide counts the
        same): instances are standardised with these before the head sees them.
    train_slide_ids
        (n_train,) slides it was trained on.
    train_embeddings
        float32 (n_train, embed_dim) their slide embeddings, length 1, in its own space.
    rotation
        float32 (embed_dim, embed_dim): ``embedding @ rotation`` lies in the space of the
        final network; the identity for the final network itself.
    """

    state: Mapping[str, NDArray[Any]]
    mean: Floats
    std: Floats
    train_slide_ids: tuple[str, ...]
    train_embeddings: Floats
    rotation: Floats


@dataclass(frozen=True, eq=False)
class MilModel:
    """A model version: the final network, and one network per cross-validation fold.

    Parameters
    ----------
    head
        Name in the head registry.
    head_arguments
        Keyword arguments of the head.
    classes
        Class names, in the order of the probabilities.
    source
        The features it was trained on.
    config
        How it was trained.
    final
        Trained on every labelled slide.
    fold_networks
        Network i never saw a slide whose fold is i. Empty before cross-validation.
    folds
        slide_id -> the fold whose network never saw this slide's patient.
    reference_distances
        float32 (n,) sorted cosine distances of the held-out slides to the nearest
        training slide of their fold: what is usual for a slide never seen.
    table_version
        Version of the hard-negative table it was trained with ("empty": none).
    stage
        "start" (trained from scratch) or "fine-tuned".
    seeds
        Seeds by their use.
    extras
        More for the card, JSON-like.
    contents
        slide_id -> what each slide of the cohort was known by besides its name when it was
        trained. Empty in models of before this was kept: names are then taken on trust.
    """

    head: str
    head_arguments: Mapping[str, Any]
    classes: tuple[str, ...]
    source: FeatureSource
    config: TrainConfig
    final: Network
    fold_networks: tuple[Network, ...] = ()
    folds: Mapping[str, int] = field(default_factory=dict)
    reference_distances: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    table_version: str = "empty"
    stage: str = "start"
    seeds: Mapping[str, int] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)

    def is_other(self, slide_id: str, content: Content) -> bool:
        """Whether a slide only has the name of one that the model knows.

        In doubt it has not: it is then asked of a network that never saw that name.
        """
        return slide_id in self.contents and self.contents[slide_id].is_other_slide(content)

    @property
    def train_slide_ids(self) -> tuple[str, ...]:
        """Slides that the final network was trained on."""
        return self.final.train_slide_ids

    @property
    def train_embeddings(self) -> Floats:
        """(n_train, embed_dim) their slide embeddings in the final space, length 1."""
        return self.final.train_embeddings

    @property
    def embed_dim(self) -> int:
        """Length of a slide embedding."""
        return int(self.final.train_embeddings.shape[1])

    def fold_for(self, slide_id: str | None, same_patient: tuple[str, ...] = ()) -> int:
        """The fold whose network never saw this slide's patient; -1 for a new patient.

        Parameters
        ----------
        slide_id
            The slide.
        same_patient
            Other slides of the same patient: a new slide of a patient of the cohort is
            asked of the network that never saw that patient either.
        """
        for name in (slide_id, *same_patient):
            fold = -1 if name is None else self.folds.get(name, -1)
            if 0 <= fold < len(self.fold_networks):
                return fold
        return -1

    def network_for(self, fold: int) -> Network:
        """The network of a fold, or the final one for -1."""
        return self.fold_networks[fold] if fold >= 0 else self.final

    def with_folds(self, cv: CrossValidation) -> MilModel:
        """A copy that holds the networks and folds of its cross-validation."""
        return replace(
            self,
            fold_networks=cv.networks,
            folds=dict(cv.fold_of),
            reference_distances=np.sort(cv.distances),
        )

    def card(self) -> dict[str, Any]:
        """What a person and `ModelResults.card` must know of the model, JSON-like."""
        return {
            "head": self.head,
            "classes": list(self.classes),
            "encoder": self.source.encoder,
            "dim": self.source.dim,
            "tile_px": self.source.tile_px,
            "mpp": self.source.mpp,
            "tile_mode": self.source.tile_mode,
            "config": asdict(self.config),
            "stage": self.stage,
            "table_version": self.table_version,
            "seeds": dict(self.seeds),
            "folds": len(self.fold_networks),
            "train_slides": len(self.final.train_slide_ids),
            **self.extras,
        }


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What fold networks say of the slides that they never saw.

    Parameters
    ----------
    classes
        Class names, (C,).
    slide_ids, groups
        (n,) labelled slides and their patients. Groups are never shown.
    y
        int64 (n,) true class of each.
    fold
        int64 (n,) which fold held it out.
    probabilities
        float32 (n, C), held out.
    embeddings
        float32 (n, E), held out, each in the space of its own fold's network.
    aligned
        float32 (n, E), held out, rotated into the final network's space.
    class_means
        float32 (k, C, E): ``normalise(mean of the unit embeddings)`` of each class over
        the *training* slides of each fold, in the fold's space. NaN where a fold's
        training set lacks the class: nothing is known of it there.
    attention_logits
        For each slide float32 (n_branches, n_tiles), held out.
    distances
        float32 (n,) cosine distance to the nearest training slide, in the fold's space.
    networks
        The fold networks.
    fold_of
        slide_id -> fold, also of unlabelled slides of patients in the folds.
    """

    classes: tuple[str, ...]
    slide_ids: tuple[str, ...]
    groups: tuple[str, ...]
    y: NDArray[np.int64]
    fold: NDArray[np.int64]
    probabilities: Floats
    embeddings: Floats
    aligned: Floats
    class_means: Floats
    attention_logits: tuple[Floats, ...]
    distances: Floats
    networks: tuple[Network, ...]
    fold_of: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one bag.

    Parameters
    ----------
    probabilities
        float32 (n_classes,).
    embedding
        float32 (embed_dim,) in the final network's space.
    attention_logits
        float32 (n_branches, n_tiles), before softmax.
    fold
        Which fold's network was asked; -1: the final one.
    distance
        Cosine distance to the nearest training slide of that network, in its space.
    unlike
        Share of held-out slides that lie nearer to their training slides, 0 to 1.
    """

    probabilities: Floats
    embedding: Floats
    attention_logits: Floats
    fold: int
    distance: float
    unlike: float

    @property
    def held_out(self) -> bool:
        """Whether a fold's network was asked, which never saw the patient."""
        return self.fold >= 0


def check_source(model: MilModel, source: FeatureSource, slide: str | None = None) -> None:
    """Refuse features that the model was not trained on.

    Raises
    ------
    ModelError
        Naming the first thing that differs: encoder, tile mode, mpp, tile_px or dim
        (embed the slide again as the model needs it, or choose another model).
    """
    mine = model.source
    pairs = {
        "encoder": (mine.encoder, source.encoder),
        "tile mode": (mine.tile_mode, source.tile_mode),
        "mpp": (mine.mpp, source.mpp),
        "tile size in pixels": (mine.tile_px, source.tile_px),
        "instance length": (mine.dim, source.dim),
    }
    for name, (wanted, found) in pairs.items():
        same = (
            bool(np.isclose(wanted, found, rtol=1e-3))
            if isinstance(wanted, float) and isinstance(found, float)
            else wanted == found
        )
        if not same:
            raise ModelError(
                f"These features do not fit the model: {name} is {found}, trained with {wanted}.",
                "Embed the slide as the model needs it, or choose another model.",
                slide,
            )
