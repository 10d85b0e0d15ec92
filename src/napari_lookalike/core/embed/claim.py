"""One worker per slide, also on a shared folder, and also if a worker is killed.

A claim is a file ``.<slide_id>.claim`` beside the features, made with ``O_EXCL`` (which network
file systems know, unlike locks). Whoever holds it writes a new number into it every few seconds.
A claim whose number stands still is stale; it is taken over by renaming it away, which only one
process can do. Two clocks are never compared: a waiting process looks at its own clock and
whether the number moves, and a claim of a dead process of this machine is stale at once.

A claim saves work; nothing depends on it. If two workers did take one slide (a network that
stalled for half a minute), both would write the same parts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

BEAT_S: Final = 2.0
"""A holder tells so often that it lives."""

STALE_S: Final = 20.0
"""A claim that stood still for so long is taken over."""


class Claim:
    """What `claim` gives.

    Attributes
    ----------
    held
        Whether this worker is the slide's worker. If not, another one is.
    lost
        Whether the claim was taken over meanwhile: this process stood still for too long.
    """

    def __init__(self, path: Path, token: str = "") -> None:
        self._path, self._token = path, token
        self.held, self.lost = bool(token), False
        self._end = threading.Event()
        self._beats = 0
        self._thread = threading.Thread(target=self._beat, name="claim", daemon=True)
        if self.held:
            self._thread.start()

    def __bool__(self) -> bool:
        return self.held and not self.lost

    def _beat(self) -> None:
        while not self._end.wait(BEAT_S):
            if _read(self._path).get("token") != self._token:
                self.lost = True
                return
            self._beats += 1
            with contextlib.suppress(OSError):  # tried again at the next beat
                _rewrite(self._path, _content(self._token, self._beats))

    def release(self) -> None:
        """Let others have the slide; may be called again."""
        if not self._end.is_set() and self.held:
            self._end.set()
            self._thread.join()
            if _read(self._path).get("token") == self._token:
                with contextlib.suppress(OSError):
                    self._path.unlink(missing_ok=True)


@contextmanager
def claim(features_path: Path, watch: Watch | None = None) -> Iterator[Claim]:
    """Become the one worker of a slide, for the length of a block.

    Parameters
    ----------
    features_path
        The slide's feature file, which need not exist yet; its folder is made.
    watch
        Remembers other workers' claims between calls: needed to notice that one stands
        still. Without it, only a dead process of this machine is noticed.

    Yields
    ------
    Claim
        False if another worker has the slide: leave it alone.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    path = claim_file(features_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    token = _take(path)
    if not token:
        other = _read(path)
        if (_is_dead(other) or (watch is not None and watch.is_stale(path, other))) and _remove(
            path, other
        ):
            token = _take(path)
    held = Claim(path, token)
    try:
        yield held
    finally:
        held.release()


class Watch:
    """Since when other workers' claims stand still, by this process's own clock.

    Parameters
    ----------
    stale_s
        Seconds after which one that stands still is stale.
    """

    def __init__(self, stale_s: float = STALE_S) -> None:
        self._stale_s = stale_s
        self._seen: dict[Path, tuple[object, float]] = {}

    def is_stale(self, path: Path, content: dict[str, object]) -> bool:
        """Whether a claim file has said the same for too long."""
        now = time.monotonic()
        said = (content.get("token"), content.get("beats"))
        before, since = self._seen.get(path, (None, now))
        if said != before:
            self._seen[path] = said, now
            return False
        return now - since > self._stale_s


def claim_file(features_path: Path) -> Path:
    """Where the claim on a slide lies."""
    return features_path.with_name(f".{features_path.stem}.claim")


def is_claimed(features_path: Path) -> bool:
    """Whether some worker says that it embeds this slide (it may have been killed since)."""
    content = _read(claim_file(features_path))
    return bool(content) and not _is_dead(content)


def forget_dead(features_path: Path) -> bool:
    """Remove the claim of a process of this machine that was killed.

    Returns
    -------
    bool
        Whether nobody has the slide now.
    """
    path = claim_file(features_path)
    content = _read(path)
    return not content or (_is_dead(content) and _remove(path, content))


def _take(path: Path) -> str:
    """Make the claim file; its token, or empty if there is one."""
    token = uuid.uuid4().hex
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return ""
    with os.fdopen(handle, "wb") as file:
        file.write(_content(token, 0))
    return token


def _content(token: str, beats: int) -> bytes:
    facts = {"token": token, "beats": beats, "machine": machine(), "pid": os.getpid()}
    return json.dumps(facts).encode()


def _rewrite(path: Path, content: bytes) -> None:
    # "r+" and not "w": it must neither come back after it was taken over, nor be empty
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def _read(path: Path) -> dict[str, object]:
    """What a claim file says; empty if there is none or it is being written."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {"token": None} if path.exists() else {}
    return content if isinstance(content, dict) else {"token": None}


def _is_dead(content: dict[str, object]) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    pid = content.get("pid")
    if content.get("machine") != machine() or not isinstance(pid, int) or os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it lives, and is another user's
        return False
    return _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and only its parent has not noticed (Linux tells)."""
    with contextlib.suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return stat.rsplit(")", 1)[1].split()[0] == "Z"
    return False


def _remove(path: Path, other: dict[str, object]) -> bool:
    """Take a stale claim away; whether it was this process that did."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.rename(aside)
    except OSError:
        return False
    mine = _read(aside).get("token") == other.get("token")
    with contextlib.suppress(OSError):
        if not mine:  # somebody else took it over between our look and our grip
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()
    return mine


def machine() -> str:
    """A short code of this machine, in a container of this container, that names nobody."""
    facts = [platform.node(), str(uuid.getnode())]
    with contextlib.suppress(OSError):  # Linux tells more
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("|".join(facts).encode()).hexdigest()[:16]
