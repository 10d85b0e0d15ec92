"""A field of drawn tissue: from its recipe to concentrations of stain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.pretrain.compartments import GRAIN, Compartments, draw_compartments
from napari_lookalike.core.pretrain.recipe import GROUNDS, PX_PER_MM2, Recipe, draw_recipe, targets
from napari_lookalike.core.synth import structures, vessels
from napari_lookalike.core.synth.banks import Banks
from napari_lookalike.core.synth.fields import Field, Rng, resize, scatter, smooth_noise, smoothstep
from napari_lookalike.core.synth.scene import STEP, Scene
from napari_lookalike.core.synth.stamps import (
    Grain,
    Nucleus,
    Stamp,
    blob,
    draw_nucleus,
    layer,
    mesh,
    over,
    trim,
)

FIELD_PX = 448
"""Edge of a field: four tiles of 224 px."""

LEVELS = 100.0
"""Concentrations are kept as uint8 in hundredths."""

_STAMPS, _SPINDLES = 18, 8
_SPINDLE = Nucleus(8.5, 2.8, irregular=0.05, stain=0.95, chromatin=0.12, nucleoli=0.0)


def draw_field(seed: list[int], banks: Banks) -> tuple[NDArray[np.uint8], int, NDArray[np.float32]]:
    """One field; the same seed draws the same.

    Parameters
    ----------
    seed
        Of everything random in it.
    banks
        From `core.synth.banks.build_banks`.

    Returns
    -------
    ndarray of uint8 (FIELD_PX, FIELD_PX, 3)
        Hematoxylin, eosin and bright, in hundredths.
    int
        Index of its architecture.
    ndarray of float32
        Its other factors (`recipe.TARGETS`).
    """
    rng = np.random.default_rng(seed)
    recipe = draw_recipe(rng)
    shape = (FIELD_PX, FIELD_PX)
    coarse = np.full((FIELD_PX // STEP,) * 2, 200.0, dtype=np.float32)
    scene = Scene(rng, banks, shape, coarse)
    parts = draw_compartments(rng, recipe, shape)
    _ground(scene, recipe, parts)
    structures.microcysts(scene, recipe.microcysts)
    structures.necrosis(scene, recipe.necrosis)
    _extras(scene, recipe)
    _cells(scene, recipe, parts)
    scene.lay_cells()
    thick = 1.0 + 0.08 * smooth_noise(rng, shape, 400.0)
    conc = np.clip(scene.conc * thick[..., None] * LEVELS, 0, 255).astype(np.uint8)
    return conc, recipe.architecture, targets(recipe)


def _full(small: Field) -> Field:
    return resize(small, (FIELD_PX, FIELD_PX))


def _sheet(rng: Rng, sheet: Field) -> Field:
    """A cut-out of a periodic sheet, as large as the field, at a random place."""
    shift = tuple(int(n) for n in rng.integers(0, sheet.shape[0], 2))
    return np.roll(sheet, shift, (0, 1))[:FIELD_PX, :FIELD_PX]


def _texture(scene: Scene, ground: int) -> Field:
    rng, banks = scene.rng, scene.banks
    name = GROUNDS[ground]
    if name == "matted":
        return _sheet(rng, banks.neuropil[rng.integers(len(banks.neuropil))])
    if name == "parallel":
        return _sheet(rng, banks.piloid[rng.integers(len(banks.piloid))])
    if name == "granular":
        return _sheet(rng, banks.granular[rng.integers(len(banks.granular))])
    return smooth_noise(rng, scene.shape, 30.0)


def _ground(scene: Scene, recipe: Recipe, parts: Compartments) -> None:
    rng = scene.rng
    cells, empty, mucin = (_full(m) for m in (parts.cells, parts.empty, parts.mucin))
    own = recipe.eosin * (1.0 + recipe.ground_contrast * _texture(scene, recipe.ground))
    fibres = _texture(scene, GROUNDS.index("parallel"))
    stroma = recipe.stroma_eosin * (1.0 + recipe.stroma_contrast * fibres)
    eosin = np.clip(cells, 0, 1) * np.clip(own, 0.02, 1.6)
    eosin += np.clip(1.0 - cells, 0, 1) * np.clip(stroma, 0.02, 1.6)
    blue = recipe.basophilia * (0.35 + 0.65 * np.clip(cells, 0, 1))
    stained = np.clip(1.0 - empty - mucin, 0.0, 1.0)
    scene.conc[..., 1] = eosin * stained + 0.03 * mucin
    threads = np.clip(1.0 + 0.5 * _sheet(rng, scene.banks.neuropil[0]), 0.1, 3.0)
    scene.conc[..., 0] = blue * stained + 0.10 * mucin * threads
    step = STEP // GRAIN
    free = (1.0 - parts.empty - 0.9 * parts.mucin)[::step, ::step]
    scene.room *= np.clip(free, 0.0, 1.0)


def _extras(scene: Scene, recipe: Recipe) -> None:
    """Vessels, rosettes and single bodies."""
    rng, area = scene.rng, FIELD_PX**2 / PX_PER_MM2
    for _ in range(rng.poisson(recipe.vessels * area)):
        if (at := scene.place(8.0)) is not None:
            if rng.random() < 0.5:
                vessels.vessel(scene, *at, rng.uniform(7, 28), wall=rng.uniform(3, 12))
            else:
                vessels.capillary(scene, *at, rng.uniform(50, 150), rng.uniform(6, 11))
    for _ in range(rng.poisson(recipe.rosettes * area)):
        if (at := scene.place(8.0)) is not None:
            structures.rosette(scene, *at, "blue", 0.5)
    for kind, count in (
        ("erythrocyte", recipe.erythrocytes),
        ("lymphocyte", recipe.lymphocytes),
        ("mitosis", recipe.mitoses),
        ("apoptosis", recipe.apoptoses),
        (("calcification", "Rosenthal fibre", "granular body")[rng.integers(3)], recipe.bodies),
    ):
        if count:
            structures.sprinkle(scene, kind, count)


def _cells(scene: Scene, recipe: Recipe, parts: Compartments) -> None:
    rng = scene.rng
    step = STEP // GRAIN
    inside = parts.cells[::step, ::step] * scene.room
    outside = np.clip(1.0 - parts.cells - parts.empty - parts.mucin, 0, 1)[::step, ::step]
    slope = np.gradient(parts.depth)
    texture = Grain(rng)
    stamps, turns = _stamps(rng, recipe, texture)
    across = float(np.mean([s.keep.shape[0] for s in stamps]))
    area = np.pi * recipe.nucleus.long_px**2 / recipe.nucleus.aspect
    density = inside * (recipe.crowding / area)
    gap = 1.3 * recipe.nucleus.long_px / np.sqrt(recipe.nucleus.aspect)
    vacuole = _vacuole(rng, 0.45 * across)
    for x, y in scatter(rng, density.astype(np.float32), STEP, gap).tolist():
        if rng.random() < recipe.goblets:
            scene.paste(vacuole, x, y)
        at: int | None = None
        if rng.random() < recipe.palisade:
            row, column = min(int(y) // GRAIN, 111), min(int(x) // GRAIN, 111)
            at = _nearest(rng, turns, np.arctan2(slope[0][row, column], slope[1][row, column]))
        scene.paste(stamps[int(rng.integers(len(stamps))) if at is None else at], x, y)
    _spindle_cells(scene, recipe, outside * scene.room, texture)


def _spindle_cells(scene: Scene, recipe: Recipe, where: Field, texture: Grain) -> None:
    rng = scene.rng
    base, spread = rng.uniform(0, np.pi), rng.uniform(0.1, 1.5)
    stamps = []
    for _ in range(_SPINDLES):
        angle = base + spread * rng.normal()
        stamps.append(trim(draw_nucleus(rng, _SPINDLE, texture, mesh(20), angle)))
    density = (where * recipe.spindles / PX_PER_MM2).astype(np.float32)
    for x, y in scatter(rng, density, STEP, 9.0).tolist():
        scene.paste(stamps[int(rng.integers(_SPINDLES))], x, y)


def _nearest(rng: Rng, turns: Field, angle: float) -> int:
    """A stamp that lies about that way (one of the three nearest)."""
    away = np.abs((turns - angle + np.pi / 2) % np.pi - np.pi / 2)
    return int(np.argpartition(away, 3)[:3][rng.integers(3)])


def _stamps(rng: Rng, recipe: Recipe, texture: Grain) -> tuple[list[Stamp], Field]:
    """Nuclei of the field's kind, with their cell bodies, and their directions."""
    stamps, turns = [], rng.uniform(0, np.pi, _STAMPS)
    sizes = np.exp(recipe.pleomorphism * rng.standard_normal(_STAMPS))
    for turn, size in zip(turns.tolist(), np.clip(sizes, 0.5, 2.4).tolist(), strict=True):
        stamps.append(trim(_cell(rng, recipe, texture, turn, size)))
    return stamps, turns.astype(np.float32)


