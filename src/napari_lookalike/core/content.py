"""Which slide something was said of: two cohorts may have the same slide_ids.

What a model keeps of a slide to know it again are two short hashes, of its fingerprint and of
some of its features: enough to tell slides apart, and nobody can look a slide up by them who
does not have it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

_ROWS = 16
"""So many of the first and of the last instances are hashed."""

_BYTES = 8


@dataclass(frozen=True)
class Content:
    """What a slide is known by, besides its name. Either part may be empty: not known.

    Parameters
    ----------
    slide
        Hash of its fingerprint.
    features
        Hash of some of its features, for slides whose file was never opened.
    """

    slide: str = ""
    features: str = ""

    def is_other_slide(self, now: Content) -> bool:
        """Whether these are two slides for certain: both fingerprints are known, and differ."""
        return bool(self.slide and now.slide) and self.slide != now.slide

    def is_other(self, now: Content) -> bool:
        """Whether what was said of one does not hold for the other.

        Where a fingerprint is not known, two slides, or other features of one.
        """
        if self.slide and now.slide:
            return self.slide != now.slide
        return bool(self.features and now.features) and self.features != now.features


UNKNOWN = Content()


def content_of(fingerprint: str, instances: NDArray[Any] | None = None) -> Content:
    """What a slide is known by.

    Parameters
    ----------
    fingerprint
        Its fingerprint; empty if not known.
    instances
        (n, dim) its features, any float type; ``None`` if they are not at hand.
    """
    features = "" if instances is None else features_hash(instances)
    return Content(_hash(fingerprint.encode()) if fingerprint else "", features)


def features_hash(instances: NDArray[Any]) -> str:
    """Hash of the shape (n, dim) of features and of their first and last rows."""
    # One type: the same file is read as float32, or mapped as the half precision that it has.
    some = np.concatenate([instances[:_ROWS], instances[-_ROWS:]]).astype("<f4")
    return _hash(repr(tuple(map(int, instances.shape))).encode() + some.tobytes())


def content_on_disk(fingerprint: str, features: Path) -> Content:
    """The same from a feature file, of which a few rows are read.

    Parameters
    ----------
    fingerprint
        From the slide's record; empty: that in the file is taken.
    features
        The feature file, which need not exist.
    """
    try:
        with h5py.File(features, "r") as file:
            rows = file["features"]
            rows = rows if rows.ndim == 2 else rows[0]
            stated = str(file.attrs.get("fingerprint", ""))
            return content_of(fingerprint or stated, rows)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError):  # absent or damaged
        return content_of(fingerprint)


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=_BYTES).hexdigest()
