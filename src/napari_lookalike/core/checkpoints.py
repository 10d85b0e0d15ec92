"""Models on disk: ``model.safetensors`` and ``model.json``, never pickle.

The JSON file is written last and holds the checksum of the other: a model whose writing
was cut short, or whose files do not belong together, is refused when it is opened.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.content import Content
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.features import Features
from napari_lookalike.core.model import FeatureSource, MilModel, Network, check_source

TENSORS, CARD = "model.safetensors", "model.json"
FORMAT, SCHEMA = "napari-lookalike model", 1

_AGAIN = "Go back to another model version, or train again."


def save_model(folder: Path, model: MilModel) -> None:
    """Write a model, all or not at all.

    Parameters
    ----------
    folder
        ``models/<version>``. Made if it is not there; other files in it stay.
    model
        The model.

    Raises
    ------
    ModelError
        If the folder cannot be written (copy the project to a folder that you may write).
    """
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.parent / f".tmp-model-{uuid4().hex}"
        temporary.mkdir()
        tensors = save_tensors(_tensors(model))
        (temporary / TENSORS).write_bytes(tensors)
        card = json.dumps(_card(model, tensors), indent=1, ensure_ascii=False)
        (temporary / CARD).write_text(card, encoding="utf-8")
        if folder.exists():
            for name in (TENSORS, CARD):  # the card last: it vouches for the tensors
                (temporary / name).replace(folder / name)
        else:
            temporary.rename(folder)
    except OSError as error:
        raise ModelError(
            f"The model cannot be written ({error.strerror or type(error).__name__}).",
            "Copy the project to a folder that you may write, and open the copy.",
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def load_model(folder: Path) -> MilModel:
    """Read a model.

    Parameters
    ----------
    folder
        ``models/<version>``.

    Raises
    ------
    ModelError
        If there is none, its files are damaged or do not belong together, or it was
        written by a newer version of this program. The message says which.
    """
    try:
        raw = (folder / CARD).read_bytes()
        tensors = (folder / TENSORS).read_bytes()
    except FileNotFoundError:
        raise ModelError("There is no complete model in that folder.", _AGAIN) from None
    except OSError as error:
        raise ModelError(
            f"The model cannot be read ({error.strerror or type(error).__name__}).", _AGAIN
        ) from None
    card = _read_card(raw)
    if hashlib.sha256(tensors).hexdigest() != card.get("tensors_sha256"):
        raise ModelError("The model's weights are damaged or of another model.", _AGAIN)
    try:
        return _model(card, load_tensors(tensors))
    except (KeyError, TypeError, ValueError, AttributeError, SafetensorError):
        raise ModelError("The model's card is damaged.", _AGAIN) from None


def check_features(model: MilModel, features: Features) -> None:
    """Refuse features that differ from those the model was trained on.

    Raises
    ------
    ModelError
        Naming what differs: encoder, tile mode, mpp, tile size or instance length.
    """
    check_source(model, FeatureSource.of(features), features.slide_id)


def _read_card(raw: bytes) -> dict[str, Any]:
    try:
        card = json.loads(raw.decode("utf-8"))
    except ValueError:
        raise ModelError("The model's card is damaged.", _AGAIN) from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ModelError("The folder's card is not a model's.", _AGAIN)
    schema = card.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise ModelError(
            "The model was written by a newer version of napari-lookalike.",
            "Install that version, or train again.",
        )
    return card


def _tensors(model: MilModel) -> dict[str, NDArray[Any]]:
    tensors: dict[str, NDArray[Any]] = {"reference_distances": model.reference_distances}
    for name, network in _networks(model).items():
        tensors |= {f"{name}/state/{key}": value for key, value in network.state.items()}
        for part in ("mean", "std", "train_embeddings", "rotation"):
            tensors[f"{name}/{part}"] = getattr(network, part)
    return {key: np.ascontiguousarray(value) for key, value in tensors.items()}


def _networks(model: MilModel) -> dict[str, Network]:
    folds = {f"fold{i}": network for i, network in enumerate(model.fold_networks)}
    return {"final": model.final, **folds}


def _card(model: MilModel, tensors: bytes) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "tensors_sha256": hashlib.sha256(tensors).hexdigest(),
        "head": model.head,
        "head_arguments": dict(model.head_arguments),
        "classes": list(model.classes),
        "source": asdict(model.source) | {"tile_mode": model.source.tile_mode},
        "config": asdict(model.config),
        "stage": model.stage,
        "table_version": model.table_version,
        "seeds": dict(model.seeds),
        "folds": dict(model.folds),
        "train_slides": {
            name: list(network.train_slide_ids) for name, network in _networks(model).items()
        },
        "extras": dict(model.extras),
        "contents": {name: [c.slide, c.features] for name, c in model.contents.items()},
    }


def _model(card: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> MilModel:
    names = [name for name in card["train_slides"] if name != "final"]
    source = {f.name: card["source"][f.name] for f in fields(FeatureSource)}
    # A setting that this version does not know any more is passed over; one that is newer
    # than the file has its default.
    known = {f.name for f in fields(TrainConfig)}
    config = TrainConfig(**{k: v for k, v in card["config"].items() if k in known})
    return MilModel(
        head=card["head"],
        head_arguments=dict(card["head_arguments"]),
        classes=tuple(card["classes"]),
        source=FeatureSource(**source),
        config=config,
        final=_network("final", card, tensors),
        fold_networks=tuple(_network(f"fold{i}", card, tensors) for i in range(len(names))),
        folds={str(s): int(fold) for s, fold in card["folds"].items()},
        reference_distances=tensors["reference_distances"],
        table_version=card["table_version"],
        stage=card["stage"],
        seeds=dict(card["seeds"]),
        extras=dict(card["extras"]),
        contents={str(name): Content(*parts) for name, parts in card.get("contents", {}).items()},
    )


def _network(name: str, card: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Network:
    prefix = f"{name}/state/"
    return Network(
        state={k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)},
        mean=tensors[f"{name}/mean"],
        std=tensors[f"{name}/std"],
        train_slide_ids=tuple(card["train_slides"][name]),
        train_embeddings=tensors[f"{name}/train_embeddings"],
        rotation=tensors[f"{name}/rotation"],
    )
