"""Where features lie is found without loading an encoder, and in a window without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import sys
from pathlib import Path
from napari_lookalike.core.feature_folder import folder_in_use
from napari_lookalike.core.settings import ProjectSettings
print(folder_in_use(Path(sys.argv[1]), ProjectSettings(encoder=sys.argv[2]), False).name)
sys.exit("torch" in sys.modules)
"""


def ask(features: Path, encoder: str) -> str:
    """The folder in use, as a process without torch finds it (and stays without)."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(features), encoder],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["timm:vit_small_patch16_224", "hf-hub:owner/name"])
def test_an_encoder_by_name_needs_no_torch_to_find_its_features(tmp_path: Path, name: str) -> None:
    stem = name.replace(":", "_").replace("/", "_")
    assert ask(tmp_path, name) == f"features_{stem}-not-embedded"
    tiling = tmp_path / "20x_224px_0px_overlap"
    for i, digest in enumerate(("aaa", "bbb")):
        folder = tiling / f"features_{stem}-w{digest}-r1"
        folder.mkdir(parents=True)
        os.utime(folder, (i + 1, i + 1))
    assert ask(tmp_path, name) == f"features_{stem}-wbbb-r1"
