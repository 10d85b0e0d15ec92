"""Look-alikes across subtypes, against a plain loop."""

from __future__ import annotations

import numpy as np
from tests.core.test_projection import make_results

from napari_lookalike.core.near import OtherClass

LABELS = {f"S{i}": "AB"[i % 2] for i in range(8)} | {"S6": ""}


def test_the_nearest_of_another_subtype_equal_a_plain_loop():
    x = np.random.default_rng(0).normal(size=(8, 5)) * 3
    near = OtherClass(make_results(x), LABELS)
    for i in range(8):
        others = [j for j in range(8) if LABELS[f"S{j}"] not in ("", LABELS[f"S{i}"])]
        cosine = {
            f"S{j}": x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j]) for j in others
        }
        expected = sorted(cosine, key=lambda s: -cosine[s])[:2]
        found = near.of(f"S{i}", 2)
        if not LABELS[f"S{i}"]:
            assert found == ()
            continue
        assert [n.slide_id for n in found] == expected
        assert all(abs(n.similarity - cosine[n.slide_id]) < 1e-5 for n in found)
        assert all(n.label == LABELS[n.slide_id] for n in found)


def test_a_new_slide_is_compared_by_what_it_is_taken_for():
    near = OtherClass(make_results(np.eye(8)), LABELS)
    assert {n.label for n in near.of("S6", 9, "A")} == {"B"}
    assert len(near.of("S6", 99, "A")) == 4


def test_nobody_has_no_look_alikes():
    near = OtherClass(make_results(np.zeros((3, 4))), {"S0": "A"})
    assert near.of("S0") == ()
    assert near.of("gone") == ()
    assert OtherClass(make_results(np.zeros((0, 4))), {}).of("S0") == ()
