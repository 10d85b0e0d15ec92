"""Models on disk: what is read is what was written, or a sentence."""

from __future__ import annotations

import json
import pickletools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.mil_cohort import CONFIG, DIM, make_bags, marks, train_all

from napari_lookalike.core.checkpoints import CARD, TENSORS, check_features, load_model, save_model
from napari_lookalike.core.errors import ModelError
from napari_lookalike.core.features import Features
from napari_lookalike.core.model import MilModel
from napari_lookalike.core.predictor import predict
from napari_lookalike.core.tiles import TileGrid

BAGS = make_bags()


@pytest.fixture(scope="module")
def model() -> MilModel:
    start, _ = train_all(BAGS, replace(CONFIG, head="clam_mb", epochs=1))
    config = replace(CONFIG, head="clam_mb", loss="expert", finetune_epochs=1)
    return replace(train_all(BAGS, config, marks(), start)[0], extras={"note": "über"})


@pytest.fixture
def folder(model: MilModel, tmp_path: Path) -> Path:
    save_model(tmp_path / "models" / "m001", model)
    return tmp_path / "models" / "m001"


def test_what_is_read_is_what_was_written(model: MilModel, folder: Path) -> None:
    again = load_model(folder)
    for name in ("head", "head_arguments", "classes", "source", "config", "folds", "stage"):
        assert getattr(again, name) == getattr(model, name)
    for name in ("table_version", "seeds", "extras", "train_slide_ids"):
        assert getattr(again, name) == getattr(model, name)
    assert again.card() == model.card()
    np.testing.assert_array_equal(again.reference_distances, model.reference_distances)
    for bag in BAGS[:4]:
        for slide_id in (bag.slide_id, None):
            one, two = (predict(m, bag.instances, slide_id) for m in (model, again))
            np.testing.assert_array_equal(one.probabilities, two.probabilities)
            np.testing.assert_array_equal(one.embedding, two.embedding)
            assert (one.fold, one.distance, one.unlike) == (two.fold, two.distance, two.unlike)


def test_the_card_says_what_the_model_is_made_from(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    assert card["table_version"] == "table-7"
    assert card["source"] == {
        "encoder": "tiny-1",
        "dim": DIM,
        "tile_px": 224,
        "mpp": 0.5,
        "tile_mode": "mpp",
    }
    assert set(card["folds"]) == {b.slide_id for b in BAGS}
    assert not any(b.group in json.dumps(card) for b in BAGS)  # patients are not named


def test_nothing_is_pickled(folder: Path) -> None:
    assert {p.name for p in folder.iterdir()} == {TENSORS, CARD}
    with pytest.raises(ValueError, match="opcode"):
        list(pickletools.genops((folder / TENSORS).read_bytes()))


def test_saving_again_keeps_other_files_and_leaves_nothing_behind(
    model: MilModel, folder: Path
) -> None:
    (folder / "results.h5").write_bytes(b"x")
    save_model(folder, replace(model, table_version="table-8"))
    assert load_model(folder).table_version == "table-8"
    assert {p.name for p in folder.iterdir()} == {TENSORS, CARD, "results.h5"}
    assert [p.name for p in folder.parent.iterdir()] == ["m001"]


def test_a_failed_write_leaves_no_half_model(
    model: MilModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ModelError, match="No space left") as caught:
        save_model(tmp_path / "m001", model)
    assert caught.value.remedy
    assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def edit(**changes: Any) -> Any:
    def apply(folder: Path) -> None:
        card = json.loads((folder / CARD).read_text(encoding="utf-8")) | changes
        (folder / CARD).write_text(json.dumps(card), encoding="utf-8")

    return apply


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / TENSORS).unlink(), "no complete model"),
        (lambda f: (f / CARD).unlink(), "no complete model"),
        (lambda f: cut(f / TENSORS), "weights are damaged"),
        (lambda f: (f / TENSORS).write_bytes(b""), "weights are damaged"),
        (lambda f: cut(f / CARD), "card is damaged"),
        (lambda f: (f / CARD).write_bytes(b"\xff\xfe"), "card is damaged"),
        (lambda f: (f / CARD).write_text("[]", encoding="utf-8"), "not a model's"),
        (edit(format="something"), "not a model's"),
        (edit(schema=99), "newer version"),
        (edit(source={}), "card is damaged"),
        (edit(folds=3), "card is damaged"),
        (edit(train_slides={}), "card is damaged"),
    ],
)
def test_damaged_models_end_in_a_sentence(folder: Path, damage: Any, says: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=says) as caught:
        load_model(folder)
    assert caught.value.remedy
    assert str(folder) not in str(caught.value)


def test_weights_of_another_head_are_refused_when_asked(folder: Path) -> None:
    edit(head="abmil")(folder)
    with pytest.raises(ModelError, match=r"arguments|do not fit"):
        predict(load_model(folder), BAGS[0].instances)


def test_settings_of_other_versions_do_not_matter(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    del card["config"]["clip"]
    card["config"]["from_the_future"] = 1
    edit(config=card["config"])(folder)
    assert load_model(folder).config.clip == CONFIG.clip


def features(
    encoder: str = "tiny-1", tile_px: int = 224, mpp: float | None = 0.5, dim: int = DIM
) -> Features:
    grid = TileGrid(
        np.zeros((2, 2), np.int32),
        (1, 2),
        (0.0, 0.0),
        (224.0, 224.0),
        (224.0, 224.0),
        tile_px,
        mpp,
        (448, 224),
    )
    return Features("s1", "f" * 16, np.zeros((2, dim), np.float32), grid, encoder)


def test_features_that_fit_pass(model: MilModel) -> None:
    check_features(model, features())
    check_features(model, features(mpp=0.50001))


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (features(encoder="other-2"), "encoder"),
        (features(mpp=0.25), "mpp"),
        (features(mpp=None), "tile mode"),
        (features(tile_px=256), "tile size"),
        (features(dim=DIM + 1), "instance length"),
    ],
)
def test_features_that_differ_are_refused_by_name(
    model: MilModel, wrong: Features, names: str
) -> None:
    with pytest.raises(ModelError, match=names) as caught:
        check_features(model, wrong)
    assert caught.value.slide == "s1"
    assert caught.value.remedy
