"""What a bench reports: figures with their targets, what was not measured, and where."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from napari_lookalike.core.progress import Job

_PACKAGES = (
    "napari-lookalike",
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "timm",
    "napari",
    "vispy",
)


@dataclass(frozen=True)
class Row:
    """One figure, measured in this run.

    Parameters
    ----------
    name
        What was measured, for a person.
    value
        The figure.
    target
        What it should reach; ``None`` for a figure that is only reported (a peer's).
    unit
        Of value and target ("tiles/s"); empty for a ratio or a proportion.
    met
        Whether the target is reached; true where there is none.
    low, high
        Smallest and largest of several runs, so that noise shows; ``None`` for one run.
    beside
        What the figure was made from ("ours 12 ms, napari-wsi 80 ms"), for a person.
    """

    name: str
    value: float
    target: float | None
    unit: str
    met: bool
    low: float | None = None
    high: float | None = None
    beside: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        value: float,
        unit: str = "",
        target: float | None = None,
        sense: Literal["at least", "at most"] = "at least",
    ) -> Row:
        """A row whose ``met`` follows from value, target and sense."""
        met = target is None or (value >= target if sense == "at least" else value <= target)
        return cls(name, float(value), target, unit, bool(met))

    def among(self, low: float, high: float, beside: str = "") -> Row:
        """The same row with the smallest and largest of the runs it is the middle of."""
        return replace(self, low=float(low), high=float(high), beside=beside)

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON; what does not apply is left out."""
        optional = {"low": self.low, "high": self.high, "beside": self.beside or None}
        plain = {k: v for k, v in asdict(self).items() if k not in optional}
        return plain | {k: v for k, v in optional.items() if v is not None}


@dataclass(frozen=True)
class NotMeasured:
    """A figure that this run could not measure, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class BenchReport:
    """All figures of one run.

    Parameters
    ----------
    rows
        Figures.
    not_measured
        Figures that are missing, with reasons: none is left out silently.
    environment
        Versions, cores and platform; neither host nor user.
    details
        What a bench adds to its JSON for whoever wants to judge it, beside the figures.
    """

    rows: tuple[Row, ...]
    not_measured: tuple[NotMeasured, ...] = ()
    environment: dict[str, Any] = field(default_factory=lambda: environment())
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether every target is reached."""
        return all(row.met for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """``{"rows": [...], "not_measured": [...], "environment": {...}}``, ready for JSON."""
        return {
            "rows": [row.to_json() for row in self.rows],
            "not_measured": [asdict(missing) for missing in self.not_measured],
            "environment": dict(self.environment),
            **({"details": dict(self.details)} if self.details else {}),
        }


class Bench(Protocol):
    """A bench: called with these three, it measures and reports."""

    def __call__(self, *, data: Path | None, quick: bool, job: Job) -> BenchReport:
        """Measure.

        Parameters
        ----------
        data
            Folder of real test data; ``None`` for ``LOOKALIKE_SHARED``.
        quick
            Fewer samples.
        job
            Progress and cancel.
        """


def none_measured(names: Sequence[str], reason: str) -> tuple[NotMeasured, ...]:
    """The same reason for several figures."""
    return tuple(NotMeasured(name, reason) for name in names)


def environment() -> dict[str, Any]:
    """Versions, cores and platform of this run. No host name and no user name."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
