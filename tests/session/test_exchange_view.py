from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.interop.report import Fact, ImportReport, SlideReport
from napari_lookalike.core.results import ModelResults
from napari_lookalike.session.exchange_view import resolve_report, slides_to_ask
from napari_lookalike.session.session import Session
from napari_lookalike.session.stored_maps import limits

GUESS = Fact("tile edge on the slide", "512 level-0 px", "guessed", "From the distance.")
SURE = Fact("encoder", "uni2-h", "stated", "The file says so.")


def report(**rest: object) -> ImportReport:
    slides = (
        SlideReport("S1", tiles=1200, dim=4),
        SlideReport("S2", problem="It is damaged."),
        SlideReport("S3", tiles=5, warnings=("Only 3 % of the tiles lie on tissue.",)),
    )
    values = {"facts": (SURE, GUESS), "slides": slides, "absent": ("S4",), "unmatched": ("x", "y")}
    return ImportReport("clam", "CLAM", "features", "imported:x", **{**values, **rest})


def test_what_is_doubtful_stands_out() -> None:
    view = resolve_report(report())
    assert "tile edge on the slide" in view.doubts
    assert "S3: Only 3 %" in view.doubts
    assert "encoder" not in view.doubts
    assert [row.sure for row in view.facts] == ["the file says so", "guessed: please check"]


def test_slides_with_something_to_say_come_first() -> None:
    view = resolve_report(report())
    assert [row.slide_id for row in view.slides] == ["S2", "S3", "S1"]
    assert [row.state for row in view.slides] == ["left out", "ready", "ready"]


def test_the_summary_counts_and_names_no_file() -> None:
    view = resolve_report(report())
    assert view.summary == (
        "CLAM: 2 slides can be imported. 1 slide left out. Nothing was found for 1 slide. "
        "2 files belong to no slide of the project. Nothing was written yet."
    )
    assert view.button == "Import 2 slides"
    assert resolve_report(report(written=True)).button == ""


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([0.0, 0.4, 0.9], (0.0, 1.0)), ([float("nan"), 0.5], (0.0, 1.0))],
)
def test_probabilities_keep_their_meaning(values: list[float], wanted: tuple[float, float]) -> None:
    assert limits(np.asarray(values)) == wanted


def test_other_values_are_spread() -> None:
    low, high = limits(np.linspace(-3, 5, 101))
    assert low < 0
    assert high > 4


@pytest.mark.parametrize(
    ("encoder", "asked"), [("imported-x", {"S1"}), ("imported-y", set()), ("", set())]
)
def test_the_model_is_asked_about_slides_of_its_own_encoder(encoder: str, asked: set[str]) -> None:
    session = Session()
    session.results = ModelResults("m1", ("a", "b"), card={"encoder": encoder})
    slides = (SlideReport("S1", written=True), SlideReport("S2", problem="It is damaged."))
    assert slides_to_ask(session, report(slides=slides, written=True)) == asked
    session.results = None
    assert slides_to_ask(session, report(slides=slides, written=True)) == set()
