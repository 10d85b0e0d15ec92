"""The expert's name: asked once, kept for this user of this computer."""

from __future__ import annotations

import json
from pathlib import Path

import platformdirs

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.project_file import write_atomic


def user_file() -> Path:
    """Where it is kept: in the user's own configuration folder, never in a project."""
    return platformdirs.user_config_path("napari-lookalike", appauthor=False) / "user.json"


def kept_expert() -> str:
    """The name that was given last; empty if none was."""
    try:
        data = json.loads(user_file().read_text(encoding="utf-8"))
        name = data.get("expert", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return name.strip() if isinstance(name, str) else ""


def keep_expert(name: str) -> bool:
    """Keep a name for the next time; ``False`` if the folder cannot be written."""
    text = json.dumps({"expert": name}, ensure_ascii=False)
    try:
        write_atomic(user_file(), lambda p: _write(p, text))
    except ProjectError:  # asked again next time, which is no reason to stop anybody
        return False
    return True


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
