"""Bags: what training sees of a slide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.content import UNKNOWN, Content, content_of
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import Features

if TYPE_CHECKING:
    from napari_lookalike.core.cohort import SlideRecord
    from napari_lookalike.core.project import Project

_NAMED = 5


@dataclass(frozen=True, eq=False)
class Bag:
    """All instances of a slide, with what training must know of it.

    Parameters
    ----------
    slide_id
        The slide.
    group
        The patient (`SlideRecord.group`): folds never split it.
    instances
        float32 (n_tiles, dim), or float16; may be memory-mapped.
    label
        Tumour subtype; empty = not labelled.
    site
        Centre or scanner; empty = not known.
    votes
        Subtype -> how many experts chose it, where several were asked; the class loss then
        learns their shares. Empty: the label alone.
    content
        What the slide is known by besides its name.
    """

    slide_id: str
    group: str
    instances: NDArray[np.float32]
    label: str = ""
    site: str = ""
    votes: Mapping[str, int] = field(default_factory=dict)
    content: Content = UNKNOWN

    def __len__(self) -> int:
        return len(self.instances)


def load_bags(project: Project, slide_ids: Sequence[str]) -> list[Bag]:
    """Load the features of slides as bags.

    Parameters
    ----------
    project
        An open project.
    slide_ids
        Which slides, in which order.

    Returns
    -------
    list of Bag
        In the order of ``slide_ids``.

    Raises
    ------
    FeatureError
        If a slide has no features, or if the slides were not all embedded by the same
        encoder from tiles of the same size and scale; the odd ones are named.
    """
    loaded = [(slide_id, project.load_features(slide_id)) for slide_id in slide_ids]
    check_alike(loaded)
    bags = []
    for slide_id, features in loaded:
        record = project.cohort[slide_id]
        bags.append(bag_of(record, features))
    return bags


def bag_of(record: SlideRecord, features: Features) -> Bag:
    """A slide's bag, without votes."""
    content = content_of(record.fingerprint or features.fingerprint, features.instances)
    return Bag(
        record.slide_id,
        record.group,
        features.instances,
        record.label,
        record.site,
        content=content,
    )


def check_alike(loaded: Sequence[tuple[str, Features]]) -> None:
    """Refuse to mix encoders, tile sizes, scales, or tiles by scale and by level-0 pixels.

    Parameters
    ----------
    loaded
        (slide_id, features) of each slide.

    Raises
    ------
    FeatureError
        Naming the slides that differ from most.
    """
    checks = (
        ("encoder", lambda f: f.encoder or "an unnamed encoder"),
        ("kind of tiles", _tiling),
        ("length of the feature vectors", lambda f: f"{f.instances.shape[1]} numbers"),
    )
    for what, key in checks:
        found = Counter(key(features) for _, features in loaded)
        if len(found) < 2:
            continue
        usual = found.most_common(1)[0][0]
        odd = [(slide_id, key(features)) for slide_id, features in loaded if key(features) != usual]
        named = ", ".join(f"{slide_id} ({value})" for slide_id, value in odd[:_NAMED])
        more = f" and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
        raise FeatureError(
            f"The slides differ in the {what}: most have {usual}, but not {named}{more}.",
            "Embed these slides again like the others, or exclude them.",
        )


def _tiling(features: Features) -> str:
    grid = features.grid
    if grid.mpp is None:
        return f"{grid.tile_px} px tiles in level-0 pixels"
    return f"{grid.tile_px} px tiles at {grid.mpp:.4g} µm per pixel"
