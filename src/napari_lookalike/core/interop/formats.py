"""The registries of what comes in and what goes out. A new format is a file and a row here."""

from __future__ import annotations

from napari_lookalike.core.errors import FeatureError
from napari_lookalike.core.interop import (
    clam,
    geojson,
    h5ad,
    own,
    plain,
    slideflow,
    stamp,
    tables,
    tiff,
    trident,
    wsinfer,
)
from napari_lookalike.core.interop.kinds import Exporter, Importer
from napari_lookalike.core.registry import Registry

IMPORTERS: Registry[Importer] = Registry("kind of import", FeatureError)
EXPORTERS: Registry[Exporter] = Registry("kind of export", FeatureError)

# In the order in which a folder is asked; what is told by its own marks comes first.
for _importer in (
    own.IMPORTER,
    trident.IMPORTER,
    stamp.IMPORTER,
    stamp.MOPADI,
    clam.IMPORTER,
    slideflow.IMPORTER,
    wsinfer.IMPORTER,
    geojson.IMPORTER,
    plain.IMPORTER,
):
    IMPORTERS.register(_importer.name, _importer)

for _exporter in (
    trident.EXPORTER,
    clam.EXPORTER,
    geojson.EXPORTER,
    tiff.EXPORTER,
    tables.EXPORTER,
):
    EXPORTERS.register(_exporter.name, _exporter)
EXPORTERS.register(h5ad.EXPORTER.name, h5ad.EXPORTER, h5ad.why_not)
