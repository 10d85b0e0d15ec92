"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "napari_lookalike"
LONGEST = 500
MANIFEST = yaml.safe_load((PACKAGE / "napari.yaml").read_text(encoding="utf-8"))
WINDOWS_OWN = ("napari", "qtpy", "PySide6", "PyQt6", "superqt", "magicgui", "vispy")

# Imports modules one after the other; a look at the network or a GPU ends it.
IMPORT = """
import json, sys

def no_network(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        raise RuntimeError(f"{event} during import")

def no_gpu(*arguments, **options):
    raise RuntimeError("a GPU was looked for during import")

names, with_torch = json.loads(sys.argv[1]), sys.argv[2] == "torch"
if with_torch:
    import torch
    for name in ("is_available", "device_count", "init", "_lazy_init", "current_device"):
        setattr(torch.cuda, name, no_gpu)
    torch.backends.mps.is_available = no_gpu
sys.addaudithook(no_network)
import importlib
for name in names:
    importlib.import_module(name)
    if "torch" in sys.modules and not with_torch:
        sys.exit(f"{name} imports torch")
    found = sorted(set(sys.modules) & set(sys.argv[3:]))
    if found:
        sys.exit(f"{name} imports {found}")
"""


def modules(*parts: str) -> list[str]:
    """Dotted names of all modules at or below a place in the package."""
    place = PACKAGE.joinpath(*parts)
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    names = (".".join(f.relative_to(PACKAGE.parent).with_suffix("").parts) for f in files)
    return [name.removesuffix(".__init__") for name in names]


def import_all(names: list[str], mode: str, *forbidden: str) -> str:
    """Import them in a fresh process; what it complained about, else empty."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT, json.dumps(names), mode, *forbidden],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return done.stderr if done.returncode else ""


def test_what_the_window_needs_imports_neither_torch_nor_qt() -> None:
    names = [
        "napari_lookalike",
        *modules("session"),
        *modules("core", "hard_negatives"),
        *modules("core", "project"),
        *modules("core", "results"),
        *modules("core", "manifest"),
        *modules("core", "slides"),
    ]
    assert import_all(names, "light", *WINDOWS_OWN, "timm", "umap", "sklearn") == ""


def test_core_imports_without_window_network_and_gpu() -> None:
    heavy = ("timm", "transformers", "open_clip", "umap", "psygnal")
    assert import_all(modules("core"), "torch", *WINDOWS_OWN, *heavy) == ""


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import torch", "bad imports torch"),
        ("import socket\nsocket.create_connection(('localhost', 9))", "during import"),
        ("import qtpy", "bad imports ['qtpy']"),
    ],
)
def test_the_import_check_notices(
    code: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.py").write_text(code)
    for name in ("torch", "qtpy"):  # the real ones take seconds
        (tmp_path / f"{name}.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert complaint in import_all(["bad"], "light", *WINDOWS_OWN)


def test_no_file_is_longer_than_a_person_can_hold() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "tasks.py"]
    lines = {
        f.relative_to(ROOT).as_posix(): len(f.read_text(encoding="utf-8").splitlines())
        for f in files
    }
    assert {name: n for name, n in lines.items() if n > LONGEST} == {}


def tracked_texts() -> dict[str, str]:
    """Name -> text of every file that git would take along."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    texts = {}
    for name in done.stdout.decode().split("\0"):
        file = ROOT / name
        if name and file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            if b"\0" not in data[:8192]:
                texts[name] = data.decode("utf-8")
    return texts


def test_no_text_names_a_package_registry() -> None:
    # Behind a firewall there is a mirror, and it is the machine's setting, not ours.
    # (Written in two halves, so that this file does not name one.)
    hosts = ("pypi." + "org", "python" + "hosted.org", "anaconda." + "org", "npm" + "js.")
    hosts += ("--index" + "-url", "--extra-index" + "-url", "download.py" + "torch.org")
    found = {n: [h for h in hosts if h in text] for n, text in tracked_texts().items()}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_no_text_names_a_place_of_this_machine() -> None:
    places = [ROOT, ROOT.parent / "shared", Path.home()]
    if sys.prefix != sys.base_prefix:
        places.append(Path(sys.prefix))
    words = [str(p) for p in places if len(p.parts) > 1]
    found = {n: [w for w in words if f"{w}/" in text] for n, text in tracked_texts().items()}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_reader_leaves_photographs_alone() -> None:
    patterns = {p for r in MANIFEST["contributions"]["readers"] for p in r["filename_patterns"]}
    assert patterns
    assert not [p for p in patterns if re.search(r"jpe?g|png|\*$", p, re.IGNORECASE)]


def panels() -> list[str]:
    return sorted(p.stem for p in (PACKAGE / "ui" / "panels").glob("[!_]*.py"))


def test_there_are_panels() -> None:
    assert {"cases", "map", "project", "training"} <= set(panels())


