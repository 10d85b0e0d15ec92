"""Removing layers without a pause.

napari collects Python's garbage whenever a layer is removed, to free what the graphics card
holds for it. With all that our libraries bring, each collection stops the window for about
half a second, and a change of slide removes two or three layers.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from qtpy.QtCore import QTimer

LATER_MS = 3000
"""What was put off is collected when no layer was removed for so long."""

_start_is_frozen = False


def freeze_start() -> None:
    """What exists now is never looked at again: collecting is quick from then on.

    For a program that ends with its window. What is frozen is never collected.
    """
    global _start_is_frozen
    gc.collect()
    gc.freeze()
    _start_is_frozen = True


@contextmanager
def collected_later() -> Iterator[None]:
    """Put off the collections inside this block until nobody waits for them."""
    if _start_is_frozen:
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        _later().start()


@cache
def _later() -> QTimer:
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setInterval(LATER_MS)
    timer.timeout.connect(gc.collect)
    return timer
