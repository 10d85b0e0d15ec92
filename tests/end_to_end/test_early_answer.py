"""A new slide in the window: early answer, stopped where it is good enough, completed later."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.config import TrainConfig
from napari_lookalike.core.features import read_header
from napari_lookalike.core.pipeline.embed import embed_project
from napari_lookalike.core.pipeline.train import train_project
from napari_lookalike.core.preload import before_window
from napari_lookalike.core.project import Project, ProjectSettings
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui import early as early_module
from napari_lookalike.ui.asking import Asker
from napari_lookalike.ui.early import EarlyKeeper
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.panels.embedding import EmbeddingPanel
from napari_lookalike.ui.panels.prediction import PredictionPanel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "darwin", reason="needs a display that tests may use"),
]
WAIT_MS = 240_000
CONFIG = TrainConfig(epochs=3, finetune_epochs=1, folds=2, loss="ce", device="cpu", threads=1)
COLOURS = {"pale": (230, 190, 215), "dark": (195, 110, 175)}
SMALL, LARGE = 900, 9000


def drawn(path: Path, kind: str, edge: int) -> Path:
    """A square of tissue with nuclei on glass."""
    rng = np.random.default_rng(len(path.name) + edge)
    pixels = np.full((edge, edge, 3), 244, np.uint8)
    inside = pixels[edge // 8 : -edge // 8, edge // 8 : -edge // 8]
    inside[:] = COLOURS[kind]
    for x, y in rng.integers(0, len(inside) - 14, (edge * edge // 3000, 2)):
        inside[y : y + 12, x : x + 12] = (95, 60, 140)
    Image.fromarray(pixels).save(path, compress_level=1)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two slides of each of two subtypes with a model, and a large slide that is new."""
    before_window()
    given = {"mpp": 0.5, "mpp_source": "user", "stain": "H&E"}
    records = [
        SlideRecord(f"{kind}-{i}", drawn(tmp_path / f"{kind}{i}.png", kind, SMALL),
                    f"P-{kind}-{i}", kind, **given)
        for kind in COLOURS for i in range(2)
    ]  # fmt: skip
    project = Project.create(tmp_path / "project", Cohort(tuple(records)), ProjectSettings())
    assert not embed_project(project.root).failed
    project.set_current_version(train_project(project.root, CONFIG))
    project.reload()
    new = SlideRecord("NEW", drawn(tmp_path / "new.png", "dark", LARGE), "P-new", **given)
    project.save(cohort=Cohort((*project.cohort, new)))
    return project


def test_early_then_stopped_then_completed(
    qtbot, tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user" / "user.json"
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: user)
    monkeypatch.setattr(early_module, "POLL_MS", 200)
    session = Session()
    runner = JobRunner(session)
    keeper, asker = EarlyKeeper(session, runner), Asker(session, runner)
    embed, said = EmbeddingPanel(session, runner), PredictionPanel(session, runner)
    for panel in (embed, said):
        qtbot.addWidget(panel)
        panel.show()
    try:
        open_project(session, project.root)
        session.slide_id = "NEW"
        assert "NEW" not in session.results.slides

        embed.buttons.embed.click()
        qtbot.waitUntil(
            lambda: session.early is not None and session.early.result is not None, timeout=WAIT_MS
        )
        first = session.early
        assert 0 < first.coverage < 1
        assert "Early answer from" in said.early.text()
        assert "Research use only" in said.notes.text()
        assert said.bars.bars
        assert "NEW" not in session.results.slides  # it is in no list and in no file

        embed.buttons.stop_here.click()
        qtbot.waitUntil(
            lambda: "NEW" in session.results.slides and embed._run is None and not runner.busy,
            timeout=WAIT_MS,
        )
        path = project.features_path("NEW")
        stopped = read_header(path)
        assert first.coverage <= stopped.coverage < 1
        assert session.coverage == stopped.coverage
        assert "embedding was stopped there" in said.early.text()
        tiles = session.results.slides["NEW"].attention_logits.shape[1]
        assert tiles == stopped.count
        assert "NEW was left at" in embed.report.text()

        embed.buttons.embed.click()
        qtbot.waitUntil(
            lambda: (
                session.coverage == 1
                and embed._run is None
                and not runner.busy
                and session.results.slides["NEW"].attention_logits.shape[1] > tiles
            ),
            timeout=WAIT_MS,
        )
        done = read_header(path)
        assert done.coverage == 1
        assert done.count > stopped.count
        assert session.results.slides["NEW"].attention_logits.shape[1] == done.count
        assert said.early.isHidden()
        assert session.early is None
    finally:
        keeper.close()
        asker.close()
        runner.close()
