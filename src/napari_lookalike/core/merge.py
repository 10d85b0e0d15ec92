"""Two edits of one cohort brought together, so that neither is lost."""

from __future__ import annotations

from dataclasses import fields, replace

from napari_lookalike.core.cohort import Cohort, SlideRecord


def merge_cohorts(base: Cohort, ours: Cohort, theirs: Cohort) -> Cohort:
    """Three-way merge by slide and field.

    Parameters
    ----------
    base
        What both began with.
    ours, theirs
        What each made of it. Where both changed the same field, ours wins.

    Returns
    -------
    Cohort
        In our order; slides that only they added come last. A slide that one side
        removed is gone, unless the other side changed it meanwhile.
    """
    kept = [
        _merge_record(base, record, theirs) for record in ours if not _removed(record, base, theirs)
    ]
    added = [
        record
        for record in theirs
        if record.slide_id not in ours and not _removed(record, base, ours)
    ]
    return replace(ours, slides=(*kept, *added))


def _removed(record: SlideRecord, base: Cohort, other: Cohort) -> bool:
    """Whether the other side removed this slide, and nobody changed it on this one."""
    known = record.slide_id in base
    return known and record.slide_id not in other and record == base[record.slide_id]


def _merge_record(base: Cohort, record: SlideRecord, theirs: Cohort) -> SlideRecord:
    slide_id = record.slide_id
    if slide_id not in theirs or slide_id not in base:
        return record
    before, other = base[slide_id], theirs[slide_id]
    changed = {
        f.name: getattr(other, f.name)
        for f in fields(SlideRecord)
        if getattr(record, f.name) == getattr(before, f.name)
    }
    return replace(record, **changed)
