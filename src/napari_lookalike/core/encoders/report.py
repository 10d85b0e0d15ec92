"""What of a weight file fits a network, key by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Shapes = tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
"""(key, shape in the file, shape in the network)"""

_SHOWN = 4


@dataclass(frozen=True)
class KeyReport:
    """The keys of a weight file beside those of a network.

    Parameters
    ----------
    fitting
        Number of tensors that fit.
    missing
        Keys of the network that the file lacks.
    unexpected
        Keys of the file that the network does not have.
    shapes
        Keys that both have, with another shape in the file than in the network.
    left_out
        Number of tensors of the file that are no part of the encoder, as was expected
        (classifiers, text towers).
    """

    fitting: int = 0
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    shapes: Shapes = ()
    left_out: int = 0

    @property
    def differences(self) -> int:
        """Number of keys that differ in one way or the other."""
        return len(self.missing) + len(self.unexpected) + len(self.shapes)

    @property
    def ok(self) -> bool:
        """Whether every key and every shape agrees."""
        return self.differences == 0

    def sentence(self) -> str:
        """What differs: how many keys, and the first few; empty if nothing does."""
        shapes = [f"{k} is {had} and should be {want}" for k, had, want in self.shapes]
        found: tuple[tuple[str, Sequence[str]], ...] = (
            ("missing", self.missing),
            ("not expected", self.unexpected),
            ("of another shape", shapes),
        )
        return "; ".join(
            f"{len(keys)} {'key' if len(keys) == 1 else 'keys'} {what} ({_some(keys)})"
            for what, keys in found
            if keys
        )


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
