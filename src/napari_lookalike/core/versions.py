"""Model versions of a project: their folders, and which one is in use."""

from __future__ import annotations

import json
import re
from pathlib import Path

from napari_lookalike.core.cohort import slide_id_problem
from napari_lookalike.core.errors import ModelError, ProjectError
from napari_lookalike.core.project_file import write_atomic

_FILE = "current.json"


class ModelVersions:
    """The folder ``models/``: one folder a version, and ``current.json``.

    Which version is in use is kept apart from ``project.json``, so that a training in a
    process of its own never writes over edits that are made in the window meanwhile.

    Parameters
    ----------
    folder
        ``<project>/models``; need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """Complete versions, in order of their name ("m001-ce", "m002-expert", ...)."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.folder.iterdir() if _complete(p)))

    def dir(self, version: str) -> Path:
        """Folder of a version, whether it exists or not.

        Raises
        ------
        ProjectError
            If the name cannot be a folder's.
        """
        if slide_id_problem(version):
            raise ProjectError(
                f"{version!r} cannot name a model version.", "Use letters, digits and hyphens."
            )
        return self.folder / version

    def next_name(self, kind: str) -> str:
        """A new name: the next number, and what kind of model it is ("m003-expert").

        Numbers of versions that were deleted or are half written are not used again.
        """
        there = [p.name for p in self.folder.iterdir()] if self.folder.is_dir() else []
        there += self.history()
        numbers = [int(m[1]) for name in there if (m := re.match(r"m(\d+)", name))]
        return f"m{max(numbers, default=0) + 1:03d}-{kind}"

    def history(self) -> tuple[str, ...]:
        """Every version that was in use, oldest first; the last is in use now."""
        try:
            data = json.loads((self.folder / _FILE).read_text(encoding="utf-8"))
            return tuple(str(v) for v in data["history"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    @property
    def current(self) -> str | None:
        """The version in use: the last chosen one that is still there, else ``None``."""
        return self._last_there(self.history())

    @property
    def previous(self) -> str | None:
        """The version that was in use before the current one, if it is still there."""
        current = self.current
        return self._last_there(tuple(v for v in self.history() if v != current))

    def _last_there(self, versions: tuple[str, ...]) -> str | None:
        return next((v for v in reversed(versions) if _complete(self.folder / v)), None)

    def check(self, version: str) -> None:
        """Refuse a version that is not there.

        Raises
        ------
        ModelError
            Naming those that are.
        """
        if not _complete(self.dir(version)):
            there = ", ".join(self.names())
            raise ModelError(
                f"There is no model version {version}.",
                f"Choose one of these: {there}." if there else "Train a model first.",
            )

    def use(self, version: str | None) -> None:
        """Choose the version in use; ``None`` = none.

        Raises
        ------
        ModelError
            If there is no such version.
        ProjectError
            If its name cannot be a folder's, or the folder cannot be written.
        """
        if version is not None:
            self.check(version)
        if version == self.current:
            return
        # "None" empties the history: a rolled-back first model leaves no model in use.
        history = [] if version is None else [*self.history(), version]
        text = json.dumps({"history": history}, indent=1)
        write_atomic(self.folder / _FILE, lambda p: _write_text(p, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _complete(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return not hidden and ((path / "model.json").is_file() or (path / "results.h5").is_file())
