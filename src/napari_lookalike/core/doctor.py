"""What this installation has, what it lacks, and how to mend it. Nothing heavy is imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from napari_lookalike.core.encoders.availability import EncoderState, encoder_state
from napari_lookalike.core.encoders.catalog import ENCODERS
from napari_lookalike.core.encoders.slide_encoders import SLIDE_ENCODERS
from napari_lookalike.core.encoders.weights import tilde

# Distribution names; the second is whether the plugin cannot work without it.
_PACKAGES = (
    ("napari-lookalike", True),
    ("napari", True),
    ("torch", True),
    ("timm", True),
    ("transformers", False),
    ("open_clip_torch", False),
    ("openslide-python", True),
    ("openslide-bin", False),
    ("tifffile", True),
    ("umap-learn", True),
)
_QT_BINDINGS = ("PySide6", "PyQt6", "PyQt5")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    name
        What ("Qt binding").
    found
        What is there ("PySide6 6.12.0").
    ok
        Whether that will do.
    remedy
        What to do if not; sometimes a hint where it is. May be empty.
    """

    name: str
    found: str
    ok: bool
    remedy: str = ""


@dataclass(frozen=True)
class DoctorReport:
    """All checks, all encoders of tiles, and all encoders of slides."""

    checks: tuple[Check, ...]
    encoders: tuple[EncoderState, ...]
    slide_encoders: tuple[EncoderState, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check is passed. An encoder without weights is no fault."""
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """``{"ok", "checks": […], "encoders": […], "slide_encoders": […]}`` for JSON."""
        return {
            "ok": self.ok,
            "checks": [asdict(check) for check in self.checks],
            "encoders": [encoder.to_json() for encoder in self.encoders],
            "slide_encoders": [encoder.to_json() for encoder in self.slide_encoders],
        }


def doctor_report(*, ask_device: bool = True) -> DoctorReport:
    """Look at this installation.

    Parameters
    ----------
    ask_device
        Whether to ask torch for a GPU. That imports torch, which takes seconds, and is
        not safe in a process that has a window open already (see `triton_check`).
    """
    checks = [
        Check("Python", platform.python_version(), sys.version_info >= (3, 11), ""),
        *(_package(name, needed) for name, needed in _PACKAGES),
        _qt_binding(),
        _display(),
        triton_check(),
        *_folders(),
    ]
    if ask_device:
        checks.append(_device())
    return DoctorReport(
        tuple(checks),
        tuple(encoder_state(entry.item) for entry in ENCODERS),
        tuple(encoder_state(entry.item.file_row()) for entry in SLIDE_ENCODERS),
    )


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(name: str, needed: bool) -> Check:
    version = _version(name)
    if version is not None:
        return Check(name, version, True)
    return Check(name, "not installed", not needed, f"Install it: pip install {name}")


def _qt_binding() -> Check:
    found = [f"{name} {_version(name)}" for name in _QT_BINDINGS if _version(name)]
    remedy = 'Install one: pip install "napari-lookalike[all]"'
    return Check("Qt binding", ", ".join(found) or "none", bool(found), "" if found else remedy)


def _display() -> Check:
    offscreen = os.environ.get("QT_QPA_PLATFORM", "")
    if sys.platform != "linux":
        return Check("Display", "the system's own", True)
    for variable in ("WAYLAND_DISPLAY", "DISPLAY"):
        if os.environ.get(variable):
            return Check("Display", variable, True)
    found = f"none (QT_QPA_PLATFORM={offscreen})" if offscreen else "none"
    # No fault: everything but the window works, and the demo brings its own.
    hint = "For a window: log in with a display, or run under xvfb-run. Other commands work."
    return Check("Display", found, True, hint)


def triton_check() -> Check:
    """Whether triton is installed and loaded.

    On Linux with software OpenGL, importing triton (torch and timm do) after a window has
    drawn with OpenGL ends the process; loaded before, it is harmless.
    """
    if "triton" in sys.modules:
        return Check("triton", "loaded", True)
    if importlib.util.find_spec("triton") is None:
        return Check("triton", "not installed", True)
    hint = "Networks run in a process of their own when a window is open already."
    return Check("triton", "installed, not loaded", True, hint)


def _folders() -> list[Check]:
    data = Path(platformdirs.user_data_dir("napari-lookalike", appauthor=False))
    cache = Path(platformdirs.user_cache_dir("napari-lookalike", appauthor=False))
    return [_writable("Data folder", data), _writable("Cache folder", cache)]


def _writable(name: str, folder: Path) -> Check:
    """Whether a file can be made in the folder, or in what exists of the way to it."""
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        remedy = "Make it writable, or set XDG_DATA_HOME and XDG_CACHE_HOME to other folders."
        return Check(name, f"{tilde(folder)}: {error.strerror}", False, remedy)
    return Check(name, tilde(folder), True)


def _device() -> Check:
    if importlib.util.find_spec("torch") is None:
        return Check("Device", "torch is not installed", False, "Install it: pip install torch")
    import torch

    if torch.cuda.is_available():
        return Check("Device", f"cuda ({torch.cuda.get_device_name()})", True)
    if torch.backends.mps.is_available():
        return Check("Device", "mps (Apple GPU)", True)
    hint = "No GPU: the built-in encoder is fast here, a foundation model takes hours per slide."
    return Check("Device", f"cpu ({os.cpu_count()} cores)", True, hint)
