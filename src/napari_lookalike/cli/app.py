"""The way into the command line: ``napari-lookalike COMMAND``.

Importing the commands takes a second or more, and Ctrl-C may come at any moment of it. So
nothing is imported here but what Python has at its start; the commands stand in `commands`.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from napari_lookalike.cli import interrupt


def main() -> NoReturn:
    """Entry point of the console script."""
    interrupt.leave(interrupt.INTERRUPTED, "Stopped.\n")  # nothing is begun yet
    from napari_lookalike.cli.commands import app
    from napari_lookalike.cli.console import quiet_libraries, run_guarded

    quiet_libraries()
    with interrupt.raised():
        code = run_guarded(app)
    interrupt.leave(code)  # all is done: Python's own clearing up is not worth a traceback
    sys.exit(code)
