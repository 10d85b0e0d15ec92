"""One slide with a store: gone on with, stopped early, fitted to the slide."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.core.embed.test_slide import SETTINGS, painted
from tests.core.mean_colour import MeanColour

from napari_lookalike.core.embed import Timing, embed_slide, part_writer
from napari_lookalike.core.embed.partial import coverage, partial_features
from napari_lookalike.core.embed.parts import PartStore, parts_folder, read_plan, seed
from napari_lookalike.core.embed.prepare import prepared_again, spread_sample
from napari_lookalike.core.embed.stopping import ask_to_stop, forget_to_stop, stop_is_wanted
from napari_lookalike.core.embed.timing import Rate, duration
from napari_lookalike.core.features import load_features
from napari_lookalike.core.progress import Job, JobCancelled


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_writer, "EVERY_S", 0.0)


def whole() -> np.ndarray:
    return embed_slide(painted(), "S1", MeanColour(), tissue=SETTINGS).instances


@pytest.mark.usefixtures("often")
def test_cancelled_and_gone_on_with_nothing_is_done_twice(tmp_path: Path) -> None:
    job, encoder = Job(), MeanColour()

    def on_part(share: float) -> None:
        if share > 0.3:
            job.cancel()

    with pytest.raises(JobCancelled):
        embed_slide(painted(), "S1", encoder, tissue=SETTINGS, store=tmp_path, on_part=on_part,
                    job=job)  # fmt: skip
    plan = read_plan(tmp_path)
    assert plan is not None
    done = PartStore(tmp_path, plan).done
    assert sum(encoder.batches) == done >= 0.3 * len(plan.grid)  # all that was encoded is there
    told: list[float] = []
    features = embed_slide(
        painted(), "S1", encoder, tissue=SETTINGS, store=tmp_path, on_part=told.append
    )
    assert sum(encoder.batches) == len(features) and features.coverage == 1
    np.testing.assert_array_equal(features.instances, whole())
    assert told == sorted(told) and told[-1] == 1


def test_the_first_part_comes_early(tmp_path: Path) -> None:
    told: list[float] = []
    timing = Timing()
    embed_slide(painted(), "S1", MeanColour(), tissue=SETTINGS, store=tmp_path, batch=2,
                on_part=told.append, timing=timing)  # fmt: skip
    assert told[0] <= 0.05 and len(told) >= 8
    assert 0 < timing.first_part_s < timing.seconds + 60 and timing.writing > 0


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("store", [True, False])
def test_stopped_at_a_share_the_features_say_so(tmp_path: Path, store: bool) -> None:
    folder = tmp_path if store else None
    early = embed_slide(
        painted(), "S1", MeanColour(), tissue=SETTINGS, store=folder, stop_at=0.25, batch=4
    )
    n = len(whole())
    assert early.coverage == pytest.approx(len(early) / n) and 0.25 <= early.coverage < 0.3
    spread = np.ptp(early.grid.cells, axis=0) / np.ptp(
        embed_slide(painted(), "S1", MeanColour(), tissue=SETTINGS).grid.cells, axis=0
    )
    assert (spread > 0.8).all()


@pytest.mark.usefixtures("often")
def test_asked_to_stop_from_outside_then_completed(tmp_path: Path) -> None:
    path, encoder = tmp_path / "S1.h5", MeanColour()
    assert not ask_to_stop(path)  # nobody embeds it

    def on_part(share: float) -> None:
        if 0.2 < share < 0.5:
            assert ask_to_stop(path)

    embed_slide(painted(), "S1", encoder, tissue=SETTINGS, store=parts_folder(path),
                on_part=on_part)  # fmt: skip
    plan = read_plan(parts_folder(path))
    assert plan is not None and stop_is_wanted(parts_folder(path))
    store = PartStore(parts_folder(path), plan)
    store.finish(path, partial=True)
    early = load_features(path)
    assert 0.2 < early.coverage < 0.9 and coverage(path) == pytest.approx(early.coverage)
    assert len(partial_features(path) or ()) == len(early)

    store = PartStore(parts_folder(path), plan)
    seed(store, path)
    assert store.done == len(early)
    forget_to_stop(parts_folder(path))
    features = embed_slide(
        painted(), "S1", encoder, tissue=SETTINGS, store=parts_folder(path), on_part=on_part
    )
    forget_to_stop(parts_folder(path))
    assert sum(encoder.batches) <= len(whole())
    np.testing.assert_array_equal(
        features.instances[:5], whole()[np.flatnonzero(store._have)[:5]]
    ) if features.coverage < 1 else np.testing.assert_array_equal(features.instances, whole())


def test_other_features_are_no_seed(tmp_path: Path) -> None:
    path = tmp_path / "S1.h5"
    embed_slide(painted(), "S1", MeanColour(), tissue=SETTINGS, store=parts_folder(path),
                stop_at=0.3)  # fmt: skip
    plan = read_plan(parts_folder(path))
    assert plan is not None
    PartStore(parts_folder(path), plan).finish(path, partial=True)
    other = embed_slide(painted(), "S1", MeanColour(), store=tmp_path / "other", stop_at=0.1)
    plan = read_plan(tmp_path / "other")
    assert plan is not None and other.tissue != json.dumps({})
    store = PartStore(tmp_path / "other", plan)
    before = store.done
    seed(store, path)
    assert store.done == before


class Fitted(MeanColour):
    """Takes the slide's own mean away."""

    mean = 0.0

    def for_slide(self, sample: np.ndarray) -> Fitted:
        fitted = Fitted()
        fitted.mean = float(sample.mean())
        return fitted

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        return super().encode(tiles) - np.float32(self.mean)


