"""What a drawn field of tissue is made of, and how fields differ."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_lookalike.core.synth.fields import Rng
from napari_lookalike.core.synth.stamps import Grain, Nucleus

ARCHITECTURES = (
    "sheet",
    "nests",
    "cords",
    "glands",
    "papillae",
    "spaces",
    "fibrous",
    "pools",
)
"""How cells are arranged: closely, in islands, in ribbons, around lumens, on fronds, along
the septa of air or fat, scattered between fibres, in pools of mucin."""

GROUNDS = ("matted", "parallel", "granular", "smooth")
"""Texture between the cells."""

PX_PER_MM2 = 4.0e6


@dataclass(frozen=True)
class Recipe:
    """The factors of one field. Lengths in pixels of 0.5 µm, counts per mm².

    Parameters
    ----------
    architecture
        Index into `ARCHITECTURES`.
    unit_px
        Size of its islands, glands, fronds or spaces.
    fill
        Share of the field that the cells' compartment takes, 0 to 1.
    nucleus
        How the cells' nuclei look.
    pleomorphism
        Standard deviation of the logarithm of their sizes.
    crowding
        Share of the compartment that is covered by nuclei.
    palisade
        Share of the cells that stand across the edge of their compartment.
    cytoplasm
        0 for cells without visible borders, else the body's size relative to its nucleus.
    body_eosin
        Eosin of that body: low is clear, high is glassy.
    goblets
        Share of the cells with a vacuole.
    eosin, basophilia
        Eosin and hematoxylin of the ground.
    ground
        Index into `GROUNDS`.
    ground_contrast
        Relative amplitude of its texture.
    stroma_eosin, stroma_contrast, spindles
        Eosin, texture and spindle cells per mm² of the other compartment.
    lymphocytes, erythrocytes, mitoses, apoptoses
        Per mm².
    microcysts, necrosis
        Share of the field.
    vessels, rosettes, bodies
        Per mm²; bodies are concretions, Rosenthal fibres and granular bodies.
    """

    architecture: int
    unit_px: float
    fill: float
    nucleus: Nucleus
    pleomorphism: float
    crowding: float
    palisade: float
    cytoplasm: float
    body_eosin: float
    goblets: float
    eosin: float
    basophilia: float
    ground: int
    ground_contrast: float
    stroma_eosin: float
    stroma_contrast: float
    spindles: float
    lymphocytes: float
    erythrocytes: float
    mitoses: float
    apoptoses: float
    microcysts: float
    necrosis: float
    vessels: float
    rosettes: float
    bodies: float


def _log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _sometimes(rng: Rng, share: float, low: float, high: float) -> float:
    """0 in most fields; else log-uniform."""
    return _log_uniform(rng, low, high) if rng.random() < share else 0.0


def draw_recipe(rng: Rng) -> Recipe:
    """A field's factors, each drawn by itself, so that none can be told from another."""
    nucleus = Nucleus(
        long_px=_log_uniform(rng, 4.2, 13.0),
        aspect=1.0 + float(rng.gamma(1.6, 0.28)),
        irregular=float(rng.uniform(0.02, 0.13)),
        stain=_log_uniform(rng, 0.35, 1.5),
        chromatin=float(rng.uniform(0.04, 0.42)),
        sigma=float(rng.choice(Grain.SIGMAS)),
        rim=float(rng.uniform(0.0, 0.9)),
        nucleoli=_sometimes(rng, 0.6, 0.3, 2.5),
        nucleolus_px=float(rng.uniform(1.0, 2.8)),
    )
    return Recipe(
        architecture=int(rng.integers(len(ARCHITECTURES))),
        unit_px=_log_uniform(rng, 22.0, 95.0),
        fill=float(rng.uniform(0.25, 0.8)),
        nucleus=nucleus,
        pleomorphism=_log_uniform(rng, 0.03, 0.42),
        crowding=_log_uniform(rng, 0.08, 0.62),
        palisade=float(rng.choice([0.0, rng.uniform(0.3, 1.0)])),
        cytoplasm=float(rng.uniform(1.4, 2.6)) if rng.random() < 0.5 else 0.0,
        body_eosin=float(rng.uniform(0.05, 0.75)),
        goblets=_sometimes(rng, 0.25, 0.05, 0.6),
        eosin=_log_uniform(rng, 0.12, 0.6),
        basophilia=_log_uniform(rng, 0.02, 0.22),
        ground=int(rng.integers(len(GROUNDS))),
        ground_contrast=float(rng.uniform(0.05, 0.45)),
        stroma_eosin=_log_uniform(rng, 0.12, 0.75),
        stroma_contrast=float(rng.uniform(0.05, 0.5)),
        spindles=_log_uniform(rng, 150.0, 3000.0),
        lymphocytes=_sometimes(rng, 0.45, 60.0, 4000.0),
        erythrocytes=_sometimes(rng, 0.3, 60.0, 3000.0),
        mitoses=_sometimes(rng, 0.3, 20.0, 300.0),
        apoptoses=_sometimes(rng, 0.3, 30.0, 500.0),
        microcysts=_sometimes(rng, 0.25, 0.1, 0.7),
        necrosis=_sometimes(rng, 0.15, 0.2, 0.9),
        vessels=_sometimes(rng, 0.35, 8.0, 90.0),
        rosettes=_sometimes(rng, 0.12, 30.0, 150.0),
        bodies=_sometimes(rng, 0.2, 20.0, 200.0),
    )


_LOGARITHMIC = {
    "unit_px",
    "crowding",
    "pleomorphism",
    "eosin",
    "basophilia",
    "stroma_eosin",
    "spindles",
    "long_px",
    "stain",
}
_COUNTS = {
    "lymphocytes": 60.0,
    "erythrocytes": 60.0,
    "mitoses": 20.0,
    "apoptoses": 30.0,
    "vessels": 8.0,
    "rosettes": 30.0,
    "bodies": 20.0,
}
_NUCLEUS = ("long_px", "aspect", "irregular", "stain", "chromatin", "sigma", "rim", "nucleoli")
_INDICES = ("architecture", "ground", "nucleus")

TARGETS: tuple[str, ...] = (
    *(f.name for f in fields(Recipe) if f.name not in _INDICES),
    *(f"nucleus {name}" for name in _NUCLEUS),
    "nucleus nucleolus_px",
)
"""Names of the numbers in `targets`."""


def _scaled(name: str, value: float) -> float:
    if name in _LOGARITHMIC:
        return float(np.log(value))
    if name in _COUNTS:
        return float(np.log1p(value / _COUNTS[name]))
    return float(value)


def targets(recipe: Recipe) -> NDArray[np.float32]:
    """The factors as numbers to be learnt, float32 (len(TARGETS),); logarithms of scales."""
    own = [_scaled(n, getattr(recipe, n)) for n in TARGETS if not n.startswith("nucleus ")]
    nuclear = [_scaled(n, getattr(recipe.nucleus, n)) for n in (*_NUCLEUS, "nucleolus_px")]
    return np.array([*own, *nuclear], dtype=np.float32)
