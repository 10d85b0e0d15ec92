"""The report: true of the version, self-contained, readable, without patients."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from tests.project_fixtures import CLASSES, FIRST, SECOND, tiny_project

from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.hard_negatives import HardNegativeTable, PairMark
from napari_lookalike.core.model_report import build_model_report, html_page, save_model_report
from napari_lookalike.core.model_report.html import confusion_table, interval, number, table
from napari_lookalike.core.model_report.marks import marks_in_time
from napari_lookalike.core.model_report.plots import (
    interval_plot,
    margin_plot,
    reliability_plot,
    selective_plot,
)
from napari_lookalike.core.model_report.sentences import (
    calibration_sentence,
    centre_sentence,
    locked_sentence,
    p_sentence,
    shown,
)
from napari_lookalike.core.model_report.svg import Plot
from napari_lookalike.core.results import load_results, save_results


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tiny_project(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def report(project):
    return build_model_report(project, SECOND)


@pytest.fixture(scope="module")
def page(report):
    return html_page(report)


def test_the_report_says_what_the_metrics_say(project, report):
    metrics = load_results(project.version_dir(SECOND)).metrics
    assert report["figures"]["balanced_accuracy"] == metrics["balanced_accuracy"]
    assert report["confusion_matrix"] == metrics["confusion_matrix"]
    assert report["cohort"]["slides"] == 24
    assert report["cohort"]["patients"] == 12
    assert sum(c["slides"] for c in report["cohort"]["classes"].values()) == 24
    for c in report["cohort"]["classes"].values():
        assert sum(c["by_centre"].values()) == c["slides"]
    assert sum(f["slides"] for f in report["folds"]) == 24
    assert report["comparison"]["before"] == FIRST
    assert report["comparison"]["permutation"]["accuracy"]["p"] < 1
    json.dumps(report, allow_nan=False)


def test_no_patient_and_no_path_is_in_it(report, page):
    for text in (json.dumps(report), page):
        assert "PAT" not in text
        assert ".png" not in text
        assert "file0" not in text


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.loads = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href", "data", "action", "srcset")]


def test_the_page_needs_nothing_from_elsewhere(page):
    parser = Links()
    parser.feed(page)
    assert parser.loads == []
    assert not {"script", "link", "iframe", "img", "object"} & set(parser.tags)
    assert "url(" not in page and "@import" not in page
    without_names = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http://" not in without_names and "https://" not in without_names
    assert "default-src 'none'" in page


def test_the_drawings_are_well_formed_and_inside_their_frame(page):
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 4
    for text in drawings:
        root = ElementTree.fromstring(text)
        width, height = float(root.get("width")), float(root.get("height"))
        for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(circle.get("cx")) <= width
            assert 0 <= float(circle.get("cy")) <= height


def test_a_reader_finds_every_part(page):
    for words in (
        "not for diagnosis",
        "Synthetic slides",
        "In short",
        "Cohort",
        "What was left out",
        "Confusion matrix",
        "Reliability",
        "If only the surest slides were answered",
        "alpha – beta",
        "Silhouette",
        "Robustness index",
        f'<th scope="col">{FIRST}</th>',
        "Locked test set",
        "How the figures were made",
    ):
        assert words in page, words


def test_every_recall_is_told_with_its_number_of_slides(report, page):
    """In a table, where paper shows it too, and once more beside the start model's."""
    for name, recall in report["per_class_recall"].items():
        assert page.count(f"<td>Recall of {name} (n = {recall['n']})</td>") == 2


def test_a_reader_is_told_the_words(page):
    for words in ("How to read this page", "Held out:", "95 % interval:", "no certainty"):
        assert words in page
    assert not re.search(r"\b(lam|finetune_epochs)\b", page)  # settings in words


def test_folds_stand_beside_one_another_and_long_tables_do_not_widen_the_page(report, page):
    numbers = "".join(f'<th scope="col">fold {f["fold"]}</th>' for f in report["folds"])
    assert numbers in page
    assert page.count("<table>") == page.count('<div class="wide"><table>') > 5


def test_settings_that_a_loss_does_not_have_are_not_told(report):
    config = {"lam": 0.5, "tau": 0.1, "gamma": 8.0, "epochs": 30}
    told = {}
    for loss in ("ce", "supcon", "expert"):
        model = {**report["model"], "config": config, "loss": loss}
        text = html_page({**report, "model": model})
        told[loss] = [
            word for word in ("λ 0.5", "τ 0.1", "γ 8", "passes from scratch 30") if word in text
        ]
    assert told["ce"] == ["passes from scratch 30"]
    assert told["supcon"] == ["λ 0.5", "τ 0.1", "passes from scratch 30"]
    assert len(told["expert"]) == 4


