"""Asking a trained model about bags."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil import make_head
from napari_lookalike.core.mil.apply import Applied, apply_head, choose_device
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.model import Floats, MilModel, Network, Prediction
from napari_lookalike.core.thresholds import apply_thresholds, thresholds_of


def unit(vectors: Floats) -> Floats:
    """Vectors (..., dim) scaled to length 1; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)


def nearest_distance(embedding: Floats, train_embeddings: Floats) -> float:
    """Cosine distance of an embedding (E,) to the nearest of (n, E) unit vectors."""
    return float(1.0 - (train_embeddings @ unit(embedding)).max())


class RunningNetwork:
    """A `Network` loaded into its head, on a device.

    Parameters
    ----------
    head
        Its head, in which the network's state is loaded here.
    network
        The trained state and its normalisation.
    device
        Where it runs.

    Raises
    ------
    ModelError
        If the state does not fit the head (the checkpoint is damaged: train again).
    """

    def __init__(self, head: Head, network: Network, device: torch.device) -> None:
        try:
            head.load_state_dict({k: torch.tensor(v) for k, v in network.state.items()})
        except RuntimeError:
            raise ModelError(
                "The model's weights do not fit its head.", "Train the model again."
            ) from None
        self.head = head.to(device)
        self.mean = torch.tensor(network.mean, device=device)
        self.std = torch.tensor(network.std, device=device)

    def __call__(self, instances: Floats) -> Applied:
        """What it says of a bag (n, dim)."""
        return apply_head(self.head, instances, self.mean, self.std)


class Predictor:
    """A model that answers; networks are loaded when they are first asked.

    Parameters
    ----------
    model
        The model version.
    device
        "auto", "cpu", "cuda" or "mps".
    """

    def __init__(self, model: MilModel, device: str = "cpu") -> None:
        self.model = model
        self._device = choose_device(device)
        self._running: dict[int, RunningNetwork] = {}

    def predict(
        self,
        instances: NDArray[np.float32],
        slide_id: str | None = None,
        same_patient: tuple[str, ...] = (),
    ) -> Prediction:
        """What the model says of a bag.

        A slide of the training cohort is answered by the fold's network that never saw
        its patient; a new slide by the final network.

        Parameters
        ----------
        instances
            float32 (n, dim), n >= 1.
        slide_id
            The slide, or ``None`` for one without a name.
        same_patient
            Other slides of that patient.

        Raises
        ------
        ModelError
            If there are no instances, or they have another length than the model's.
        """
        if instances.ndim != 2 or len(instances) == 0:
            raise ModelError("There are no tiles to predict from.", "Embed the slide.", slide_id)
        if instances.shape[1] != self.model.source.dim:
            raise ModelError(
                f"Instances have length {instances.shape[1]}, "
                f"the model was trained with {self.model.source.dim}.",
                "Embed the slide with the model's encoder.",
                slide_id,
            )
        fold = self.model.fold_for(slide_id, same_patient)
        network = self.model.network_for(fold)
        said = self._network(fold)(instances)
        distance = nearest_distance(said.embedding, network.train_embeddings)
        thresholds = thresholds_of(self.model.extras, fold)
        return Prediction(
            apply_thresholds(said.probabilities[None], self.model.classes, thresholds)[0],
            np.asarray(said.embedding @ network.rotation, np.float32),
            said.attention_logits,
            fold,
            distance,
            share_nearer(self.model.reference_distances, distance),
        )

    def _network(self, fold: int) -> RunningNetwork:
        if fold not in self._running:
            arguments: dict[str, Any] = dict(self.model.head_arguments)
            head = make_head(self.model.head, arguments)
            self._running[fold] = RunningNetwork(head, self.model.network_for(fold), self._device)
        return self._running[fold]


def share_nearer(reference: Floats, distance: float) -> float:
    """Share of the sorted reference distances (n,) below ``distance``; 0 if there are none."""
    if len(reference) == 0:
        return 0.0
    # The tolerance keeps a slide from counting as nearer than itself by rounding.
    return float(np.searchsorted(reference, distance - 1e-5) / len(reference))


def predict(
    model: MilModel,
    instances: NDArray[np.float32],
    slide_id: str | None = None,
    same_patient: tuple[str, ...] = (),
) -> Prediction:
    """Ask a model once, on the CPU; see `Predictor.predict`, which is quicker for many bags."""
    return Predictor(model).predict(instances, slide_id, same_patient)
