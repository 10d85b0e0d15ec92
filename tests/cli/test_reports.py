"""``doctor`` and ``bench``: what they say, whatever they found."""

from __future__ import annotations

from pathlib import Path
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


def test_bench_view_passes_on_what_was_asked(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, pyramid_slide: Path
) -> None:
    seen: list[Any] = []

    def measure(slides: list[Path], **options: Any) -> BenchReport:
        seen.append((slides, options["peer"], options["runs"], options["quick"]))
        rows = [Row.of("latency", 0.1, "", 0.2, "at most").among(0.05, 0.3, "ours 1 ms")]
        return BenchReport((*rows, Row.of("other", 1.0)))

    monkeypatch.setattr("napari_lookalike.ui.bench.view.bench_view", measure)
    words = ["bench", "view", "--slide", pyramid_slide, "--slide", pyramid_slide]
    row = cli(*words, "--peer", "other", "--json").json["rows"][0]
    assert (row["low"], row["high"], row["beside"]) == (0.05, 0.3, "ours 1 ms")
    shown = cli("bench", "view", "--quick").out
    assert "0.05 to 0.3" in shown and "ours 1 ms" in shown
    cli("bench", "view", "--quick", "--runs", 2)
    pair = [pyramid_slide] * 2
    assert seen == [
        (pair, "other", 3, False),
        ([], "napari-wsi", 1, True),
        ([], "napari-wsi", 2, True),
    ]


def test_options_of_the_view_are_refused_elsewhere(cli: Cli) -> None:
    ran = cli("bench", "encoder", "--runs", 2)
    assert ran.code == 2
    assert "--runs" in ran.told
    assert "encoder" in cli("bench", "nope").told
    assert "view" in cli("bench", "nope").told


def test_a_missing_peer_is_a_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *a: None)
    ran = cli("bench", "view", "--quick")
    assert ran.code == 1
    assert "napari-lookalike[bench]" in ran.err


def test_bench_mil_takes_one_file_and_heads(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Any] = []

    def measure(**options: Any) -> BenchReport:
        seen.append((options["data"], options["heads"]))
        return BenchReport((Row.of("Fox, abmil: accuracy, held out", 0.6),))

    monkeypatch.setattr("napari_lookalike.core.bench.mil.bench_mil", measure)
    file = tmp_path / "Fox.npz"
    file.touch()
    assert "Fox" in cli("bench", "mil", "--data", file).out
    cli("bench", "mil", "--head", "dsmil", "--head", "mean")
    assert seen == [(file, ("abmil", "abmil-plain")), (None, ("dsmil", "mean"))]
    for words in (["--data", file], ["--head", "mean"]):
        ran = cli("bench", "encoder", *words)
        assert ran.code == 2
        assert "--head" in ran.told


def test_bench_twin_is_run_and_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def measure(*, quick: bool, job: Any) -> BenchReport:
        seen.append(quick)
        return BenchReport((Row.of("linked step", 1.1, "", 1.25, "at most"),))

    monkeypatch.setattr("napari_lookalike.ui.bench.twin.bench_twin", measure)
    assert cli("bench", "twin", "--quick", "--json").json["rows"][0]["met"] is True
    assert "linked step" in cli("bench", "twin").out
    assert seen == [True, False]
