"""Early stopping and live figures: off by default, seeded, and never seen by held-out patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core.mil_cohort import (
    CLASSES,
    CONFIG,
    NONE,
    SOURCE,
    folds_of,
    make_bags,
    marks,
    train_all,
)
from torch.nn import functional

from napari_lookalike.core.folds import draw_patients
from napari_lookalike.core.mil import networks, stage
from napari_lookalike.core.mil.live import Live, figures_text
from napari_lookalike.core.mil.validation import Validation, inner_split
from napari_lookalike.core.progress import Job
from napari_lookalike.core.training import fit

BAGS = make_bags((8, 8, 8))
STOP = replace(CONFIG, patience=2, validation_share=0.25, epochs=12)


def same(a, b) -> bool:
    return all(np.array_equal(a.state[k], b.state[k]) for k in a.state)


def test_validation_patients_are_whole_stratified_and_seeded() -> None:
    away = inner_split(BAGS, STOP)
    groups = {b.group for b, v in zip(BAGS, away, strict=True) if v}
    assert all((b.group in groups) == v for b, v in zip(BAGS, away, strict=True))
    assert [sum(v for b, v in zip(BAGS, away, strict=True) if b.label == c) for c in CLASSES] == [
        2
    ] * 3
    np.testing.assert_array_equal(away, inner_split(BAGS, STOP))
    others = [inner_split(BAGS, replace(STOP, seed=s)) for s in range(5)]
    assert any((away != o).any() for o in others)


def test_without_patience_every_slide_is_trained_on() -> None:
    assert not inner_split(BAGS, CONFIG).any()


def test_every_subtype_keeps_a_patient() -> None:
    bags = make_bags((6, 1, 2))
    away = inner_split(bags, replace(STOP, validation_share=0.9))
    left = {b.label for b, v in zip(bags, away, strict=True) if not v}
    assert left == set(CLASSES)
    assert away.any()


def test_patients_of_two_subtypes_do_not_take_the_last_of_one() -> None:
    bags = [
        replace(b, group="both") if b.slide_id in ("s00", "s05") else b
        for b in make_bags((5, 1, 4))
    ]
    for seed in range(10):
        away = inner_split(bags, replace(STOP, seed=seed))
        assert {b.label for b, v in zip(bags, away, strict=True) if not v} == set(CLASSES)


def test_drawn_patients_count_once() -> None:
    rng = np.random.default_rng(0)
    drawn = draw_patients(["a"] * 10 + ["b"] * 10, [f"p{i}" for i in range(20)], 0.3, 1, rng)
    assert len(drawn) == 6
    assert draw_patients(["", "a"], ["p", "q"], 0.5, 1, rng) == frozenset()


def spy_on(monkeypatch: pytest.MonkeyPatch) -> list[Validation]:
    made: list[Validation] = []

    class Spied(Validation):
        def __init__(self, *args, **kw):
            super().__init__(*args, **kw)
            self.losses: list[float] = []
            made.append(self)

        def look(self, head):
            logits, _ = self._asked(head)
            each = functional.cross_entropy(logits, self._y, reduction="none")
            self.losses.append(
                float(np.mean([each[self._y == c].mean() for c in self._y.unique()]))
            )
            return super().look(head)

    monkeypatch.setattr(networks, "Validation", Spied)
    return made


def test_it_stops_after_its_patience_and_keeps_the_best_epoch(monkeypatch) -> None:
    made = spy_on(monkeypatch)
    model = fit(BAGS, CLASSES, replace(STOP, lr=0.1, epochs=40), NONE, source=SOURCE)
    (seen,) = made
    assert len(seen.losses) < 40
    assert seen.best_epoch == int(np.argmin(seen.losses)) + 1
    assert len(seen.losses) == seen.best_epoch + 2
    # the weights that come back are those of the best epoch
    head = networks.make_head(model.head, dict(model.head_arguments))
    head.load_state_dict({k: torch.from_numpy(v) for k, v in model.final.state.items()})
    logits, _ = seen._asked(head)
    each = functional.cross_entropy(logits, seen._y, reduction="none")
    again = np.mean([float(each[seen._y == c].mean()) for c in seen._y.unique()])
    assert again == pytest.approx(min(seen.losses), rel=1e-5)


def test_it_is_seeded_and_validation_slides_count_as_seen() -> None:
    one, two = (fit(BAGS, CLASSES, STOP, NONE, source=SOURCE) for _ in range(2))
    assert same(one.final, two.final)
    assert set(one.train_slide_ids) == {b.slide_id for b in BAGS}


def test_validation_slides_teach_nothing_but_when_to_stop() -> None:
    config = replace(STOP, patience=100, epochs=3)
    away = np.flatnonzero(inner_split(BAGS, config))
    mirrored = [replace(b, instances=-b.instances) if i in away else b for i, b in enumerate(BAGS)]
    heads = []
    for bags in (BAGS, mirrored):
        seen: list[dict[str, torch.Tensor]] = []
        with pytest.MonkeyPatch.context() as patch:
            keep = lambda self, head, seen=seen: seen.append(  # noqa: E731
                {k: v.detach().clone() for k, v in head.state_dict().items()}
            )
            patch.setattr(Validation, "restore", keep)
            fit(bags, CLASSES, config, NONE, source=SOURCE)
        heads.append(seen[0])
    assert all(torch.equal(heads[0][k], heads[1][k]) for k in heads[0])


def test_held_out_patients_are_never_validation_patients() -> None:
    """Whatever a held-out slide holds, its fold's network is the same with early stopping too."""
    folds = folds_of(BAGS)
    changed = [replace(BAGS[0], instances=BAGS[0].instances + 5), *BAGS[1:]]
    one, two = (train_all(bags, replace(STOP, epochs=3))[0] for bags in (BAGS, changed))
    fold = int(folds[0])
    assert same(one.fold_networks[fold], two.fold_networks[fold])


