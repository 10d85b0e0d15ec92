"""Encoders whose features were computed elsewhere and brought in: known by name only.

``imported:<name>`` stands for one of them in a project's settings. The name is a row of the
catalogue where the features say which encoder made them ("imported:uni2-h"), else what the
user called it. Nothing can be embedded with it here; what was brought in can be looked at,
trained on and predicted. It is never mixed with features of the same encoder made here:
nobody can check the weights and the resampling behind it.
"""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

IMPORTED = "imported:"
"""What the name of such an encoder begins with."""

LOADER = "imported"


def is_imported(name: str) -> bool:
    """Whether an encoder's name stands for features that were made elsewhere."""
    return name.startswith(IMPORTED)


def imported_spec(name: str) -> EncoderSpec:
    """A row for ``imported:<name>``, with what the catalogue knows of an encoder of that name.

    Parameters
    ----------
    name
        With its prefix. Need not be in the catalogue.
    """
    from napari_lookalike.core.encoders.catalog import ENCODERS

    plain = name.removeprefix(IMPORTED)
    note = "Its features were made elsewhere and brought in; nothing can be embedded with it here."
    if plain not in ENCODERS:
        licence = "not known: ask whoever made the features"
        return EncoderSpec(name, f"{plain} (imported)", LOADER, licence=licence, note=note)
    row = ENCODERS.get(plain)
    return replace(row, name=name, title=f"{row.title} (imported)", loader=LOADER, note=note)


def imported_identity(name: str) -> str:
    """What its features are called on the disk; safe as part of a file name."""
    plain = name.removeprefix(IMPORTED)
    return "imported-" + "".join(c if c.isalnum() or c in "-_." else "_" for c in plain)


def cannot_embed(spec: EncoderSpec) -> EncoderError:
    """The error for whoever asks such an encoder to embed."""
    return EncoderError(
        f"The features of {spec.title} were made elsewhere: nothing can be embedded with it here.",
        "Import the missing slides' features, or choose an encoder that runs here.",
    )
