"""Results on disk: what was written comes back, what is damaged is refused."""

import json

import h5py
import numpy as np
import pytest

from napari_lookalike.core.errors import ModelError, ProjectError
from napari_lookalike.core.results import (
    METRICS_FILE,
    RESULTS_FILE,
    ModelResults,
    SlideResult,
    load_results,
    save_results,
)


def slide(slide_id, tiles, seed, **kw):
    rng = np.random.default_rng(seed)
    return SlideResult(
        slide_id,
        rng.random(3).astype(np.float32),
        rng.normal(size=8).astype(np.float32),
        rng.normal(size=(2, tiles)).astype(np.float32),
        **{"held_out": True, "fold": 1, "unlike": 0.25, **kw},
    )


def results(*slides):
    return ModelResults(
        "m001-ce",
        ("MB-like", "AT/RT-like", "Ependymom µ"),
        {s.slide_id: s for s in slides},
        {"accuracy": {"value": 0.5, "low": None, "high": None}},
        {"head": "abmil", "notes": ["a"]},
    )


FULL = results(
    slide("S/2", 5, 0), slide("S1", 1, 1, held_out=False, fold=-1, unlike=1.0), slide("empty", 0, 2)
)


@pytest.mark.parametrize("value", [FULL, results()])
def test_what_is_saved_comes_back(tmp_path, value):
    save_results(tmp_path / "m001-ce", value)
    found = load_results(tmp_path / "m001-ce")
    assert (found.version, found.classes) == (value.version, value.classes)
    assert (found.metrics, found.card) == (value.metrics, value.card)
    assert list(found.slides) == list(value.slides)
    for name, s in value.slides.items():
        f = found.slides[name]
        for field in ("probabilities", "embedding", "attention_logits"):
            assert getattr(f, field).dtype == np.float32
            np.testing.assert_array_equal(getattr(f, field), getattr(s, field))
        assert (f.slide_id, f.held_out, f.fold, f.unlike) == (
            s.slide_id,
            s.held_out,
            s.fold,
            s.unlike,
        )
    assert sorted(p.name for p in (tmp_path / "m001-ce").iterdir()) == [METRICS_FILE, RESULTS_FILE]


def test_nothing_there_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="no results"):
        load_results(tmp_path)


def test_damage_anywhere_is_refused(tmp_path):
    save_results(tmp_path, FULL)
    good = (tmp_path / RESULTS_FILE).read_bytes()
    for size in (0, 100, len(good) // 2, len(good) - 1):
        (tmp_path / RESULTS_FILE).write_bytes(good[:size])
        with pytest.raises(ModelError, match="damaged") as caught:
            load_results(tmp_path)
        assert str(tmp_path) not in str(caught.value)
    (tmp_path / RESULTS_FILE).write_bytes(good)
    with h5py.File(tmp_path / RESULTS_FILE, "r") as file:
        at = file["probabilities"].id.get_chunk_info(0).byte_offset
    flipped = bytearray(good)
    flipped[at] ^= 1
    (tmp_path / RESULTS_FILE).write_bytes(flipped)
    with pytest.raises(ModelError, match="damaged"):
        load_results(tmp_path)


def test_missing_parts_are_refused(tmp_path):
    save_results(tmp_path, FULL)
    with h5py.File(tmp_path / RESULTS_FILE, "a") as file:
        del file["fold"]
    with pytest.raises(ModelError, match="damaged"):
        load_results(tmp_path)
    save_results(tmp_path, FULL)
    (tmp_path / METRICS_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="damaged"):
        load_results(tmp_path)


def test_a_newer_file_says_update(tmp_path):
    save_results(tmp_path, FULL)
    with h5py.File(tmp_path / RESULTS_FILE, "a") as file:
        file.attrs["schema"] = 99
    with pytest.raises(ModelError, match="newer version"):
        load_results(tmp_path)


def test_a_failed_write_leaves_the_former_results(tmp_path, monkeypatch):
    save_results(tmp_path, FULL)

    def full_disk(*args, **kw):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full_disk)
    with pytest.raises(ProjectError, match="No space"):
        save_results(tmp_path, results(slide("S9", 2, 3)))
    monkeypatch.undo()
    assert list(load_results(tmp_path).slides) == list(FULL.slides)
    assert len(list(tmp_path.iterdir())) == 2


def test_metrics_are_json_that_others_read(tmp_path):
    save_results(tmp_path, FULL)
    assert json.loads((tmp_path / METRICS_FILE).read_text("utf-8")) == FULL.metrics
    with pytest.raises(ValueError, match="JSON"):
        save_results(tmp_path, ModelResults("v", ("A",), {}, {"x": float("nan")}))


def test_unlike_is_said_above_99_percent():
    assert slide("a", 1, 0, unlike=0.995).is_unlike
    assert not slide("a", 1, 0, unlike=0.99).is_unlike


def test_ranking_is_most_probable_first():
    s = SlideResult("a", np.array([0.2, 0.5, 0.3], np.float32), np.zeros(2), np.zeros((1, 1)), True)
    assert s.ranking.tolist() == [1, 2, 0]
