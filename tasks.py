#!/usr/bin/env python3
"""Set up and run napari-lookalike from a clone: standard library only.

    python3 tasks.py demo                 make the environment, run the demo
    python3 tasks.py test                 make the environment, run all checks and tests
    python3 tasks.py check                … only the checks
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
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "constraints.txt"
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
WINDOWS = os.name == "nt"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
MADE_FOR = "made-for.txt"  # in a wheelhouse: the machine that its packages fit

# What to install, by task: the extra `all` brings a Qt binding.
GROUPS = {"run": (), "test": ("test", "lint"), "docs": ("docs",)}
# Needed to build the project itself where there is no network.
BUILD = ("hatchling", "editables", "pip")
# The first versions that know dependency groups.
OLDEST_PIP, OLDEST_UV = "pip>=25.1", (0, 7)

# Shared libraries that Qt's window system needs on Linux -> Debian package.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
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
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
# libGL's software renderer and the fonts have no library of their own to look for.
FILES = {
    "/usr/lib/*/dri/swrast_dri.so": "libgl1-mesa-dri",
    "/usr/share/fonts/*/*/*.[to]tf": "fonts-dejavu-core",
}


class Stop(SystemExit):
    """End with a sentence and an exit code: 2 for wrong usage, 1 for what did not work."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        print(f"tasks.py: {sentence}", file=sys.stderr)
        super().__init__(code)


# -- running things --------------------------------------------------------------------


def call(*command: str | Path, cwd: Path | None = None, **env: str) -> None:
    """Run a command; stop with its exit code if it fails."""
    code = exit_code(*command, cwd=cwd, **env)
    if code:
        raise SystemExit(code if code > 0 else 128 - code)


def exit_code(*command: str | Path, cwd: Path | None = None, **env: str) -> int:
    """Run a command; negative if a signal ended it, as in `subprocess`."""
    words = [str(word) for word in command]
    environment = {**os.environ, **env}
    sys.stdout.flush()
    try:
        return subprocess.run(words, cwd=cwd or ROOT, env=environment, check=False).returncode
    except OSError as error:
        raise Stop(
            f"{words[0]} cannot be run ({error.strerror}). "
            f"Delete the folder {VENV} and run this again."
        ) from None


def answer(*command: str | Path) -> str | None:
    """What a command prints, or None if it fails or is not there."""
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout


def shown(path: Path) -> str:
    """A path as one would type it."""
    return f'"{path}"' if WINDOWS else shlex.quote(str(path))


def tool(name: str) -> Path:
    """A command of the environment."""
    return BIN / (f"{name}.exe" if WINDOWS else name)


def uv() -> bool:
    """Whether uv is installed, works (a pyenv shim may not) and is new enough."""
    text = (shutil.which("uv") and answer("uv", "--version")) or ""
    numbers = re.search(r"(\d+)\.(\d+)", text)
    return numbers is not None and tuple(map(int, numbers.groups())) >= OLDEST_UV


# -- the system ------------------------------------------------------------------------


def find_python() -> str:
    """The Python that runs this file if it is of a tested version, else one on the path."""
    own = getattr(sys, "_base_executable", None) or sys.executable
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return own
    for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and answer(found, "--version"):
            return found
    if sys.version_info[:2] > NEWEST_PYTHON:
        print("Note: tested with Python {}.{} to {}.{}.".format(*OLDEST_PYTHON, *NEWEST_PYTHON))
        return own
    if uv():
        return "{}.{}".format(*NEWEST_PYTHON)  # uv downloads it
    raise Stop("Python 3.11 or newer is needed; install it and run this again.")


def missing_packages() -> dict[str, str]:
    """What this machine lacks for a window (or a virtual one) -> its Debian package."""
    missing = {}
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing[library] = package
    for pattern, package in FILES.items():
        if not any(Path("/").glob(pattern.lstrip("/"))):
            missing[pattern] = package
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or shutil.which("Xvfb")):
        missing["Xvfb"] = "xvfb"
    # A library may have moved within its package since this was written.
    return {name: package for name, package in missing.items() if not in_debian(package)}


def in_debian(package: str) -> bool:
    """Whether Debian's own database says that a package is installed."""
    return "ok installed" in (answer("dpkg-query", "-W", "-f=${Status}", package) or "")


