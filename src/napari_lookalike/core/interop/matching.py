"""Which imported file belongs to which slide of the cohort."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from napari_lookalike.core.cohort import Cohort, SlideRecord, slide_id_key
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.interop.raw import Found
from napari_lookalike.core.interop.report import Known

SLIDE_ENDINGS = (
    ".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide",
    ".dcm", ".czi", ".zarr", ".ome", ".png", ".jpg", ".jpeg",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Match:
    """A file and the slide that it belongs to.

    Parameters
    ----------
    slide_id
        The slide.
    found
        The file.
    by
        How it was matched.
    """

    slide_id: str
    found: Found
    by: Known[str]


@dataclass(frozen=True, eq=False)
class Matches:
    """What belongs to what.

    Parameters
    ----------
    pairs
        In the order of the cohort.
    unmatched
        Names of files that belong to no slide.
    problems
        slide_id -> why no file could be taken for it.
    """

    pairs: tuple[Match, ...]
    unmatched: tuple[str, ...]
    problems: dict[str, str]


def match(found: Sequence[Found], cohort: Cohort, only: str | None = None) -> Matches:
    """Match files to slides: by slide_id, by the slide's file name, by the patient.

    Parameters
    ----------
    found
        The files.
    cohort
        The slides.
    only
        slide_id that a single file belongs to, if the user said so.

    Raises
    ------
    FeatureError
        If ``only`` is given and there are several files.
    ProjectError
        If ``only`` is no slide of the cohort.
    """
    if only is not None:
        record = cohort[only]
        if len(found) != 1:
            raise FeatureError(
                f"There are {len(found)} files, but one slide was named for them.",
                "Name one file, or leave the slide out: files are matched by their names.",
            )
        by = Known("as you said", "given", "You named the slide.")
        return Matches((Match(record.slide_id, found[0], by),), (), {})
    keys, stems, patients = _index(cohort)
    claims: dict[str, list[Match]] = defaultdict(list)
    unmatched = []
    for item in found:
        slides, by = _slides_of(item, keys, stems, patients)
        for slide_id in slides:
            claims[slide_id].append(Match(slide_id, item, by))
        if not slides:
            unmatched.append(item.names[0])
    pairs, problems = [], {}
    for record in cohort:
        claimed = claims.get(record.slide_id, [])
        if len(claimed) == 1:
            pairs.append(claimed[0])
        elif claimed:
            problems[record.slide_id] = (
                f"{len(claimed)} files seem to belong to it. Import the right one by itself."
            )
    return Matches(tuple(pairs), tuple(unmatched), problems)


Index = dict[str, list[str]]


def _index(cohort: Cohort) -> tuple[Index, Index, Index]:
    keys: Index = defaultdict(list)
    stems: Index = defaultdict(list)
    patients: Index = defaultdict(list)
    for record in cohort:
        keys[slide_id_key(record.slide_id)].append(record.slide_id)
        stems[_stem(record)].append(record.slide_id)
        if record.patient_id:
            patients[slide_id_key(record.patient_id)].append(record.slide_id)
    return keys, stems, patients


def _stem(record: SlideRecord) -> str:
    return slide_id_key(without_ending(record.path.name))


def without_ending(name: str) -> str:
    """A name without the endings of slide files ("a.ome.tif" is "a")."""
    lower = name.lower()
    for _ in range(2):
        for ending in SLIDE_ENDINGS:
            if lower.endswith(ending) and len(lower) > len(ending):
                name, lower = name[: -len(ending)], lower[: -len(ending)]
                break
    return name


def _slides_of(
    item: Found, keys: Index, stems: Index, patients: Index
) -> tuple[list[str], Known[str]]:
    names = [slide_id_key(without_ending(name)) for name in item.names]
    if item.of_patient:
        why = "One vector for the patient: every slide of the patient gets it."
        slides = next((patients[n] for n in names if n in patients), [])
        return list(slides), Known("patient", "stated", why)
    for index, by, why in (
        (keys, "slide_id", "The file's name is the slide_id."),
        (stems, "file name", "The file has the name of the slide's file."),
    ):
        for name in names:
            if len(index.get(name, ())) == 1:
                return list(index[name]), Known(by, "stated", why)
    # "TCGA-…-DX1" for "TCGA-…-DX1.0A1B….svs": the part before the first dot
    short: Index = defaultdict(list)
    for stem, slides in stems.items():
        short[stem.split(".")[0]] += slides
    for name in names:
        near = short.get(name.split(".")[0], ())
        if len(near) == 1:
            why = "The names agree up to the first dot only."
            return list(near), Known("beginning of the name", "guessed", why)
    return [], Known("", "guessed", "")
