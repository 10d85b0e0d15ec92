"""Where workers leave finished parts: the project's folder, or any place that fsspec knows.

In the project's folder a part is where it belongs at once. At a URL it is a message: the
client fetches it into the project's folder and removes it there. Either way only the client
looks after a slide's folder of parts (`PartStore`); workers add files to it.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.part_file import SUFFIX, write_part
from napari_lookalike.core.embed.parts import parts_folder
from napari_lookalike.core.errors import ClusterError

if TYPE_CHECKING:
    from napari_lookalike.core.embed.plan import Plan


class FolderDrop:
    """Parts go straight to the folder of a slide's parts, which all share.

    Parameters
    ----------
    features_path
        The slide's feature file, which need not exist yet.
    """

    def __init__(self, features_path: Path) -> None:
        self._folder = parts_folder(features_path)

    def put(self, plan: Plan, indices: NDArray[np.int64], vectors: NDArray[np.float32]) -> str:
        """Leave a part; its name."""
        return write_part(self._folder, plan.digest, indices, vectors).name

    def arrived(self, names: Iterable[str]) -> bool:
        """Whether the client sees all these parts: a shared folder may lag behind."""
        return all((self._folder / name).exists() for name in names)

    def close(self, features_path: Path) -> None:
        """The slide is finished: nothing is left to do."""


class UrlDrop:
    """Parts go to a folder at a URL, and from there to the client's folder of parts.

    Parameters
    ----------
    features_path
        The slide's feature file on the client.
    url
        The folder of the project's features at the URL (`check_url`).
    features
        The project's features folder: what lies below it has the same place below the URL.
    """

    def __init__(self, features_path: Path, url: str, features: Path) -> None:
        self._folder = parts_folder(features_path)
        self._files, base = _file_system(url)
        place = features_path.relative_to(features).as_posix()
        self._target = f"{base}/{place}"
        self._remote = f"{base}/{self._folder.relative_to(features).as_posix()}"

    def put(self, plan: Plan, indices: NDArray[np.int64], vectors: NDArray[np.float32]) -> str:
        """Leave a part; its name."""
        with tempfile.TemporaryDirectory(prefix="lookalike-") as folder:
            path = write_part(Path(folder), plan.digest, indices, vectors)
            self._files.makedirs(self._remote, exist_ok=True)
            self._files.pipe_file(f"{self._remote}/{path.name}", path.read_bytes())
        return path.name

    def arrived(self, names: Iterable[str]) -> bool:
        """Fetch these parts; whether all could be."""
        self._files.invalidate_cache(self._remote)
        for name in names:
            place = f"{self._remote}/{name}"
            if (self._folder / name).exists():
                continue
            temporary = self._folder / f"{Path(name).stem}-{uuid.uuid4().hex[:8]}.tmp"
            try:
                temporary.write_bytes(self._files.cat_file(place))
            except FileNotFoundError:
                return False
            temporary.replace(self._folder / name)
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(place)
        return True

    def fetch_left(self, plan: Plan) -> None:
        """Fetch what a run that was cut short has left at the URL."""
        with contextlib.suppress(FileNotFoundError):
            found = (str(place).rsplit("/", 1)[-1] for place in self._files.ls(self._remote, False))
            self.arrived([n for n in found if n.startswith(plan.digest) and n.endswith(SUFFIX)])

    def close(self, features_path: Path) -> None:
        """Put the finished feature file to its place at the URL."""
        temporary = f"{self._target}.{uuid.uuid4().hex[:8]}.part"
        self._files.makedirs(self._target.rsplit("/", 1)[0], exist_ok=True)
        with features_path.open("rb") as file, self._files.open(temporary, "wb") as target:
            shutil.copyfileobj(file, target, 1 << 20)
        self._files.mv(temporary, self._target)
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._remote, recursive=True)


Drop = FolderDrop | UrlDrop


def make_drop(features_path: Path, url: str, features: Path) -> Drop:
    """The place for a slide's parts; see `UrlDrop` for the arguments."""
    return UrlDrop(features_path, url, features) if url else FolderDrop(features_path)


def check_url(url: str) -> str:
    """A URL that this machine can write to, without a slash at its end; empty stays empty.

    Raises
    ------
    ClusterError
        If it is none, or its protocol needs a package that is not here.
    """
    if not url:
        return ""
    files, base = _file_system(url)
    place = f"{base}/.lookalike-{uuid.uuid4().hex[:8]}"
    try:
        files.makedirs(base, exist_ok=True)
        files.pipe_file(place, b"")
        files.rm_file(place)
    except (OSError, NotImplementedError, ValueError) as error:
        raise ClusterError(
            f"The place for the features cannot be written ({type(error).__name__}).",
            "Check the URL, and that you may write there.",
        ) from None
    return url.rstrip("/")


def _file_system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    if "://" not in url:
        raise ClusterError(
            "The place for the features is no URL.",
            "Write file:///folder, s3://bucket/folder, or leave it out.",
        )
    try:
        files, base = url_to_fs(url)
    except ImportError as error:
        raise ClusterError(
            f"The protocol {url.split('://')[0]} needs a package that is not here ({error.name}).",
            "Install it here and on all workers.",
        ) from None
    except ValueError:
        protocol = url.split("://")[0]
        raise ClusterError(
            f"The protocol {protocol} of the place for the features is not known.",
            "Use one that fsspec knows: file, s3, gs, abfs, sftp, ...",
        ) from None
    return files, str(base).rstrip("/")
