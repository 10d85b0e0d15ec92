"""Import what must be imported before the first OpenGL canvas.

On Linux with software OpenGL (Mesa), importing triton after the first canvas kills the
process with a segmentation fault; timm and torch.optim import it. A program that opens
its own window calls `before_window` first. A plugin that is entered with a window open
never imports torch at all: its work runs in `core.child`.
"""

from __future__ import annotations

import importlib
import sys


def before_window() -> None:
    """Import timm and torch.optim now; takes some seconds the first time."""
    for name in ("torch.optim", "timm"):
        importlib.import_module(name)


def triton_is_loaded() -> bool:
    """Whether triton was imported already, so that importing torch is harmless."""
    return "triton" in sys.modules
