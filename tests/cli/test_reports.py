"""``doctor`` and ``bench``: what they say, whatever they found."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cli.conftest import Cli

from napari_lookalike.cli import doctor as doctor_module
from napari_lookalike.core.bench import BENCHES, BenchReport, NotMeasured, Row


def test_doctor_as_json(cli: Cli) -> None:
    ran = cli("doctor", "--json")
    report = ran.json
    assert ran.code == (0 if report["ok"] else 1)
    assert {"name", "found", "ok", "remedy"} <= set(report["checks"][0])
    names = [encoder["name"] for encoder in report["encoders"]]
    assert "histology-descriptor" in names
    assert all(encoder["licence"] for encoder in report["encoders"])
    # What is wrong comes with what to do about it.
    assert all(check["ok"] or check["remedy"] for check in report["checks"])


def test_doctor_for_a_person(cli: Cli) -> None:
    ran = cli("doctor")
    assert "histology-descriptor" in ran.out
    assert ("Everything that is needed is here" in ran.out) == (ran.code == 0)


def test_doctor_ends_with_1_if_something_is_missing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = doctor_module.doctor_report()
    check = type(report.checks[0])("a library", "nothing", False, "Install it.")
    spoilt = type(report)((check,), report.encoders)
    monkeypatch.setattr(doctor_module, "doctor_report", lambda: spoilt)
    ran = cli("doctor")
    assert ran.code == 1
    assert "Install it." in ran.out
    assert "Something is missing" in ran.out


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A bench that measures nothing, in place of the one of the encoders."""
    seen: dict[str, Any] = {}

    def measure(**options: Any) -> BenchReport:
        seen.update(options)
        rows = (
            Row.of("speed", 100.0, "tiles/s", target=200.0),
            Row.of("peer", 50.0, "tiles/s"),
        )
        return BenchReport(rows, (NotMeasured("accuracy", "the data are not here"),))

    monkeypatch.setattr(BENCHES, "get", lambda name: measure)
    return seen


def test_bench_as_json(cli: Cli, bench: dict[str, Any]) -> None:
    ran = cli("bench", "encoder", "--quick", "--json")
    assert ran.code == 0
    report = ran.json
    assert set(report) == {"rows", "not_measured", "environment"}
    assert report["rows"][0] == {
        "name": "speed",
        "value": 100.0,
        "target": 200.0,
        "unit": "tiles/s",
        "met": False,
    }
    assert report["rows"][1]["target"] is None
    assert report["rows"][1]["met"] is True
    assert report["not_measured"] == [{"name": "accuracy", "reason": "the data are not here"}]
    assert bench["quick"] is True


def test_bench_for_a_person(cli: Cli, bench: dict[str, Any]) -> None:
    ran = cli("bench", "encoder")
    assert ran.code == 0
    assert "NO" in ran.out
    assert "Not measured: accuracy" in ran.out


def test_an_unknown_bench_names_the_known_ones(cli: Cli) -> None:
    assert "encoder" in cli("bench", "nope").told
