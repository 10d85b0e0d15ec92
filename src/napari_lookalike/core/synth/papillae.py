"""Papillary fronds: winding fibrovascular cores covered by one layer of epithelium."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

from napari_lookalike.core.synth.fields import Field, resize, smooth_noise, smoothstep
from napari_lookalike.core.synth.scene import STEP, Scene
from napari_lookalike.core.synth.vessels import capillary, vessel

_FINE = 4
"""Level-0 pixels per pixel of the fronds' depth map."""

_EPITHELIUM = 19.0


def grow_fronds(scene: Scene, pitch: float) -> Field:
    """Turn the scene's tissue into fronds with glass between them.

    The cores follow the zero line of band-limited noise: such lines wind, branch
    seldom, and keep their distance, as sections through papillae do.

    Parameters
    ----------
    scene
        Its ``depth`` and ``room`` are replaced.
    pitch
        Typical distance between fronds, level-0 pixels.

    Returns
    -------
    ndarray of float32
        Depth below the epithelium's surface in level-0 pixels, at 1/4 resolution.
    """
    rng = scene.rng
    shape = (-(-scene.shape[0] // _FINE), -(-scene.shape[1] // _FINE))
    noise = smooth_noise(rng, shape, pitch, _FINE)
    noise += 0.25 * smooth_noise(rng, shape, pitch / 2, _FINE)
    line = (noise[:-1, :-1] > 0) != (noise[1:, 1:] > 0)
    away = ndimage.distance_transform_edt(~np.pad(line, ((0, 1), (0, 1)), mode="edge")) * _FINE
    half = 35.0 + 9.0 * smooth_noise(rng, shape, 170.0, _FINE)
    cut = smooth_noise(rng, shape, 1.6 * pitch, _FINE)
    half -= 85.0 * smoothstep(cut, 0.5, 1.3)
    depth: Field = ndimage.gaussian_filter(half - away, 1.6).astype(np.float32)
    depth = np.minimum(depth, 0.8 * resize(scene.depth, shape))
    # Scraps too small to carry a core are washed away.
    labels, count = ndimage.label(depth > 0)
    sizes = ndimage.sum_labels(np.ones_like(labels), labels, np.arange(1, count + 1))
    small = np.isin(labels, 1 + np.flatnonzero(sizes * _FINE**2 < 7000.0))
    depth[small] = -6.0
    every = STEP // _FINE
    scene.depth = np.ascontiguousarray(depth[::every, ::every][: scene.depth.shape[0]])
    scene.room = smoothstep(scene.depth, _EPITHELIUM + 1.0, _EPITHELIUM + 6.0)
    return depth


def line_with_epithelium(scene: Scene, depth: Field, size: float, spread: float) -> None:
    """Paint the epithelial cytoplasm and set its nuclei side by side along the surface.

    Parameters
    ----------
    scene
        What is painted on.
    depth
        From `grow_fronds`.
    size, spread
        Of the nuclei, as in `Banks.pick`.
    """
    rng = scene.rng
    full = resize(depth, scene.shape)
    band = smoothstep(full, -1.0, 1.0) * (1.0 - smoothstep(full, _EPITHELIUM, _EPITHELIUM + 3.0))
    scene.conc *= 1.0 - 0.75 * band[..., None]
    scene.conc[..., 0] += 0.13 * band
    scene.conc[..., 1] += band * (0.40 + 0.10 * np.exp(-(((full - 2.0) / 2.2) ** 2)))
    gy, gx = (np.asarray(g, dtype=np.float32) for g in np.gradient(depth))
    for level, share in ((10.5, 1.0), (16.5, 0.2)):
        for contour in find_contours(depth, level):
            _nuclei_along(scene, contour, (gx, gy), share, (size, spread))
    _cores(scene, rng.uniform(3.0, 6.0))


def _nuclei_along(
    scene: Scene,
    contour: Field,
    gradient: tuple[Field, Field],
    share: float,
    how: tuple[float, float],
) -> None:
    rng = scene.rng
    points = contour * _FINE
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.arange(rng.uniform(0, 8), length[-1], 12.2)
    at = at + rng.normal(0, 1.6, len(at))
    ys, xs = (np.interp(at, length, points[:, k]) for k in (0, 1))
    for y, x in zip(ys, xs, strict=True):
        if rng.random() > share:
            continue
        row = min(int(y / _FINE), gradient[0].shape[0] - 1)
        column = min(int(x / _FINE), gradient[0].shape[1] - 1)
        inward = float(np.arctan2(gradient[1][row, column], gradient[0][row, column]))
        shift = rng.normal(0, 2.2)
        scene.add(
            "epithelial",
            x + shift * np.cos(inward),
            y + shift * np.sin(inward),
            inward % np.pi,
            size=how[0],
            spread=how[1],
        )


def _cores(scene: Scene, per_mm2: float) -> None:
    """Vessels in the fibrovascular cores."""
    rng = scene.rng
    for _ in range(rng.poisson(8.0 * per_mm2 * scene.area_mm2)):
        place = scene.place(_EPITHELIUM + 9.0, clear=0.6)
        if place is None:
            return
        room = float(scene.depth[scene.coarse(*place)]) - _EPITHELIUM
        if rng.random() < 0.75 or room < 12.0:
            vessel(scene, *place, min(room * 0.55, rng.uniform(6, 13)), wall=2.5, filled=0.8)
        else:
            capillary(scene, *place, rng.uniform(40, 60), 6.0)
