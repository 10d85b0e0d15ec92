"""The edits that can be undone. Each writes to the disk first and only then to the session."""

from __future__ import annotations

from napari_lookalike.session.bookmark_commands import (
    AddBookmark,
    DeleteBookmark,
    EditBookmark,
)
from napari_lookalike.session.cohort_commands import (
    AddSlides,
    EditRecord,
    ExcludeSlide,
    RelinkSlides,
    RemoveSlides,
)
from napari_lookalike.session.history import Command, History
from napari_lookalike.session.mark_commands import (
    EditMark,
    ImportMarks,
    MarkPair,
    RestoreMark,
    RetireMark,
)
from napari_lookalike.session.model_commands import KeepModel, RollBackModel, UseModel
from napari_lookalike.session.twin_commands import MarkWithTile

__all__ = [
    "AddBookmark",
    "AddSlides",
    "Command",
    "DeleteBookmark",
    "EditBookmark",
    "EditMark",
    "EditRecord",
    "ExcludeSlide",
    "History",
    "ImportMarks",
    "KeepModel",
    "MarkPair",
    "MarkWithTile",
    "RelinkSlides",
    "RemoveSlides",
    "RestoreMark",
    "RetireMark",
    "RollBackModel",
    "UseModel",
]
