"""What experts said to suggestions: an append-only file, one JSON object a line.

`suggestions.jsonl` lies in the project folder. A line is written in one piece and flushed to
the disk; one that a crash cut short is passed over, and the next one begins on a line of its
own. Undoing appends "withdraw". Nothing is ever rewritten, so two windows can append to the
same file, and files of two copies of a project can be joined by putting one after the other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.suggest.types import Key, Level, pair_key

FILE_NAME = "suggestions.jsonl"
What = Literal["accept", "reject", "later", "withdraw"]
_WHATS = ("accept", "reject", "later", "withdraw")


@dataclass(frozen=True)
class Decision:
    """One answer to one suggestion.

    Parameters
    ----------
    what
        "accept" (it was marked), "reject", "later", or "withdraw": the answer before no
        longer holds.
    level
        Two slides, or two subtypes.
    a, b
        slide_ids, or subtypes.
    who
        The expert.
    time
        ISO 8601 in UTC.
    fingerprint_a, fingerprint_b
        Content ids of the slides, for a pair of slides.
    model_version
        Model in use when it was answered; empty without one.
    reasons
        Sources that had spoken for it.
    """

    what: What
    level: Level
    a: str
    b: str
    who: str = ""
    time: str = ""
    fingerprint_a: str = ""
    fingerprint_b: str = ""
    model_version: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """The same for the same pair in either order."""
        return pair_key(self.level, self.a, self.b)


def now() -> str:
    """The present, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def latest(decisions: Iterable[Decision]) -> dict[tuple[str, Key], Decision]:
    """What holds: the last answer of each expert to each pair, unless it was withdrawn.

    Parameters
    ----------
    decisions
        Oldest first.

    Returns
    -------
    dict
        (expert, pair) -> answer, in the order of the answers.
    """
    found: dict[tuple[str, Key], Decision] = {}
    for decision in decisions:
        found.pop((decision.who, decision.key), None)
        if decision.what != "withdraw":
            found[decision.who, decision.key] = decision
    return found


def read_decisions(root: Path) -> tuple[Decision, ...]:
    """Every answer of a project, oldest first; lines that are no answers are passed over.

    Raises
    ------
    ProjectError
        If the file is there but cannot be read.
    """
    try:
        data = (root / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ProjectError(
            f"The answers to suggestions cannot be read ({error.strerror or 'no reason given'}).",
            "Check that you may read the project folder.",
        ) from None
    found = (_decision(line) for line in data.split(b"\n"))
    return tuple(d for d in found if d is not None)


def _decision(line: bytes) -> Decision | None:
    try:
        row: Any = json.loads(line)
    except ValueError:  # empty, cut short by a crash, or not ours
        return None
    if not isinstance(row, dict) or row.get("what") not in _WHATS:
        return None
    if row.get("level") not in ("slide", "subtype") or not row.get("a") or not row.get("b"):
        return None
    texts = {f.name: str(row.get(f.name, "")) for f in fields(Decision) if f.name != "reasons"}
    reasons = row.get("reasons")
    known: dict[str, Any] = dict(texts)
    known["reasons"] = tuple(map(str, reasons)) if isinstance(reasons, list) else ()
    return Decision(**known)


def append_decision(root: Path, decision: Decision) -> None:
    """Add one answer; it is on the disk when this returns.

    Raises
    ------
    ProjectError
        If the file cannot be written; nothing was added then.
    """
    line = json.dumps(asdict(decision), ensure_ascii=False).encode("utf-8") + b"\n"
    try:
        # O_APPEND: two windows that write at once do not overwrite each other.
        with (root / FILE_NAME).open("ab", buffering=0) as file:
            if file.tell() and not _ends_line(root):
                line = b"\n" + line  # the former line was cut short
            file.write(line)
            os.fsync(file.fileno())
    except OSError as error:
        raise ProjectError(
            f"The answer could not be kept ({error.strerror or 'no reason given'}).",
            "Make the project folder writable, or free some space, and try again.",
        ) from None


def _ends_line(root: Path) -> bool:
    with (root / FILE_NAME).open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
