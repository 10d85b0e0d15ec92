"""Whether a slide's features are there, whole, and made as they would be made now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from napari_lookalike.core.cohort import SlideRecord
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.feature_folder import stained_identity
from napari_lookalike.core.features import FeatureHeader, damage, read_header
from napari_lookalike.core.features_damage import header_damage
from napari_lookalike.core.normalise import stain_from_json
from napari_lookalike.core.project import Project
from napari_lookalike.core.settings import ProjectSettings, from_plain
from napari_lookalike.core.tissue import TissueSettings


@dataclass(frozen=True)
class Standing:
    """What is there of a slide.

    Parameters
    ----------
    coverage
        Share of its tiles with features that hold; 0 if they are absent or of other settings.
    damage
        What is wrong with the file, as the rest of a sentence; empty if nothing is.
    """

    coverage: float = 0.0
    damage: str = ""


def feature_file(project: Project, record: SlideRecord, spec: EncoderSpec, identity: str) -> Path:
    """Where a slide's features lie.

    Parameters
    ----------
    project
        The project; its settings name the stain normalisation.
    record
        The slide.
    spec
        Of the encoder.
    identity
        `Encoder.identity`.
    """
    identity = stained_identity(identity, project.settings.stain_normalisation)
    mpp = None if record.level0_tiles else spec.mpp
    return project.features_dir(identity, spec.tile_px, mpp) / f"{record.slide_id}.h5"


def standing(project: Project, record: SlideRecord, spec: EncoderSpec, identity: str) -> Standing:
    """Look at a slide's feature file: its header, then all of its numbers.

    That it exists says nothing. It holds if it is of this slide's content, this encoder,
    scale, tissue and stain settings, has as many vectors as it says, and they have the sum
    that was written with them.

    Parameters
    ----------
    project, record, spec, identity
        As for `feature_file`.
    """
    path = feature_file(project, record, spec, identity)
    if not path.exists():
        return Standing()
    header, wrong = read_header(path), header_damage(path)
    if header is None or wrong:
        return Standing(damage=wrong or "it is not a whole feature file: a part is missing")
    settings = project.settings
    wanted = stained_identity(identity, settings.stain_normalisation)
    if header.slide_id != record.slide_id:
        return Standing(damage=f"it was made for a slide called {header.slide_id}")
    if header.encoder != wanted:
        return Standing(damage=f"it is of another encoder ({header.encoder or 'not named'})")
    if not _made_so(header, record, settings):
        return Standing()
    wrong = damage(path)
    return Standing(damage=wrong) if wrong else Standing(header.coverage)


def _made_so(header: FeatureHeader, record: SlideRecord, settings: ProjectSettings) -> bool:
    if record.fingerprint and header.fingerprint and record.fingerprint != header.fingerprint:
        return False
    if not _same_settings(header, settings):
        return False
    if record.mpp is None or header.slide_mpp is None or record.level0_tiles:
        return True
    return max(abs(had / record.mpp - 1) for had in header.slide_mpp) < 1e-6


def _same_settings(header: FeatureHeader, settings: ProjectSettings) -> bool:
    try:
        if stain_from_json(header.stain).asked != settings.stain_normalisation:
            return False
    except FeatureError:
        return False
    if not header.tissue:
        return True
    try:
        told = json.loads(header.tissue)
    except json.JSONDecodeError:
        return False
    if not isinstance(told, dict):
        return False
    # a field that is newer than the file counts as its default
    return from_plain(TissueSettings, told) == settings.tissue
