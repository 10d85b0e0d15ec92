"""A slide's unfinished features on the disk: what is done stays, whatever happens.

::

    <folder of the feature files>/.<slide_id>.parts/
      plan.hdf5                   what the parts are parts of (`Plan`)
      <digest>-<random>.npz       the vectors of some tiles (`part_file`)
      stop                        somebody asked to stop this slide here (`stopping`)

Every file appears by renaming, so no reader ever sees half of one. Any number of processes,
on this machine or others that share the folder, may add parts; a tile that comes twice counts
once.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.embed.order import coarse_to_fine
from napari_lookalike.core.embed.part_file import (
    DAMAGED,
    part_files,
    read_indices,
    read_part,
    remove_dead,
    write_part,
)
from napari_lookalike.core.embed.plan import Plan, read_plan, same_numbers, write_plan
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features import damage, load_features, read_header, write_features

__all__ = ["PartStore", "Plan", "parts_folder", "read_plan"]

_MERGE_AT: Final = 32
"""So many small parts of one process become one: a slow encoder writes thousands."""

_SMALL_BYTES: Final = 1 << 20
"""Larger parts stay: of a quick encoder there are few, and merging holds all of them."""

_FINISH_BYTES: Final = 128 << 20
"""Numbers that `PartStore.finish` holds at a time."""


def parts_folder(features_path: Path) -> Path:
    """Where the unfinished features of a feature file lie.

    Parameters
    ----------
    features_path
        The feature file (``<slide_id>.h5``), which need not exist.
    """
    return features_path.with_name(f".{features_path.stem}.parts")


class PartStore:
    """Tile-wise store of one slide's features, until they are all there.

    Parameters
    ----------
    folder
        See `parts_folder`. Made if it is not there. If it holds parts of another plan, they
        are thrown away: they would be other numbers.
    plan
        What the features are of.

    Raises
    ------
    FeatureError
        If the folder cannot be written.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self._order: NDArray[np.int64] | None = None
        self._have = np.zeros(len(plan.grid), np.bool_)
        self._known: set[str] = set()
        self._small: list[Path] = []
        found = read_plan(folder)
        if found is None or found.digest != plan.digest:
            if found is not None:
                discard(folder)
            write_plan(folder, plan)
        remove_dead(folder, plan.digest)
        self.refresh()

    def refresh(self) -> None:
        """Take note of parts that came since, and remove those that are damaged."""
        for path in part_files(self.folder, self.plan.digest):
            if path.name in self._known:
                continue
            try:
                indices, _ = read_part(path, len(self.plan.grid), self.plan.dim)
            except OSError:  # merged with others meanwhile, or the network failed
                continue
            except DAMAGED:
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            self._known.add(path.name)
            self._have[indices] = True

    @property
    def done(self) -> int:
        """Tiles that are there, as far as this process knows."""
        return int(self._have.sum())

    @property
    def coverage(self) -> float:
        """Share of the tiles that are there, as far as this process knows."""
        return self.done / max(1, len(self._have))

    def missing(self) -> NDArray[np.int64]:
        """Tiles that are not there yet, coarse to fine; looks at the folder again.

        Returns
        -------
        ndarray of int64 (n,)
        """
        self.refresh()
        if self._order is None:
            self._order = coarse_to_fine(self.plan.grid)
        return self._order[~self._have[self._order]]

    def add(self, indices: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Keep the vectors of some tiles: on the disk when this returns.

        Parameters
        ----------
        indices
            int64 (n,): which tiles.
        vectors
            float32 (n, dim).

        Raises
        ------
        FeatureError
            If the numbers are not finite or of another shape, the folder was removed by
            another process that finished the slide or began it anew, or the disk is full.
        """
        indices, vectors = np.asarray(indices, np.int64), np.asarray(vectors, np.float32)
        self._check(indices, vectors)
        if not len(indices):
            return
        try:
            path = write_part(self.folder, self.plan.digest, indices, vectors)
            self._have[indices] = True
            self._known.add(path.name)
            if vectors.nbytes <= _SMALL_BYTES:
                self._small.append(path)
            if len(self._small) >= _MERGE_AT:
                self._merge()
        except FileNotFoundError:
            raise FeatureError(
                "Its unfinished features are gone.",
                "Another program may have finished it; embed it again if not.",
                self.plan.slide_id,
            ) from None
        except OSError as error:
            raise FeatureError(
                f"Its features cannot be written ({error.strerror or type(error).__name__}).",
                "Check the project folder's free space and that you may write there.",
                self.plan.slide_id,
            ) from None

    def _check(self, indices: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        n = len(self._have)
        wrong = vectors.shape != (len(indices), self.plan.dim) or indices.ndim != 1
        if wrong or (len(indices) and not 0 <= indices.min() <= indices.max() < n):
            raise FeatureError(
                "The features do not fit their tile grid.",
                "This is a fault in the program: please report it.",
                self.plan.slide_id,
            )
        if not np.isfinite(vectors).all():
            raise FeatureError(
                "The encoder gave numbers that are not finite.",
                "Check its weights, then embed the slide again.",
                self.plan.slide_id,
            )

    def _merge(self) -> None:
        """One part of many small ones; if it is cut short, tiles are there twice."""
        n, dim = len(self._have), self.plan.dim
        read = [read_part(path, n, dim) for path in self._small if path.exists()]
        if read:
            indices, vectors = (np.concatenate(arrays) for arrays in zip(*read, strict=True))
            merged = write_part(self.folder, self.plan.digest, indices, vectors)
            self._known.add(merged.name)
        for path in self._small:
            path.unlink(missing_ok=True)
        self._small.clear()

    def load(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """All vectors that are there.

        Returns
        -------
        indices : ndarray of int64 (n,)
            Which tiles, rising.
        vectors : ndarray of float32 (n, dim)
        """
        return load_parts(self.folder, self.plan)

    def finish(self, features_path: Path, *, partial: bool = False) -> None:
        """Write the feature file from the parts, then remove them.

        Parameters
        ----------
        features_path
            Where to.
        partial
            Also if tiles are missing: the file says so (`Features.coverage`).

        Raises
        ------
        FeatureError
            If tiles are missing, or the file cannot be written; the parts then stay.
        """
        self.refresh()
        done, n = self.done, len(self._have)
        if not done or (done < n and not partial):
            raise FeatureError(
                f"{n - done} of {n} tiles are not embedded yet.",
                "Embed the slide again: it goes on where it was.",
                self.plan.slide_id,
            )
        wanted = np.flatnonzero(self._have)
        about = self.plan.features(None if done == n else wanted)
        write_features(features_path, about, self.plan.dim, self._rows(wanted))
        discard(self.folder)

    def _rows(self, wanted: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
        """Vectors of some tiles in order, a bounded number at a time."""
        many = max(1, _FINISH_BYTES // (4 * self.plan.dim))
        for start in range(0, len(wanted), many):
            chosen = wanted[start : start + many]
            yield _gather(self.folder, self.plan, chosen)


def load_parts(folder: Path, plan: Plan) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All vectors of a plan that are in a folder; safe while others write. See `PartStore.load`."""
    have = tiles_in(folder, plan)
    indices = np.flatnonzero(have)
    return indices, _gather(folder, plan, indices)


def tiles_in(folder: Path, plan: Plan) -> NDArray[np.bool_]:
    """Which tiles of a plan have vectors in a folder: bool (n_tiles,). Reads no vectors."""
    n = len(plan.grid)
    have = np.zeros(n, np.bool_)
    for _ in range(2):  # parts may be merged between listing and reading
        lost = False
        for path in part_files(folder, plan.digest):
            try:
                have[read_indices(path, n)] = True
            except FileNotFoundError:
                lost = True
            except DAMAGED:
                continue
        if not lost:
            break
    return have


def _gather(folder: Path, plan: Plan, wanted: NDArray[np.int64]) -> NDArray[np.float32]:
    """Vectors of the tiles ``wanted`` (rising), from all parts that hold them."""
    out = np.empty((len(wanted), plan.dim), np.float32)
    filled = np.zeros(len(wanted), np.bool_)
    for _ in range(2):
        for path in part_files(folder, plan.digest):
            if filled.all():
                return out
            with contextlib.suppress(*DAMAGED):
                indices, vectors = read_part(path, len(plan.grid), plan.dim)
                place = np.searchsorted(wanted, indices)
                place[place == len(wanted)] = 0
                here = wanted[place] == indices if len(wanted) else np.zeros(len(indices), np.bool_)
                out[place[here]], filled[place[here]] = vectors[here], True
    if not filled.all():
        raise FeatureError(
            "Some of its unfinished features are gone or damaged.",
            "Embed the slide again: it goes on where it was.",
            plan.slide_id,
        )
    return out


def discard(folder: Path) -> None:
    """Remove a folder of parts; what cannot be removed is left and does no harm."""
    shutil.rmtree(folder, ignore_errors=True)


def seed(store: PartStore, features_path: Path) -> None:
    """Go on from a feature file of a run that was stopped early, if it is of the same plan.

    Parameters
    ----------
    store
        Gets the tiles that are in the file.
    features_path
        The file, which need not exist.
    """
    header = read_header(features_path)
    if header is None or header.coverage >= 1 or not same_numbers(header, store.plan):
        return
    if header.dim != store.plan.dim or damage(features_path):
        return
    early, grid = load_features(features_path), store.plan.grid
    width = grid.shape[1]
    places = {cell: i for i, cell in enumerate((grid.cells @ np.array([1, width])).tolist())}
    found = [places.get(cell, -1) for cell in (early.grid.cells @ np.array([1, width])).tolist()]
    indices = np.asarray(found, np.int64)
    known = indices >= 0
    store.add(indices[known], early.instances[known])