def system_packages() -> None:
    """Install what Qt needs where we may (Debian family, root), else say what to install."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_packages()
    if not missing:
        return
    if shutil.which("apt-get"):
        debian_packages(sorted(set(missing.values())))
        return
    # Other distributions name their packages differently, so this cannot be sure.
    print("Note: these seem to be missing; install them if no window (real or virtual) opens:")
    for name, package in missing.items():
        print(f"    {name}  (Debian: {package})")


def debian_packages(packages: list[str]) -> None:
    """Install Debian packages as root; stop with the command for anyone else."""
    words = " ".join(packages)
    if os.geteuid() != 0:
        raise Stop(
            f"system packages are missing. Please run\n\n    sudo apt-get install {words}\n\n"
            "and then this again; or, if you may not, this with --skip-system."
        )
    print(f"Installing system packages: {words}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    exit_code("apt-get", "update", "-q", **quiet)  # without a network, what is known may do
    if exit_code("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, **quiet):
        raise Stop(f"apt-get could not install: {words}. Install them and run this again.")


# -- the environment -------------------------------------------------------------------


def venv_works() -> bool:
    """Whether `.venv` has a Python that runs, is new enough and has an installer."""
    python = tool("python")
    code = f"import sys; sys.exit(sys.version_info[:2] < {OLDEST_PYTHON})"
    if not python.exists() or answer(python, "-c", code) is None:
        return False
    modules = ("pip", "ensurepip")  # an environment that uv made has no pip
    return uv() or any(answer(python, "-m", module, "--version") for module in modules)


def make_venv(python: str) -> None:
    """Make `.venv` with uv where it is installed, else with the standard library."""
    if venv_works():
        return
    if os.path.lexists(VENV):
        print("Making .venv anew: it is not whole, or its Python is gone or too old.")
        remove_venv()
    if uv():
        call("uv", "venv", "--quiet", "--python", python, VENV)
        return
    made = exit_code(python, "-m", "venv", VENV)
    if made and shutil.which("apt-get"):
        remove_venv()
        # Debian keeps ensurepip in a package by Python version.
        code = "import sys; print('python%d.%d-venv' % sys.version_info[:2])"
        debian_packages([(answer(python, "-c", code) or "python3-venv").strip()])
        made = exit_code(python, "-m", "venv", VENV)
    if made:
        remove_venv()
        raise Stop(f"{python} -m venv failed (see above); mend that and run this again.")


def remove_venv() -> None:
    """Remove `.venv`, which on Windows fails while one of its programs runs."""
    try:
        VENV.unlink() if VENV.is_symlink() or VENV.is_file() else shutil.rmtree(VENV)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Stop(f"{VENV} cannot be removed ({error.strerror}); close what uses it.") from None


def pip(offline: Path | None) -> list[str | Path]:
    """The installer's command line up to what is to be installed."""
    where = ["--no-index", "--find-links", offline] if offline else []
    if uv():
        return ["uv", "pip", "install", "--python", tool("python"), *where]
    if answer(tool("python"), "-m", "pip", "--version") is None:
        call(tool("python"), "-m", "ensurepip")
    install = [tool("python"), "-m", "pip", "install", "--disable-pip-version-check", *where]
    call(*install, "--quiet", "--upgrade", OLDEST_PIP)
    return install


def stamp(task: str) -> str:
    """What the environment depends on, as a hash."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), CONSTRAINTS.read_bytes(), task.encode()]
    parts.append(str(ROOT).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def ready_for() -> list[str]:
    """Tasks that the environment is up to date for."""
    marks = {task: VENV / f"lookalike-{task}.stamp" for task in GROUPS}
    if not tool("python").exists():
        return []
    return [task for task, m in marks.items() if m.exists() and m.read_text() == stamp(task)]


def set_up(task: str, offline: Path | None, skip_system: bool = False) -> None:
    """Bring the environment up to what a task needs; returns at once if it is."""
    ready = ready_for()
    if task in ready or (task == "run" and ready):  # every set-up has what a run needs
        return
    if not skip_system:
        system_packages()
    make_venv(find_python())
    groups = [part for group in GROUPS[task] for part in ("--group", group)]
    command = [*pip(offline), "-c", CONSTRAINTS, "-e", ".[all]", *groups]
    for old in VENV.glob("lookalike-*.stamp"):
        old.unlink()  # an interrupted installation must not look whole
    call(*command)
    for done in {*ready, task}:
        (VENV / f"lookalike-{done}.stamp").write_text(stamp(done))


# -- without a network -----------------------------------------------------------------


def this_machine() -> str:
    """What packages depend on: system, processor and the environment's Python."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = (answer(tool("python"), "-c", code) or "").strip()
    return f"{platform.system()} {platform.machine()} Python {version}"


