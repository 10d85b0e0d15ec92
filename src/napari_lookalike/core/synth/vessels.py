"""Vessels, and what tumours build around them."""

from __future__ import annotations

import numpy as np

from napari_lookalike.core.synth.fields import Field, Rng, smoothstep
from napari_lookalike.core.synth.scene import STEP, Scene
from napari_lookalike.core.synth.stamps import Stamp, blob, layer, mesh, over


def radial_texture(scene: Scene, x: Field, y: Field, pitch: float) -> Field:
    """Standardised streaks that run outwards from the middle of a stamp.

    ``pitch`` is how far streaks are apart at 20 pixels from the middle, in pixels.
    """
    sheet: Field = scene.banks.granular[0]
    size = sheet.shape[0]
    away, theta = np.hypot(x, y), np.arctan2(y, x)
    row = (scene.rng.integers(size) + away * 0.16).astype(np.intp) % size
    column = (scene.rng.integers(size) + theta * 20.0 / pitch * 8.0).astype(np.intp) % size
    streaks: Field = sheet[row, column]
    return streaks


def _ring_of_endothelium(scene: Scene, x: float, y: float, radii: tuple[float, float]) -> None:
    rng = scene.rng
    around = np.pi * (radii[0] + radii[1])
    for theta in np.arange(0, 2 * np.pi, 2 * np.pi / max(3.0, around / 27.0)):
        at = theta + rng.normal(0, 0.12)
        ex, ey = x + radii[0] * np.cos(at), y + radii[1] * np.sin(at)
        tangent = np.arctan2(radii[1] * np.cos(at), -radii[0] * np.sin(at))
        scene.add("endothelial", ex, ey, tangent, size=0.3, spread=0.2)


def _blood(scene: Scene, x: float, y: float, radii: tuple[float, float], filled: float) -> None:
    rng = scene.rng
    count = rng.poisson(filled * np.pi * radii[0] * radii[1] / 130.0)
    for _ in range(count):
        theta, away = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random()) * 0.86
        scene.add(
            "erythrocyte",
            x + away * (radii[0] - 5) * np.cos(theta),
            y + away * (radii[1] - 5) * np.sin(theta),
        )


def _wall(scene: Scene, radii: tuple[float, float], wall: float) -> Stamp:
    """The stamp of a vessel cut across: wall with lumen; long axis along x."""
    rng = scene.rng
    grid = mesh(int(max(radii) + wall) + 12)
    depth = blob(rng, grid, radii, 0.0, 0.035)
    rings = 0.50 + 0.12 * np.sin(depth * 1.25) * smoothstep(-depth, 0.0, 3.0)
    outside = smoothstep(depth, -wall - 1.2, -wall + 1.2)
    stamp = layer(outside, (0.07, rings, 0.05), 0.9)
    lumen = smoothstep(depth, -0.8, 1.2)
    return over(stamp, layer(lumen, (0.0, 0.03, 0.01), 0.97))


def vessel(
    scene: Scene, x: float, y: float, radius: float, *, wall: float = 4.0, filled: float = 0.5
) -> None:
    """A vessel cut across: lumen, wall, endothelium, erythrocytes.

    Parameters
    ----------
    scene
        What is painted on.
    x, y
        Centre in level-0 pixels.
    radius
        Of the lumen.
    wall
        Thickness of the wall.
    filled
        How full of erythrocytes the lumen is, 0 to 1.
    """
    radii = (radius * scene.rng.uniform(1.0, 1.5), radius)
    scene.paste(_wall(scene, radii, wall), x, y)
    scene.clear_disc(x, y, radii[0] + wall + 5.0)
    inner = (radii[0] + 1.5, radii[1] + 1.5)
    _ring_of_endothelium(scene, x, y, inner)
    if wall > 7.0:
        _ring_of_endothelium(scene, x, y, (radii[0] + wall - 2.0, radii[1] + wall - 2.0))
    _blood(scene, x, y, radii, filled)


