"""Places of slides that somebody wants to find again: one small file in the project folder."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.project_file import write_atomic

FORMAT = "napari-lookalike bookmarks"
SCHEMA = 1
FILE_NAME = "bookmarks.json"
LONGEST_NOTE = 2000


def _new_key() -> str:
    return uuid.uuid4().hex


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Bookmark:
    """A place of a slide, how near it was looked at, and a note.

    Parameters
    ----------
    slide_id
        The slide in the project; empty for a slide that was opened by itself.
    fingerprint
        Content id of the slide.
    x_px0, y_px0
        Centre of the view, level-0 pixels.
    downsample
        Level-0 pixels per screen pixel.
    mpp
        µm per level-0 pixel as it was known then, or ``None``.
    note
        Free text; never logged.
    expert
        Who set it; empty if no name was given.
    time
        When, ISO 8601 in UTC.
    key
        Unique.
    """

    slide_id: str
    fingerprint: str
    x_px0: float
    y_px0: float
    downsample: float
    mpp: float | None = None
    note: str = ""
    expert: str = ""
    time: str = field(default_factory=_now)
    key: str = field(default_factory=_new_key)

    @property
    def of_project(self) -> bool:
        """Whether it is kept in the project, not only while the window is open."""
        return bool(self.slide_id)


def bookmarks_path(root: Path) -> Path:
    """Where a project keeps its bookmarks."""
    return root / FILE_NAME


def read_bookmarks(root: Path) -> tuple[Bookmark, ...]:
    """The bookmarks of a project folder, in the order in which they were set.

    Raises
    ------
    ProjectError
        If the file is damaged, cannot be read, or a newer version made it.
    """
    try:
        data = json.loads(bookmarks_path(root).read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ProjectError(
            f"The bookmarks cannot be read ({error.strerror or type(error).__name__}).",
            "Check that you may read the project folder.",
        ) from None
    except ValueError:
        raise _damaged() from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _damaged()
    try:
        if int(data.get("schema", 0)) > SCHEMA:
            raise ProjectError(
                "The bookmarks were written by a newer version of napari-lookalike.",
                "Update napari-lookalike, then open the project again.",
            )
        return tuple(_from_json(row) for row in data["bookmarks"])
    except (KeyError, TypeError, ValueError):
        raise _damaged() from None


def _damaged() -> ProjectError:
    return ProjectError(
        f"The file of bookmarks ({FILE_NAME}) is damaged.",
        "Restore it from a copy, or delete it to begin anew.",
    )


def _from_json(row: dict[str, Any]) -> Bookmark:
    known = {f.name: row[f.name] for f in fields(Bookmark) if f.name in row}
    mpp = known.pop("mpp", None)
    place: dict[str, Any] = {
        name: float(known.pop(name)) for name in ("x_px0", "y_px0", "downsample")
    }
    if not all(isfinite(n) for n in place.values()) or place["downsample"] <= 0:
        raise ValueError("no place")
    texts: dict[str, Any] = {name: str(value) for name, value in known.items()}
    return Bookmark(**place, mpp=None if mpp is None else float(mpp), **texts)


def write_bookmarks(root: Path, bookmarks: Iterable[Bookmark]) -> None:
    """Write all of a project's bookmarks, or nothing.

    Raises
    ------
    ProjectError
        If the folder cannot be written; the former file is then as it was.
    """
    rows = [asdict(b) for b in bookmarks]
    data = {"format": FORMAT, "schema": SCHEMA, "bookmarks": rows}
    text = json.dumps(data, indent=1, ensure_ascii=False)
    write_atomic(bookmarks_path(root), lambda p: _write(p, text.encode("utf-8")))


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # else a power cut after the rename leaves an empty file
