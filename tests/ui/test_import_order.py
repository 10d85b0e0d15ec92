"""Triton after OpenGL kills the process: both ways in are tried in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = [pytest.mark.gui, pytest.mark.slow]

OWN_WINDOW = """
from napari_lookalike.core.preload import before_window, triton_is_loaded
before_window()
import sys, importlib.util
assert triton_is_loaded() or importlib.util.find_spec("triton") is None
import napari, numpy as np
viewer = napari.Viewer()
viewer.add_image(np.zeros((8, 8)))
viewer.screenshot(canvas_only=True, flash=False)
import timm, torch
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
viewer.close()
print("alive")
"""

AS_PLUGIN = """
import sys
import napari, numpy as np
viewer = napari.Viewer()
viewer.add_image(np.zeros((8, 8)))
viewer.screenshot(canvas_only=True, flash=False)
from qtpy.QtWidgets import QApplication
from napari_lookalike.ui.sessions import workspace_for
import torch_job
workspace = workspace_for(viewer)
answers = []
workspace.runner.run(torch_job.learn, title="learn", on_result=answers.append)
import time
end = time.monotonic() + 900
while not answers and time.monotonic() < end:
    QApplication.processEvents()
    time.sleep(0.02)
assert answers == [1.0], answers
assert "torch" not in sys.modules and "triton" not in sys.modules
workspace.close()
viewer.close()
print("alive")
"""

TORCH_JOB = """
def learn(job):
    import timm, torch
    weight = torch.nn.Parameter(torch.zeros(1))
    torch.optim.SGD([weight], lr=1.0)
    return float(weight.detach() + 1)
"""


@pytest.mark.parametrize("script", [OWN_WINDOW, AS_PLUGIN], ids=["own window", "as a plugin"])
def test_the_process_lives(script: str, tmp_path, qapp) -> None:
    (tmp_path / "torch_job.py").write_text(textwrap.dedent(TORCH_JOB))
    # A subprocess inherits the virtual display of the tests, if there is one.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "alive" in done.stdout
