"""Run a core function in a process of its own, with progress, cancel and its error.

Why a process and not a thread: the work holds Python's lock and would make the window
stutter; and on Linux with software OpenGL, importing triton (timm and torch.optim do)
after the first OpenGL canvas kills the process. The child has no canvas.

The child is started with the same Python, speaks pickled messages over its standard
streams to its parent alone, and stays warm: torch is imported once. See
``docs/design/processes.md``.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.privacy import without_paths
from napari_lookalike.core.progress import SILENT, Job, JobCancelled

_HEADER = struct.Struct("<Q")
_SERVE = "from napari_lookalike.core.child import serve; serve()"
_LOG_BYTES = 65536


class ChildDied(LookalikeError):
    """The worker process ended without an answer (killed, or out of memory)."""


class ChildFailed(LookalikeError):
    """The work raised an error that is not one of ours.

    Parameters
    ----------
    what
        The error's own text.
    details
        The traceback in the child, for a bug report.
    """

    def __init__(self, what: str, details: str) -> None:
        super().__init__(what, "This is a fault in the program: please report it.")
        self.details = details

    def __reduce__(self) -> tuple[type[ChildFailed], tuple[str, str]]:
        """Pickle by our own two arguments."""
        return ChildFailed, (self.what, self.details)


def _send(stream: IO[bytes], message: object) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_HEADER.pack(len(data)) + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    head = stream.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise EOFError
    (length,) = _HEADER.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


class Child:
    """One warm worker process; runs one job at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = threading.Lock()
        self._starting = threading.Lock()
        self._log = bytearray()

    @property
    def log(self) -> str:
        """The end of the child's standard error, for a bug report."""
        return self._log.decode("utf-8", "replace")

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process if it does not run. Call it early to warm it up."""
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _SERVE],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                drain = threading.Thread(target=self._drain, args=(self._process,), daemon=True)
                drain.start()
            return self._process

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        stream = process.stderr
        with contextlib.suppress(ValueError, OSError):  # closed under us by `stop`
            while stream is not None and (line := stream.readline()):
                self._log += line
                del self._log[:-_LOG_BYTES]

    def call(
        self, function: Callable[..., Any], *args: Any, job: Job = SILENT, **kwargs: Any
    ) -> Any:
        """Run ``function(*args, **kwargs, job=…)`` in the child and wait for its result.

        Call it from a thread that may wait.

        Parameters
        ----------
        function
            A function at the top level of a module; arguments and result are pickled.
        *args, **kwargs
            Its arguments.
        job
            Receives the progress and what the work shows; cancelling it cancels the work in
            the child.

        Raises
        ------
        JobCancelled
            If the job was cancelled.
        LookalikeError
            What the work raised, or `ChildDied`, or `ChildFailed` around anything else.
        """
        with self._busy:
            process = self.start()
            try:
                request = ("run", function, args, kwargs, job.watched)
                return self._converse(process, request, job)
            except (EOFError, BrokenPipeError, OSError):
                code = process.wait()
                self.stop()
                if job.cancelled:
                    raise JobCancelled("stopped") from None
                raise ChildDied(
                    f"The worker process ended unexpectedly (code {code}).",
                    "It may have run out of memory: close other programs and try again.",
                ) from None

    def _converse(self, process: subprocess.Popen[bytes], request: object, job: Job) -> Any:
        if process.stdin is None or process.stdout is None:
            raise EOFError
        _send(process.stdin, request)
        watcher = _CancelWatcher(process, job)
        watcher.start()
        try:
            while True:
                kind, value = _receive(process.stdout)
                if kind == "step":
                    with contextlib.suppress(JobCancelled):  # the watcher tells the child
                        job.step(*value)
                elif kind == "value":
                    job.show(value)
                elif kind == "result":
                    return value
                elif kind == "cancelled":
                    raise JobCancelled(value)
                else:
                    raise value
        finally:
            watcher.done.set()
            watcher.join()

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()


class _CancelWatcher(threading.Thread):
    """Passes a cancel on to the child; kills it if it does not stop within some seconds.

    A wish to finish early is passed on too, and takes as long as it takes.
    """

    GRACE_S = 10.0

    def __init__(self, process: subprocess.Popen[bytes], job: Job) -> None:
        super().__init__(daemon=True)
        self._process, self._job = process, job
        self.done = threading.Event()

    def run(self) -> None:
        told = False
        while not self.done.wait(0.05):
            if self._job.finishing and not told and self._process.stdin is not None:
                told = True
                with contextlib.suppress(OSError, ValueError):
                    _send(self._process.stdin, ("finish",))
            if self._job.cancelled and self._process.stdin is not None:
                with contextlib.suppress(OSError, ValueError):
                    _send(self._process.stdin, ("cancel",))
                if not self.done.wait(self.GRACE_S):
                    self._process.kill()
                return


def _portable(error: BaseException) -> LookalikeError:
    """Our own errors travel as they are; anything else as text, so that it always arrives."""
    if isinstance(error, LookalikeError):
        with contextlib.suppress(pickle.PicklingError, TypeError, AttributeError):
            pickle.loads(pickle.dumps(error))
            return error
    details = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {error}"
    return ChildFailed(without_paths(what), without_paths(details))


class _Desk:
    """The child's side: a thread reads requests, the main thread does the work."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers
        self._orders: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self._job: Job | None = None

    def read(self) -> None:
        """Take requests for ever; a parent that is gone ends the process at once."""
        try:
            while True:
                message = _receive(self._requests)
                if message[0] == "run":
                    # Made here: a cancel may follow before the work has begun.
                    job = self._job = self._job_of(watched=message[4])
                    self._orders.put((*message[1:4], job))
                elif self._job is not None and message[0] == "finish":
                    self._job.finish()
                elif self._job is not None:
                    self._job.cancel()
        except EOFError:
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a request that cannot even be unpickled
            traceback.print_exc()
            os._exit(3)

    def _job_of(self, *, watched: bool) -> Job:
        """A job that passes everything on to the parent."""

        def step(*step: object) -> None:
            _send(self._answers, ("step", step))

        def show(value: object) -> None:
            _send(self._answers, ("value", value))

        return Job(step, show if watched else None)

    def work(self) -> None:
        """Do one order after another."""
        while True:
            function, args, kwargs, job = self._orders.get()
            try:
                answer: tuple[str, object] = ("result", function(*args, **kwargs, job=job))
                pickle.dumps(answer)
            except JobCancelled as stopped:
                answer = ("cancelled", str(stopped))
            except Exception as error:  # noqa: BLE001 - the parent must hear of every failure
                answer = ("error", _portable(error))
            # A pipe's text is held back until some kilobytes are together; a process that
            # is killed after this answer would take what explains it along.
            sys.stdout.flush()
            _send(self._answers, answer)


def serve() -> None:
    """The child's main function: answers on what was standard output, until the parent ends.

    Anything that a library prints goes to standard error instead, or it would be taken
    for an answer.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    desk = _Desk(sys.stdin.buffer, answers)
    threading.Thread(target=desk.read, daemon=True).start()
    desk.work()
