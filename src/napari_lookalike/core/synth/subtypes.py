"""The six subtypes of the demo cohort, with two planted look-alike pairs.

The two subtypes of a pair share most factors. They differ in how often a rare
diagnostic feature is found, and the distributions of that feature overlap, as the
diagnosis does under the microscope: `docs/design/synthetic-cohort.md` has the reasons
and the measured difficulty. The figures here are frozen.
"""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.synth.factors import Factors, Subtype

_EMBRYONAL = Factors(
    density=13500.0,
    patchiness=0.20,
    size=0.45,
    pleomorphism=0.20,
    kind="blue",
    open_share=0.16,
    eosin=0.30,
    rosettes=5.0,
    vessels=3.0,
    capillaries=6.0,
    necrosis=0.05,
    mitoses=9.0,
    apoptoses=16.0,
    rhabdoid_foci=0.5,
    focus_cells=9.0,
)
_EMBRYONAL_VARIES = {
    "rosettes": 0.9,
    "necrosis": 0.9,
    "open_share": 0.5,
    "mitoses": 0.4,
    "rhabdoid_foci": 0.7,
}

_GLIONEURONAL = Factors(
    density=2300.0,
    patchiness=0.25,
    size=0.45,
    pleomorphism=0.15,
    kind="glial",
    piloid=0.55,
    eosin=0.40,
    microcysts=0.34,
    vessels=3.0,
    capillaries=5.0,
    glomeruloid=1.2,
    cuffs=0.8,
    rosenthal=30.0,
    granular_bodies=7.0,
    calcifications=0.5,
    ganglion_foci=0.5,
    focus_cells=6.0,
)
_GLIONEURONAL_VARIES = {
    "density": 0.18,
    "microcysts": 0.6,
    "rosenthal": 0.8,
    "granular_bodies": 0.6,
    "piloid": 0.3,
    "ganglion_foci": 0.7,
    "cuffs": 0.7,
}

SUBTYPES: tuple[Subtype, ...] = (
    Subtype("medulloblastoma-like", _EMBRYONAL, _EMBRYONAL_VARIES),
    Subtype(
        "AT/RT-like",
        replace(
            _EMBRYONAL,
            rosettes=2.5,
            necrosis=0.065,
            density=11500.0,
            size=0.52,
            pleomorphism=0.25,
            open_share=0.29,
            eosin=0.32,
            rhabdoid_foci=11.0,
        ),
        _EMBRYONAL_VARIES,
    ),
    Subtype("pilocytic astrocytoma-like", _GLIONEURONAL, _GLIONEURONAL_VARIES),
    Subtype(
        "ganglioglioma-like",
        replace(
            _GLIONEURONAL,
            density=3650.0,
            piloid=0.38,
            microcysts=0.19,
            rosenthal=18.0,
            cuffs=1.8,
            calcifications=1.0,
            ganglion_foci=10.0,
        ),
        _GLIONEURONAL_VARIES,
    ),
    Subtype(
        "ependymoma-like",
        Factors(
            density=7500.0,
            patchiness=0.15,
            size=0.5,
            pleomorphism=0.13,
            kind="ependymal",
            eosin=0.40,
            pseudorosettes=14.0,
            vessels=2.0,
            capillaries=5.0,
            necrosis=0.02,
            mitoses=1.5,
            apoptoses=3.0,
        ),
        {"pseudorosettes": 0.4, "density": 0.2, "necrosis": 0.8},
    ),
    Subtype(
        "choroid plexus tumour-like",
        Factors(
            density=1200.0,
            size=0.5,
            pleomorphism=0.13,
            kind="glial",
            eosin=0.19,
            papillary=118.0,
            vessels=0.0,
            capillaries=0.0,
            mitoses=0.3,
            apoptoses=1.0,
            calcifications=0.6,
        ),
        {"density": 0.2, "calcifications": 0.6},
    ),
)
"""In the order in which classes are planned."""

LOOKALIKES: tuple[tuple[str, str], ...] = (
    ("medulloblastoma-like", "AT/RT-like"),
    ("pilocytic astrocytoma-like", "ganglioglioma-like"),
)
"""The planted pairs."""