def check_wheelhouse(folder: Path) -> None:
    """Stop if a wheelhouse is none, or its packages do not fit this machine."""
    if not any(folder.glob("*.whl")):
        raise Stop(
            f"{folder} holds no packages; make it with:  python3 tasks.py wheelhouse DIR", code=2
        )
    make_venv(find_python())
    made_for = folder / MADE_FOR
    if made_for.exists() and made_for.read_text().strip() != this_machine():
        raise Stop(
            f"the packages are for {made_for.read_text().strip()}, and this is {this_machine()}. "
            "Make the wheelhouse on a machine like this one."
        )


def wheelhouse(folder: Path) -> None:
    """Fetch every package that the tasks need, for a machine without a network."""
    make_venv(find_python())
    call(*pip(None), "--quiet", OLDEST_PIP)  # uv cannot collect wheels
    groups = [part for name in ("test", "lint", "docs") for part in ("--group", name)]
    folder.mkdir(parents=True, exist_ok=True)
    # `wheel`, not `download`: what comes as source is built here, where its tools can be had.
    call(
        *(tool("python"), "-m", "pip", "wheel", "-w", folder, "-c", CONSTRAINTS),
        *(".[all]", *groups, *BUILD),
    )
    (folder / MADE_FOR).write_text(this_machine())
    print(f"\nCopy this clone and the folder {folder} to the other machine and run there:")
    print(f"    python3 tasks.py --offline {shown(folder)} demo")
    print(f"It must be {this_machine()}, like this one.")
    if sys.platform.startswith("linux"):
        packages = " ".join(sorted({*LIBRARIES.values(), *FILES.values(), "python3-venv", "xvfb"}))
        print(f"On Debian or Ubuntu it needs these system packages: {packages}")


# -- the tasks -------------------------------------------------------------------------


def check() -> None:
    """Run every check, the quick ones first."""
    call(tool("ruff"), "check", ".")
    call(tool("ruff"), "format", "--check", ".")
    call(tool("typos"))
    call(tool("lint-imports"))
    call(tool("npe2"), "validate", "napari_lookalike")
    call(tool("mypy"))


def side_by_side() -> list[str]:
    """How the whole suite is run: files of tests side by side, each worker with a display."""
    # More workers than this gain little: a few long files are what takes the time.
    workers = ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]
    # What waits for a window or another process is tried once more (tests/conftest.py), and
    # the summary names it; everything else is wrong the first time.
    return [*workers, "-rR"]


def arguments() -> argparse.Namespace:
    """Read the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="tasks.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--offline", type=Path, metavar="DIR", help="install from a wheelhouse")
    parser.add_argument("--skip-system", action="store_true", help="look for no system packages")
    parser.add_argument("task", choices=["demo", "test", "check", "run", "docs", "wheelhouse"])
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on")
    options = parser.parse_args()
    for own in ("--offline", "--skip-system"):
        if own in options.rest:
            parser.error(f"{own} comes before the task:  python3 tasks.py {own} … {options.task}")
    if options.task == "wheelhouse" and len(options.rest) != 1:
        parser.error("say where:  python3 tasks.py wheelhouse DIR")
    if options.task in ("check", "docs") and options.rest:
        parser.error(f"{options.task} takes nothing more, but was given: {' '.join(options.rest)}")
    return options


def main() -> None:
    """Do a task."""
    options = arguments()
    offline = options.offline.resolve() if options.offline else None
    if options.task == "wheelhouse":
        wheelhouse(Path(options.rest[0]).resolve())
        return
    needs = {"demo": "run", "check": "test"}.get(options.task, options.task)
    if offline and needs not in ready_for():
        check_wheelhouse(offline)
    set_up(needs, offline, options.skip_system)
    if needs == "run":
        # Paths are meant from where the user stands, which may be another folder.
        words = ["demo", *options.rest] if options.task == "demo" else options.rest
        call(tool("napari-lookalike"), *words, cwd=Path.cwd())
    elif needs == "docs":
        call(tool("mkdocs"), "build", "--strict", NO_MKDOCS_2_WARNING="1")
    else:
        check()
        if options.task == "test":
            call(tool("pytest"), *(options.rest or side_by_side()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
