"""Keeps what can name a patient out of texts that others may read."""

from __future__ import annotations

import re

_PATH = re.compile(r"(?:[A-Za-z]:)?[/\\][^'\"\n]+")


def without_paths(text: str) -> str:
    """The text with every path replaced by ``<path>``.

    Folders and files are often named after a patient, and errors of libraries quote them.
    """
    return _PATH.sub("<path>", text)
