"""Headless science: no napari, no Qt. Modules in the order of the data.

errors, progress, registry, geometry     the ground that everything stands on
slides      a whole-slide image -> levels, scale (mpp and its source), regions
cohort      slide records: slide_id, patient, label, site; manifests
project     the folder that keeps a cohort, its features, models and marks
stain, tissue, tiles      slide -> stain guess, tissue mask, tile grid
encoders, features, embed     tiles -> instances (n_tiles, dim), one HDF5 a slide
bags, mil, losses, sampling, folds, training     instances -> model
evaluation, prediction, attention, results       model -> figures, overlay
projection      slide embeddings -> the map
hard_negatives      the expert's table of look-alikes -> weights for the loss
pipeline        the steps above as whole jobs (what the CLI and the UI run)
child           runs such a job in a process of its own
synth           the procedural cohort of the demo
bench           measurements

The names below are what a script needs; each loads its module when it is first used::

    import napari_lookalike.core as lk
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_lookalike.core.attention import attention_weights as attention_weights
    from napari_lookalike.core.attention import overlay as overlay
    from napari_lookalike.core.attention import top_tiles as top_tiles
    from napari_lookalike.core.cohort import Cohort as Cohort
    from napari_lookalike.core.cohort import SlideRecord as SlideRecord
    from napari_lookalike.core.config import TrainConfig as TrainConfig
    from napari_lookalike.core.encoders import ENCODERS as ENCODERS
    from napari_lookalike.core.encoders import load_encoder as load_encoder
    from napari_lookalike.core.features import load_features as load_features
    from napari_lookalike.core.hard_negatives import HardNegativeTable as HardNegativeTable
    from napari_lookalike.core.hard_negatives import PairMark as PairMark
    from napari_lookalike.core.manifest import read_manifest as read_manifest
    from napari_lookalike.core.manifest import scan_folder as scan_folder
    from napari_lookalike.core.mil import HEADS as HEADS
    from napari_lookalike.core.pipeline.embed import embed_project as embed_project
    from napari_lookalike.core.pipeline.maps import map_project as map_project
    from napari_lookalike.core.pipeline.predict import predict_slides as predict_slides
    from napari_lookalike.core.pipeline.train import train_project as train_project
    from napari_lookalike.core.progress import Job as Job
    from napari_lookalike.core.project import Project as Project
    from napari_lookalike.core.results import load_results as load_results
    from napari_lookalike.core.settings import ProjectSettings as ProjectSettings
    from napari_lookalike.core.slides import open_slide as open_slide
    from napari_lookalike.core.synth.cohort import make_cohort as make_cohort
    from napari_lookalike.core.synth.plan import plan_cohort as plan_cohort
    from napari_lookalike.core.synth.subtypes import SUBTYPES as SUBTYPES
    from napari_lookalike.core.tissue import find_tissue as find_tissue

_WHERE = {
    "attention": ("attention_weights", "overlay", "top_tiles"),
    "cohort": ("Cohort", "SlideRecord"),
    "config": ("TrainConfig",),
    "encoders": ("ENCODERS", "load_encoder"),
    "features": ("load_features",),
    "hard_negatives": ("HardNegativeTable", "PairMark"),
    "manifest": ("read_manifest", "scan_folder"),
    "mil": ("HEADS",),
    "pipeline.embed": ("embed_project",),
    "pipeline.maps": ("map_project",),
    "pipeline.predict": ("predict_slides",),
    "pipeline.train": ("train_project",),
    "progress": ("Job",),
    "project": ("Project",),
    "results": ("load_results",),
    "settings": ("ProjectSettings",),
    "slides": ("open_slide",),
    "synth.cohort": ("make_cohort",),
    "synth.plan": ("plan_cohort",),
    "synth.subtypes": ("SUBTYPES",),
    "tissue": ("find_tissue",),
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names}


def __getattr__(name: str) -> Any:
    """A name of `_WHERE`, or a module of this package, loaded when it is asked for."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """What a script may use, for completion."""
    return sorted({*globals(), *_NAMES})
