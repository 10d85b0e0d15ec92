"""Rows of the published encoders, by the library that builds them.

Architectures, arguments, normalisation and pooling are those of the model cards and of the
authors' own code, written out in full, so that a model is built without the internet. What
could not be compared with a published file says so in ``doubt``.
"""

from __future__ import annotations

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.rows.others import OTHER_ROWS
from napari_lookalike.core.encoders.rows.timm import TIMM_ROWS

ROWS: tuple[EncoderSpec, ...] = (*TIMM_ROWS, *OTHER_ROWS)
