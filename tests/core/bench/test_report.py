"""The report: a target decides, nothing is hidden, nobody is named."""

from __future__ import annotations

import getpass
import json
import platform

import pytest

from napari_lookalike.core.bench import BENCHES, BenchReport, NotMeasured, Row
from napari_lookalike.core.errors import LookalikeError


@pytest.mark.parametrize(
    ("value", "target", "sense", "met"),
    [
        (1.0, None, "at least", True),
        (1.0, 1.0, "at least", True),
        (0.9, 1.0, "at least", False),
        (0.9, 1.0, "at most", True),
        (1.1, 1.0, "at most", False),
        (float("nan"), 1.0, "at least", False),
        (float("nan"), 1.0, "at most", False),
    ],
)
def test_a_row_meets_its_target_or_not(
    value: float, target: float | None, sense: str, met: bool
) -> None:
    row = Row.of("figure", value, "s", target, sense)  # type: ignore[arg-type]
    assert row.met is met
    assert BenchReport((Row.of("other", 1.0), row)).met is met


def test_the_json_has_exactly_the_promised_shape() -> None:
    report = BenchReport((Row.of("a", 2, "s", 3.0),), (NotMeasured("b", "no data"),))
    data = json.loads(json.dumps(report.to_json()))
    environment = data.pop("environment")
    assert data == {
        "rows": [{"name": "a", "value": 2.0, "target": 3.0, "unit": "s", "met": False}],
        "not_measured": [{"name": "b", "reason": "no data"}],
    }
    assert environment["cores"] >= 1 and environment["packages"]["numpy"]


def test_the_environment_names_neither_host_nor_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "pathology-ward-7")
    monkeypatch.setattr(getpass, "getuser", lambda: "dr-somebody")
    text = json.dumps(BenchReport(()).to_json())
    assert "pathology-ward-7" not in text and "dr-somebody" not in text


def test_an_unknown_bench_is_an_error_that_names_those_known() -> None:
    assert "encoder" in BENCHES
    with pytest.raises(LookalikeError, match="encoder"):
        BENCHES.get("encodr")
