"""Wheel, sdist and editable install all carry the manifest, and what it names can be imported."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from npe2 import PluginManifest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / "src" / "napari_lookalike" / "napari.yaml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
QT_BINDINGS = ("pyside", "pyqt")

# Runs where the wheel was installed: prints what every python_name of the manifest is.
IMPORT_ALL = """
import importlib, sys
from pathlib import Path
from npe2 import PluginManifest
import napari_lookalike
assert Path(napari_lookalike.__file__).is_relative_to(sys.argv[1]), napari_lookalike.__file__
manifest = PluginManifest.from_distribution("napari-lookalike")
print(manifest.package_version)
for command in manifest.contributions.commands:
    module, name = command.python_name.split(":")
    assert callable(getattr(importlib.import_module(module), name)), command.python_name
    print(command.id)
print("torch" in sys.modules or "triton" in sys.modules or "timm" in sys.modules)
"""


def build(source: Path, target: str, out: Path) -> Path:
    """Build with the backend of this environment: no network."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl" if target == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, "sdist", folder)) as archive:
        archive.extractall(folder, filter="data")
    return next(p for p in folder.iterdir() if p.is_dir())


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_manifest_at_the_top_level_is_the_packages() -> None:
    top = ROOT / "napari.yaml"
    # A checkout without links (Windows) holds the link's target as text instead.
    assert top.samefile(MANIFEST) or top.read_text() == "src/napari_lookalike/napari.yaml"


def test_wheel_holds_manifest_and_all_modules(wheel: Path) -> None:
    files = contents(wheel)
    assert files["napari_lookalike/napari.yaml"] == MANIFEST.read_bytes()
    modules = {p.relative_to(ROOT / "src").as_posix() for p in MANIFEST.parent.rglob("*.py")}
    assert modules == {name for name in files if name.endswith(".py")}
    assert not [n for n in files if not n.startswith(("napari_lookalike/", "napari_lookalike-"))]


def test_wheel_metadata(wheel: Path) -> None:
    files = contents(wheel)
    text = next(data for name, data in files.items() if name.endswith("METADATA"))
    metadata = email.message_from_bytes(text)
    assert metadata["Version"] == PROJECT["version"] == version("napari-lookalike")
    assert metadata["Requires-Python"] == ">=3.11"
    needed = [n for n in metadata.get_all("Requires-Dist", []) if "extra ==" not in n]
    assert needed
    assert not [name for name in needed if name.lower().startswith(QT_BINDINGS)]
    assert not [name for name in needed if "[" in name.split(";")[0]]  # napari[all] has one
    points = next(data for name, data in files.items() if name.endswith("entry_points.txt"))
    assert b"[napari.manifest]\nnapari-lookalike = napari_lookalike:napari.yaml" in points
    assert any(name.endswith("licenses/LICENSE") for name in files)


def test_source_distribution_is_whole_and_builds_the_same_wheel(
    sdist: Path, wheel: Path, tmp_path: Path
) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", "tasks.py", "constraints.txt"):
        assert (sdist / name).read_bytes() == (ROOT / name).read_bytes()
    assert (sdist / "src/napari_lookalike/napari.yaml").read_bytes() == MANIFEST.read_bytes()
    assert (sdist / "tests" / Path(__file__).name).is_file()
    again = contents(build(sdist, "wheel", tmp_path))
    assert again == contents(wheel)


def test_source_distribution_leaves_out_what_was_made(sdist: Path) -> None:
    names = {p.name for p in sdist.rglob("*")}
    assert not names & {".venv", "__pycache__", "site", "demo-out", "wheelhouse", ".git"}


def test_manifest_of_the_installed_distribution_is_this_one() -> None:
    manifest = PluginManifest.from_distribution("napari-lookalike")
    assert manifest.name == "napari-lookalike"
    assert manifest.package_version == PROJECT["version"]
    here = PluginManifest.from_file(MANIFEST)
    assert manifest.contributions == here.contributions


def install(wheel: Path, target: Path) -> None:
    """As a user would, with pip or with uv, whichever made this environment."""
    pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    if pip.returncode == 0:
        command = [sys.executable, "-m", "pip", "install"]
    elif shutil.which("uv"):
        command = ["uv", "pip", "install", "--python", sys.executable]
    else:
        pytest.skip("neither pip nor uv is here to install with")
    options = ["--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run([*command, *options], check=True, capture_output=True)


def test_installed_wheel_is_a_plugin_whose_commands_import(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install(wheel, target)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL, str(target)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, *ids, torch = done.stdout.split()
    assert first == PROJECT["version"]
    assert set(ids) == {c.id for c in PluginManifest.from_file(MANIFEST).contributions.commands}
    # The window's process must not load triton after the first canvas (it would crash).
    assert torch == "False"
