"""Structures of the tumour itself: rosettes, cysts, necrosis, foci of special cells."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.synth.fields import (
    fractal_noise,
    resize,
    scatter,
    smooth_noise,
    smoothstep,
)
from napari_lookalike.core.synth.scene import PX_PER_MM2, STEP, Scene
from napari_lookalike.core.synth.stamps import blob, layer, mesh
from napari_lookalike.core.synth.vessels import radial_texture


def rosette(scene: Scene, x: float, y: float, kind: str, size: float) -> None:
    """A Homer Wright rosette: nuclei in a ring about a tangle of fibrils, no lumen."""
    rng = scene.rng
    core = rng.uniform(11, 17)
    grid = mesh(int(core) + 18)
    depth = blob(rng, grid, (core + 7, core + 5), rng.uniform(0, np.pi), 0.06)
    eosin = np.clip(0.40 + 0.08 * radial_texture(scene, *grid, 3.0), 0.1, 1.0)
    scene.paste(layer(smoothstep(depth, -6.0, 6.0), (0.08, eosin, 0.0), 0.85), x, y)
    scene.clear_disc(x, y, core + 26.0)
    for ring, share in ((core + 8.0, 0.95), (core + 22.0, 0.8)):
        offset = rng.uniform(0, 1)
        for theta in np.arange(offset, offset + 2 * np.pi - 7.0 / ring, 13.0 / ring):
            if rng.random() < share:
                away, at = ring + rng.normal(0, 1.5), theta + rng.normal(0, 0.04)
                cx, cy = x + away * np.cos(at), y + away * np.sin(at)
                scene.add(kind, cx, cy, at % np.pi, size=size, spread=0.12)
    scene.note("rosette", x, y, core + 26.0)


def focus(
    scene: Scene, x: float, y: float, kind: str, count: int, *, spacing: float, size: float
) -> None:
    """A loose group of special cells, each with room around it; goes into the truth.

    Parameters
    ----------
    scene
        What is painted on.
    x, y
        Centre in level-0 pixels.
    kind
        "rhabdoid" or "ganglion".
    count
        Number of cells.
    spacing
        Typical distance between them, pixels.
    size
        Mean size rank.
    """
    rng = scene.rng
    reach = spacing * (0.45 * np.sqrt(count) + 0.25)
    taken: list[tuple[float, float]] = []
    for _ in range(count * 12):
        if len(taken) == count:
            break
        dx, dy = rng.normal(0, reach * 0.6, 2)
        if all(np.hypot(dx - a, dy - b) > 0.62 * spacing for a, b in taken):
            taken.append((float(dx), float(dy)))
    for dx, dy in taken:
        if scene.depth[scene.coarse(x + dx, y + dy)] > 20:
            scene.add(kind, x + dx, y + dy, size=size, spread=0.25)
            scene.clear_disc(x + dx, y + dy, 0.5 * spacing)
            scene.note(kind, x + dx, y + dy, 0.5 * spacing)


def sprinkle(
    scene: Scene, kind: str, per_mm2: float, *, size: float = 0.5, room: float = 0.0
) -> None:
    """Single bodies all over the tissue, along the fibres where they are long."""
    rng = scene.rng
    for _ in range(rng.poisson(per_mm2 * scene.area_mm2)):
        place = scene.place(24.0, clear=0.2)
        if place is None:
            return
        angle = scene.angle_at(*place) + rng.normal(0, 0.3) if kind == "Rosenthal fibre" else None
        scene.add(kind, *place, angle, size=size, spread=0.3)
        if room:
            scene.clear_disc(*place, room)


def swarm(scene: Scene, kind: str, count: int, reach: float) -> None:
    """A patch of bodies of one kind: calcification, Rosenthal fibres, extravasated blood."""
    rng = scene.rng
    place = scene.place(60.0)
    if place is None:
        return
    aligned = kind == "Rosenthal fibre"
    for _ in range(count):
        x, y = place[0] + rng.normal(0, reach), place[1] + rng.normal(0, reach)
        if scene.depth[scene.coarse(x, y)] < 24:
            continue
        angle = scene.angle_at(x, y) + rng.normal(0, 0.25) if aligned else None
        scene.add(kind, x, y, angle, size=0.5, spread=0.35)
        if kind == "calcification":
            scene.clear_disc(x, y, 18.0)
    scene.note(kind, *place, 2.0 * reach)


def necrosis(scene: Scene, share: float) -> None:
    """Coagulated tissue without living nuclei, over ``share`` of the tissue's area."""
    if share <= 0.002:
        return
    rng = scene.rng
    noise = fractal_noise(rng, scene.depth.shape, 520.0, STEP, octaves=5)
    noise = noise + np.clip(scene.depth, 0, 250) / 250.0
    threshold = float(np.quantile(noise[scene.depth > 0], 1.0 - share))
    dead = smoothstep(noise, threshold - 0.16, threshold + 0.16)
    dead *= smoothstep(scene.depth, 10.0, 60.0)
    scene.room *= 1.0 - 0.97 * dead
    h, w = scene.shape
    sheet = scene.banks.granular[1]
    reps = (-(-h // sheet.shape[0]), -(-w // sheet.shape[1]))
    debris = np.tile(sheet, reps)[:h, :w]
    mask = smoothstep(scene.full(dead) + 0.10 * debris, 0.15, 0.85)
    scene.conc *= 1.0 - 0.85 * mask[..., None]
    scene.conc[..., 0] += mask * np.clip(0.17 + 0.07 * debris, 0.02, 0.5)
    scene.conc[..., 1] += mask * np.clip(0.40 + 0.12 * debris, 0.1, 1.2)
    for kind, per_mm2, gap in (("ghost", 2600.0, 11.0), ("apoptosis", 700.0, 12.0)):
        for x, y in scatter(rng, dead * (per_mm2 / PX_PER_MM2), STEP, gap):
            scene.add(kind, float(x), float(y), size=0.35, spread=0.3)
    rows, columns = np.nonzero(dead > 0.6)
    for at in range(0, len(rows), max(1, len(rows) // 12 + 1)):
        scene.note("necrosis", (columns[at] + 0.5) * STEP, (rows[at] + 0.5) * STEP, 40.0)


def microcysts(scene: Scene, share: float) -> None:
    """Loose areas riddled with small pools of pale mucin, over ``share`` of the tissue."""
    if share <= 0.01:
        return
    rng = scene.rng
    zone = fractal_noise(rng, scene.depth.shape, 700.0, STEP)
    edge = float(np.quantile(zone[scene.depth > 0], 1.0 - share))
    loose = smoothstep(zone, edge - 0.25, edge + 0.25)
    step = 4
    shape = (-(-scene.shape[0] // step), -(-scene.shape[1] // step))
    pools = smooth_noise(rng, shape, 44.0, step) + 0.40 * smooth_noise(rng, shape, 22.0, step)
    pools += 1.6 * (resize(loose, shape) - 1.0)
    coarse = smoothstep(pools[:: STEP // step, :: STEP // step], 0.25, 0.6)
    coarse = coarse[: loose.shape[0], : loose.shape[1]]
    fine = smoothstep(resize(pools, scene.shape), 0.56, 0.74)
    scene.conc[..., 1] *= 1.0 - 0.90 * fine
    scene.conc[..., 0] *= 1.0 - 0.55 * fine
    scene.conc[..., 1] *= 1.0 - 0.22 * scene.full(loose)
    scene.room *= (1.0 - 0.97 * coarse) * (1.0 - 0.25 * loose)
