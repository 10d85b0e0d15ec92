"""The user's own settings on this computer: the expert's name, asked once, and a few more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import platformdirs

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.project_file import write_atomic


def user_file() -> Path:
    """Where it is kept: in the user's own configuration folder, never in a project."""
    return platformdirs.user_config_path("napari-lookalike", appauthor=False) / "user.json"


def _kept() -> dict[str, Any]:
    try:
        data = json.loads(user_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def kept(name: str) -> Any:
    """A setting as it was kept; ``None`` if it was not."""
    return _kept().get(name)


def keep(name: str, value: Any) -> bool:
    """Keep a setting beside the others; ``False`` if the folder cannot be written."""
    text = json.dumps({**_kept(), name: value}, ensure_ascii=False)
    try:
        write_atomic(user_file(), lambda p: _write(p, text))
    except ProjectError:  # asked again next time, which is no reason to stop anybody
        return False
    return True


def kept_expert() -> str:
    """The name that was given last; empty if none was."""
    name = kept("expert")
    return name.strip() if isinstance(name, str) else ""


def keep_expert(name: str) -> bool:
    """Keep a name for the next time; ``False`` if the folder cannot be written."""
    return keep("expert", name)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
