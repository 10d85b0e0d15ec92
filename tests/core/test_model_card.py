"""The card beside a checkpoint: figures with intervals, licence, limits, no patients."""

import json

import pytest
from tests.core.mil_cohort import CONFIG, make_bags, train_all

from napari_lookalike.core.encoders.catalog import ENCODERS
from napari_lookalike.core.evaluation import evaluate
from napari_lookalike.core.model_card import encoder_facts, limits, markdown, model_card, write_card


@pytest.fixture(scope="module")
def trained():
    model, cv = train_all(make_bags(), CONFIG)
    return model, evaluate(cv, [("a", "b")])


@pytest.mark.parametrize(
    ("identity", "title", "inherited"),
    [
        ("uni2-h-w0123456789ab-r012345", "UNI2-h", True),
        ("uni-w0123456789ab-r012345", "UNI", True),
        ("imported-uni2-h", "UNI2-h", True),
        ("virchow2-w0123456789ab-r012345", "Virchow2", False),
        ("histology-descriptor-v1", ENCODERS.get("histology-descriptor").title, False),
        ("tiny-1", "tiny-1", None),
        ("unicorn-w0123456789ab", "unicorn-w0123456789ab", None),
    ],
)
def test_the_licence_follows_from_the_encoder(identity, title, inherited):
    facts = encoder_facts(identity)
    assert (facts["title"], facts["inherited"]) == (title, inherited)
    assert facts["licence"] and facts["terms"]
    assert ("inherits" in facts["terms"] and "ask" not in facts["terms"]) == bool(inherited)


def test_a_card_says_what_was_done_and_how_well(trained):
    model, metrics = trained
    card = model_card(model, metrics)
    json.dumps(card, allow_nan=False)
    assert card["research_use_only"] is True
    assert card["data"]["slides"] == 15
    assert card["data"]["patients"] == 8
    assert card["data"]["classes"] == {"a": 6, "b": 4, "c": 5}
    assert card["folds"] == 3
    assert card["metrics"]["balanced_accuracy"] == metrics["balanced_accuracy"]
    assert card["model"]["temperature"] is None  # cross-entropy has none


def test_the_card_for_a_person(trained, tmp_path):
    model, metrics = trained
    text = markdown(model_card(model, metrics))
    value = metrics["balanced_accuracy"]
    row = (
        f"| Balanced accuracy | {value['value']:.3f} | {value['low']:.3f} to {value['high']:.3f} |"
    )
    assert row in text
    assert "not for diagnosis" in text
    assert "Confusion of a and b" in text
    assert "p0-0" not in text  # no patient
    write_card(tmp_path, model_card(model, metrics))
    assert json.loads((tmp_path / "model_card.json").read_text())["folds"] == 3
    assert (tmp_path / "model_card.md").read_text() == text


def test_small_classes_are_a_limit(trained):
    model, metrics = trained
    assert any("Fewer than 10 slides: a, b, c" in sentence for sentence in limits(model, metrics))