@pytest.mark.parametrize("panel", panels())
def test_panel_has_command_widget_and_place(panel: str) -> None:
    contributions = MANIFEST["contributions"]
    python_name = f"napari_lookalike.ui.commands:{panel}_panel"
    command = next(c for c in contributions["commands"] if c["python_name"] == python_name)
    assert command["id"] == f"napari-lookalike.{panel}"
    widget = next(w for w in contributions["widgets"] if w["command"] == command["id"])
    tree = ast.parse((PACKAGE / "ui" / "commands.py").read_text(encoding="utf-8"))
    functions = {f.name for f in tree.body if isinstance(f, ast.FunctionDef)}
    assert f"{panel}_panel" in functions
    # One name for it everywhere: menu, dock and command.
    assert places()[f"{panel}_panel"] == widget["display_name"] == command["title"]


def places() -> dict[str, str]:
    """Function of ui/commands.py -> title of its dock, read without Qt."""
    tree = ast.parse((PACKAGE / "ui" / "workspace.py").read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Place":
            title, make = node.args[:2]
            assert isinstance(title, ast.Constant)
            assert isinstance(make, ast.Attribute)
            found[make.attr] = title.value
    return found


def test_tests_mirror_the_tree() -> None:
    """`tests/core/x/test_y.py` tests something in `core/x`: that folder must be there."""
    layers = [ROOT / "tests" / layer for layer in ("core", "session", "ui", "cli")]
    folders = {p.parent for layer in layers for p in layer.rglob("test_*.py")}
    strange = [f for f in folders if not (PACKAGE / f.relative_to(ROOT / "tests")).is_dir()]
    assert strange == []


def test_layout_in_the_documentation_is_the_layout_of_the_code() -> None:
    text = (ROOT / "docs" / "design" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:core|session|ui|cli)/[\w/]*(?:\.py)?)`", text))
    named |= {f"core/{n}" for n in re.findall(r"`(?!core|session|ui|cli)(\w+/\w+\.py)`", text)}
    assert len(named) > 20
    assert sorted(n for n in named if not (PACKAGE / n).exists()) == []


def documented_commands() -> list[tuple[str, list[str]]]:
    """(file, words) of every command line in the README and the documentation."""
    found = []
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        blocks = re.findall(r"```(?:bash|console|sh)\n(.*?)```", file.read_text("utf-8"), re.S)
        inline = re.findall(r"`((?:python3 tasks\.py|napari-lookalike) [^`\n]+)`", file.read_text())
        for line in [*"\n".join(blocks).splitlines(), *inline]:
            words = line.split("#")[0].split()
            if words[:1] == ["$"]:
                words = words[1:]
            if words[:1] == ["python3"] or (words and words[0].endswith("napari-lookalike")):
                found.append((file.name, words))
    return found


def test_documented_commands_exist() -> None:
    from typer.main import get_command

    from napari_lookalike.cli.commands import app

    root = get_command(app)
    tasks = re.search(r"choices=\[(.*?)\]", (ROOT / "tasks.py").read_text("utf-8"))
    assert tasks
    commands = documented_commands()
    assert [w for f, w in commands if f == "README.md" and w[:2] == ["python3", "tasks.py"]]
    wrong = []
    for file, words in commands:
        if words[0] == "python3":
            name = next(w for w in words[2:] if w in tasks[1] and not w.startswith("-"))
            ok = words[1] == "tasks.py" and f'"{name}"' in tasks[1]
        else:
            command = root
            rest = words[1:]
            while rest and rest[0] in getattr(command, "commands", {}):
                command = command.commands[rest.pop(0)]
            known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
            known |= {"--help"}
            ok = command is not root or words[1].startswith("-")
            ok = ok and all(w.split("=")[0] in known for w in rest if w.startswith("--"))
        if not ok:
            wrong.append((file, " ".join(words)))
    assert wrong == []


def test_continuous_integration_runs_what_a_newcomer_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    lines = [s for s in script if s and not s.startswith(("#", "set ", "cd "))]
    assert lines == ["python3 tasks.py test"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"```bash\n{lines[0]}\n```" in readme


def test_constraints_pin_every_direct_dependency_to_a_version_that_fits() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [*project["dependency-groups"].values()]
    groups += [
        project["project"]["optional-dependencies"]["all"],
        project["build-system"]["requires"],
    ]
    asked = [r for group in groups for r in group if isinstance(r, str)]
    pinned: dict[str, list[str]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            pinned.setdefault(pin.name, []).append(str(pin.specifier).removeprefix("=="))
    misfits = []
    for requirement in map(Requirement, [*project["project"]["dependencies"], *asked]):
        versions = pinned.get(canonicalize_name(requirement.name), [])
        if not versions or not all(requirement.specifier.contains(v) for v in versions):
            misfits.append((str(requirement), versions))
    assert misfits == []
