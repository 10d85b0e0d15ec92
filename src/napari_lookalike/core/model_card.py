"""The model card beside each checkpoint: ``model_card.json`` and ``model_card.md``.

What a person must know before using a model: which data, how it was validated, how well it
did and how sure that is, whose licence it inherits, and what it is not for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_lookalike.core.config import HEAD_TITLES
from napari_lookalike.core.model import MilModel
from napari_lookalike.core.thresholds import sentences

JSON_FILE, MARKDOWN_FILE = "model_card.json", "model_card.md"

RESEARCH = "Research use only: not for diagnosis."

TUNED = (
    "Its encoder was tuned with an adapter (tune-encoder). If that learnt from slides of this "
    "cohort, it has seen their labels, and all held-out figures are too good: judge it on a locked "
    "test set or on slides of another centre."
)

LOSSES = {
    "ce": "class-balanced cross-entropy",
    "supcon": "cross-entropy and supervised contrastive",
    "expert": "cross-entropy and expert-guided supervised contrastive",
}


def encoder_facts(identity: str) -> dict[str, Any]:
    """What the catalogue knows of the encoder of this identity, and what a head inherits.

    Parameters
    ----------
    identity
        `Encoder.identity` as features and models keep it.

    Returns
    -------
    dict
        ``identity``, ``title``, ``licence``, ``gated``, ``inherited`` (True, False or None
        where the encoder is not in the catalogue) and ``terms``, a sentence.
    """
    from napari_lookalike.core.encoders.catalog import ENCODERS
    from napari_lookalike.core.encoders.weights import file_stem

    plain = identity.removeprefix("imported-")
    names = [n for n in ENCODERS.names() if plain == file_stem(n) or _of(plain, file_stem(n))]
    if not names:
        terms = "The encoder is not in the catalogue: ask its authors what a trained head inherits."
        found = {"title": identity, "licence": "not known", "gated": None, "inherited": None}
        return {"identity": identity, **found, "terms": terms}
    spec = ENCODERS.get(max(names, key=len))
    return {
        "identity": identity,
        "title": spec.title,
        "licence": spec.licence,
        "gated": spec.gated,
        "inherited": spec.derived_heads,
        "terms": _terms(spec.title, spec.licence, spec.derived_heads),
    }


def _of(identity: str, stem: str) -> bool:
    """Whether an identity begins with this encoder's name ("uni2-h-w…", "name-v3")."""
    rest = identity.removeprefix(f"{stem}-")
    return rest != identity and rest[:1] in ("w", "v") and rest[1:2].isalnum()


def _terms(title: str, licence: str, inherited: bool) -> str:
    if inherited:
        return (
            f"The authors of {title} count models trained on its features as derivatives: this "
            f"model inherits {licence}."
        )
    return (
        f"{title} is published under {licence}. We know of no claim on models trained on its "
        "features; read its terms before you pass this model on."
    )


