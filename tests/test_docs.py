"""The documentation is true of the code: links, pictures, navigation, options, functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "napari_lookalike"
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
LARGEST_PICTURE = 300_000


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def slug(heading: str) -> str:
    """The anchor that MkDocs and forges give a heading."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower())


def anchors(page: Path) -> set[str]:
    return {slug(h) for h in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        if not file.is_file() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


def test_every_picture_is_shown_and_small() -> None:
    shown = {(p.parent / link).resolve() for p in PAGES for link in links(p)}
    pictures = sorted((DOCS / "images").glob("*"))
    assert pictures
    assert [p.name for p in pictures if p.resolve() not in shown] == []
    assert [p.name for p in pictures if p.stat().st_size > LARGEST_PICTURE] == []


def nav_files(entries: Any) -> Iterator[str]:
    if isinstance(entries, str):
        yield entries
    for entry in entries.values() if isinstance(entries, dict) else []:
        yield from nav_files(entry)
    for entry in entries if isinstance(entries, list) else []:
        yield from nav_files(entry)


def test_navigation_and_pages_are_the_same() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = list(nav_files(yaml.safe_load(text)["nav"]))
    assert sorted(listed) == sorted(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md"))


# -- the command line ------------------------------------------------------------------


@cache
def options() -> dict[str, set[str]]:
    """Command ("embed", "pairs list") -> its options."""
    from typer.main import get_command

    from napari_lookalike.cli.commands import app

    found: dict[str, set[str]] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        own = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        found[" ".join(words)] = own | {"--help"}
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))

    walk(get_command(app), ())
    return found


def test_every_command_is_documented() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    lacking = [c for c in options() if c and not re.search(rf"\b{c}\b", text)]
    assert lacking == []


