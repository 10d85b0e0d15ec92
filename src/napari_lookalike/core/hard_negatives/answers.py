"""What an expert said to a suggestion: accept, reject, later, or "withdraw" for no longer.

An answer is never changed: whoever thinks otherwise answers again. How rows lie in the
database is told by `answer_store`, what follows from them by `core.suggest`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from napari_lookalike.core.errors import TableError
from napari_lookalike.core.hard_negatives.checks import plain_text, utc

What = Literal["accept", "reject", "later", "withdraw"]
WHATS = ("accept", "reject", "later", "withdraw")
LEVELS = ("slide", "subtype")
Key = tuple[str, str, str]
"""(level, first side, second side), the sides in alphabetical order."""


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
    note
        Why, in the expert's own words; may be empty.
    deed
        A name that no other answer has, on whichever computer it was given: where it is
        known already, it is not stored again. Given by the table if empty.
    id
        Number of the row; another one in each table.
    """

    what: What
    level: Literal["slide", "subtype"]
    a: str
    b: str
    who: str = ""
    time: str = ""
    fingerprint_a: str = ""
    fingerprint_b: str = ""
    model_version: str = ""
    reasons: tuple[str, ...] = ()
    note: str = ""
    # Two equal answers say the same, wherever each is stored.
    deed: str = field(default="", compare=False)
    id: int = field(default=0, compare=False)

    @property
    def key(self) -> Key:
        """The same for the same pair in either order."""
        first, second = sorted((self.a, self.b))
        return self.level, first, second


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


def decision_from(values: Mapping[str, Any]) -> Decision | None:
    """An answer from stored values: unknown ones are passed over, missing ones get defaults.

    Returns
    -------
    Decision or None
        ``None`` if it is no answer.
    """
    if values.get("what") not in WHATS or values.get("level") not in LEVELS:
        return None
    given: dict[str, Any] = {
        f.name: plain_text(str(values.get(f.name) or ""))
        for f in fields(Decision)
        if f.name not in ("reasons", "id")
    }
    if not given["a"] or not given["b"]:
        return None
    reasons, number = values.get("reasons"), values.get("id")
    if isinstance(reasons, str):  # as the database has them
        reasons = reasons.split(";")
    listed = reasons if isinstance(reasons, list | tuple) else ()
    given["reasons"] = tuple(text for each in listed if (text := plain_text(str(each))))
    given["id"] = number if isinstance(number, int) else 0
    return Decision(**given)


def named(decision: Decision, *, again: int = 0) -> Decision:
    """An answer that has a name: one that was noted without gets it from what it says.

    Parameters
    ----------
    decision
        The answer.
    again
        How many answers before it, in the same file, say exactly the same.
    """
    if decision.deed:
        return decision
    said = {k: v for k, v in asdict(decision).items() if k not in ("deed", "id", "note")}
    if decision.note:  # answers of before there were notes keep their names
        said["note"] = decision.note
    text = json.dumps([said, again], sort_keys=True)
    return replace(decision, deed=hashlib.sha256(text.encode()).hexdigest()[:32])


def checked_answer(decision: Decision) -> Decision:
    """The answer with surrounding spaces removed, or a refusal.

    Raises
    ------
    TableError
        If it is none of our answers, names no pair, or its time is not valid.
    """
    clean = decision_from(asdict(decision))
    if clean is None:
        raise TableError(
            "An answer is accept, reject, later or withdraw, of two slides or two subtypes.",
            "See the schema.",
        )
    if clean.a == clean.b:
        raise TableError(f"{clean.a} is no pair.", "Answer a pair of two.")
    return replace(clean, time=utc(clean.time), id=0)
