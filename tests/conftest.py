"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# napari reads this when it is imported: the user's own settings are neither read nor written.
os.environ["NAPARI_CONFIG"] = ""

pytest_plugins = ["tests.slide_fixtures"]

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data, or a skip that says why."""
    folder = Path(os.environ.get("LOOKALIKE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the shared test data is not here (set LOOKALIKE_SHARED to its folder)")
    return folder