def test_an_encoder_is_fitted_to_the_slide_and_the_same_again(tmp_path: Path) -> None:
    features = embed_slide(painted(), "S1", Fitted(), tissue=SETTINGS, store=tmp_path)
    plain = whole()
    means = (plain - features.instances)[:, 0]
    assert np.ptp(means) < 1e-3 and means[0] > 50
    plan = read_plan(tmp_path)
    assert plan is not None
    again = prepared_again(plan, painted(), Fitted())
    assert isinstance(again.encoder, Fitted) and again.encoder.mean == pytest.approx(means[0])
    sample = spread_sample(plan.grid)
    assert len(sample) <= 64 and len(set(sample.tolist())) == len(sample)


def test_stains_are_normalised_and_the_features_say_how(tmp_path: Path) -> None:
    features = embed_slide(
        painted(), "S1", MeanColour(), tissue=SETTINGS, stain="reinhard", store=tmp_path
    )
    assert features.encoder == "mean-colour-1-stain-reinhard2"
    said = json.loads(features.stain)
    assert said["asked"] == "reinhard"
    changed = np.abs(features.instances - whole()).max()
    assert (changed > 1) == (said["method"] == "reinhard")
    encoder = MeanColour()
    embed_slide(painted(), "S1", encoder, tissue=SETTINGS, stain="reinhard", store=tmp_path)
    assert not encoder.batches  # the fit of then is taken, so the plan is the same


def test_rates_and_times_for_a_person() -> None:
    now = [0.0]
    rate = Rate(lambda: now[0])
    assert rate.text(0, 10_000) == "0 of 10,000 tiles"
    for second in range(1, 41):
        now[0] = float(second)
        rate.note(second * 100 if second <= 20 else 2000 + (second - 20) * 5)
    assert rate.per_second == pytest.approx(5, rel=0.2)  # the last ten seconds only
    assert rate.text(4200, 10_000).startswith("4,200 of 10,000 tiles, 5.0 tiles/s, ")
    assert [duration(s) for s in (0.2, 45, 130, 3700, 50_000)] == [
        "1 s", "45 s", "2 min", "1 h 2 min", "14 h",
    ]  # fmt: skip