def test_names_cannot_smuggle_anything_into_the_page(report):
    name = '<script>alert("x")</script>'
    text = json.dumps(report).replace("alpha", json.dumps(name)[1:-1])
    page = html_page(json.loads(text))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_both_files_are_written(report, tmp_path):
    save_model_report(tmp_path / "new" / "folder", report)
    assert json.loads((tmp_path / "new/folder/report.json").read_text()) == report
    assert (tmp_path / "new/folder/report.html").read_text().startswith("<!doctype html>")


def test_a_version_that_is_not_there_is_a_sentence(project):
    with pytest.raises(ModelError, match="no model version"):
        build_model_report(project, "m099-ce")


def test_a_version_of_before_is_reported_too(tmp_path):
    """Metrics without probabilities, MCC and marked pairs, as versions of before have them."""
    project = tiny_project(tmp_path)
    results = load_results(project.version_dir(FIRST))
    slides = {
        k: v for k, v in results.metrics["slides"].items() if k not in ("probabilities", "fold")
    }
    metrics = {k: v for k, v in results.metrics.items() if k != "mcc"} | {"slides": slides}
    save_results(
        project.version_dir("m009-ce"), replace(results, version="m009-ce", metrics=metrics)
    )
    new, old = (build_model_report(project, v) for v in (FIRST, "m009-ce"))
    assert old["figures"]["mcc"]["value"] == pytest.approx(new["figures"]["mcc"]["value"])
    assert old["measures"]["macro_auc"]["value"] == pytest.approx(
        new["measures"]["macro_auc"]["value"]
    )
    html_page(old)


# -- marks in time ---------------------------------------------------------------------

TRAINED = {
    "m001-ce": "2026-03-01T10:00:00+00:00",
    "m002-expert": "2026-03-03T10:00:00+00:00",
    "m003-expert": "2026-03-05T10:00:00+00:00",
    "old": "",
}


def subtype(time, **kw):
    return PairMark(level="subtype", subtype_a="A", subtype_b="B", time=time, **kw)


def test_a_mark_before_any_model_is_prior_knowledge():
    (mark,) = marks_in_time([subtype("2026-03-01T09:59:00+00:00")], TRAINED, "m003-expert")
    assert mark["models_before"] == []
    assert "before any model" in mark["sentence"]


def test_a_mark_after_a_confusion_matrix_is_said_to_be_so():
    (mark,) = marks_in_time([subtype("2026-03-04T00:00:00+01:00")], TRAINED, "m003-expert")
    assert mark["models_before"] == ["m001-ce", "m002-expert"]
    assert "after the confusion matrix of m001-ce, m002-expert" in mark["sentence"]
    assert "too good" in mark["sentence"]


def test_marks_of_after_the_training_and_retired_ones_do_not_count():
    rows = [subtype("2026-03-03T10:00:01+00:00"), subtype("2026-03-02", status="retired")]
    assert marks_in_time(rows, TRAINED, "m002-expert") == []


def test_a_mark_of_slides_is_left_out_where_it_would_leak():
    row = PairMark(slide_a="S1", slide_b="S2", time="2026-03-02T00:00:00+00:00")
    (mark,) = marks_in_time([row], TRAINED, "m002-expert")
    assert "S1 and S2 were marked after m001-ce" in mark["sentence"]
    assert "trained without this mark" in mark["sentence"]


def test_marks_of_the_table_are_in_the_report(tmp_path):
    project = tiny_project(tmp_path)
    table_ = HardNegativeTable(project.table_path)
    table_.add(PairMark(level="subtype", subtype_a="alpha", subtype_b="beta", expert="Dr Secret"))
    report = build_model_report(project, SECOND)
    assert len(report["marks"]["in_time"]) == 1
    assert "Dr Secret" not in json.dumps(report)


