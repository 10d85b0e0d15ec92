"""Made-up held-out answers for the tests of figures."""

from dataclasses import replace

import numpy as np

from napari_lookalike.core.heldout import HeldOut, unit
from napari_lookalike.core.measures.answers import Answers

CLASSES = ("A", "B", "C")


def make_answers(seed=0, n=40, e=5, per_patient=2, classes=CLASSES, centres=2):
    """Random answers that are right more often than not; two slides a patient."""
    rng = np.random.default_rng(seed)
    c = len(classes)
    patient = np.arange(n) // per_patient
    y = (patient + rng.integers(0, 2, n)) % c
    y[:c] = np.arange(c)
    logits = rng.normal(size=(n, c)) + 1.2 * np.eye(c)[y]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    z = unit(rng.normal(size=(n, e)) + 1.5 * np.eye(e)[y])
    held = HeldOut(
        tuple(classes),
        tuple(f"S{i}" for i in range(n)),
        patient.astype(np.int64),
        y.astype(np.int64),
        p.argmax(1).astype(np.int64),
        rng.normal(size=(n, c)),
    )
    names = tuple(f"centre {rng.integers(centres)}" for _ in range(n))
    return Answers(held, p, z, (patient % 4).astype(np.int64), names)


def rows(answers, index):
    """The answers of these slides, with repetition."""
    held = answers.held
    return replace(
        answers,
        held=replace(
            held,
            slide_ids=tuple(f"R{i}" for i in range(len(index))),
            patient=np.arange(len(index)),
            y=held.y[index],
            predicted=held.predicted[index],
            similarity=held.similarity[index],
        ),
        probabilities=answers.probabilities[index],
        embeddings=answers.embeddings[index],
        fold=answers.fold[index],
        centre=tuple(answers.centre[i] for i in index),
    )


def drawn_rows(held, draw):
    """Indices of the slides of a resample, as often as their patient was drawn."""
    return np.array(
        [
            i
            for p, m in enumerate(draw)
            for _ in range(int(m))
            for i in np.flatnonzero(held.patient == p)
        ]
    )
