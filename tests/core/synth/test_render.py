"""Slides are the same for the same seed, and every factor does what its name says."""

from dataclasses import replace

import numpy as np
import pytest

from napari_lookalike.core.synth.banks import build_banks
from napari_lookalike.core.synth.cells import NUCLEI
from napari_lookalike.core.synth.factors import Factors
from napari_lookalike.core.synth.render import render
from napari_lookalike.core.synth.stain import CENTRES
from napari_lookalike.core.synth.subtypes import SUBTYPES

SIZE = (512, 384)
PLAIN = Factors(density=4000.0, bleeding=0.0, vessels=0.0, capillaries=0.0)
STAIN = CENTRES["Centre A"]


@pytest.fixture(scope="module")
def banks():
    return build_banks(4)


def drawn(banks, factors=PLAIN, seed=3, **how):
    return render([seed], factors, how.pop("stain", STAIN), banks, size=SIZE, **how)


def hematoxylin(slide):
    """Share of blue, dark pixels."""
    red, blue = slide.image[..., 0].astype(int), slide.image[..., 2].astype(int)
    return float(((red < 150) & (blue > red)).mean())


def eosin(slide):
    """Mean optical density in green, over the tissue."""
    tissue = np.kron(slide.tissue, np.ones((8, 8), bool))[: SIZE[1], : SIZE[0]]
    return float(-np.log(slide.image[tissue, 1] / 245.0).mean())


def test_the_same_seed_makes_the_same_pixels(banks):
    once, again = drawn(banks), drawn(banks)
    assert np.array_equal(once.image, again.image)
    assert once.findings == again.findings
    assert not np.array_equal(once.image, drawn(banks, seed=4).image)


def test_an_image_has_tissue_and_glass_around(banks):
    slide = drawn(banks)
    assert slide.image.shape == (384, 512, 3) and slide.image.dtype == np.uint8
    border = np.concatenate([slide.image[0], slide.image[-1], slide.image[:, 0]])
    assert border.min() > 215
    assert 0.3 < slide.tissue.mean() < 0.95


def test_more_density_is_more_hematoxylin(banks):
    shares = [hematoxylin(drawn(banks, replace(PLAIN, density=d))) for d in (500, 3000, 9000)]
    assert shares[0] < 0.6 * shares[1] and shares[1] < 0.6 * shares[2]


def test_larger_nuclei_are_more_hematoxylin(banks):
    small, large = (drawn(banks, replace(PLAIN, size=s, pleomorphism=0.05)) for s in (0.1, 0.9))
    assert hematoxylin(large) > 1.3 * hematoxylin(small)


def test_more_eosin_is_pinker(banks):
    pale, pink = (drawn(banks, replace(PLAIN, density=0.0, eosin=e)) for e in (0.2, 0.5))
    assert eosin(pink) > 1.6 * eosin(pale)


def test_microcysts_are_pale(banks):
    solid, loose = (drawn(banks, replace(PLAIN, density=0.0, microcysts=m)) for m in (0.0, 0.8))
    assert eosin(loose) < 0.85 * eosin(solid)


def test_necrosis_takes_living_nuclei_away(banks):
    alive = drawn(banks, replace(PLAIN, density=8000.0))
    dead = drawn(banks, replace(PLAIN, density=8000.0, necrosis=0.6))
    assert hematoxylin(dead) < 0.8 * hematoxylin(alive)
    assert {f.kind for f in dead.findings} == {"necrosis"}


def test_fronds_leave_glass_between_them(banks):
    solid, papillary = (
        np.mean([drawn(banks, replace(PLAIN, papillary=p), seed).tissue for seed in (3, 5, 6)])
        for p in (0.0, 120.0)
    )
    assert papillary < 0.85 * solid


@pytest.mark.parametrize(
    ("factor", "kind"),
    [
        ("rhabdoid_foci", "rhabdoid"),
        ("ganglion_foci", "ganglion"),
        ("rosettes", "rosette"),
        ("pseudorosettes", "pseudorosette"),
        ("calcifications", "calcification"),
        ("glomeruloid", "glomeruloid vessels"),
    ],
)
def test_a_feature_is_where_the_truth_says(banks, factor, kind):
    """The pixels change about the finding, against the same slide without it."""
    slide = drawn(banks, replace(PLAIN, density=0.0, **{factor: 120.0}))
    found = [f for f in slide.findings if f.kind == kind]
    assert found and {f.kind for f in slide.findings} == {kind}
    bare = drawn(banks, replace(PLAIN, density=0.0))
    changed = np.abs(slide.image.astype(int) - bare.image.astype(int)).sum(axis=-1) > 60
    near = np.zeros_like(changed)
    yy, xx = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    for f in found:
        near |= np.hypot(xx - f.x, yy - f.y) < max(f.radius, 40.0)
    assert changed[near].mean() > 0.05
    assert changed[near].mean() > 4 * changed[~near].mean()


def test_a_pen_mark_is_where_the_mask_says(banks):
    clean, marked = drawn(banks), drawn(banks, pen=True)
    assert not clean.ink.any() and marked.ink.any()
    ink = np.kron(marked.ink, np.ones((8, 8), bool))[: SIZE[1], : SIZE[0]]
    darker = clean.image.astype(int).sum(-1) - marked.image.astype(int).sum(-1)
    assert np.median(darker[ink]) > 100
    assert np.median(darker[~ink]) == 0


def test_the_centres_stain_differently(banks):
    a, b = (drawn(banks, stain=stain) for stain in CENTRES.values())
    tissue = np.kron(a.tissue, np.ones((8, 8), bool))[: SIZE[1], : SIZE[0]]
    means = [slide.image[tissue].mean(axis=0) for slide in (a, b)]
    assert np.abs(means[0] - means[1]).max() > 8


@pytest.mark.parametrize("subtype", SUBTYPES, ids=lambda s: s.name)
def test_every_subtype_can_be_drawn_small(banks, subtype):
    slide = drawn(banks, subtype.typical)
    assert slide.tissue.any()
    assert subtype.typical.kind in NUCLEI
    assert subtype.name.endswith("-like")
