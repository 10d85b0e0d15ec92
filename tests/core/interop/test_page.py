"""docs/interop.md is true of the registries."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_lookalike.core.interop.formats import EXPORTERS, IMPORTERS
from napari_lookalike.core.interop.page import BEGIN, END, markdown, updated

PAGE = Path(__file__).parents[3] / "docs" / "interop.md"


def test_the_tables_are_those_of_the_registries() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert updated(text) == text, "run napari_lookalike.core.interop.page.update on the page"


@pytest.mark.parametrize("kind", [*IMPORTERS.names(), *EXPORTERS.names()])
def test_every_kind_is_in_it(kind: str) -> None:
    assert f"| `{kind}` |" in markdown()


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="needs"):
        updated("nothing")
    assert updated(f"a {BEGIN} old {END} b").startswith(f"a {BEGIN}")
