"""What an export is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.attention import attention_weights
from napari_lookalike.core.errors import FeatureError, LookalikeError, ModelError
from napari_lookalike.core.features import Features
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import ModelResults, SlideResult

Values = Literal["weights", "logits"]


@dataclass(frozen=True)
class ExportOptions:
    """What an export holds.

    Parameters
    ----------
    slide_ids
        Which slides; ``None`` for all that are not excluded.
    version
        Model version; ``None`` for the one in use.
    patient_ids
        Write patient ids in clear. Otherwise patients are numbered.
    values
        Attention as "weights" (softmax, sum 1 over the slide) or "logits".
    replace
        Write over files that are there.
    """

    slide_ids: tuple[str, ...] | None = None
    version: str | None = None
    patient_ids: bool = False
    values: Values = "weights"
    replace: bool = False


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    kind
        Name in `EXPORTERS`.
    done
        slide_ids that are in it.
    files
        How many files were written.
    problems
        slide_id -> why it is not in it.
    identity
        What in it could point to a patient, as a sentence.
    partial
        slide_id -> share of its tiles that are embedded, where that is not all.
    """

    kind: str = ""
    done: tuple[str, ...] = ()
    files: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    identity: str = ""
    partial: dict[str, float] = field(default_factory=dict)


@dataclass(eq=False)
class ExportPlan:
    """What the writers are given.

    Parameters
    ----------
    project
        The project.
    out
        Folder to write into; it is there.
    slide_ids
        Which slides, in the order of the cohort.
    options
        As asked for.
    results
        What the model says; ``None`` if there is no model.
    problems
        slide_id -> why it cannot be exported; filled while writing.
    partial
        slide_id -> share of its tiles that are embedded, where that is not all; as well.
    """

    project: Project
    out: Path
    slide_ids: Sequence[str]
    options: ExportOptions
    results: ModelResults | None = None
    problems: dict[str, str] = field(default_factory=dict)
    partial: dict[str, float] = field(default_factory=dict)

    def features(self, job: Job) -> Iterator[tuple[str, Features]]:
        """Each slide's features; a slide without is noted and passed over."""
        for i, slide_id in enumerate(self.slide_ids):
            job.step(i, len(self.slide_ids), f"Exporting slide {slide_id}")
            try:
                found = self.project.load_features(slide_id)
            except LookalikeError as error:
                self.problems[slide_id] = f"{error.what} {error.remedy}".strip()
                continue
            if found.coverage < 1:
                self.partial[slide_id] = found.coverage
            yield slide_id, found

    def model(self) -> ModelResults:
        """What the model says.

        Raises
        ------
        ModelError
            If there is no model.
        """
        if self.results is None:
            raise ModelError("This project has no model yet.", "Train one first.")
        return self.results

    def result(self, slide_id: str, features: Features) -> SlideResult | None:
        """What the model says of a slide, if it fits these features."""
        result = self.results.slides.get(slide_id) if self.results else None
        if result is not None and result.attention_logits.shape[1] != len(features):
            raise FeatureError(
                "It was embedded again after the model spoke.", "Predict it again.", slide_id
            )
        return result

    def patient(self, slide_id: str) -> str:
        """The patient's id if that was asked for, else a number that stands for the patient."""
        record = self.project.cohort[slide_id]
        if self.options.patient_ids:
            return record.patient_id
        groups = dict.fromkeys(r.group for r in self.project.cohort)
        return f"patient {list(groups).index(record.group) + 1}"

    def exported(self, done: Sequence[str], files: int) -> Exported:
        """The report."""
        return Exported(
            done=tuple(done), files=files, problems=dict(self.problems), partial=dict(self.partial)
        )


def branch_of(result: SlideResult) -> int:
    """The attention branch that is drawn: of the predicted class, for heads that have several."""
    return 0 if len(result.attention_logits) == 1 else int(result.ranking[0])


def shown(result: SlideResult, values: Values) -> NDArray[np.float32]:
    """float32 (n_tiles,) attention of the predicted class."""
    logits = result.attention_logits
    found = attention_weights(logits) if values == "weights" else logits
    return np.asarray(found[branch_of(result)], np.float32)


def percentiles(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rank of each value within the slide, 0 to 100; equal values share the mean rank."""
    from scipy.stats import rankdata

    if len(values) < 2:
        return np.full(len(values), 100.0)
    return np.asarray(100 * (rankdata(values) - 1) / (len(values) - 1), np.float64)
