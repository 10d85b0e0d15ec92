"""A display where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap

import pytest

from napari_lookalike.ui.display import NoDisplay, display, has_display

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Xvfb is for Linux")
xvfb = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed")


@linux
def test_a_display_is_one_that_the_environment_names(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


def test_elsewhere_windows_are_always_shown(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert has_display()
    with display(headless=True):
        assert "DISPLAY" not in os.environ


@linux
def test_a_real_one_is_used_unless_a_virtual_one_is_wanted(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":77")
    with display(headless=False):
        assert os.environ["DISPLAY"] == ":77"


@linux
def test_without_xvfb_it_says_what_to_install(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(NoDisplay, match="apt-get install xvfb"), display(headless=False):
        pass


IN_A_PROCESS = """
import os
from napari_lookalike.ui.display import display
os.environ["DISPLAY"] = ":77"
os.environ["WAYLAND_DISPLAY"] = "wayland-9"
with display(headless=True, size=(800, 600)):
    assert os.environ["DISPLAY"] != ":77"
    assert "WAYLAND_DISPLAY" not in os.environ
    from qtpy.QtWidgets import QApplication, QLabel
    app = QApplication([])
    size = app.primaryScreen().size()
    assert (size.width(), size.height()) == (800, 600), size
    label = QLabel("here")
    label.show()
    app.processEvents()
assert os.environ["DISPLAY"] == ":77"
assert os.environ["WAYLAND_DISPLAY"] == "wayland-9"
for _ in range(50):  # the application outlives the block
    label.setText(label.text() + ".")
    app.processEvents()
print("alive")
"""


@linux
@xvfb
@pytest.mark.gui
def test_an_application_outlives_its_virtual_display():
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(IN_A_PROCESS)],
        capture_output=True,
        text=True,
        timeout=900,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert "alive" in done.stdout
