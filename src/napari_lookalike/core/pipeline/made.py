"""What a version notes of how it was made, so that it can be made again."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version as version_of_package
from typing import Any

from napari_lookalike import __version__
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives import LogEntry, PairMark, version_of
from napari_lookalike.core.hard_negatives.evidence import EvidenceTile
from napari_lookalike.core.hard_negatives.replay import replay

_LOOK_BACK = 500
Table = tuple[tuple[PairMark, ...], tuple[EvidenceTile, ...]]


def table_then(rows: Sequence[PairMark], entries: int | None) -> dict[str, Any]:
    """Which table a training read.

    Parameters
    ----------
    rows
        Its rows.
    entries
        How many entries its log had; ``None`` for rows that are not the project's table.
    """
    return {"version": version_of(rows), "entries": entries}


def made_with(config: TrainConfig) -> dict[str, Any]:
    """Software and device of a training, which decide about the last bits of the weights."""
    import torch

    from napari_lookalike.core.mil.apply import choose_device

    return {
        "napari-lookalike": __version__,
        "torch": version_of_package("torch"),
        "numpy": version_of_package("numpy"),
        "device": choose_device(config.device).type,
        "threads": config.threads or torch.get_num_threads(),
        "machine": platform.machine(),
    }


def table_as_it_was(log: Sequence[LogEntry], card: Mapping[str, Any]) -> Table:
    """The table that a version was trained with, replayed from the log.

    Parameters
    ----------
    log
        The table's log as it is now: it only ever grows.
    card
        The version's card. Versions that did not note their place in the log are found by
        their time and by the table's version.

    Raises
    ------
    TableError
        If the version was trained with rows that were not the table's (a shuffled table of an
        ablation), or the log no longer tells the table that it names.
    """
    then = card.get("table_then", {})
    if then and then.get("entries") is None:
        if then.get("version") == version_of(()):  # trained without marks, whatever there were
            return replay(())
        raise TableError(
            "This version was not trained with the project's own table (an ablation does so).",
            "Run the ablation again instead.",
        )
    found: Table | None
    if then:
        found = replay(log[: int(then["entries"])])
        if version_of(found[0]) == then["version"]:
            return found
    else:
        found = _by_time(log, str(card.get("trained_at", "")), str(card.get("table_version", "")))
        if found is not None:
            return found
    raise TableError(
        "The log of the look-alikes does not lead to the table that this version names.",
        "The table may have been replaced by another file: bring the former one back.",
    )


def _by_time(log: Sequence[LogEntry], trained_at: str, wanted: str) -> Table | None:
    """The latest state before a time that has the wanted version; any if none is wanted."""
    n = sum(entry.time <= trained_at for entry in log) if trained_at else len(log)
    if wanted in ("", "empty"):  # no mark had a part in the training
        return replay(log[:n])
    # Rows are read when a training begins: nearly always the last states before its end.
    for k in range(n, max(n - _LOOK_BACK, -1), -1):
        found = replay(log[:k])
        if wanted in (version_of(*found), version_of(found[0])):
            return found
    return None
