"""Exception -> one sentence for a person: the one place where that is decided."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from napari.utils.notifications import (
    notification_manager,
    show_error,
    show_info,
    show_warning,
)
from psygnal import EmitLoopError

from napari_lookalike.core.child import ChildFailed
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.session.session import Notice, Session

log = logging.getLogger("napari_lookalike")


def root_cause(error: BaseException) -> BaseException:
    """The error that psygnal wrapped while it called our callbacks, or the error itself."""
    while isinstance(error, EmitLoopError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def report(session: Session, error: BaseException) -> None:
    """Tell the user of an error.

    Cancelled -> a note; ours -> its sentence; anything else is a fault in the program and
    goes to napari's own error dialog with its traceback.
    """
    error = root_cause(error)
    if isinstance(error, JobCancelled):
        session.say("Stopped. What was finished is kept.")
    elif isinstance(error, ChildFailed):
        log.error("A background job failed.\n%s", error.details)
        session.say(str(error), "error")
    elif isinstance(error, LookalikeError):
        session.say(str(error), "error")
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


@contextmanager
def reported(session: Session) -> Iterator[None]:
    """Tell the user of an error of ours instead of raising it; a fault in the program passes."""
    try:
        yield
    except (LookalikeError, EmitLoopError) as error:
        if not isinstance(root_cause(error), LookalikeError):
            raise
        report(session, error)


_SHOW = {"info": show_info, "warning": show_warning, "error": show_error}


def show_notice(notice: Notice | None) -> None:
    """Show the session's sentence where napari shows its own."""
    if notice is not None:
        _SHOW[notice.kind](notice.text)
