from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.interop import peer_files as peers
from tests.core.interop.peer_files import truth

from napari_lookalike.core.cohort import Cohort, SlideRecord
from napari_lookalike.core.project import Project
from napari_lookalike.session.opening import open_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.exchange.export_dialog import ExportDialog
from napari_lookalike.ui.exchange.import_dialog import ImportDialog
from napari_lookalike.ui.exchange.menu import NO_MAPS, ExchangeButton
from napari_lookalike.ui.jobs import JobRunner


@pytest.fixture
def runner(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobRunner]:
    """A job runner whose jobs run at once, here: no process, no waiting."""
    made = JobRunner(session)

    def run(
        function: Callable[..., Any],
        *args: Any,
        title: str,
        on_result: Callable[[Any], None],
        on_error: Callable[[BaseException], None],
        lane: str = "work",
        **kwargs: Any,
    ) -> int:
        made.titles.append(title)  # type: ignore[attr-defined]
        try:
            value = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - as the runner does
            made.later.append(lambda error=error: on_error(error))  # type: ignore[attr-defined]
        else:
            made.later.append(lambda: on_result(value))  # type: ignore[attr-defined]
        return 1

    made.titles, made.later = [], []  # type: ignore[attr-defined]
    monkeypatch.setattr(made, "run", run)
    yield made
    made.close()


def finish(runner: Any) -> None:
    """Bring the answers."""
    while runner.later:
        runner.later.pop(0)()


@pytest.fixture
def session(tmp_path: Path) -> Session:
    records = tuple(
        SlideRecord(f"S{i}", tmp_path / f"SMITH-{i}.svs", mpp=0.25, mpp_source="user")
        for i in (1, 2)
    )
    project = Project.create(tmp_path / "two", Cohort(records))
    made = Session()
    open_project(made, project.root)
    return made


@pytest.fixture
def dialog(qtbot: Any, session: Session, runner: JobRunner) -> ImportDialog:
    made = ImportDialog(session, runner)
    qtbot.addWidget(made)
    return made


def texts(table: Any) -> list[list[str]]:
    model = table.model()
    return [
        [str(model.index(r, c).data()) for c in range(model.columnCount())]
        for r in range(model.rowCount())
    ]


def test_nothing_is_written_before_the_user_says_so(
    dialog: ImportDialog, runner: JobRunner, session: Session, tmp_path: Path
) -> None:
    peers.write_trident(tmp_path / "job", "SMITH-1", truth(1, 1536))
    assert not dialog.go.isEnabled()
    dialog.choose(tmp_path / "job")
    finish(runner)
    rows = {row[0]: row for row in texts(dialog.facts)}
    assert rows["encoder"][1:3] == ["uni2-h", "the file says so"]
    assert dialog.go.text() == "Import 1 slide"
    assert "Nothing was written yet" in dialog.summary.text()
    assert session.embedded == frozenset()
    dialog.go.click()
    finish(runner)
    assert session.embedded == {"S1"}
    assert session.project is not None
    assert session.project.settings.encoder == "imported:uni2-h"
    assert not dialog.go.isEnabled()


def test_a_changed_answer_asks_for_another_look(
    dialog: ImportDialog, runner: JobRunner, tmp_path: Path
) -> None:
    peers.write_clam(tmp_path / "clam", "S1", truth(1), patches=False)
    dialog.choose(tmp_path / "clam")
    finish(runner)
    assert "Guessed" in dialog.doubts.text()
    dialog.form.edge.setValue(512)
    assert not dialog.go.isEnabled()
    dialog.check.click()
    finish(runner)
    rows = {row[0]: row for row in texts(dialog.facts)}
    assert rows["tile edge on the slide"][2] == "given by you"
    assert dialog.go.isEnabled()


def test_what_cannot_be_read_is_a_sentence(
    dialog: ImportDialog, runner: JobRunner, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    dialog.choose(tmp_path / "empty")
    finish(runner)
    assert "nothing here" in dialog.summary.text()
    assert session.notice is not None
    assert not dialog.go.isEnabled()


def test_an_answer_after_the_dialog_was_closed(
    qtbot: Any, session: Session, runner: JobRunner, tmp_path: Path
) -> None:
    from tests.ui.conftest import delete_now

    peers.write_trident(tmp_path / "job", "S2", truth(1))
    dialog = ImportDialog(session, runner)
    dialog.choose(tmp_path / "job")
    finish(runner)
    dialog.go.click()
    dialog.close()
    delete_now()
    finish(runner)
    assert session.embedded == {"S2"}


def test_export_needs_a_folder_and_says_who_is_in_it(
    qtbot: Any, tiny: Project, session: Session, runner: JobRunner, tmp_path: Path
) -> None:
    open_project(session, tiny.root)
    dialog = ExportDialog(session, runner)
    qtbot.addWidget(dialog)
    assert not dialog.go.isEnabled()
    dialog.kind.setCurrentIndex(dialog.kind.findData("csv"))
    assert "patients are numbered" in dialog.identity.text()
    dialog.patients.setChecked(True)
    assert "IN CLEAR" in dialog.identity.text()
    dialog.patients.setChecked(False)
    dialog.choose(tmp_path / "out")
    dialog.go.click()
    finish(runner)
    assert "24 slides exported" in dialog.answer.text()
    assert json.loads((tmp_path / "out" / "about.json").read_text())["kind"] == "csv"


def test_export_without_a_model_is_a_sentence(
    qtbot: Any, session: Session, runner: JobRunner, tmp_path: Path
) -> None:
    dialog = ExportDialog(session, runner)
    qtbot.addWidget(dialog)
    dialog.kind.setCurrentIndex(dialog.kind.findData("tiff"))
    dialog.choose(tmp_path / "out")
    dialog.go.click()
    finish(runner)
    assert "no model" in dialog.answer.text()


def test_the_menu_lists_the_maps_of_the_slide(
    qtbot: Any, session: Session, runner: JobRunner, tmp_path: Path
) -> None:
    from napari_lookalike.core.interop.importing import import_source

    button = ExchangeButton(session, runner)
    qtbot.addWidget(button)
    session.slide_id = "S1"
    button.fill_maps()
    assert [a.text() for a in button.maps.actions()] == [NO_MAPS]
    peers.write_wsinfer(tmp_path / "run", "S1", truth(1))
    assert session.project is not None
    import_source(session.project.root, tmp_path / "run")
    button.fill_maps()
    assert [a.text() for a in button.maps.actions()] == [
        "None",
        "wsinfer: Tumor",
        "wsinfer: Other",
    ]
    button.maps.actions()[1].trigger()
    assert session.shown_map is not None
    assert session.shown_map.column == "Tumor"
