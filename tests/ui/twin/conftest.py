"""A review of two slides over a window that stands for napari's."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QMainWindow
from tests.project_fixtures import tiny_project
from tests.ui.twin.reviewing import WAIT

from napari_lookalike.session import twin
from napari_lookalike.session.marks import set_expert
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.twin.review import TwinReview


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lookalike.session.expert.user_file", lambda: tmp_path / "me.json")
    session = Session()
    open_project(session, tiny_project(tmp_path, features=True).root)
    set_expert(session, "Dr A")
    return session


class Below(QMainWindow):
    """Stands for napari's window: it must hear no key."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def keyPressEvent(self, event) -> None:
        self.heard.append(event.key())


@pytest.fixture
def make(qtbot, session):
    made = []

    def show(a: str = "S01", b: str = "S05") -> TwinReview:
        window = Below()
        qtbot.addWidget(window)
        window.resize(1300, 720)
        review = TwinReview(session, window)
        review.setGeometry(0, 0, 1300, 720)
        window.show()
        twin.open_twin(session, a, b)
        review.show_pair()
        made.append((window, review))
        qtbot.waitUntil(lambda: not review.loading, timeout=WAIT)
        return review

    yield show
    for window, review in made:
        review.close_pair()
        window.close()


@pytest.fixture
def review(make) -> TwinReview:
    return make()
