"""A project can be trained on features of an encoder whose weights nobody has here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.core.interop import peer_files as peers
from tests.core.interop.peer_files import Truth, truth

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.encoders import encoder_identity, encoder_spec, load_encoder
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.interop.importing import import_source
from napari_lookalike.core.pipeline.train import predict_slides, train_project
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results

CONFIG = TrainConfig(epochs=3, finetune_epochs=2, folds=2, device="cpu", threads=1)


def _marked(i: int, label: str) -> Truth:
    """Half of the tiles of "a" and "b" lie apart."""
    what = truth(i)
    vectors = what.vectors.copy()
    vectors[: len(vectors) // 2, "ab".index(label)] += 4.0
    return Truth(what.corners, vectors)


def test_train_and_predict_without_the_encoder(tmp_path: Path) -> None:
    records = [
        SlideRecord(f"S{i}", Path("gone.svs"), f"P{i}", "ab"[i % 2], mpp=0.25, mpp_source="user")
        for i in range(8)
    ]
    new = replace(records[0], slide_id="new", patient_id="P-new", label="")
    project = Project.create(tmp_path / "project", Cohort((*records, new)))
    for i, record in enumerate((*records, new)):
        what = _marked(i, record.label or "a")
        peers.write_trident(tmp_path / "job", record.slide_id, what, encoder="someone's_v3")
    report = import_source(project.root, tmp_path / "job")
    assert report.name == "imported:someone-s_v3"
    version = train_project(project.root, CONFIG)
    assert not predict_slides(project.root, version, ["new"]).problems
    results = load_results(project.version_dir(version))
    assert set(results.slides) == {r.slide_id for r in (*records, new)}
    assert results.slides["new"].attention_logits.shape[-1] == len(truth().corners)
    assert np.isfinite(results.slides["new"].probabilities).all()


def test_such_an_encoder_says_that_it_cannot_embed() -> None:
    assert encoder_identity("imported:uni2-h") == "imported-uni2-h"
    row = encoder_spec("imported:uni2-h")
    assert (row.dim, row.licence) == (1536, encoder_spec("uni2-h").licence)
    assert row.derived_heads
    with pytest.raises(EncoderError, match="made elsewhere"):
        load_encoder("imported:uni2-h")