def _cell(rng: Rng, recipe: Recipe, texture: Grain, turn: float, size: float) -> Stamp:
    style = recipe.nucleus
    long = style.long_px * size
    half = int(long * max(1.6, 1.5 * recipe.cytoplasm)) + 4
    grid = mesh(min(half, 100))
    # Larger nuclei of a pleomorphic field are darker and rougher, too.
    wild = replace(style, stain=style.stain * size ** (0.8 * recipe.pleomorphism))
    shift = (0.0, 0.0)
    if recipe.cytoplasm:
        reach = 0.6 * (recipe.cytoplasm - 1.0) * long / style.aspect * rng.random()
        shift = (reach * float(np.cos(turn)), reach * float(np.sin(turn)))
    nucleus = draw_nucleus(rng, wild, texture, grid, turn, size, shift)
    if not recipe.cytoplasm:
        return nucleus
    radius = recipe.cytoplasm * long / np.sqrt(style.aspect)
    depth = blob(rng, grid, (radius * 1.08, radius * 0.92), turn, 0.07)
    rim = np.exp(-(((depth - 1.0) / 1.2) ** 2))
    eosin = np.clip(recipe.body_eosin + 0.12 * rim, 0.0, 1.5)
    body = layer(smoothstep(depth, -1.0, 1.0), (0.4 * recipe.basophilia, eosin, 0.0), 0.85)
    return over(body, nucleus)


def _vacuole(rng: Rng, radius: float) -> Stamp:
    grid = mesh(int(radius) + 3)
    depth = blob(rng, grid, (radius, radius * 0.8), rng.uniform(0, np.pi), 0.05)
    return layer(smoothstep(depth, -1.0, 1.0), (0.05, 0.05, 0.0), 0.93)
