"""Two models side by side; and what the session layer may import."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from tests.project_fixtures import FIRST, SECOND

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.results import load_results
from napari_lookalike.session.resolve import resolve_comparison

MARK = PairMark(1, "slide", "S01", "S05", "beta", "alpha")


@pytest.fixture
def before(tiny):
    return load_results(tiny.version_dir(FIRST))


@pytest.fixture
def after(tiny):
    return load_results(tiny.version_dir(SECOND))


def words(found):
    return {c.row.name: c.word for c in found}


def test_the_marked_pair_first_and_better(before, after) -> None:
    found = resolve_comparison(before, after, [MARK])
    assert found[0].row.name == "alpha / beta: confused"
    assert (found[0].row.before, found[0].row.after) == ("38 %", "0 %")
    assert words(found)["alpha / beta: confused"] == "better"
    assert len(found) == 2 + 1 + 6


def test_the_other_way_round_it_is_worse(before, after) -> None:
    assert words(resolve_comparison(after, before, [MARK]))["alpha / beta: confused"] == "worse"


def test_a_model_against_itself_is_unclear(before) -> None:
    same = replace(before, version="copy")
    assert set(words(resolve_comparison(before, same, [MARK])).values()) == {"unclear"}


def test_the_same_pair_marked_twice_is_compared_once(before, after) -> None:
    turned = replace(MARK, id=2, subtype_a="alpha", subtype_b="beta")
    retired = replace(MARK, id=3, subtype_b="zeta", status="retired")
    found = resolve_comparison(before, after, [MARK, turned, retired])
    assert found == resolve_comparison(before, after, [MARK])


def test_nothing_to_compare(before, after) -> None:
    assert resolve_comparison(None, after) == ()
    assert resolve_comparison(before, None) == ()
    assert resolve_comparison(replace(before, metrics={}), after) == ()


def test_the_windows_layers_load_neither_torch_nor_a_window() -> None:
    code = (
        "import sys, napari_lookalike.session.resolve, napari_lookalike.session.opening, "
        "napari_lookalike.session.commands, napari_lookalike.session.marks\n"
        "bad = {'torch', 'timm', 'napari', 'qtpy', 'umap'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(bad)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
