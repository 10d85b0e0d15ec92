"""Some rows of a feature file, without reading the others into memory."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.features_damage import damaged_file, header_changed, unreadable
from napari_lookalike.core.features_file import Group, read_grid, read_trident_grid
from napari_lookalike.core.tiles import TileGrid

_UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError)  # h5py's, if damaged


class FeatureRows:
    """An open feature file: its grid, and rows of it. A context manager.

    Parameters
    ----------
    path
        The file, ours or TRIDENT's.
    slide_id
        The slide, for errors.

    Attributes
    ----------
    grid
        Where each row lies.

    Raises
    ------
    FeatureError
        If it is absent or damaged; embed the slide (again).
    """

    def __init__(self, path: Path, slide_id: str) -> None:
        self._path, self._slide_id = path, slide_id
        self._file: Group = None
        try:
            self._file = h5py.File(path, "r")
            self._check_header()
            self.grid = self._read_grid()
            if len(self.grid) != self._data().shape[-2]:
                raise ValueError("rows and tiles differ")
        except FileNotFoundError:
            raise FeatureError(
                "It has no features yet.", "Embed the slide first.", slide_id
            ) from None
        except _UNREADABLE as error:
            self.close()
            raise self._damaged(error) from None

    def rows(self, indices: NDArray[np.intp]) -> NDArray[np.float32]:
        """float32 (n, dim): the features of these tiles, in this order.

        Raises
        ------
        FeatureError
            If they cannot be read, or are not finite.
        """
        order = np.argsort(indices, kind="stable")
        try:
            data = self._data()
            found = np.empty((len(indices), data.shape[-1]), np.float32)
            if len(indices):
                wanted = np.asarray(indices)[order]
                found[order] = data[wanted] if data.ndim == 2 else data[0, wanted]
        except _UNREADABLE as error:
            raise self._damaged(error) from None
        if not np.isfinite(found).all():
            raise FeatureError(
                "Its features hold numbers that are not finite.",
                "Embed the slide again.",
                self._slide_id,
            )
        return found

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> FeatureRows:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _data(self) -> Group:
        return self._file["features"]  # older TRIDENT wrote (1, N, D)

    def _read_grid(self) -> TileGrid:
        if "lookalike_schema" in self._file.attrs:
            return read_grid(self._file)[0]
        return read_trident_grid(self._file, self._slide_id)[0]

    def _check_header(self) -> None:
        """The numbers are not summed up: only a few of them will be read."""
        if wrong := header_changed(self._file):
            self.close()
            raise damaged_file(self._path, wrong, self._slide_id)

    def _damaged(self, error: BaseException) -> FeatureError:
        return damaged_file(self._path, unreadable(self._path, error), self._slide_id)
