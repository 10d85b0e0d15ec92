"""The project folder: placeholder until the project module lands."""

from __future__ import annotations

from napari_lookalike.core.cohort import Cohort


class Project:
    """A project (to be written)."""

    cohort: Cohort
