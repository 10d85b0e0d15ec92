"""The cohort on disk: its plan, its files, and that it is complete or absent."""

import csv
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import openslide
import pytest
import tifffile

from napari_lookalike.core.errors import ProjectError
from napari_lookalike.core.progress import Job, JobCancelled
from napari_lookalike.core.synth import cohort as module
from napari_lookalike.core.synth.cohort import SEED, default_folder, make_cohort
from napari_lookalike.core.synth.factors import of_slide
from napari_lookalike.core.synth.plan import COUNTS, MPP, plan_cohort
from napari_lookalike.core.synth.subtypes import LOOKALIKES, SUBTYPES

pytestmark = pytest.mark.processes

SIZE = (512, 384)


def small(n=3):
    plans = plan_cohort(4, size=SIZE)[:n]
    return [replace(plans[0], pen=True), *plans[1:]]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache") / "cohort"
    return folder, make_cohort(folder, 4, plans=small(), workers=0)


# -- the plan --------------------------------------------------------------------------


def test_the_demo_cohort_is_what_is_promised():
    plans = plan_cohort(SEED)
    assert len(plans) == sum(COUNTS) >= 42
    counts = Counter(p.label for p in plans)
    assert counts == {s.name: n for s, n in zip(SUBTYPES, COUNTS, strict=True)}
    assert len(set(counts.values())) > 3, "imbalanced"
    per_patient = Counter(p.patient_id for p in plans)
    assert set(per_patient.values()) == {1, 2}
    assert 42 <= len(per_patient) <= 48
    assert len({p.slide_id for p in plans}) == len(plans)
    assert 0 < sum(p.pen for p in plans) < len(plans) / 2


def test_a_patient_has_one_label_and_one_centre():
    plans = plan_cohort(SEED)
    facts = {(p.patient_id, p.label, p.site) for p in plans}
    assert len(facts) == len({p.patient_id for p in plans})


def test_no_label_is_of_one_centre_alone():
    sites = {(p.label, p.site) for p in plan_cohort(SEED)}
    assert len(sites) == 2 * len(SUBTYPES)


def test_the_plan_depends_on_the_seed_alone():
    assert plan_cohort(SEED) == plan_cohort(SEED)
    assert plan_cohort(SEED) != plan_cohort(SEED + 1)


def test_numbers_say_nothing_of_labels():
    labels = [p.label for p in plan_cohort(SEED)]
    runs = 1 + sum(a != b for a, b in pairwise(labels))
    assert runs > 3 * len(SUBTYPES)


def test_a_planted_pair_differs_in_degree_only():
    """No factor is zero on one side of a pair only: nothing gives the label away alone."""
    of = {s.name: s for s in SUBTYPES}
    for a, b in LOOKALIKES:
        one, other = vars(of[a].typical), vars(of[b].typical)
        for name, value in one.items():
            assert (value == 0) == (other[name] == 0), name
        assert one["kind"] == other["kind"]


def test_two_slides_of_a_patient_are_more_alike_than_two_patients():
    subtype = SUBTYPES[0]
    within, between = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        first, second = subtype.patient(rng), subtype.patient(rng)
        a, b, c = of_slide(first, rng), of_slide(first, rng), of_slide(second, rng)
        within.append(abs(np.log(a.rosettes / b.rosettes)))
        between.append(abs(np.log(a.rosettes / c.rosettes)))
    assert np.mean(within) < 0.5 * np.mean(between)


# -- the files -------------------------------------------------------------------------


def test_slides_open_with_their_scale(made):
    _, cohort = made
    with openslide.OpenSlide(cohort.slides[0].path) as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(MPP)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(MPP)
        assert slide.level_dimensions == (SIZE, (256, 192), (128, 96))
        assert slide.level_downsamples == (1.0, 2.0, 4.0)
        top = np.asarray(slide.read_region((0, 0), 2, (128, 96)).convert("RGB"), float)
        full = np.asarray(slide.read_region((0, 0), 0, SIZE).convert("RGB"), float)
    averaged = full.reshape(96, 4, 128, 4, 3).mean(axis=(1, 3))
    there = np.abs(top - averaged).mean()
    assert there < 6
    assert there < 0.6 * np.abs(top[:, 1:] - averaged[:, :-1]).mean(), "one pixel beside"


def test_files_are_tiled_jpeg_and_say_nothing_of_a_person(made):
    _, cohort = made
    for record in cohort:
        with tifffile.TiffFile(record.path) as tiff:
            assert [bool(page.subfiletype) for page in tiff.pages] == [False, True, True]
            for page in tiff.pages:
                assert page.compression == 7 and page.is_tiled and page.tilewidth == 256
                assert not {"ImageDescription", "Software", "DateTime"} & {
                    tag.name for tag in page.tags if tag.value
                }


def test_the_cohort_says_that_it_is_synthetic(made):
    folder, cohort = made
    assert cohort.synthetic and "Synthetic" in cohort.name
    assert "SYNTHETIC" in (folder / "SYNTHETIC.txt").read_text("utf-8")
    assert json.loads((folder / "cohort.json").read_text("utf-8"))["synthetic"] is True
    assert all(record.label_source == "synthetic" for record in cohort)