def test_marks_are_told_of_where_a_model_learnt_from_them(tmp_path):
    project = tiny_project(tmp_path)
    table_ = HardNegativeTable(project.table_path)
    table_.add(PairMark(level="subtype", subtype_a="alpha", subtype_b="beta", expert="Dr A"))
    results = load_results(project.version_dir(FIRST))
    card = {
        **results.card,
        "loss": "expert",
        "table_version": "1-other",
        "trained_at": "2099-01-01T00:00:00+00:00",
        "marks_left_out_by_fold": [{}, {"touches a test patient": 2}],
    }
    save_results(project.version_dir("m009-expert"), replace(results, card=card))
    page = html_page(build_model_report(project, "m009-expert"))
    assert "alpha and beta were marked as subtypes before any model" in page
    assert "The table has changed since" in page
    assert "<td>fold 2</td><td>touches a test patient</td>" in page
    assert "did not learn from marks" in html_page(build_model_report(project, SECOND))


# -- sentences and pieces --------------------------------------------------------------


def fig(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def calibration(confidence, accuracy, after=None):
    bins = [{"n": 10, "confidence": confidence, "accuracy": accuracy}, {"n": 0}]
    return {
        "before": {"reliability": bins, "ece": fig(abs(confidence - accuracy))},
        "after": after,
        "note": "Nothing was fitted.",
    }


def test_calibration_in_words():
    assert "too sure" in calibration_sentence(calibration(0.9, 0.6))
    assert "not sure enough" in calibration_sentence(calibration(0.5, 0.8))
    even = calibration_sentence(calibration(0.7, 0.7))
    assert "so it is" not in even
    assert "Nothing was fitted" in even
    assert "gives 0.05" in calibration_sentence(calibration(0.9, 0.6, {"ece": fig(0.05)}))


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (fig(0.8, 0.6, 0.9), "by subtype rather than by centre"),
        (fig(0.2, 0.1, 0.4), "beware"),
        (fig(0.5, 0.3, 0.7), "cannot be told"),
        (fig(None), "undefined"),
    ],
)
def test_centres_in_words(index, words):
    assert words in centre_sentence({"index": index, "n_centres": 2})


def test_the_test_set_in_words():
    there = {"there": True, "slides": 6, "patients": 3, "locked_at": "2026-01-02T03:04:05"}
    assert "no locked test set" in locked_sentence({"there": False})
    assert "never opened" in locked_sentence({**there, "opened": 0})
    assert "opened once" in locked_sentence({**there, "opened": 1})
    assert "one no longer" in locked_sentence({**there, "opened": 4})


def test_numbers_in_words():
    assert shown(None) == "undefined"
    assert shown(fig(0.5)) == "0.50"
    assert shown(fig(0.5, 0.4, 0.6)) == "0.50 (95 % interval 0.40 to 0.60)"
    assert number(-0.001) == "0.00"
    assert interval(fig(None)) == ("undefined", "–")
    assert p_sentence({"p": 0.0001, "kind": "drawn", "exchanges": 9999}).startswith("p < 0.001")
    assert p_sentence({"p": None}) == "undefined"


def test_tables_escape_and_shade():
    assert "&lt;b&gt;" in table(["<b>"], [["<b>", 1]])
    text = confusion_table(["A", "B"], [[3, 1], [0, 0]])
    assert "3 (75%)" in text and 'class="n own"' in text


def test_a_point_is_where_its_axes_say():
    plot = Plot("t", (0, 10), (0, 1), width=200, height=168, left=86)
    assert plot.at((0, 0)) == (86, 126)
    assert plot.at((10, 1)) == (186, 26)
    assert plot.at((5, 0.5)) == (136, 76)


def test_a_legend_lies_below_the_axis_in_as_many_rows_as_it_needs():
    plot = Plot("t", (0, 1), (0, 1), "x", width=200, height=168)
    plot.legend([("#111111", "one"), ("#222222", "another that is long"), ("#333333", "a third")])
    svg = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(plot.text())
    background, *squares = root.iter(f"{svg}rect")
    height = float(background.get("height"))
    assert height == float(root.get("height")) > 168
    rows = [float(r.get("y")) for r in squares]
    assert len(set(rows)) == 3
    assert all(168 <= y < height - 8 for y in rows)
    last = max(float(t.get("y")) for t in root.iter(f"{svg}text"))
    assert last < height


def test_drawings_of_nothing_are_drawings():
    none = {"reliability": [{"n": 0, "low": 0, "high": 1, "confidence": None, "accuracy": None}]}
    for text in (
        reliability_plot(none, None),
        selective_plot([]),
        margin_plot({}, []),
        interval_plot("t", [("a", fig(None), "#000")], (0, 1), "x"),
    ):
        ElementTree.fromstring(text)


def test_every_class_of_the_fixture_is_in_the_matrix(page):
    assert all(name in page for name in CLASSES)
