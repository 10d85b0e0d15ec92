"""The tables of the page of encoders, made from the catalogues."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_lookalike.core.encoders.availability import expected_size
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.catalog import ENCODERS
from napari_lookalike.core.encoders.slide_encoders import SLIDE_ENCODERS, SlideEncoderSpec
from napari_lookalike.core.encoders.weights import wanted_names
from napari_lookalike.core.errors import EncoderError

TILES, SLIDES = "tile encoders", "slide encoders"
_COLUMNS = ("name", "built by", "numbers", "tiles", "parameters", "weights", "licence", "gate")
_SLIDE_COLUMNS = ("name", "takes", "numbers", "built by", "weights", "licence", "gate")
_POOLED = {"cls": "class token", "mean": "mean token", "cls+mean": "class token and mean"}


def tables() -> dict[str, str]:
    """Title -> Markdown table: one of the tile encoders, one of the slide encoders."""
    return {
        TILES: _markdown(_COLUMNS, [_row(entry.item) for entry in ENCODERS]),
        SLIDES: _markdown(_SLIDE_COLUMNS, [_slide_row(entry.item) for entry in SLIDE_ENCODERS]),
    }


def update_page(path: Path) -> None:
    """Write the tables between the markers of a page.

    Raises
    ------
    EncoderError
        If the page lacks the markers.
    """
    page = path.read_text(encoding="utf-8")
    for title, table in tables().items():
        begin, end = markers(title)
        if begin not in page or end not in page:
            raise EncoderError(f"The page has no place for the {title}.", f"Put in {begin} {end}")
        before, rest = page.split(begin)
        after = rest.split(end)[1]
        page = f"{before}{begin}\n\n{table}\n{end}{after}"
    path.write_text(page, encoding="utf-8")


def markers(title: str) -> tuple[str, str]:
    """The comments between which a table stands."""
    return f"<!-- {title}: begin -->", f"<!-- {title}: end -->"


def _row(spec: EncoderSpec) -> tuple[str, ...]:
    return (
        f"`{spec.name}`",
        spec.loader,
        _numbers(spec),
        _tiles(spec),
        _parameters(spec),
        _weights(spec),
        spec.licence + ("; binds trained heads" if spec.derived_heads else ""),
        "yes" if spec.gated else "no",
    )


def _slide_row(spec: SlideEncoderSpec) -> tuple[str, ...]:
    return (
        f"`{spec.name}`",
        ", ".join(f"`{name}`" for name in spec.takes) or "any",
        str(spec.dim) if spec.dim else "as the tiles",
        spec.loader,
        _weights(spec.file_row()),
        spec.licence + ("; binds trained heads" if spec.derived_heads else ""),
        "yes" if spec.gated else "no",
    )


def _numbers(spec: EncoderSpec) -> str:
    pooled = _POOLED.get(spec.pooling)
    return f"{spec.dim} ({pooled})" if pooled else str(spec.dim)


def _tiles(spec: EncoderSpec) -> str:
    shown = f"{spec.tile_px} px"
    if spec.resized_px != spec.tile_px:
        shown += f", resized to {spec.resized_px}"
    if spec.network_px != spec.resized_px:
        shown += f", centre of {spec.network_px}"
    return f"{shown}; {spec.mpp:g} µm"


def _parameters(spec: EncoderSpec) -> str:
    if not spec.parameters:
        return ""
    counted = " (computed)" if spec.parameters_from == "computed" else ""
    return f"{spec.parameters:g} M{counted}"


def _weights(spec: EncoderSpec) -> str:
    if spec.loader == "builtin":
        return "none needed"
    where = spec.hub_id or "see `doctor`"
    if spec.loader == "import":
        return f"{where}: features are imported"
    size = expected_size(spec)
    return f"{where}: {wanted_names(spec)}{f', {size}' if size else ''}"


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cell for cell in line)} |\n" for line in lines)
