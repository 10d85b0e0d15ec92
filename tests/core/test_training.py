"""Training: reproducible, honest about folds, kind about bad cohorts."""

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

from napari_lookalike.core.bags import Bag
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.errors import ModelError, TrainingError
from napari_lookalike.core.mil import HEADS, make_head
from napari_lookalike.core.mil.networks import rotation_into
from napari_lookalike.core.model import CrossValidation, MilModel, Network
from napari_lookalike.core.predictor import Predictor, share_nearer
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.training import cross_validate, fit, predict

BAGS = make_bags()


@pytest.fixture(scope="module")
def trained() -> tuple[MilModel, CrossValidation]:
    return train_all(BAGS)


def tuned(loss: str, start: MilModel, weights: object = NONE) -> tuple[MilModel, CrossValidation]:
    return train_all(BAGS, replace(CONFIG, loss=loss), weights, start)


def same_network(a: Network, b: Network) -> bool:
    return all(np.array_equal(a.state[k], b.state[k]) for k in a.state)


def test_it_learns_what_can_be_learnt() -> None:
    bags = make_bags((9, 9, 9), signal=3.0)
    model, cv = train_all(bags, replace(CONFIG, epochs=25))
    assert (cv.probabilities.argmax(1) == cv.y).mean() > 0.9
    new = make_bags((3, 3, 3), signal=3.0, seed=9)
    said = [predict(model, b.instances).probabilities.argmax() for b in new]
    assert np.mean([CLASSES[c] == b.label for c, b in zip(said, new, strict=True)]) > 0.8


@pytest.mark.parametrize("head", HEADS.names())
def test_the_same_seed_gives_the_same_model(head: str) -> None:
    config = replace(CONFIG, head=head, max_instances=5)
    one, two = (fit(BAGS, CLASSES, config, NONE, source=SOURCE) for _ in range(2))
    other = fit(BAGS, CLASSES, replace(config, seed=2), NONE, source=SOURCE)
    assert same_network(one.final, two.final)
    assert not same_network(one.final, other.final)


