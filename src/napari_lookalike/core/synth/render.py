"""One slide, from its factors to pixels and ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.synth import structures, vessels
from napari_lookalike.core.synth.banks import Banks
from napari_lookalike.core.synth.factors import Factors
from napari_lookalike.core.synth.fields import (
    Field,
    fractal_noise,
    mosaic,
    resize,
    scatter,
    smooth_noise,
    smoothstep,
)
from napari_lookalike.core.synth.papillae import grow_fronds, line_with_epithelium
from napari_lookalike.core.synth.scene import PX_PER_MM2, STEP, Finding, Scene, outline
from napari_lookalike.core.synth.stain import RGB, Stain, develop, pen_mark

_GAP = {"blue": 10.0, "ependymal": 12.5, "glial": 12.0}


@dataclass(frozen=True, eq=False)
class Rendered:
    """A finished slide.

    Parameters
    ----------
    image
        uint8 (height, width, 3).
    findings
        Where its structures lie.
    tissue
        bool, coarse (8 level-0 pixels): where there is tissue.
    ink
        bool, coarse: where there is pen.
    """

    image: RGB
    findings: tuple[Finding, ...]
    tissue: NDArray[np.bool_]
    ink: NDArray[np.bool_]


def render(
    seed: list[int],
    factors: Factors,
    stain: Stain,
    banks: Banks,
    *,
    size: tuple[int, int] = (2560, 2048),
    pen: bool = False,
) -> Rendered:
    """Make one slide; the same arguments make the same pixels.

    Parameters
    ----------
    seed
        Of everything random on it.
    factors
        What the tissue is like.
    stain
        The slide's own stain.
    banks
        From `banks.build_banks`.
    size
        (width, height) in level-0 pixels of 0.5 µm.
    pen
        Whether a pen mark is drawn.
    """
    rng = np.random.default_rng(seed)
    shape = (size[1], size[0])
    pieces = 1 if factors.papillary or rng.random() < 0.7 else 2
    scene = Scene(rng, banks, shape, outline(rng, shape, pieces))
    fronds = grow_fronds(scene, factors.papillary) if factors.papillary else None
    _ground(scene, factors)
    structures.microcysts(scene, factors.microcysts)
    structures.necrosis(scene, factors.necrosis)
    _tears(scene)
    _edge(scene, fronds)
    if fronds is not None:
        line_with_epithelium(scene, fronds, factors.size, factors.pleomorphism)
    _structures(scene, factors)
    _ordinary_cells(scene, factors)
    scene.lay_cells()
    _thickness(scene)
    image = develop(rng, scene.conc, stain)
    ink = np.zeros(scene.depth.shape, dtype=np.bool_)
    if pen:
        image, ink = pen_mark(rng, image)
    return Rendered(image, tuple(scene.findings), scene.depth > 0, ink)


def _ground(scene: Scene, factors: Factors) -> None:
    """Fill the canvas with neuropil, piloid fibres or both."""
    rng, banks, shape = scene.rng, scene.banks, scene.shape
    any_sheet = rng.integers(0, len(banks.neuropil), (16, 16))
    texture = mosaic(rng, banks.neuropil, shape, any_sheet, 192)
    if factors.piloid > 0.02:
        zone = fractal_noise(rng, scene.depth.shape, 800.0, STEP)
        edge = float(np.quantile(zone, 1.0 - factors.piloid))
        share = scene.full(smoothstep(zone, edge - 0.3, edge + 0.3))
        coarse = mosaic(rng, banks.piloid, shape, scene.turn, 192)
        texture += share * (1.25 * coarse - texture)
    slow = scene.full(smooth_noise(rng, scene.depth.shape, 500.0, STEP))
    eosin = factors.eosin * (1.0 + 0.10 * slow) * (1.0 + 0.25 * texture)
    np.clip(eosin, 0.25 * factors.eosin, 2.2 * factors.eosin, out=scene.conc[..., 1])
    # Scant cytoplasm between crowded nuclei is bluer than neuropil.
    scene.conc[..., 0] = 0.05 + 0.018 * texture + 9.0e-6 * factors.density


def _tears(scene: Scene) -> None:
    """Thin cracks, as a knife and drying leave them."""
    rng = scene.rng
    if rng.random() < 0.35:
        return
    line = np.abs(fractal_noise(rng, scene.depth.shape, 900.0, STEP))
    where = smoothstep(smooth_noise(rng, scene.depth.shape, 500.0, STEP), 0.9, 1.6)
    gap = scene.full(line) - 0.028 * scene.full(where)
    scene.conc *= smoothstep(gap, 0.0, 0.012)[..., None]
    scene.room *= smoothstep(line - 0.028 * where, 0.02, 0.05)


def _edge(scene: Scene, fronds: Field | None) -> None:
    """Cut the ground along the tissue's ragged edge."""
    depth = resize(fronds, scene.shape) if fronds is not None else scene.full(scene.depth)
    if fronds is None:
        half = (scene.shape[0] // 2, scene.shape[1] // 2)
        ragged = smooth_noise(scene.rng, half, 45.0, 2)
        ragged += 0.5 * smooth_noise(scene.rng, half, 9.0, 2)
        depth += 3.0 * resize(ragged, scene.shape)
    scene.conc *= smoothstep(depth, -1.2, 1.2)[..., None]


def _count(scene: Scene, mean: float) -> int:
    """Over-dispersed count: some slides have many, most have few (negative binomial)."""
    return int(scene.rng.poisson(scene.rng.gamma(2.5, mean / 2.5))) if mean > 0 else 0


def _structures(scene: Scene, factors: Factors) -> None:
    rng, area = scene.rng, scene.area_mm2
    share = min(1.0, area * 1.1)
    for kind, mean in (("rhabdoid", factors.rhabdoid_foci), ("ganglion", factors.ganglion_foci)):
        spacing = 36.0 if kind == "rhabdoid" else 62.0
        for _ in range(_count(scene, mean * share)):
            if (at := scene.place(70.0)) is not None:
                count = 2 + int(rng.poisson(max(factors.focus_cells - 2.0, 0.0)))
                structures.focus(scene, *at, kind, count, spacing=spacing, size=factors.size)
    for _ in range(rng.poisson(factors.pseudorosettes * area)):
        if (at := scene.place(75.0, clear=0.9)) is not None:
            vessels.pseudorosette(scene, *at, factors.kind, factors.size)
    for _ in range(rng.poisson(factors.rosettes * area)):
        if (at := scene.place(45.0, clear=0.9)) is not None:
            structures.rosette(scene, *at, factors.kind, factors.size)
    _vessels(scene, factors, area)
    for kind, mean, many, reach in (
        ("calcification", factors.calcifications, 7, 38.0),
        ("erythrocyte", factors.bleeding, 90, 42.0),
        ("Rosenthal fibre", factors.rosenthal / 12.0, 16, 60.0),
    ):
        for _ in range(rng.poisson(mean * share)):
            structures.swarm(scene, kind, max(2, int(rng.poisson(many))), reach)
    structures.sprinkle(scene, "Rosenthal fibre", 0.5 * factors.rosenthal)
    structures.sprinkle(scene, "granular body", factors.granular_bodies, room=12.0)
    structures.sprinkle(scene, "mitosis", factors.mitoses, room=12.0)
    structures.sprinkle(scene, "apoptosis", factors.apoptoses, room=8.0)


def _vessels(scene: Scene, factors: Factors, area: float) -> None:
    rng, share = scene.rng, min(1.0, area * 1.1)
    for _ in range(rng.poisson(factors.glomeruloid * share)):
        if (at := scene.place(90.0, clear=0.8)) is not None:
            vessels.glomeruloid(scene, *at, rng.uniform(28, 48))
    for _ in range(rng.poisson(factors.cuffs * share)):
        if (at := scene.place(70.0, clear=0.8)) is not None:
            vessels.cuff(scene, *at)
    for _ in range(rng.poisson(factors.vessels * area)):
        if (at := scene.place(60.0, clear=0.8)) is not None:
            vessels.vessel(scene, *at, rng.uniform(8, 26), wall=rng.uniform(3, 9), filled=0.6)
    for _ in range(rng.poisson(factors.capillaries * area)):
        if (at := scene.place(40.0, clear=0.8)) is not None:
            vessels.capillary(scene, *at, rng.uniform(60, 190), rng.uniform(7, 11))


def _ordinary_cells(scene: Scene, factors: Factors) -> None:
    """Fill what room is left with ordinary nuclei."""
    rng = scene.rng
    uneven = np.exp(factors.patchiness * fractal_noise(rng, scene.depth.shape, 420.0, STEP))
    density = factors.density / PX_PER_MM2 * uneven * scene.room
    points = scatter(rng, density.astype(np.float32), STEP, _GAP[factors.kind])
    is_open = rng.random(len(points)) < factors.open_share
    elongated = factors.piloid > 0.02
    how = {"size": factors.size, "spread": factors.pleomorphism}
    for (x, y), opened in zip(points.tolist(), is_open.tolist(), strict=True):
        kind, angle = ("open" if opened else factors.kind), None
        if elongated and rng.random() < 0.45 * factors.piloid:
            kind, angle = "piloid", scene.angle_at(x, y) + rng.normal(0, 0.25)
        scene.add(kind, x, y, angle, **how)


def _thickness(scene: Scene) -> None:
    """Sections are not equally thick everywhere, and sometimes folded."""
    rng, shape = scene.rng, scene.depth.shape
    thick = 1.0 + 0.05 * smooth_noise(rng, shape, 900.0, STEP)
    if rng.random() < 0.3:
        line = np.abs(smooth_noise(rng, shape, 1100.0, STEP))
        where = smoothstep(smooth_noise(rng, shape, 600.0, STEP), 1.1, 1.8)
        thick += 0.7 * where * (1.0 - smoothstep(line, 0.015, 0.05))
    scene.conc *= scene.full(thick.astype(np.float32))[..., None]
