"""The loop from Python: the names, the notebook, and the page that shows it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import napari_lookalike.core as lk

DOCS = Path(__file__).parent.parent / "docs"


def cells() -> list[str]:
    notebook = json.loads((DOCS / "from-python.ipynb").read_text(encoding="utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def test_page_and_notebook_show_the_same_code() -> None:
    page = (DOCS / "from-python.md").read_text(encoding="utf-8")
    assert cells() == [c.strip() for c in re.findall(r"```python\n(.*?)```", page, re.DOTALL)]


def test_the_loop_takes_about_a_dozen_lines() -> None:
    lines = [line for cell in cells() for line in cell.splitlines() if line.strip()]
    assert len(lines) <= 18


@pytest.mark.parametrize("name", sorted(lk._NAMES))
def test_every_name_is_there(name: str) -> None:
    assert getattr(lk, name) is not None
    assert name in dir(lk)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'embed_all'"):
        lk.embed_all  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "[m for m in ('torch', 'numpy', 'napari') if m in sys.modules]"
    code = f"import sys, napari_lookalike.core; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.processes
@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(cells())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    first, verdict = done.stdout.strip().splitlines()
    assert first.startswith("m001-ce")
    assert "Balanced accuracy" in verdict
    assert (tmp_path / "project" / "project.json").is_file()