def test_torch_is_left_as_it_was() -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    fit(BAGS, CLASSES, replace(CONFIG, threads=threads + 1, epochs=1), NONE, source=SOURCE)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_fold_networks_never_see_their_patients(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    model, cv = trained
    group = {b.slide_id: b.group for b in BAGS}
    for i, network in enumerate(model.fold_networks):
        held_out = {group[s] for s, f in zip(cv.slide_ids, cv.fold, strict=True) if f == i}
        assert held_out.isdisjoint(group[s] for s in network.train_slide_ids)
        assert len(network.train_slide_ids) + int((cv.fold == i).sum()) == len(BAGS)
    assert set(model.train_slide_ids) == set(group)


def test_held_out_predictions_do_not_depend_on_held_out_bags(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    """Whatever a held-out slide holds, the networks that hold it out stay the same."""
    model, _ = trained
    target = BAGS[0]
    changed = [replace(target, instances=target.instances + 5), *BAGS[1:]]
    fold = model.folds[target.slide_id]
    again, _ = train_all(changed)
    assert same_network(model.fold_networks[fold], again.fold_networks[fold])
    np.testing.assert_array_equal(model.fold_networks[fold].mean, again.fold_networks[fold].mean)
    assert not same_network(model.final, again.final)


def test_shapes_and_rows_of_cross_validation(trained: tuple[MilModel, CrossValidation]) -> None:
    model, cv = trained
    n, embed = len(BAGS), model.embed_dim
    assert cv.slide_ids == tuple(b.slide_id for b in BAGS)
    assert cv.groups == tuple(b.group for b in BAGS)
    assert [CLASSES[c] for c in cv.y] == [b.label for b in BAGS]
    np.testing.assert_array_equal(cv.fold, folds_of(BAGS))
    assert cv.probabilities.shape == (n, 3)
    np.testing.assert_allclose(cv.probabilities.sum(1), 1, rtol=1e-5)
    assert cv.embeddings.shape == cv.aligned.shape == (n, embed)
    assert cv.class_means.shape == (3, 3, embed)
    assert [a.shape for a in cv.attention_logits] == [(1, len(b)) for b in BAGS]


def test_class_means_are_of_training_slides(trained: tuple[MilModel, CrossValidation]) -> None:
    model, cv = trained
    label = {b.slide_id: b.label for b in BAGS}
    network = model.fold_networks[1]
    mine = [
        e
        for s, e in zip(network.train_slide_ids, network.train_embeddings, strict=True)
        if label[s] == "b"
    ]
    mean = np.mean(mine, axis=0)
    np.testing.assert_allclose(cv.class_means[1, 1], mean / np.linalg.norm(mean), rtol=1e-5)


def test_a_class_in_one_fold_only_has_no_mean_there() -> None:
    bags = make_bags((5, 5, 1))
    _, cv = train_all(bags)
    fold = int(cv.fold[-1])
    assert np.isnan(cv.class_means[fold, 2]).all()
    assert np.isfinite(np.delete(cv.class_means, fold, axis=0)).all()
    assert np.isfinite(cv.probabilities).all()


def test_predict_asks_the_fold_that_held_the_slide_out(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    model, cv = trained
    predictor = Predictor(model)
    for i, bag in enumerate(BAGS):
        said = predictor.predict(bag.instances, bag.slide_id)
        assert said.held_out
        assert said.fold == cv.fold[i]
        np.testing.assert_allclose(said.probabilities, cv.probabilities[i], rtol=1e-5)
        np.testing.assert_allclose(said.embedding, cv.aligned[i], rtol=1e-4, atol=1e-5)
        assert said.distance == pytest.approx(cv.distances[i], abs=1e-5)
        assert 0 <= said.unlike < 1  # a slide does not count as farther than itself


def test_predict_of_a_new_slide_and_of_a_known_patients_new_slide(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    model, _ = trained
    new = make_bags(seed=3)[0].instances
    said = predict(model, new)
    assert not said.held_out
    assert said.fold == -1
    sibling = predict(model, new, "brand-new", same_patient=("s03",))
    assert sibling.fold == model.folds["s03"]
    far = np.zeros((4, SOURCE.dim), np.float32) - 40
    assert predict(model, far).unlike >= said.unlike


@pytest.mark.parametrize("shape", [(0, SOURCE.dim), (4, SOURCE.dim + 1)])
def test_predict_refuses_what_does_not_fit(
    trained: tuple[MilModel, CrossValidation], shape: tuple[int, int]
) -> None:
    with pytest.raises(ModelError) as caught:
        predict(trained[0], np.zeros(shape, np.float32), "s99")
    assert caught.value.slide == "s99"
    assert caught.value.remedy


def test_unlabelled_slides_are_not_trained_on_but_share_their_patients_fold() -> None:
    extra = replace(make_bags(seed=4)[0], slide_id="extra", group=BAGS[0].group, label="")
    stranger = replace(extra, slide_id="stranger", group="nobody")
    model, cv = train_all([*BAGS, extra, stranger])
    plain, _ = train_all(BAGS)
    assert same_network(model.final, plain.final)
    assert "extra" not in cv.slide_ids
    assert predict(model, extra.instances, "extra").fold == model.folds[BAGS[0].slide_id]
    assert predict(model, stranger.instances, "stranger").fold == -1


def test_an_empty_table_is_supcon(trained: tuple[MilModel, CrossValidation]) -> None:
    start = trained[0]
    supcon, _ = tuned("supcon", start)
    expert, _ = tuned("expert", start)
    marked, _ = tuned("expert", start, marks())
    plain, _ = tuned("ce", start)
    assert same_network(supcon.final, expert.final)
    assert not same_network(marked.final, expert.final)
    assert not same_network(plain.final, supcon.final)
    assert marked.table_version == "table-7"
    assert marked.stage == "fine-tuned"


def test_fine_tuning_starts_where_the_model_is(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    start, cv = trained
    still, again = train_all(BAGS, replace(CONFIG, finetune_epochs=0), start=start)
    assert same_network(start.final, still.final)
    np.testing.assert_allclose(again.probabilities, cv.probabilities, rtol=1e-6)


def test_fold_weights_reach_their_fold(trained: tuple[MilModel, CrossValidation]) -> None:
    start = trained[0]
    config = replace(CONFIG, loss="expert")
    folds = folds_of(BAGS)
    plain = cross_validate(BAGS, CLASSES, config, lambda f: NONE, folds, start=start, final=start)
    one = cross_validate(
        BAGS, CLASSES, config, lambda f: marks() if f == 1 else NONE, folds, start=start
    )
    same = [same_network(a, b) for a, b in zip(plain.networks, one.networks, strict=True)]
    assert same == [True, False, True]


def test_alignment_brings_fold_spaces_nearer_without_bending_them(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    model, cv = trained
    for network in model.fold_networks:
        r = network.rotation.astype(np.float64)
        np.testing.assert_allclose(r @ r.T, np.eye(len(r)), atol=1e-5)
        place = [model.train_slide_ids.index(s) for s in network.train_slide_ids]
        goal = model.train_embeddings[place]
        after = np.linalg.norm(network.train_embeddings @ r - goal)
        assert after < np.linalg.norm(network.train_embeddings - goal)
    np.testing.assert_allclose(
        np.linalg.norm(cv.aligned, axis=1), np.linalg.norm(cv.embeddings, axis=1), rtol=1e-4
    )


def test_alignment_finds_a_rotation() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(9, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    ids = tuple("abcdefghi")

    def network(embeddings: np.ndarray, names: tuple[str, ...]) -> Network:
        return Network({}, *np.zeros((2, 1), np.float32), names, embeddings, np.eye(4))

    order = rng.permutation(9)
    target = network((points @ turn)[order], tuple(ids[i] for i in order))
    np.testing.assert_allclose(rotation_into(network(points, ids), target), turn, atol=1e-3)
    np.testing.assert_allclose(rotation_into(target, target), np.eye(4), atol=1e-6)
    apart = network(points, tuple("ABCDEFGHI"))
    np.testing.assert_array_equal(rotation_into(apart, target), np.eye(4))


def test_progress_names_fold_epoch_and_loss() -> None:
    seen: list[tuple[int, int, str]] = []
    train_all(BAGS, job=Job(lambda *step: seen.append(step)))
    done = [d / total for d, total, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert len(seen) == 4 * CONFIG.epochs
    assert seen[0][2].startswith("Final model: Pass 1 of 4, loss ")
    assert seen[-1][2].startswith("Fold 3 of 3: Pass 4 of 4, loss ")


def test_cancelling_stops_the_training() -> None:
    job = Job()
    job._on_step = lambda done, total, what: job.cancel() if "Fold 1" in what else None
    with pytest.raises(JobCancelled):
        train_all(BAGS, job=job)


def stopping_after(epoch: int) -> Job:
    """A job that is asked to finish in the middle of this pass."""
    job = Job()
    job._on_step = lambda done, total, what: job.finish() if f"Pass {epoch} " in what else None
    return job


def test_finishing_early_keeps_what_all_networks_have_learnt_as_long(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    model, cv = train_all(BAGS, job=stopping_after(2))
    assert model.config == replace(CONFIG, stop_after=2)
    # The same passes of the same schedule: what a later training of that length would give.
    again, cv_again = train_all(BAGS, replace(CONFIG, stop_after=2))
    for one, other in zip(
        (model.final, *model.fold_networks), (again.final, *again.fold_networks), strict=True
    ):
        for key, value in one.state.items():
            np.testing.assert_array_equal(value, other.state[key])
    np.testing.assert_array_equal(cv.probabilities, cv_again.probabilities)
    assert not np.array_equal(cv.probabilities, trained[1].probabilities)


def test_taking_turns_changes_nothing(trained: tuple[MilModel, CrossValidation]) -> None:
    model, cv = trained
    alone = fit(BAGS, CLASSES, CONFIG, NONE, source=SOURCE)
    for key, value in model.final.state.items():
        np.testing.assert_array_equal(value, alone.final.state[key])
    apart = cross_validate(BAGS, CLASSES, CONFIG, lambda _: NONE, folds_of(BAGS))
    np.testing.assert_array_equal(cv.probabilities, apart.probabilities)


def test_finishing_early_with_validation_keeps_the_best_pass() -> None:
    config = replace(CONFIG, patience=3, epochs=6)
    model, _ = train_all(BAGS, config, job=stopping_after(2))
    other, _ = train_all(BAGS, replace(config, stop_after=2))
    np.testing.assert_array_equal(model.final.train_embeddings, other.final.train_embeddings)


def bag_like(**changes: object) -> list[Bag]:
    return [replace(BAGS[0], **changes), *BAGS[1:]]


@pytest.mark.parametrize(
    ("bags", "says"),
    [
        ([b for b in BAGS if b.label == "a"], "Only one subtype"),
        ([replace(b, label="") for b in BAGS], "No slide is labelled"),
        ([], "No slide is labelled"),
        ([*BAGS, BAGS[0]], "two bags"),
        (bag_like(label="z"), "not among"),
        (bag_like(instances=np.zeros((0, 8), np.float32)), "no tiles"),
        (bag_like(instances=np.zeros((3, 9), np.float32)), "length 9"),
        (bag_like(instances=np.full((3, 8), np.nan, np.float32)), "not all numbers"),
    ],
)
def test_bad_cohorts_are_refused_in_words(bags: list[Bag], says: str) -> None:
    with pytest.raises(TrainingError, match=says) as caught:
        fit(bags, CLASSES, CONFIG, NONE, source=SOURCE)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f[:-1], "fold for every slide"),
        (lambda f: np.zeros_like(f), "2 at least"),
        (lambda f: np.arange(len(f)) % 3, "two folds"),
        (lambda f: np.where(f == 1, -1, f), "in no fold"),
        (lambda f: np.where(f == 1, 3, f), "no labelled slide"),
    ],
)
def test_bad_folds_are_refused(change: object, says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        cross_validate(BAGS, CLASSES, CONFIG, lambda f: NONE, change(folds_of(BAGS)))


def test_a_start_that_does_not_fit_is_refused(
    trained: tuple[MilModel, CrossValidation],
) -> None:
    start = trained[0]
    with pytest.raises(TrainingError, match="starts from a trained model"):
        fit(BAGS, CLASSES, replace(CONFIG, loss="expert"), NONE, source=SOURCE)
    with pytest.raises(TrainingError, match="subtypes"):
        fit(BAGS, ("a", "b", "c", "d"), CONFIG, NONE, start=start, source=SOURCE)
    with pytest.raises(TrainingError, match="head"):
        fit(BAGS, CLASSES, replace(CONFIG, head="clam_mb"), NONE, start=start, source=SOURCE)
    with pytest.raises(ModelError, match="mpp"):
        fit(BAGS, CLASSES, CONFIG, NONE, start=start, source=replace(SOURCE, mpp=0.25))


def test_a_start_with_other_folds_is_refused(trained: tuple[MilModel, CrossValidation]) -> None:
    start = trained[0]
    turned = (folds_of(BAGS) + 1) % 3
    with pytest.raises(TrainingError, match="was trained on it") as caught:
        cross_validate(BAGS, CLASSES, CONFIG, lambda f: NONE, turned, start=start)
    assert caught.value.slide
    with pytest.raises(TrainingError, match="3 folds, here are 2"):
        cross_validate(BAGS, CLASSES, CONFIG, lambda f: NONE, folds_of(BAGS, 2), start=start)


def test_divergence_is_said() -> None:
    with pytest.raises(TrainingError, match="learning rate"):
        fit(BAGS, CLASSES, replace(CONFIG, lr=1e38, epochs=30), NONE, source=SOURCE)


def test_bags_of_one_instance_train_with_every_head() -> None:
    bags = [replace(b, instances=b.instances[:1]) for b in BAGS]
    for head in HEADS.names():
        config = TrainConfig(head=head, epochs=1, seed=0, device="cpu")
        model = fit(bags, CLASSES, config, NONE, source=SOURCE)
        assert all(np.isfinite(v).all() for v in model.final.state.values())
        make_head(model.head, dict(model.head_arguments))


def test_share_nearer() -> None:
    reference = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    assert share_nearer(reference, 0.25) == 0.5
    assert share_nearer(reference, 0.4) == 0.75
    assert share_nearer(reference, 0.9) == 1.0
    assert share_nearer(reference[:0], 0.9) == 0.0
