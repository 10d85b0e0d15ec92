"""Which encoder of the catalogue a weight file seems to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.report import KeyReport
from napari_lookalike.core.errors import EncoderError

if TYPE_CHECKING:
    from napari_lookalike.core.encoders.files import State

_SHOWN = 4


def likely_encoders(state: State, but: str = "") -> tuple[str, ...]:
    """Titles of the encoders whose network takes every tensor of a file.

    Several encoders share one architecture (UNI and mSTAR, say); a file fits all of them,
    so the answer is a list.

    Parameters
    ----------
    state
        The file's tensors by name.
    but
        Name of an encoder that need not be tried.
    """
    from napari_lookalike.core.encoders.build import LOADERS, fitted
    from napari_lookalike.core.encoders.catalog import ENCODERS
    from napari_lookalike.core.encoders.slide_encoders import SLIDE_ENCODERS
    from napari_lookalike.core.encoders.weights import missing_library

    held = sum(tensor.numel() for tensor in state.values()) / 1e6
    of_transformers = any(key.endswith("embeddings.cls_token") for key in state)
    found = []
    rows = [e.item for e in ENCODERS] + [e.item.file_row() for e in SLIDE_ENCODERS]
    for spec in rows:
        if spec.name == but or spec.loader not in LOADERS or missing_library(spec):
            continue
        if spec.loader == "transformers" and not of_transformers:
            continue  # it would be built with numbers, which takes memory and time
        if _size_fits(held, spec) and fitted(spec, dict(state))[1].ok:
            found.append(spec.title)
    return tuple(found)


def _size_fits(held: float, spec: EncoderSpec) -> bool:
    """Whether a file with so many million numbers can hold the network.

    It holds at least the network, and rarely a tenth more; beside a text tower, anything.
    """
    with_text = any(prefix.startswith("text") for prefix in spec.leave_out)
    most = float("inf") if with_text else 1.1 * spec.parameters + 0.5
    return 0.98 * spec.parameters - 0.05 <= held <= most


def wrong_file(spec: EncoderSpec, state: State, report: KeyReport) -> EncoderError:
    """The error for a file that does not fit: what differs, and what it seems to be."""
    seems = likely_encoders(state, but=spec.name)
    remedy = f"Name a weight file of {spec.title}."
    if seems:
        shown = " or ".join(seems[:_SHOWN])
        remedy = f"It seems to be the file of {shown}. {remedy}"
    return EncoderError(f"The weight file does not fit {spec.title}: {report.sentence()}.", remedy)
