"""Which words an error becomes, and where it is shown."""

from __future__ import annotations

import pytest
from napari.utils.notifications import notification_manager
from psygnal import EmitLoopError

from napari_lookalike.core.child import ChildFailed
from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.session.session import Notice, Session
from napari_lookalike.ui.notify import report, reported, root_cause, show_notice


@pytest.fixture
def shown():
    """Napari's own notices that are shown during the test."""
    seen = []
    notification_manager.notification_ready.connect(seen.append)
    yield seen
    notification_manager.notification_ready.disconnect(seen.append)


def wrapped(error):
    """The error as psygnal raises it when a callback fails."""
    session = Session()

    def fail(*_):
        raise error

    session.events.slide_id.connect(fail)
    with pytest.raises(EmitLoopError) as caught:
        session.slide_id = "S01"
    return caught.value


def test_ours_is_its_sentence_also_inside_a_callback():
    session = Session()
    error = ProjectError("It is full.", "Make room.")
    for one in (error, wrapped(error)):
        session.notice = None
        report(session, one)
        assert session.notice == Notice("It is full. Make room.", "error")
        assert root_cause(one) is error


def test_a_cancel_is_a_note():
    session = Session()
    report(session, JobCancelled("Step 3"))
    assert session.notice.kind == "info"


def test_a_failed_child_is_told_and_logged(caplog):
    session = Session()
    report(session, ChildFailed("ValueError: odd", "Traceback: line 1"))
    assert session.notice.kind == "error"
    assert "Traceback" not in session.notice.text
    assert "Traceback: line 1" in caplog.text


def test_a_fault_of_the_program_goes_to_naparis_dialog(shown, monkeypatch):
    session = Session()
    monkeypatch.setattr(notification_manager, "exit_on_error", False)
    monkeypatch.setattr(notification_manager, "catch_error", True)
    report(session, ZeroDivisionError("by mistake"))
    assert session.notice is None
    assert [type(n.exception) for n in shown] == [ZeroDivisionError]


def test_only_ours_is_caught():
    session = Session()
    with reported(session):
        raise ProjectError("It is full.", "Make room.")
    assert session.notice.text == "It is full. Make room."
    with reported(session):
        raise wrapped(ProjectError("Inside.", ""))
    assert session.notice.text == "Inside."
    with pytest.raises(ZeroDivisionError), reported(session):
        raise ZeroDivisionError
    with pytest.raises(EmitLoopError), reported(session):
        raise wrapped(ZeroDivisionError())


@pytest.mark.parametrize("kind", ["info", "warning", "error"])
def test_a_notice_is_shown_as_napari_shows_its_own(shown, kind):
    show_notice(None)
    show_notice(Notice("Look here.", kind))
    assert [(n.message, str(n.severity)) for n in shown] == [("Look here.", kind)]