def capillary(scene: Scene, x: float, y: float, length: float, width: float) -> None:
    """A vessel cut along: a bent tube, with its endothelium on both sides."""
    rng = scene.rng
    half = int(length / 2) + 14
    grid = mesh(half)
    angle, bend = rng.uniform(0, np.pi), rng.normal(0, 0.35) * length
    cos, sin = np.cos(angle), np.sin(angle)
    u, v = cos * grid[0] + sin * grid[1], -sin * grid[0] + cos * grid[1]
    along = np.clip(2.0 * u / length, -1.0, 1.0)
    axis = bend * (along**2 - 0.33) * 0.5
    slope = np.sqrt(1.0 + (2.0 * bend * along / length) ** 2)
    away = np.hypot((v - axis) / slope, np.clip(np.abs(u) - length / 2, 0, None)).astype(np.float32)
    # The tube leaves the plane of the section at both ends.
    width_here = width * (1.0 - 0.75 * along**4) * (1.0 + 0.2 * np.sin(u / 21.0))
    away = (away - width_here).astype(np.float32)
    wall = layer(smoothstep(-away, -1.5, 1.0), (0.08, 0.46, 0.03), 0.85)
    inner = 0.42 * width
    lumen = layer(smoothstep(-away, inner - 0.8, inner + 0.8), (0.0, 0.05, 0.0), 0.92)
    scene.paste(over(wall, lumen), x, y)
    for side in (-1.0, 1.0):
        for s in np.arange(-0.85, 0.9, 42.0 / length) + rng.normal(0, 0.05):
            pu, pv = s * length / 2, bend * (s**2 - 0.33) * 0.5 + side * 0.75 * width
            tilt = angle + np.arctan(2.0 * bend * s / length)
            ex, ey = x + cos * pu - sin * pv, y + sin * pu + cos * pv
            scene.add("endothelial", ex, ey, tilt, size=0.3)
    for s in np.arange(-0.8, 0.8, 26.0 / length):
        if rng.random() < 0.45:
            pu, pv = s * length / 2, bend * (s**2 - 0.33) * 0.5
            scene.add("erythrocyte", x + cos * pu - sin * pv, y + sin * pu + cos * pv, size=0.25)
    for s in np.linspace(-0.9, 0.9, max(3, int(length / 14))):
        pu, pv = s * length / 2, bend * (s**2 - 0.33) * 0.5
        scene.clear_disc(x + cos * pu - sin * pv, y + sin * pu + cos * pv, width + STEP / 2)


def glomeruloid(scene: Scene, x: float, y: float, size: float) -> None:
    """A tuft of small thick-walled vessels, as at the edge of a pilocytic cyst."""
    rng: Rng = scene.rng
    for k in range(int(rng.integers(4, 8))):
        theta = k * 2.4 + rng.uniform(-0.6, 0.6)
        away = size * np.sqrt(k / 7.0) * rng.uniform(0.7, 1.2)
        vx, vy = x + away * np.cos(theta), y + away * np.sin(theta)
        vessel(scene, vx, vy, rng.uniform(3.5, 9), wall=rng.uniform(6, 11), filled=0.5)
    scene.note("glomeruloid vessels", x, y, size + 18.0)


def pseudorosette(scene: Scene, x: float, y: float, kind: str, size: float) -> None:
    """A perivascular pseudorosette: a vessel in a nucleus-free mantle of fibrils."""
    rng = scene.rng
    lumen, mantle = rng.uniform(8, 15), rng.uniform(34, 58)
    reach = lumen + mantle
    grid = mesh(int(reach * 1.25) + 8)
    depth = blob(rng, grid, (reach, reach * rng.uniform(0.8, 1.0)), rng.uniform(0, np.pi), 0.08)
    eosin = np.clip(0.36 + 0.09 * radial_texture(scene, *grid, 2.6), 0.1, 1.0)
    scene.paste(layer(smoothstep(depth, -16.0, 12.0), (0.07, eosin, 0.0), 0.8), x, y)
    scene.clear_disc(x, y, reach - 4.0, room=0.05)
    for ring, share in ((reach + 2.0, 0.8), (reach + 15.0, 0.7)):
        for theta in np.arange(0, 2 * np.pi, 15.0 / ring):
            if rng.random() < share:
                away, at = ring + rng.normal(0, 3.5), theta + rng.normal(0, 0.05)
                cx, cy = x + away * np.cos(at), y + away * np.sin(at)
                scene.add(kind, cx, cy, at % np.pi, size=size, spread=0.15)
    vessel(scene, x, y, lumen, wall=rng.uniform(3, 6), filled=0.6)
    scene.note("pseudorosette", x, y, reach)


def cuff(scene: Scene, x: float, y: float) -> None:
    """A vessel with lymphocytes around it."""
    rng = scene.rng
    radius = rng.uniform(8, 14)
    vessel(scene, x, y, radius, wall=4.0, filled=0.5)
    for _ in range(int(rng.integers(14, 40))):
        theta, away = rng.uniform(0, 2 * np.pi), radius * 1.3 + 10.0 + rng.gamma(2.0, 6.0)
        scene.add("lymphocyte", x + away * np.cos(theta), y + away * np.sin(theta))
