"""Settings of a project, frozen, and how they are kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_lookalike.core.config import TrainConfig

if TYPE_CHECKING:
    from napari_lookalike.core.tissue import TissueSettings

DEFAULT_ENCODER_NAME = "lookalike-base"
"""The encoder of a new project: it ships with the package and needs no download."""

T = TypeVar("T")


def _default_tissue() -> TissueSettings:
    # Imported here: the tissue module brings image libraries that a settings value
    # (which every panel imports) does not need.
    from napari_lookalike.core.tissue import TissueSettings

    return TissueSettings()


@dataclass(frozen=True)
class ProjectSettings:
    """What a project is computed with.

    Parameters
    ----------
    encoder
        Name in the encoder registry.
    weights
        Path of a local weight file for the encoder, or ``None`` (built in, or from the hub).
    tissue
        Thresholds of the tissue mask.
    train
        How models are trained.
    stain_normalisation
        How colours are brought nearer to each other before tiles are encoded: "none",
        "macenko" or "reinhard".
    other_stains
        Whether slides of other stains than H&E are embedded and trained on too.
    expert
        Name of the expert who last marked a pair in this project.
    shared_table
        Address of the PostgreSQL database where the marks are kept with other people's,
        without a password; empty: the project keeps its own.
    """

    encoder: str = DEFAULT_ENCODER_NAME
    weights: str | None = None
    tissue: TissueSettings = field(default_factory=_default_tissue)
    train: TrainConfig = field(default_factory=TrainConfig)
    stain_normalisation: str = "none"
    other_stains: bool = False
    expert: str = ""
    shared_table: str = ""

    @property
    def weights_path(self) -> Path | None:
        """`weights` as a path, or ``None``."""
        return Path(self.weights) if self.weights else None


def settings_to_json(settings: ProjectSettings) -> dict[str, Any]:
    """Settings as JSON values (tuples become lists)."""
    return asdict(settings)


def settings_from_json(data: Mapping[str, Any]) -> ProjectSettings:
    """Settings from `settings_to_json`; what is missing gets its default.

    Parameters
    ----------
    data
        As read from a file. Unknown keys are passed over, so that a project of a newer
        minor version still opens.
    """
    from napari_lookalike.core.tissue import TissueSettings

    plain = {k: v for k, v in data.items() if k not in ("tissue", "train")}
    return ProjectSettings(
        tissue=from_plain(TissueSettings, data.get("tissue", {})),
        train=from_plain(TrainConfig, data.get("train", {})),
        **{k: v for k, v in plain.items() if k in _names(ProjectSettings)},
    )


_KNOWN: dict[type[Any], frozenset[str]] = {}
"""Asked once for every slide of a project, so each class is looked at once."""


def _names(cls: type[Any]) -> frozenset[str]:
    found = _KNOWN.get(cls)
    if found is None:
        found = _KNOWN[cls] = frozenset(f.name for f in fields(cls) if f.init)
    return found


def from_plain(cls: type[T], data: Mapping[str, Any]) -> T:
    """A flat frozen dataclass from JSON values: lists become tuples, unknown keys are left."""
    names = _names(cls)
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in names})
