"""The versions panel: list, compare, try, use, train again."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from tests.project_fixtures import FIRST, SECOND, tiny_project
from tests.ui.panels.test_training import HandRunner

from napari_lookalike.core.errors import TrainingError
from napari_lookalike.core.pipeline.reproduce import Reproduction, reproduce_version
from napari_lookalike.session import trial
from napari_lookalike.session.opening import close_project, open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.panels.versions import VersionsPanel

LEFT = Qt.MouseButton.LeftButton
SLOW_MS = 20_000


@pytest.fixture
def session(tmp_path) -> Session:
    session = Session()
    open_project(session, tiny_project(tmp_path).root)
    return session


@pytest.fixture
def runner(session):
    return HandRunner(session)


@pytest.fixture
def panel(qtbot, session, runner):
    panel = VersionsPanel(session, runner)
    qtbot.addWidget(panel)
    panel.resize(420, 420)
    panel.show()
    compared(qtbot, panel)
    yield panel
    panel.close()


def compared(qtbot, panel):
    qtbot.waitUntil(lambda: panel.comparison.isVisible(), timeout=SLOW_MS)


def names(panel):
    return [panel.list.topLevelItem(i).text(0) for i in range(panel.list.topLevelItemCount())]


def point_at(panel, row):
    panel.list.setCurrentItem(panel.list.topLevelItem(row))


def test_the_newest_is_compared_with_the_one_that_it_came_from(panel):
    assert names(panel) == [SECOND, f"{FIRST} (in use)"]
    assert panel.against.currentText() == FIRST
    assert f"From {FIRST} to {SECOND}" in panel.state.text()
    assert "alpha / beta: confused" in panel.comparison.figures.text()
    assert "<small>0 to 0</small>" in panel.comparison.figures.text()
    assert "0 now wrong" in panel.comparison.changed_title.text()


def test_the_other_way_round_what_fell_stands_first(qtbot, panel):
    point_at(panel, 1)
    qtbot.waitUntil(lambda: f"to {FIRST}," in panel.state.text(), timeout=SLOW_MS)
    assert panel.against.currentText() == SECOND
    assert "recall fell" in panel.comparison.fell.text()
    assert panel.comparison.fell.y() < panel.comparison.figures.y()
    assert "now wrong" in panel.comparison.changed.item(0).text()


def test_a_changed_slide_opens_at_a_click(panel, session):
    item = panel.comparison.changed.item(0)
    panel.comparison.changed.itemClicked.emit(item)
    assert session.slide_id == item.text().split(":")[0]


def test_use_and_undo(qtbot, panel, session):
    assert panel.use.isEnabled()
    qtbot.mouseClick(panel.use, LEFT)
    qtbot.waitUntil(lambda: session.results.version == SECOND, timeout=SLOW_MS)
    assert session.project.current_version == SECOND
    qtbot.waitUntil(lambda: names(panel) == [f"{SECOND} (in use)", FIRST], timeout=SLOW_MS)
    assert not panel.use.isEnabled()
    assert "in use" in panel.use.toolTip()
    session.history.undo()
    assert session.project.current_version == FIRST
    qtbot.waitUntil(lambda: panel.use.isEnabled(), timeout=SLOW_MS)


def test_try_puts_it_on_trial_with_the_comparison(qtbot, panel, session):
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow, timeout=SLOW_MS)  # before that, keys have no shortcut
    panel.list.setFocus()
    qtbot.keyClick(panel.list, Qt.Key.Key_T, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: session.results_before is not None, timeout=SLOW_MS)
    assert (session.results_before.version, session.results.version) == (FIRST, SECOND)
    assert session.comparison.after == SECOND
    qtbot.waitUntil(lambda: f"{SECOND} (on trial)" in names(panel), timeout=SLOW_MS)
    assert not panel.try_.isEnabled()
    assert "roll back" in panel.try_.toolTip()
    trial.roll_back(session)
    assert session.project.current_version == FIRST


def test_training_again_tells_what_came_out(qtbot, panel, session, runner):
    qtbot.mouseClick(panel.again, LEFT)
    function, args, more = runner.calls[0]
    assert (function, args) == (reproduce_version, (session.project.root, SECOND))
    assert panel.trained_again.progress.isVisible()
    assert not panel.again.isEnabled()
    runner.finish(Reproduction(SECOND, True, 4, 999, 0, 0.0, (), 2, "2-abc", ("torch: 1 then.",)))
    for word in ("came out the same", "999", "table 2-abc", "torch: 1 then."):
        assert word in panel.trained_again.text.text()
    assert panel.again.isEnabled()
    assert not panel.trained_again.progress.isVisible()
    point_at(panel, 1)
    assert not panel.trained_again.text.isVisible()
    assert more["title"] == f"Training {SECOND} again"


def test_an_error_of_it_is_told_and_the_button_comes_back(qtbot, panel, session, runner):
    panel.again.click()
    runner.fail(TrainingError("It is gone.", "Bring it back.", "S01"))
    assert "It is gone." in session.notice.text
    assert panel.again.isEnabled()
    panel.again.click()
    panel.trained_again.progress.cancel.click()
    assert runner.cancelled == [2]


def test_a_damaged_version_says_so_and_cannot_be_used(qtbot, session, runner):
    (session.project.version_dir(SECOND) / "metrics.json").write_text("{")
    panel = VersionsPanel(session, runner)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: "damaged" in panel.state.text(), timeout=SLOW_MS)
    assert not panel.use.isEnabled()
    assert not panel.comparison.isVisible()
    panel.close()


def test_without_a_project_there_is_nothing_to_press(qtbot, panel, session):
    close_project(session)
    assert "No project" in panel.empty.text()
    assert not panel.list.isVisible()
    assert not panel.use.isVisible()


def test_a_hidden_panel_reads_nothing_until_it_is_shown(qtbot, session, runner):
    panel = VersionsPanel(session, runner)
    qtbot.addWidget(panel)
    session.results = None
    assert names(panel) == []
    panel.show()
    qtbot.waitUntil(lambda: len(names(panel)) == 2, timeout=SLOW_MS)
    panel.close()


def test_everything_fits_a_narrow_dock(panel):
    assert panel.minimumSizeHint().width() <= 420
    for button in (panel.use, panel.try_, panel.again):
        assert button.width() >= button.minimumSizeHint().width()
        assert button.toolTip()


def test_a_closed_panel_lets_go_of_the_session(panel, session):
    panel.close()
    close_project(session)
    assert names(panel) == [SECOND, f"{FIRST} (in use)"]
