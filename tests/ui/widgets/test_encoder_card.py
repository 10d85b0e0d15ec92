"""What the card shows, and what comes of choosing a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qtpy.QtGui import QGuiApplication

from napari_lookalike.core.child import ChildFailed
from napari_lookalike.core.encoders import DEFAULT_ENCODER, weights
from napari_lookalike.core.encoders.bring import WeightReport, check_weights
from napari_lookalike.core.encoders.report import KeyReport
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.ui.widgets.encoder_card import CHECKING, EncoderCard

FITS = WeightReport("uni2-h", "UNI2-h", 10, "ab" * 32, KeyReport(fitting=9))
WRONG = WeightReport(
    "uni2-h", "UNI2-h", 10, "ab" * 32, KeyReport(missing=("blocks.0.norm1.weight",)), ("UNI",)
)


class FakeRunner:
    """Keeps what it is asked to run."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.cancelled: list[int] = []

    def run(self, function, *args, **options) -> int:
        self.asked.append({"function": function, "args": args, **options})
        return len(self.asked)

    def cancel(self, key: int) -> None:
        self.cancelled.append(key)


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "weights")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def card(qtbot, runner):
    widget = EncoderCard(runner)
    qtbot.addWidget(widget)
    widget.show()
    widget.show_encoder("uni2-h")
    return widget


def test_weights_that_are_missing_can_be_chosen_and_are_explained(card):
    assert "not on this computer" in card.status.text()
    assert card.file.isVisible() and card.folder.isVisible() and card.how.isVisible()
    assert "huggingface.co/MahmoodLab/UNI2-h" in card.steps.text()


def test_what_ships_needs_nothing(card):
    card.show_encoder(DEFAULT_ENCODER)
    assert "Ready" in card.status.text()
    assert not card.file.isVisible() and not card.how.isVisible()


def test_the_path_can_be_copied(card):
    card.copy.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == card.path.text() != ""


def test_a_file_that_fits_is_announced_once_it_is_compared(card, runner, qtbot):
    card.choose("/some/where.safetensors")
    (asked,) = runner.asked
    assert asked["function"] is check_weights
    assert asked["args"] == ("uni2-h", Path("/some/where.safetensors"))
    assert CHECKING in card.report.text()
    with qtbot.waitSignal(card.weights_chosen) as said:
        asked["on_result"](FITS)
    assert said.args == ["/some/where.safetensors"]
    assert "All 9 tensors" in card.report.text()


def test_a_wrong_file_is_explained_and_not_announced(card, runner, qtbot):
    card.choose("/some/where.safetensors")
    with qtbot.assertNotEmitted(card.weights_chosen):
        runner.asked[0]["on_result"](WRONG)
    assert "blocks.0.norm1.weight" in card.report.text().replace("\u200b", "")
    assert "file of UNI" in card.report.text()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EncoderError("It is damaged.", "Copy it again."), "Copy it again."),
        (ChildFailed("The job ended.", "details"), "The job ended."),
        (RuntimeError("/secret/path"), "RuntimeError"),
        (JobCancelled("stop"), ""),
    ],
)
def test_a_file_that_cannot_be_compared_is_told_of(card, runner, error, said):
    card.choose("/some/where.safetensors")
    runner.asked[0]["on_error"](error)
    assert said in card.report.text()
    assert "secret" not in card.report.text()
    assert bool(said) == card.report.isVisible()


def test_a_late_answer_for_another_encoder_is_dropped(card, runner, qtbot):
    card.choose("/some/where.safetensors")
    card.show_encoder("uni")
    assert runner.cancelled == [1]
    with qtbot.assertNotEmitted(card.weights_chosen):
        runner.asked[0]["on_result"](FITS)
        runner.asked[0]["on_error"](EncoderError("late"))
    assert card.report.text() == ""


def test_without_a_runner_the_choice_itself_is_announced(qtbot):
    widget = EncoderCard()
    qtbot.addWidget(widget)
    widget.show_encoder("timm:resnet18")
    with qtbot.waitSignal(widget.weights_chosen) as said:
        widget.choose("/a")
    assert said.args == ["/a"]


def test_long_names_do_not_make_the_card_wider(card):
    before = card.minimumSizeHint().width()
    names = tuple(f"blocks.{i}.attention.attention.query.projection.weight" for i in range(9))
    card.show_report(WeightReport("uni2-h", "UNI2-h", 1, "ab" * 32, KeyReport(missing=names)))
    assert card.minimumSizeHint().width() <= max(before, 260)


def test_text_from_files_is_not_taken_for_markup(card, runner):
    report = WeightReport("uni2-h", "UNI2-h", 1, "0", KeyReport(unexpected=("<b>bold</b>",)))
    card.show_report(report)
    assert "&lt;b&gt;" in card.report.text()