def test_the_manifest_has_the_same_slides(made):
    folder, cohort = made
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [r["slide_id"] for r in rows] == [s.slide_id for s in cohort]
    for row, record in zip(rows, cohort, strict=True):
        assert (folder / row["slide"]).samefile(record.path)
        assert (row["patient_id"], row["label"]) == (record.patient_id, record.label)


def test_the_truth_names_every_slide(made):
    folder, cohort = made
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    assert list(truth) == [s.slide_id for s in cohort]
    first = truth["SYN-001"]
    assert first["pen"] is True and first["label"] == cohort["SYN-001"].label
    for finding in first["findings"]:
        assert 0 <= finding["x"] <= SIZE[0] and 0 <= finding["y"] <= SIZE[1]


# -- complete or absent ----------------------------------------------------------------


def test_a_second_call_draws_nothing(made, monkeypatch):
    folder, cohort = made

    def never(*_):
        raise AssertionError("drawn again")

    monkeypatch.setattr(module, "make_slide", never)
    assert make_cohort(folder, 4, plans=small(), workers=0) == cohort


def test_a_damaged_slide_is_made_again(tmp_path):
    folder, plans = tmp_path / "cohort", small(1)
    path = make_cohort(folder, 4, plans=plans, workers=0).slides[0].path
    good = path.read_bytes()
    path.write_bytes(good[:-100])
    make_cohort(folder, 4, plans=plans, workers=0)
    assert path.read_bytes() == good


def test_another_plan_is_another_cohort(tmp_path):
    folder = tmp_path / "cohort"
    make_cohort(folder, 4, plans=small(1), workers=0)
    assert len(make_cohort(folder, 4, plans=small(2), workers=0)) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cohort"]


def test_cancelling_leaves_nothing(tmp_path):
    job = Job(lambda done, *_: job.cancel() if done else None)
    with pytest.raises(JobCancelled):
        make_cohort(tmp_path / "cohort", 4, plans=small(3), workers=0, job=job)
    assert list(tmp_path.iterdir()) == []


def _make_for_ever(folder):
    make_cohort(folder, 4, plans=plan_cohort(4), workers=0)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_a_killed_run_leaves_no_cohort(tmp_path):
    folder = tmp_path / "cohort"
    process = multiprocessing.get_context("spawn").Process(target=_make_for_ever, args=(folder,))
    process.start()
    try:
        end = time.monotonic() + 600
        while not list(tmp_path.glob(".cohort.partial-*/slides/*.tif")):
            assert time.monotonic() < end and process.is_alive()
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert not folder.exists()
    assert len(make_cohort(folder, 4, plans=small(1), workers=0)) == 1
    left = list(tmp_path.glob(".cohort.partial-*"))
    assert len(left) == 1, "a fresh leftover may belong to a run that is alive"
    os.utime(left[0], (0, 0))
    make_cohort(folder, 4, plans=small(2), workers=0)
    assert not list(tmp_path.glob(".cohort.partial-*"))


def test_somebody_elses_folder_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ProjectError, match="something else"):
        make_cohort(tmp_path, 4, plans=small(1), workers=0)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="cannot be written"):
        make_cohort(tmp_path / "file" / "cohort", 4, plans=small(1), workers=0)


@pytest.mark.slow
def test_processes_make_the_same_files(made, tmp_path):
    _, cohort = made
    steps = []
    job = Job(lambda done, total, what: steps.append((done, total)))
    other = make_cohort(tmp_path / "cohort", 4, plans=small(), workers=2, job=job)
    for a, b in zip(cohort, other, strict=True):
        assert a.path.read_bytes() == b.path.read_bytes()
    assert steps[0] == (0, 3) and steps[-1] == (3, 3)


def test_a_pool_that_breaks_is_replaced_by_this_process(tmp_path, monkeypatch):
    class Broken:
        def __init__(self, **_): ...

        def submit(self, *_):
            raise module.BrokenProcessPool("killed")

        def shutdown(self, **_): ...

    monkeypatch.setattr(module, "WorkerPool", Broken)
    cohort = make_cohort(tmp_path / "cohort", 4, plans=small(2), workers=2)
    assert all(record.path.is_file() for record in cohort)


def test_the_cache_is_named_by_version():
    assert default_folder().name == f"demo-cohort-{module.GENERATOR_VERSION}"


def test_the_demo_cohort_is_frozen():
    """A change here makes another cohort: measure its difficulty anew and say so.

    See docs/design/synthetic-cohort.md. Rounded, since exp differs in the last digit
    between machines.
    """

    def rounded(value):
        if isinstance(value, dict):
            return {key: rounded(v) for key, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [rounded(v) for v in value]
        return f"{value:.6g}" if isinstance(value, float) else value

    plans = json.dumps([rounded(asdict(plan)) for plan in plan_cohort(SEED)], sort_keys=True)
    frozen = (module.GENERATOR_VERSION, SEED, hashlib.sha256(plans.encode()).hexdigest()[:16])
    assert frozen == ("2", 2024, "fee78f3b77f11cad")
