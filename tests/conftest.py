"""Shared fixtures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples every day, and no limit of time: a busy machine fails no test. To look for
# new ones: pytest --hypothesis-profile=search
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search", deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

# How wide and how colourful programs write is not the machine's choice here: words that are
# looked for would be broken, or have colours in them.
for _name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(_name, None)
os.environ["COLUMNS"] = "200"

# napari reads this when it is imported: the user's own settings are neither read nor written.
os.environ["NAPARI_CONFIG"] = ""

pytest_plugins = ["tests.slide_fixtures"]

ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for a window, another process or a server may be tried once more.

    On a busy machine these can be late; a calculation cannot, and is wrong the first time.
    The summary names what was tried again.
    """
    for item in items:
        if "qtbot" in getattr(item, "fixturenames", ()) or item.get_closest_marker("processes"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True, scope="session")
def own_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nothing that tests keep on disk comes into the user's cache folder (on Linux)."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True, scope="session")
def one_precision() -> Iterator[None]:
    """Networks compute in single precision on the CPU.

    Where the processor has half precision too, the program measures which is the quicker: on a
    busy machine now one and now the other, and their numbers differ.
    """
    from napari_lookalike.core.encoders import precision

    found = precision._candidate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            precision, "_candidate", lambda at: precision.FULL if at == "cpu" else found(at)
        )
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data, or a skip that says why."""
    folder = Path(os.environ.get("LOOKALIKE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the shared test data is not here (set LOOKALIKE_SHARED to its folder)")
    return folder
