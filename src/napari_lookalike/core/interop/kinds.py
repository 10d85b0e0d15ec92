"""What a kind of import and a kind of export are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_lookalike.core.interop.raw import Found, ImportOptions

if TYPE_CHECKING:
    from napari_lookalike.core.interop.outgoing import Exported, ExportPlan
    from napari_lookalike.core.progress import Job


@dataclass(frozen=True)
class Importer:
    """A kind of file that can be brought in.

    Parameters
    ----------
    name
        The key, as typed.
    title
        For a person.
    files
        What is looked for.
    places
        Where coordinates are from, and their unit.
    tile
        Where the tile's size is from.
    content
        "features", or "maps" to be drawn over the slide.
    find
        (source, options) -> files of this kind at or below it, one a slide; empty if there
        are none.
    """

    name: str
    title: str
    files: str
    places: str
    tile: str
    content: Literal["features", "maps"]
    find: Callable[[Path, ImportOptions], tuple[Found, ...]]


@dataclass(frozen=True)
class Exporter:
    """A kind of file that can be written.

    Parameters
    ----------
    name
        The key, as typed.
    title
        For a person.
    files
        What is written.
    opens_in
        Programs that read it.
    identity
        What in it could point to a patient, as a sentence.
    write
        (plan, job) -> what was written.
    """

    name: str
    title: str
    files: str
    opens_in: str
    identity: str
    write: Callable[[ExportPlan, Job], Exported]
