#!/usr/bin/env python3
"""Set up and run napari-lookalike from a clone: standard library only.

    python3 tasks.py demo                 make the environment, run the demo
    python3 tasks.py test                 make the environment, run all checks and tests
    python3 tasks.py run ARGS…            any napari-lookalike command (run view SLIDE)
    python3 tasks.py docs                 build the documentation into site/
    python3 tasks.py wheelhouse DIR       download all packages into DIR (with a network)
    python3 tasks.py --offline DIR demo   … and use them on a machine without one

The environment is `.venv` beside this file. A second run starts in seconds.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "constraints.txt"
OLDEST_PYTHON = (3, 11)
WINDOWS = os.name == "nt"
BIN = VENV / ("Scripts" if WINDOWS else "bin")

# What to install, by task: the extra `all` brings a Qt binding.
GROUPS = {"run": (), "test": ("test", "lint"), "docs": ("docs",)}
# Needed to build the project itself where there is no network.
BUILD = ("hatchling", "editables", "pip")

# Shared libraries that Qt's window system needs on Linux -> Debian package.
# libGL's software renderer and fonts have no library of their own to look for.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
}
FILES = {
    "/usr/lib/*/dri/swrast_dri.so": "libgl1-mesa-dri",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf": "fonts-dejavu-core",
}


class Stop(SystemExit):
    """End with a sentence and exit code 2."""

    def __init__(self, sentence: str) -> None:
        print(f"tasks.py: {sentence}", file=sys.stderr)
        super().__init__(2)


def call(*command: str | Path, **env: str) -> None:
    """Run a command; stop with its exit code if it fails."""
    done = subprocess.run([str(c) for c in command], cwd=ROOT, env={**os.environ, **env})
    if done.returncode:
        raise SystemExit(done.returncode)


def find_python() -> str:
    """A Python that is new enough: the one that runs this file, else one on the path."""
    if sys.version_info >= OLDEST_PYTHON:
        return sys.executable
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise Stop("Python 3.11 or newer is needed; install it and run this again.")


def missing_packages() -> list[str]:
    """Debian packages that this machine lacks for a window (or a virtual one)."""
    missing = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    for pattern, package in FILES.items():
        if not any(Path("/").glob(pattern.lstrip("/"))):
            missing.append(package)
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        missing += [] if shutil.which("Xvfb") else ["xvfb"]
    return missing


def system_packages() -> None:
    """Install what Qt needs where we may (Debian family, root), else say what to install."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_packages()
    if not missing:
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print(f"Installing system packages: {' '.join(missing)}")
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        call("apt-get", "update", "-q", **environment)
        call("apt-get", "install", "-y", "-q", "--no-install-recommends", *missing, **environment)
        return
    if shutil.which("apt-get"):
        raise Stop(f"please run:  sudo apt-get install {' '.join(missing)}\nthen run this again.")
    # Other distributions name their packages differently; Qt itself says what it lacks.
    print(f"Note: these Debian packages (or your system's own) seem to be missing: {missing}")


def make_venv(python: str) -> None:
    """Make `.venv` with uv where it is installed, else with the standard library."""
    if (BIN / ("python.exe" if WINDOWS else "python")).exists():
        return
    if shutil.which("uv"):
        call("uv", "venv", "--quiet", "--python", python, VENV)
        return
    made = subprocess.run([python, "-m", "venv", str(VENV)], cwd=ROOT)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        if shutil.which("apt-get") and os.geteuid() == 0:
            call("apt-get", "update", "-q")
            call("apt-get", "install", "-y", "-q", "python3-venv")
            call(python, "-m", "venv", VENV)
        else:
            raise Stop("Python's venv module is missing; on Debian or Ubuntu: python3-venv.")


def pip(offline: Path | None) -> list[str]:
    """The installer's command line up to what is to be installed."""
    python = BIN / ("python.exe" if WINDOWS else "python")
    where = ["--no-index", "--find-links", str(offline)] if offline else []
    if shutil.which("uv"):
        return ["uv", "pip", "install", "--python", str(python), *where]
    # The pip that comes with Python 3.11 does not know dependency groups yet.
    call(python, "-m", "pip", "install", "--quiet", *where, "--upgrade", "pip>=25.1")
    return [str(python), "-m", "pip", "install", *where]


def stamp(task: str) -> str:
    """What the environment depends on, as a hash."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), CONSTRAINTS.read_bytes(), task.encode()]
    parts.append(f"{ROOT} {sys.version_info[:2]}".encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def set_up(task: str, offline: Path | None) -> None:
    """Bring the environment up to what a task needs; returns at once if it is."""
    mark = VENV / f"lookalike-{task}.stamp"
    if mark.exists() and mark.read_text() == stamp(task):
        return
    system_packages()
    make_venv(find_python())
    groups = [part for group in GROUPS[task] for part in ("--group", group)]
    call(*pip(offline), "-c", CONSTRAINTS, "-e", ".[all]", *groups)
    mark.write_text(stamp(task))


def tool(name: str) -> Path:
    """A command of the environment."""
    return BIN / (f"{name}.exe" if WINDOWS else name)


def wheelhouse(folder: Path) -> None:
    """Download every package that the tasks need, for a machine without a network."""
    python = find_python()
    make_venv(python)
    call(tool("python"), "-m", "ensurepip") if shutil.which("uv") else None
    call(tool("python"), "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1")
    groups = [part for name in ("test", "lint", "docs") for part in ("--group", name)]
    folder.mkdir(parents=True, exist_ok=True)
    call(
        *(tool("python"), "-m", "pip", "download", "-d", folder, "-c", CONSTRAINTS),
        *(".[all]", *groups, *BUILD),
    )
    print(f"\nCopy this clone and {folder} to the other machine and run there:")
    print(f"    python3 tasks.py --offline {folder} demo")
    if sys.platform.startswith("linux"):
        packages = " ".join(sorted({*LIBRARIES.values(), *FILES.values(), "xvfb"}))
        print(f"It needs these system packages: {packages}")


def check() -> None:
    """Run every check, then the tests."""
    call(tool("ruff"), "check", ".")
    call(tool("ruff"), "format", "--check", ".")
    call(tool("mypy"))
    call(tool("lint-imports"))
    call(tool("typos"))
    call(tool("npe2"), "validate", "napari_lookalike")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--offline", type=Path, metavar="DIR", help="install from a wheelhouse")
    parser.add_argument("task", choices=["demo", "test", "check", "run", "docs", "wheelhouse"])
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on")
    options = parser.parse_args()
    offline = options.offline.resolve() if options.offline else None
    if offline and not any(offline.glob("*.whl")):
        raise Stop(f"{offline} holds no packages; make it with:  python3 tasks.py wheelhouse DIR")
    if options.task == "wheelhouse":
        if len(options.rest) != 1:
            raise Stop("say where:  python3 tasks.py wheelhouse DIR")
        wheelhouse(Path(options.rest[0]).resolve())
    elif options.task in ("demo", "run"):
        set_up("run", offline)
        call(tool("napari-lookalike"), *(["demo"] if options.task == "demo" else []), *options.rest)
    elif options.task == "docs":
        set_up("docs", offline)
        call(tool("mkdocs"), "build", "--strict")
    else:
        set_up("test", offline)
        check()
        if options.task == "test":
            call(tool("pytest"), *options.rest)


if __name__ == "__main__":
    main()
