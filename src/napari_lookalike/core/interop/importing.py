"""Brings features and maps of other programs into a project, after saying what was inferred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from napari_lookalike.core.errors import FeatureError, LookalikeError
from napari_lookalike.core.interop import onslide
from napari_lookalike.core.interop.formats import IMPORTERS
from napari_lookalike.core.interop.kinds import Importer
from napari_lookalike.core.interop.matching import Match, Matches, match
from napari_lookalike.core.interop.place import Placed, place, place_exactly
from napari_lookalike.core.interop.raw import Found, ImportOptions, RawTiles
from napari_lookalike.core.interop.report import (
    Fact,
    How,
    ImportReport,
    Known,
    SlideReport,
    together,
)
from napari_lookalike.core.interop.scale import SlideFacts
from napari_lookalike.core.interop.writing import Target, choose_target, finish, write_slide
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project import Project
from napari_lookalike.core.slides.base import Slide

TISSUE_CHECKS = 24
"""Slides on which tissue is looked for: finding it takes a second or more on each."""


@dataclass(eq=False)
class Planned:
    """One slide on its way in.

    Parameters
    ----------
    match
        Slide and file.
    report
        What is known so far.
    placed
        Its tiles; ``None`` if they could not be placed.
    """

    match: Match
    report: SlideReport
    placed: Placed | None = None


def import_source(
    root: Path | str, source: Path, options: ImportOptions | None = None, *, job: Job = SILENT
) -> ImportReport:
    """Read another program's files, say what was inferred, and (unless asked not to) keep them.

    Parameters
    ----------
    root
        The project folder.
    source
        A file, or a folder in which files are looked for.
    options
        What the user says of them; ``check`` writes nothing.
    job
        Progress and cancel; slides that were written stay.

    Returns
    -------
    ImportReport
        With every slide's facts and problems, and the files that belong to no slide.

    Raises
    ------
    FeatureError
        If nothing that can be imported is there, or several sets of features are: name one.
    ProjectError
        If the project cannot be read or, unless only checked, written.
    """
    options = options or ImportOptions()
    project = Project.open(root)
    if not options.check:
        project.check_writable()
    importer, found = look_for(source, options)
    matches = match(found, project.cohort, options.slide)
    plans = _plan_all(project, matches.pairs, options, job)
    target = choose_target(project, importer, plans, options)
    _keep_out(project, target, plans, options)
    if not options.check:
        _write_all(project, target, plans, job)
    return _report(project, importer, target, plans, matches, options)


def look_for(source: Path, options: ImportOptions) -> tuple[Importer, tuple[Found, ...]]:
    """The files at or below a place, and of which kind they are.

    Raises
    ------
    FeatureError
        If there are none, or they are several sets.
    """
    entries = [e.item for e in IMPORTERS]
    if options.kind is not None:
        entries = [IMPORTERS.get(options.kind)]
    for importer in entries:
        found = importer.find(source, options)
        if found:
            _one_set(found)
            return importer, found
    titles = ", ".join(e.title for e in entries)
    raise FeatureError(
        f"There is nothing here that can be imported (looked for: {titles}).",
        "Choose the folder that holds the features, or say what they are (--kind).",
    )


def _one_set(found: Sequence[Found]) -> None:
    groups = Counter(item.group for item in found)
    if len(groups) > 1:
        listed = ", ".join(f"{group} ({n})" for group, n in sorted(groups.items())[:8])
        raise FeatureError(
            f"There are several sets of files: {listed}.",
            "Import one of them: choose its own folder.",
        )


def _plan_all(
    project: Project, pairs: Sequence[Match], options: ImportOptions, job: Job
) -> list[Planned]:
    every = max(1, -(-len(pairs) // TISSUE_CHECKS))
    plans = []
    for i, pair in enumerate(pairs):
        job.step(i, 2 * len(pairs), f"Looking at slide {pair.slide_id}")
        plans.append(_plan(project, pair, options, tissue=i % every == 0))
    return plans


def _plan(project: Project, pair: Match, options: ImportOptions, tissue: bool) -> Planned:
    slide_id = pair.slide_id
    by = Fact("matched by", pair.by.value, pair.by.how, pair.by.why)
    report = SlideReport(slide_id, (by,))
    try:
        raw = pair.found.read()
        report = replace(report, tiles=raw.count, dim=raw.dim)
        with ExitStack() as stack:
            slide = _open(project, slide_id, stack)
            facts = _slide_facts(project, slide_id, slide)
            if pair.found.exact is not None:
                placed = place_exactly(pair.found.exact())
            else:
                placed = place(raw, facts, options)
            checked = [_on_slide(placed, raw, slide)]
            if slide is not None and tissue and not checked[0].problem:
                checked.append(onslide.check_tissue(slide, placed.grid, project.settings.tissue))
    except LookalikeError as error:
        problem = f"{error.what} {error.remedy}".strip()
        return Planned(pair, replace(report, problem=problem))
    more = tuple(fact for check in checked for fact in check.facts)
    warnings = (*placed.warnings, *(text for check in checked for text in check.warnings))
    problem = next((check.problem for check in checked if check.problem), "")
    report = replace(report, facts=(by, *more, *placed.facts), warnings=warnings, problem=problem)
    return Planned(pair, report, placed)


def _on_slide(placed: Placed, raw: RawTiles, slide: Slide | None) -> onslide.OnSlide:
    if slide is None:
        why = "The slide's file is not here, so nothing could be checked on it."
        return onslide.OnSlide((Fact("tiles on the slide", "not checked", "guessed", why),))
    stated = raw.slide_size.value if raw.slide_size else None
    return onslide.check_size(placed.grid, slide.size, stated)


def _open(project: Project, slide_id: str, stack: ExitStack) -> Slide | None:
    """The slide, or ``None`` if its file is not here or does not open: that stops no import."""
    try:
        return stack.enter_context(project.open_slide(slide_id))
    except LookalikeError:
        return None


def _slide_facts(project: Project, slide_id: str, slide: Slide | None) -> SlideFacts:
    record = project.cohort[slide_id]
    if record.mpp is not None:
        source = "the manifest" if record.mpp_source == "manifest" else "you"
        known = Known((record.mpp, record.mpp), "given", f"Given by {source} in this project.")
        return SlideFacts(slide.size if slide else None, known)
    if slide is None:
        return SlideFacts()
    scale = slide.scale
    if scale.mpp_x is None or scale.mpp_y is None:
        return SlideFacts(slide.size)
    known = Known((scale.mpp_x, scale.mpp_y), "stated", "The slide's own file says so.")
    return SlideFacts(slide.size, known)


def _keep_out(
    project: Project, target: Target, plans: Sequence[Planned], options: ImportOptions
) -> None:
    """Slides that do not fit the others, or that have features already, are not written."""
    for plan in plans:
        if plan.report.problem:
            continue
        problem = target.misfit(plan)
        if not problem and target.path(project, plan.match.slide_id).exists():
            what = "a map of this name" if target.is_map else "features by this encoder"
            if not options.replace:
                problem = f"It has {what} already. Allow them to be replaced (--replace)."
        if problem:
            plan.report = replace(plan.report, problem=problem)


def _write_all(project: Project, target: Target, plans: Sequence[Planned], job: Job) -> None:
    good = [plan for plan in plans if not plan.report.problem]
    for i, plan in enumerate(good):
        job.step(len(good) + i, 2 * len(good), f"Importing slide {plan.match.slide_id}")
        try:
            write_slide(project, target, plan)
            plan.report = replace(plan.report, written=True)
        except LookalikeError as error:
            problem = f"{error.what} {error.remedy}".strip()
            plan.report = replace(plan.report, problem=problem)
    finish(project, target, plans)


def _report(
    project: Project,
    importer: Importer,
    target: Target,
    plans: Sequence[Planned],
    matches: Matches,
    options: ImportOptions,
) -> ImportReport:
    slides = tuple(plan.report for plan in plans)
    slides += tuple(SlideReport(s, problem=why) for s, why in matches.problems.items())
    found = {s.slide_id for s in slides}
    how: How = "given" if options.kind else "worked out"
    made_by = Fact("made by", importer.title, how, "By what the files hold.")
    return ImportReport(
        kind=importer.name,
        title=importer.title,
        content=importer.content,
        name=target.name,
        facts=(made_by, *target.facts, *_common(slides)),
        slides=slides,
        unmatched=matches.unmatched,
        absent=tuple(
            r.slide_id for r in project.cohort if not r.excluded and r.slide_id not in found
        ),
        written=not options.check,
    )


def _common(slides: tuple[SlideReport, ...]) -> tuple[Fact, ...]:
    """What holds for the slides that can be imported; if none can, for all."""
    fine = tuple(s for s in slides if not s.problem) or slides
    if not fine:
        return ()
    numbers = [s.tiles for s in fine]
    least, most = min(numbers), max(numbers)
    value = f"{least:,} a slide" if least == most else f"{least:,} to {most:,} a slide"
    return (Fact("tiles", value, "stated", f"{sum(numbers):,} in all."), *together(fine))