def model_card(model: MilModel, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """A model's card as JSON values.

    Parameters
    ----------
    model
        With its ``extras`` (notes, marks, version).
    metrics
        From `evaluation.evaluate`, with ``measures`` if they were computed.
    """
    config, extras = model.config, model.extras
    contrastive = config.loss != "ce"
    return {
        "format": "napari-lookalike model card",
        "version": extras.get("version", ""),
        "research_use_only": True,
        "trained_at": extras.get("trained_at", ""),
        "model": {
            "head": model.head,
            "loss": config.loss,
            "stage": model.stage,
            "start_from": extras.get("start_from", ""),
            "lambda": config.lam if contrastive else None,
            "temperature": config.tau if contrastive else None,
            "gamma": config.gamma if config.loss == "expert" else None,
            "seed": config.seed,
            "benign": list(config.benign) if config.benign_weight > 0 else [],
            "thresholds": list(sentences(extras)),
        },
        "evidence": _evidence(model, metrics),
        "encoder": encoder_facts(model.source.encoder),
        "tiles": {"px": model.source.tile_px, "mpp": model.source.mpp},
        "data": {
            "synthetic": bool(extras.get("synthetic", False)),
            "slides": metrics["n_slides"],
            "patients": metrics["n_patients"],
            "classes": {n: metrics["per_class_recall"][n]["n"] for n in model.classes},
        },
        "folds": len(model.fold_networks),
        "table_version": model.table_version,
        "marks": list(extras.get("marks", ())),
        "marks_left_out_by_fold": list(extras.get("marks_left_out_by_fold", ())),
        "left_out": list(extras.get("notes", ())),
        "metrics": _metrics(metrics),
        "limits": list(limits(model, metrics)),
    }


def _evidence(model: MilModel, metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was learnt from single tiles, and what it did on held-out slides."""
    if "evidence" not in model.extras:
        return None
    effect, config = metrics.get("evidence", {}), model.config
    return {
        **model.extras["evidence"],
        "weight_attention": config.evidence_attention,
        "weight_tiles": config.evidence_tiles,
        "held_out_effect": effect.get("sentence", ""),
        "keep": effect.get("keep"),
    }


def _metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    more = metrics.get("measures", {})
    found = {n: metrics[n] for n in ("balanced_accuracy", "macro_f1", "accuracy", "mcc")}
    found["macro_auc"] = more.get("macro_auc")
    calibration = more.get("calibration")
    found["ece"] = calibration["before"]["ece"] if calibration else None
    found["per_class_recall"] = metrics["per_class_recall"]
    found["pairs"] = {
        name: {"confusion": pair["confusion"], "margin": pair["margin"]}
        for name, pair in metrics["pairs"].items()
    }
    return found


def limits(model: MilModel, metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """What the figures do not say, in sentences."""
    said = [
        "All figures are cross-validated within one cohort. On slides of other laboratories and "
        "scanners they may be much worse.",
        "Intervals say how much a figure would move with other patients, not with another "
        "training run.",
        "It knows no other subtypes than those listed: every slide gets one of them.",
    ]
    few = [n for n, f in metrics["per_class_recall"].items() if f["n"] < 10]
    if few:
        said.append(f"Fewer than 10 slides: {', '.join(few)}. Their recall is hardly known.")
    if model.extras.get("tuned_encoder"):
        said.append(TUNED)
    if model.extras.get("synthetic"):
        said.append("Its slides were made by a program: the figures say nothing about patients.")
    return tuple(said)


def markdown(card: Mapping[str, Any]) -> str:
    """A card for a person."""
    model, data, encoder = card["model"], card["data"], card["encoder"]
    lines = [
        f"# Model card: {card['version']}",
        "",
        f"**{RESEARCH}**",
        "",
        "## Model",
        "",
        f"- Head: {HEAD_TITLES.get(model['head'], model['head'])}",
        f"- Loss: {LOSSES.get(model['loss'], model['loss'])}{_settings(model)}",
        f"- Stage: {model['stage']}" + _from(model["start_from"]),
        f"- Trained: {card['trained_at']}; seed {model['seed']}",
        f"- Table of look-alikes: {card['table_version']}",
        *(f"- Tiles of {name} are taught to mean nothing elsewhere" for name in model["benign"]),
        *(f"- {sentence}" for sentence in model["thresholds"]),
        "",
        "## Licence",
        "",
        f"- Encoder: {encoder['title']} (`{encoder['identity']}`), {encoder['licence']}",
        f"- {encoder['terms']}",
        "",
        "## Data",
        "",
        f"- {data['slides']} slides of {data['patients']} patients"
        + (", **synthetic**" if data["synthetic"] else ""),
        *(f"- {name}: {n} slides" for name, n in data["classes"].items()),
        f"- {card['folds']} folds, stratified by subtype, no patient in two of them",
        *(f"- {sentence}" for sentence in card["left_out"]),
        "",
        "## Held-out figures",
        "",
        "| | value | 95 % interval |",
        "|---|---|---|",
        *_rows(card["metrics"]),
        "",
    ]
    if card["marks"]:
        lines += ["## What the marks ask", "", *(f"- {m}" for m in card["marks"]), ""]
    lines += ["## Limits", "", *(f"- {sentence}" for sentence in card["limits"]), ""]
    return "\n".join(lines)


def _settings(model: Mapping[str, Any]) -> str:
    names = {"lambda": "λ", "temperature": "τ", "gamma": "γ"}
    given = [f"{names[k]} {model[k]:g}" for k in names if model[k] is not None]
    return f" ({', '.join(given)})" if given else ""


def _from(start: str) -> str:
    return f" from {start}" if start else ""


def _rows(metrics: Mapping[str, Any]) -> list[str]:
    titles = {
        "balanced_accuracy": "Balanced accuracy",
        "macro_f1": "Macro F1",
        "accuracy": "Accuracy",
        "mcc": "Matthews correlation",
        "macro_auc": "Macro AUC",
        "ece": "Calibration error (ECE)",
    }
    rows = [_row(title, metrics[key]) for key, title in titles.items() if metrics.get(key)]
    for name, f in metrics["per_class_recall"].items():
        rows.append(_row(f"Recall of {name} (n = {f['n']})", f))
    for name, pair in metrics["pairs"].items():
        both = name.replace(" | ", " and ")
        rows.append(_row(f"Confusion of {both}", pair["confusion"]))
        rows.append(_row(f"Margin of {both}, cosine", pair["margin"]))
    return rows


def _row(title: str, figure: Mapping[str, Any]) -> str:
    value, low, high = (figure[k] for k in ("value", "low", "high"))
    interval = "not known" if low is None else f"{low:.3f} to {high:.3f}"
    return f"| {_plain(title)} | {'undefined' if value is None else f'{value:.3f}'} | {interval} |"


def _plain(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write both files into a version's folder.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / JSON_FILE).write_text(text, encoding="utf-8")
    (folder / MARKDOWN_FILE).write_text(markdown(card), encoding="utf-8")
