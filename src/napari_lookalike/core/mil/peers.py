"""Heads with weights that other programs trained: their state dicts, name by name.

Only facts of the file formats are used here; no code of those programs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.mil.base import Head
from napari_lookalike.core.mil.clam import ClamMB, ClamSB
from napari_lookalike.core.mil.dsmil import DSMIL

State = Mapping[str, Tensor]
H = TypeVar("H", bound=Head)
_REMEDY = "Choose a state dict of {}, loaded with weights_only=True."


def from_clam(state: State, *, dropout: float = 0.25) -> ClamSB | ClamMB:
    """CLAM's gated single- or multi-branch model, as `ClamSB` or `ClamMB`.

    Parameters
    ----------
    state
        Parameter name -> tensor, as CLAM's checkpoints ``s_*_checkpoint.pt`` hold it, also
        of a model that was spread over several GPUs.
    dropout
        Not in the file; matters only if the head is trained on.

    Raises
    ------
    ModelError
        If this is not such a state dict.
    """
    state = {name.replace("module.", ""): value for name, value in state.items()}
    try:
        gates = next(m for m in map(_GATE.fullmatch, state) if m)["place"]
        trunk, gate = "attention_net.0", f"attention_net.{gates}.attention_"
        multi = "classifiers.0.weight" in state
        classifier = [
            _rows(state, "classifiers", kind) if multi else state[f"classifiers.{kind}"]
            for kind in _KINDS
        ]
        hidden, in_dim = state[f"{trunk}.weight"].shape
        attention = len(state[f"{gate}a.0.weight"])
        make = ClamMB if multi else ClamSB
        head = make(in_dim, len(classifier[1]), hidden, attention, dropout)
        mapped = {}
        for i, kind in enumerate(_KINDS):
            mapped[f"trunk.0.{kind}"] = state[f"{trunk}.{kind}"]
            halves = [state[f"{gate}{half}.0.{kind}"] for half in "ab"]
            mapped[f"attention.gates.{kind}"] = torch.cat(halves)
            mapped[f"attention.score.{kind}"] = state[f"{gate}c.{kind}"]
            mapped[f"classifier.{kind}"] = classifier[i]
            mapped[f"instance_classifier.{kind}"] = _rows(state, "instance_classifiers", kind)
    except (StopIteration, KeyError, IndexError):
        raise _strange("CLAM (gated)") from None
    return _filled(head, mapped, "CLAM (gated)")


def from_dsmil(state: State, *, n_classes: int | None = None) -> DSMIL:
    """DSMIL's aggregator, as a `DSMIL` without trunk.

    A file that holds no instance classifier and no bag classifier (``init.pth`` holds only
    queries and values) leaves these as they are made, at random.

    Parameters
    ----------
    state
        Parameter name -> tensor.
    n_classes
        Only for a file without classifiers. One class stands for "yes or no": its logit
        goes through a sigmoid, not a softmax.

    Raises
    ------
    ModelError
        If this is not such a state dict, or ``n_classes`` is missing.
    """
    what = "DSMIL's aggregator"
    state = {name.replace("i_classifier.fc.0.", "i_classifier.fc."): v for name, v in state.items()}
    mlp, value = "b_classifier.q.0.weight" in state, "b_classifier.v.1.weight" in state
    first = "b_classifier.q.0" if mlp else "b_classifier.q"
    if f"{first}.weight" not in state:
        raise _strange(what)
    found = state.get("i_classifier.fc.bias")
    n_classes = n_classes if found is None else len(found)
    if n_classes is None:
        raise ModelError("The file does not say how many classes there are.", "Give n_classes.")
    queries, in_dim = state[f"{first}.weight"].shape
    head = DSMIL(
        in_dim,
        n_classes,
        attention_dim=queries,
        dropout=0.0,
        trunk=False,
        query="mlp" if mlp else "linear",
        # The form with one linear query has no ReLU after its values, the later one has.
        value="identity" if not value else "relu" if mlp else "linear",
    )
    names = {"query.0": first, "query.2": "b_classifier.q.2", "value.0": "b_classifier.v.1"}
    names |= {"instance_classifier": "i_classifier.fc", "classifier": "b_classifier.fcc"}
    mapped = dict(head.state_dict())
    for ours, theirs in names.items():
        for kind in _KINDS:
            if f"{theirs}.{kind}" in state:
                weight = state[f"{theirs}.{kind}"]
                # The bag classifier is a convolution as long as a bag vector.
                mapped[f"{ours}.{kind}"] = weight.flatten(1) if kind == "weight" else weight
    return _filled(head, mapped, what)


_KINDS = ("weight", "bias")
_GATE = re.compile(r"attention_net\.(?P<place>\d+)\.attention_a\.0\.weight")


def _rows(state: State, name: str, kind: str) -> Tensor:
    """Classifiers ``name.0``, ``name.1``, … below one another."""
    count = sum(key.startswith(f"{name}.") and key.endswith(f".{kind}") for key in state)
    return torch.cat([state[f"{name}.{c}.{kind}"] for c in range(count)])


def _strange(what: str) -> ModelError:
    return ModelError(f"These are not the weights of {what}.", _REMEDY.format(what))


def _filled(head: H, mapped: Mapping[str, Tensor], what: str) -> H:
    try:
        head.load_state_dict(dict(mapped))
    except RuntimeError:
        raise _strange(what) from None
    return head.eval()
