"""``project.json``: what is in it, written all or not at all, with a copy of the former one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.errors import LookalikeError, ProjectError
from napari_lookalike.core.settings import (
    ProjectSettings,
    from_plain,
    settings_from_json,
    settings_to_json,
)

FORMAT = "napari-lookalike project"
SCHEMA = 1
FILE_NAME = "project.json"
BACKUP_NAME = "project.json.bak"

_READ_ONLY = "The project folder cannot be written."
_READ_ONLY_REMEDY = "Copy the project to a folder that you may write, and open the copy."


@dataclass(frozen=True)
class ProjectFile:
    """What ``project.json`` holds.

    Parameters
    ----------
    cohort
        Slide records, their paths absolute.
    settings
        Of the project.
    revision
        Counts the writes: tells whether somebody else wrote in between.
    """

    cohort: Cohort
    settings: ProjectSettings
    revision: int = 0


def write_atomic(
    path: Path, write: Callable[[Path], None], before: Callable[[], None] = lambda: None
) -> None:
    """Write a file all or not at all: to a temporary name beside it, then rename.

    Parameters
    ----------
    path
        The file to make or replace. Its folder is made if it is not there.
    write
        Called with the temporary path.
    before
        Called when that is done, just before the file takes its name.

    Raises
    ------
    ProjectError
        If the folder cannot be written; a file that was there is then as it was.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        before()
        temporary.replace(path)
    except OSError as error:
        raise ProjectError(f"{_READ_ONLY} ({_reason(error)})", _READ_ONLY_REMEDY) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    # str(error) has the path in it, which may name a patient.
    return error.strerror or type(error).__name__


def can_write(folder: Path) -> bool:
    """Whether files can be made in the folder (tried, as permission bits tell little)."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


class StoredPaths:
    """Slides' paths as they are stored: relative to the project unless that leads far away.

    At most two steps up, so that a project moved together with its slides finds
    them, and one moved alone still finds slides in an archive elsewhere.

    Parameters
    ----------
    root
        The project folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[str, str] = {}

    def __call__(self, path: Path) -> str:
        """The text that stands for a path."""
        # Worked out once for each folder: thousands of slides lie in a few.
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = self._stored(Path(folder))
        return f"{self._folders[folder]}{name}"

    def _stored(self, folder: Path) -> str:
        try:
            relative = Path(os.path.relpath(folder, self._root))
        except ValueError:  # another drive on Windows
            return os.path.join(folder, "")  # noqa: PTH118 - ends with the separator
        if relative.parts.count("..") > 2:
            return os.path.join(folder, "")  # noqa: PTH118
        return "" if relative == Path() else f"{relative.as_posix()}/"


def stored_path(path: Path, root: Path) -> str:
    """How one path is stored; see `StoredPaths`."""
    return StoredPaths(root)(path)


_APART = ("path", "more")
_PLAIN = tuple((f.name, f.default) for f in fields(SlideRecord) if f.name not in _APART)


def record_to_json(record: SlideRecord, stored: StoredPaths) -> dict[str, Any]:
    """A record as JSON values; fields at their default are left out."""
    values = ((name, getattr(record, name), default) for name, default in _PLAIN)
    plain = {name: value for name, value, default in values if value != default}
    more = {"more": dict(record.more)} if record.more else {}
    return {**plain, **more, "path": stored(record.path)}


def record_from_json(data: Mapping[str, Any], root: Path) -> SlideRecord:
    """A record from `record_to_json`, its path absolute."""
    # Texts are joined and not paths: ten thousand of those take a tenth of a second.
    path = Path(os.path.normpath(os.path.join(root, str(data["path"]))))  # noqa: PTH118
    values = {**data, "path": path}
    if "more" in data:
        values["more"] = tuple((str(name), str(cell)) for name, cell in data["more"].items())
    return from_plain(SlideRecord, values)


