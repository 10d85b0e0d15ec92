"""The page of encoders shows the catalogue as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_lookalike.core.encoders import ENCODERS, SLIDE_ENCODERS
from napari_lookalike.core.encoders.table import markers, tables, update_page
from napari_lookalike.core.errors import EncoderError

PAGE = Path(__file__).parents[3] / "docs" / "encoders.md"


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for title, table in tables().items():
        begin, end = markers(title)
        shown = page.split(begin)[1].split(end)[0]
        assert shown.strip() == table.strip(), (
            "run: napari-lookalike weights table --update docs/encoders.md"
        )


def test_every_encoder_has_a_line() -> None:
    tiles, slides = tables().values()
    assert tiles.count("\n") == len(ENCODERS) + 2
    assert slides.count("\n") == len(SLIDE_ENCODERS) + 2
    assert "1134.8 M (computed)" in tiles and "| 303.4 M |" in tiles


def test_a_page_is_filled_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "# Before\n"
    for title in tables():
        text += "{}old{}\nbetween\n".format(*markers(title))
    page.write_text(text)
    update_page(page)
    filled = page.read_text()
    assert "old" not in filled and filled.startswith("# Before\n") and "between" in filled
    update_page(page)
    assert page.read_text() == filled
    page.write_text("# No place")
    with pytest.raises(EncoderError, match="no place"):
        update_page(page)
