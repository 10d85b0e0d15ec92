"""Settings that come from a script or a file, where no form and no option has checked them."""

from dataclasses import replace

import pytest

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.config_check import check_config
from napari_lookalike.core.errors import ProjectError, TrainingError
from napari_lookalike.core.pipeline.ablate import ablate_project
from napari_lookalike.core.pipeline.train import train_project

NAN = float("nan")


def test_the_defaults_and_every_loss_are_fine():
    for loss in ("ce", "supcon", "expert"):
        check_config(TrainConfig(loss=loss))


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("loss", "Expert", "ce, supcon, expert"),
        ("precision", "fp16", "single, half"),
        ("schedule", "linear", "cosine, constant"),
        ("marks_rule", "most", "max"),
        ("tau", 0.0, "above 0"),
        ("tau", NAN, "above 0"),
        ("lr", float("inf"), "above 0"),
        ("lam", -0.1, "from 0 on"),
        ("lam", NAN, "from 0 on"),
        ("gamma", 0.5, "from 1 on"),
        ("folds", 1, "from 2 on"),
        ("epochs", 0, "from 1 on"),
        ("finetune_epochs", 0, "from 1 on"),
        ("max_instances", -1, "from 0 on"),
        ("mixup", -1.0, "from 0 on"),
        ("memory", -3, "from 0 on"),
        ("patience", -2, "from 0 on"),
        ("dropout", 1.0, "below 1"),
        ("validation_share", 1.0, "below 1"),
    ],
)
def test_what_no_training_can_mean_is_refused_by_its_name(name, value, remedy):
    with pytest.raises(TrainingError) as refused:
        check_config(replace(TrainConfig(), **{name: value}))
    assert f"The setting {name} " in refused.value.what
    assert remedy in refused.value.remedy


def test_a_training_and_an_ablation_ask_first(tmp_path):
    """Before the project is opened, let alone a version written: there is none here."""
    wrong = TrainConfig(loss="suppcon")
    with pytest.raises(TrainingError, match="setting loss"):
        train_project(tmp_path, wrong)
    with pytest.raises(TrainingError, match="setting loss"):
        ablate_project(tmp_path, wrong)
    with pytest.raises(ProjectError):
        train_project(tmp_path, TrainConfig())
