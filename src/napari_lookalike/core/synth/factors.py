"""The histological factors of a slide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from napari_lookalike.core.synth.fields import Rng


@dataclass(frozen=True)
class Factors:
    """What a slide's tissue is like.

    Parameters
    ----------
    density
        Nuclei per mm² of ordinary tumour tissue.
    patchiness
        How much the density varies over the slide (log standard deviation).
    size
        Mean rank of nuclear size, 0 to 1.
    pleomorphism
        Standard deviation of that rank: anisonucleosis.
    kind
        Ordinary nucleus (key of `cells.NUCLEI`).
    open_share
        Share of nuclei with open chromatin and a nucleolus.
    piloid
        Share of the ground with parallel coarse fibres; the rest is fine neuropil.
    eosin
        Eosin concentration of the ground.
    microcysts
        Share of the tissue that is loose and microcystic.
    papillary
        0 for solid; else the distance between fronds in pixels.
    rosettes, pseudorosettes
        Homer Wright rosettes and perivascular pseudorosettes per mm².
    vessels, capillaries
        Per mm².
    glomeruloid
        Tufts of proliferated vessels per slide.
    cuffs
        Vessels with lymphocytes per slide.
    necrosis
        Share of the tissue.
    mitoses, apoptoses
        Per mm².
    rosenthal, granular_bodies
        Rosenthal fibres and eosinophilic granular bodies per mm².
    calcifications, bleeding
        Patches per slide.
    rhabdoid_foci, ganglion_foci
        Groups per slide: the diagnostic features of the look-alike pairs.
    focus_cells
        Mean number of cells of such a group.
    """

    density: float = 4000.0
    patchiness: float = 0.18
    size: float = 0.5
    pleomorphism: float = 0.15
    kind: str = "glial"
    open_share: float = 0.0
    piloid: float = 0.0
    eosin: float = 0.34
    microcysts: float = 0.0
    papillary: float = 0.0
    rosettes: float = 0.0
    pseudorosettes: float = 0.0
    vessels: float = 3.0
    capillaries: float = 6.0
    glomeruloid: float = 0.0
    cuffs: float = 0.0
    necrosis: float = 0.0
    mitoses: float = 0.0
    apoptoses: float = 0.0
    rosenthal: float = 0.0
    granular_bodies: float = 0.0
    calcifications: float = 0.0
    bleeding: float = 0.5
    rhabdoid_foci: float = 0.0
    ganglion_foci: float = 0.0
    focus_cells: float = 6.0


@dataclass(frozen=True)
class Subtype:
    """How a subtype's factors are distributed.

    Parameters
    ----------
    name
        Class name, ending in "-like".
    typical
        Median of every factor.
    varies
        Factor -> log standard deviation between patients. Factors that are not named
        vary by 0.12.
    """

    name: str
    typical: Factors
    varies: Mapping[str, float]

    def patient(self, rng: Rng) -> Factors:
        """The factors of one patient's tumour."""
        return _shaken(self.typical, rng, self.varies, 0.12)


def of_slide(factors: Factors, rng: Rng) -> Factors:
    """The factors on one of the patient's slides: another piece of the same tumour."""
    return _shaken(factors, rng, {}, 0.08)


_SHARES = ("size", "pleomorphism", "open_share", "piloid", "microcysts", "necrosis")


def _shaken(factors: Factors, rng: Rng, varies: Mapping[str, float], usual: float) -> Factors:
    changed: dict[str, float] = {}
    for item in fields(factors):
        value = getattr(factors, item.name)
        if isinstance(value, str):
            continue
        spread = varies.get(item.name, usual)
        new = value * float(np.exp(spread * rng.standard_normal()))
        changed[item.name] = min(new, 0.9) if item.name in _SHARES else new
    return replace(factors, **changed)  # type: ignore[arg-type]
