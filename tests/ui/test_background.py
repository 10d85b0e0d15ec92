"""Answers reach whom they concern, and nobody else."""

from __future__ import annotations

import threading

from qtpy.QtWidgets import QWidget
from tests.ui.conftest import delete_now

from napari_lookalike.session.session import Session
from napari_lookalike.ui.background import Background

WAIT_MS = 20_000


def test_an_answer_after_its_panel_was_deleted_is_dropped(qtbot):
    panel, gate = QWidget(), threading.Event()
    background = Background(Session(), panel)
    done, dropped = [], []
    background.run(lambda: gate.wait(120), done.append, dropped=dropped.append)
    panel.deleteLater()
    delete_now()
    gate.set()
    qtbot.waitUntil(lambda: bool(dropped), timeout=WAIT_MS)
    assert done == []


def test_an_answer_reaches_a_panel_that_is_there(qtbot):
    panel = QWidget()
    qtbot.addWidget(panel)
    background, done = Background(Session(), panel), []
    background.run(lambda: 7, done.append)
    qtbot.waitUntil(lambda: done == [7], timeout=WAIT_MS)