# -- live figures ----------------------------------------------------------------------


def test_live_figures_change_no_weight(monkeypatch) -> None:
    with_them = fit(BAGS, CLASSES, CONFIG, marks(), source=SOURCE)
    monkeypatch.setattr(stage.Live, "add", lambda self, *a: None)
    monkeypatch.setattr(stage.Live, "text", lambda self: "")
    assert same(with_them.final, fit(BAGS, CLASSES, CONFIG, marks(), source=SOURCE).final)


def test_progress_tells_of_accuracy_and_margin() -> None:
    texts: list[str] = []
    job = Job(lambda done, total, what: texts.append(what))
    fit(BAGS, CLASSES, CONFIG, marks(), job, source=SOURCE)
    assert all("balanced accuracy" in t and "pair margin" in t for t in texts)
    assert texts[0].endswith("(training slides)")
    texts.clear()
    fit(BAGS, CLASSES, STOP, NONE, job, source=SOURCE)
    assert texts[0].endswith("(validation slides)")
    assert "pair margin" not in texts[0]


def test_figures_equal_a_plain_loop() -> None:
    rng = torch.Generator().manual_seed(0)
    y = torch.tensor([0, 0, 1, 1, 2])
    logits = torch.randn(5, 3, generator=rng)
    z = torch.randn(5, 4, generator=rng)
    said = logits.argmax(1)
    recalls = [float((said[y == c] == c).float().mean()) for c in range(3)]
    unit = [v / v.norm() for v in z]
    mu = [sum(u for u, c in zip(unit, y, strict=True) if c == k) for k in (0, 1)]
    mu = [m / m.norm() for m in mu]
    sides = [
        np.mean([float(u @ (mu[k] - mu[1 - k])) for u, c in zip(unit, y, strict=True) if c == k])
        for k in (0, 1)
    ]
    text = figures_text(y, logits, z, [(0, 1)], "here")
    assert (
        text
        == f", balanced accuracy {np.mean(recalls):.2f}, pair margin {np.mean(sides):.2f} (here)"
    )


def test_nothing_to_tell_is_nothing() -> None:
    live = Live(marks(), CLASSES)
    assert live.text() == ""
    live.add(torch.tensor([0]), torch.eye(3)[:1], torch.eye(4)[:1])
    assert live.text() == ", balanced accuracy 1.00 (training slides)"
    assert live.text() == ""