@cache
def dask_options() -> set[str]:
    """Options of `dask scheduler` and `dask worker`."""
    from distributed.cli import dask_scheduler, dask_worker

    params = [p for c in (dask_scheduler.main, dask_worker.main) for p in c.params]
    return {option for p in params for option in (*p.opts, *p.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_named_in_the_text_exist(page: Path) -> None:
    known = set().union(*options().values())
    if page.name == "cluster.md":
        known |= dask_options()
    tasks = (ROOT / "tasks.py").read_text(encoding="utf-8")
    text = re.sub(r"^#SBATCH .*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = re.findall(r"(?<![\w-])(--[a-z][\w-]*)", text)
    assert [o for o in named if o not in known and f'"{o}"' not in tasks] == []


def test_options_listed_for_a_command_are_its_own() -> None:
    text = prose(DOCS / "own-slides.md")
    for command in ("embed", "train"):
        sentence = re.search(rf"`{command}` takes (.*?)\n", text)
        assert sentence
        part = sentence[1].split("`train` takes")[0].split("`predict` shows")[0]
        assert set(re.findall(r"`(--[\w-]+)`", part)) <= options()[command], command


# -- the code --------------------------------------------------------------------------


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def names_in(module: str) -> dict[str, ast.AST | None]:
    """Public names of a module or of the modules of a package -> what defines them."""
    place = PACKAGE / module
    files = sorted(place.glob("*.py")) if place.is_dir() else [place]
    found: dict[str, ast.AST | None] = {}
    for file in files:
        for node in parse(file).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {t.id: None for t in targets if isinstance(t, ast.Name)}
            elif isinstance(node, ast.ImportFrom) and not place.is_dir():
                found |= {a.asname or a.name: None for a in node.names}
    return found


def parameters(node: ast.AST | None) -> set[str]:
    """Of a function, or of a class's constructor (a dataclass: its fields)."""
    if isinstance(node, ast.ClassDef):
        made = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        if not made:
            fields = [n.target for n in node.body if isinstance(n, ast.AnnAssign)]
            return {t.id for t in fields if isinstance(t, ast.Name)}
        node = made[0]
    if not isinstance(node, ast.FunctionDef):
        return set()
    a = node.args
    every = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    return {arg.arg for arg in every if arg is not None}


def table_rows() -> list[tuple[str, str]]:
    """(module, cell) of the table of functions."""
    text = (DOCS / "design" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("## The flow and its functions")[1].split("\n## ")[0]
    return re.findall(r"^\| `([\w/.]+)` \| (.*) \|$", table, re.MULTILINE)


@pytest.mark.parametrize(("module", "cell"), table_rows(), ids=lambda v: v if "/" in v else "")
def test_functions_of_the_architecture_are_those_of_the_code(module: str, cell: str) -> None:
    assert (PACKAGE / module).exists()
    top = names_in(module)
    owner: ast.AST | None = None
    for word, call in re.findall(r"`(\.?\w+)(\([^`]*\))?`", cell):
        if word.startswith("."):
            members = {
                n.name: n for n in getattr(owner, "body", []) if isinstance(n, ast.FunctionDef)
            }
            assert word[1:] in members, f"{word} of {getattr(owner, 'name', module)}"
            node: ast.AST | None = members[word[1:]]
        elif word in top:
            node = top[word]
            owner = node if isinstance(node, ast.ClassDef) else owner
        else:
            assert not call, f"{word} is not in {module}"
            assert defined_anywhere(word), f"{word} is nowhere"
            continue
        named = set(re.findall(r"\w+", call))
        assert named <= parameters(node), f"{word} takes {sorted(parameters(node))}"


@cache
def everything() -> frozenset[str]:
    files = (f.relative_to(PACKAGE).as_posix() for f in PACKAGE.rglob("*.py"))
    return frozenset(name for file in files for name in names_in(file))


def defined_anywhere(word: str) -> bool:
    return word in everything()


def test_every_module_of_the_core_has_its_feature() -> None:
    """A new module gets its place in the table of features."""
    text = (DOCS / "design" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("## Which files a feature has")[1].split("\n## ")[0]
    named = set(re.findall(r"`((?:core|session|ui|cli)/[\w/.]+)`", table))
    assert [n for n in sorted(named) if not (PACKAGE / n).exists()] == []
    lacking = []
    for file in sorted(PACKAGE.rglob("*.py")):
        path = file.relative_to(PACKAGE).as_posix()
        inside = any(path.startswith(n) for n in named if n.endswith("/"))
        if "/" in path and not file.name.startswith("__") and not inside and path not in named:
            lacking.append(path)
    assert [p for p in lacking if p.split("/")[0] in ("core", "session", "cli")] == sorted(GROUND)


GROUND = {
    "cli/app.py",
    "cli/commands.py",
    "core/pipeline/training_data.py",
    "core/pipeline/version.py",
    "core/registry.py",
    "core/thumbnails.py",
    "session/resolve.py",
}
"""What belongs to no single feature, or only helps the module that it stands beside."""


def test_reference_pages_name_modules() -> None:
    for page in (DOCS / "reference").glob("*.md"):
        modules = re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert modules
        for module in modules:
            path = PACKAGE.parent.joinpath(*module.split("."))
            assert path.is_dir() or path.with_suffix(".py").is_file(), module


def strings_of_the_window() -> str:
    """Every constant text of session and ui, where panels get their words from."""
    texts = []
    for layer in ("session", "ui"):
        for file in (PACKAGE / layer).rglob("*.py"):
            found = (n.value for n in ast.walk(parse(file)) if isinstance(n, ast.Constant))
            texts += [text for text in found if isinstance(text, str)]
    return "\n".join(texts)


def test_buttons_named_in_the_tutorial_exist() -> None:
    """What stands bold in the guides is a panel, a button or a column of the window."""
    there = strings_of_the_window().replace("&&", "&")
    lacking = []
    for page in (DOCS / "tutorial.md", DOCS / "own-slides.md"):
        for bold in re.findall(r"\*\*([^*]+)\*\*", prose(page)):
            if bold.endswith((".", ":", "?")):  # said with stress, not a button
                continue
            for part in bold.split(" → "):
                word = part.removesuffix(" ▾")
                if word not in there and word not in STRESSED:
                    lacking.append(f"{page.name}: {word}")
    assert lacking == []


STRESSED = {
    "synthetic",
    "differential",
    "held out",
    "strength",
    "margin",
    "on trial",
    "The differential",
    "A bar per subtype",
    "The case",
    "Who said so",
    "⚠ unlike anything in the training set",
    "Compare `expert` with `supcon`",
    "Good enough: stop …",
    "Embed … first",
}
"""Bold words of the guides that are terms and no buttons."""


def test_tests_named_in_the_text_exist() -> None:
    wrong = []
    for page in PAGES:
        for name in re.findall(r"`(tests/[\w/.]+(?:::\w+)?)`", page.read_text(encoding="utf-8")):
            file, _, function = name.partition("::")
            path = ROOT / file
            functions = (
                {n.name for n in parse(path).body if isinstance(n, ast.FunctionDef)}
                if (function and path.is_file())
                else {""}
            )
            if not path.exists() or function not in functions:
                wrong.append(f"{page.name}: {name}")
    assert wrong == []
