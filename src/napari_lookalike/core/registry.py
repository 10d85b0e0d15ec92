"""One registry for everything that comes in kinds: encoders, heads, slide formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, TypeVar

from napari_lookalike.core.errors import LookalikeError

T = TypeVar("T")


def _no_obstacle() -> str | None:
    return None


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A registered member.

    Parameters
    ----------
    name
        The key, as the user types it.
    item
        The member: a spec, a class or a factory.
    why_not
        Called when availability is asked for; ``None`` if it can be used here,
        else the reason and the remedy ("needs `pip install …`").
    """

    name: str
    item: T
    why_not: Callable[[], str | None] = _no_obstacle


class Registry(Generic[T]):
    """Name -> member, in the order of registration.

    Parameters
    ----------
    kind
        What the members are, for messages ("encoder").
    error
        The error raised for an unknown name.
    """

    def __init__(self, kind: str, error: type[LookalikeError]) -> None:
        self.kind = kind
        self._error = error
        self._entries: dict[str, Entry[T]] = {}

    def register(self, name: str, item: T, why_not: Callable[[], str | None] = _no_obstacle) -> T:
        """Add a member; a name can be taken once."""
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = Entry(name, item, why_not)
        return item

    def get(self, name: str) -> T:
        """The member of that name.

        Raises
        ------
        LookalikeError
            (the registry's own kind of it) if there is none; names those that are near.
        """
        entry = self._entries.get(name)
        if entry is None:
            near = get_close_matches(name, self._entries, n=3)
            remedy = (
                f"Did you mean {' or '.join(near)}?"
                if near
                else f"Known: {', '.join(self._entries)}."
            )
            raise self._error(f"There is no {self.kind} called {name!r}.", remedy)
        return entry.item

    def why_not(self, name: str) -> str | None:
        """Why the member cannot be used here, or ``None`` if it can."""
        self.get(name)
        return self._entries[name].why_not()

    def names(self) -> tuple[str, ...]:
        """All names, in the order of registration."""
        return tuple(self._entries)

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter(tuple(self._entries.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)