def write_project_file(root: Path, content: ProjectFile, *, sound: bool = False) -> None:
    """Write ``project.json``; the former one stays as ``project.json.bak``.

    Parameters
    ----------
    root
        The project folder.
    content
        What to write.
    sound
        Whether the former file is known to be whole; it is read to see, otherwise.

    Raises
    ------
    ProjectError
        If the folder cannot be written; the former file is then as it was.
    """
    path = root / FILE_NAME
    # A damaged file must not replace a good backup.
    keep = (sound and path.exists()) or _is_sound(path)
    text = _text(root, content)

    def keep_former() -> None:
        if keep:
            write_atomic(root / BACKUP_NAME, partial(_again, path))

    write_atomic(path, lambda p: _write_bytes(p, text.encode("utf-8")), keep_former)


def _text(root: Path, content: ProjectFile) -> str:
    """One line for each slide: quick to write for thousands, and differences can be read."""
    cohort, stored = content.cohort, StoredPaths(root)
    head = {
        "format": FORMAT,
        "schema": SCHEMA,
        "revision": content.revision,
        "settings": settings_to_json(content.settings),
    }
    about = {"name": cohort.name, "synthetic": cohort.synthetic}
    slides = ",\n".join(_json(record_to_json(record, stored)) for record in cohort)
    start = _json({**head, "cohort": about}, indent=1).rstrip("}\n ")
    return f'{start},\n  "slides": [\n{slides}\n  ]\n }}\n}}\n'


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False)


def _again(path: Path, temporary: Path) -> None:
    """Give a file a second name, in place of the temporary file that has it."""
    try:
        # Costs nothing; the first name goes to a new file right after this.
        temporary.unlink()
        temporary.hardlink_to(path)
    except (OSError, NotImplementedError):  # some disks know one name only
        _write_bytes(temporary, path.read_bytes())


def stamp_of(root: Path) -> tuple[int, int, int] | None:
    """What tells one ``project.json`` from the next without reading it; ``None`` if gone.

    Every write makes a new file, so the three are never all the same by chance.
    """
    try:
        facts = (root / FILE_NAME).stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _write_bytes(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # else a power cut after the rename leaves an empty file


def _is_sound(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_bytes()).get("format") == FORMAT)
    except (OSError, ValueError, AttributeError):
        return False


def read_project_file(root: Path) -> tuple[ProjectFile, str]:
    """Read ``project.json``, or its backup if it is damaged.

    Returns
    -------
    content
        What it holds.
    warning
        A sentence for the user if the backup was used, else empty.

    Raises
    ------
    ProjectError
        If there is no project, both files are damaged, or a newer version made it.
    """
    if not (root / FILE_NAME).exists() and not (root / BACKUP_NAME).exists():
        raise ProjectError(
            "This folder is not a napari-lookalike project.",
            "Choose the folder that holds project.json, or make a new project.",
        )
    try:
        return _read(root / FILE_NAME, root), ""
    except _Damaged:
        pass
    try:
        content = _read(root / BACKUP_NAME, root)
    except _Damaged:
        raise ProjectError(
            "The project file is damaged, and so is its backup, or there is none.",
            "Restore project.json from a copy, or make a new project in a new folder.",
        ) from None
    return content, (
        "The project file was damaged: its backup was opened. "
        "The last change to the cohort or the settings may be missing."
    )


class _Damaged(Exception):
    pass


def _read(path: Path, root: Path) -> ProjectFile:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise _Damaged from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _Damaged
    schema = data.get("schema", 0)
    if not isinstance(schema, int):
        raise _Damaged
    if schema > SCHEMA:
        raise ProjectError(
            "This project was made by a newer version of napari-lookalike.",
            "Update napari-lookalike (pip install -U napari-lookalike), then open it again.",
        )
    try:
        cohort = Cohort(
            tuple(record_from_json(r, root) for r in data["cohort"]["slides"]),
            name=str(data["cohort"].get("name", "")),
            synthetic=bool(data["cohort"].get("synthetic", False)),
        )
        settings = settings_from_json(data.get("settings", {}))
        return ProjectFile(cohort, settings, int(data.get("revision", 0)))
    except (KeyError, TypeError, ValueError, AttributeError, LookalikeError):
        raise _Damaged from None
