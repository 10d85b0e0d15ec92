"""Slide encoders: the vectors of a slide's tiles to one vector for the slide.

A second catalogue. Each row says which tile encoder it takes; it is never given others. Mean
pooling is always there, and is the baseline that the others have to beat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.rows.terms import APACHE, MAHMOOD, NC_ND
from napari_lookalike.core.encoders.weights import file_stem, why_not
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.registry import Registry

SLIDE = "slide:"
"""``slide:<name>`` names the weights of a slide encoder where tile encoders are named too."""


@dataclass(frozen=True)
class SlideEncoderSpec:
    """One row: all that is known of a slide encoder before it is loaded.

    Parameters
    ----------
    name, title
        The key, and for a person.
    loader
        "builtin" (no weights), "own" (a small module of ours) or "import".
    takes
        Names of the tile encoders whose vectors it takes; empty: any.
    dim
        Length of its vector; 0: that of the tiles' vectors.
    hub_id, files, arguments, renames, leave_out, parameters
        As of `EncoderSpec`.
    licence, gated, derived_heads, note, doubt
        As of `EncoderSpec`. Where features can only be imported, the note says why.
    """

    name: str
    title: str
    loader: str
    takes: tuple[str, ...] = ()
    dim: int = 0
    hub_id: str = ""
    files: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    parameters: float = 0.0
    licence: str = ""
    gated: bool = False
    derived_heads: bool = False
    note: str = ""
    doubt: str = ""

    def file_row(self) -> EncoderSpec:
        """The row as one of the catalogue of tile encoders: for its weight file and terms."""
        return EncoderSpec(
            name=SLIDE + self.name,
            title=self.title,
            loader=self.loader,
            hub_id=self.hub_id,
            architecture="gated_pooling",
            arguments=self.arguments,
            pooling="none",
            dim=self.dim,
            licence=self.licence,
            gated=self.gated,
            derived_heads=self.derived_heads,
            note=self.note,
            files=self.files,
            parameters=self.parameters,
            parameters_from="computed" if self.parameters else "",
            renames=self.renames,
            leave_out=self.leave_out,
            doubt=self.doubt,
        )


SLIDE_ENCODERS: Registry[SlideEncoderSpec] = Registry("slide encoder", EncoderError)


def _add(spec: SlideEncoderSpec) -> None:
    SLIDE_ENCODERS.register(spec.name, spec, lambda: why_not(spec.file_row()))


def check_takes(spec: SlideEncoderSpec, tile_encoder: str) -> None:
    """Refuse tiles' vectors of another encoder than the row's.

    Parameters
    ----------
    spec
        The row.
    tile_encoder
        `Encoder.identity` of what made the vectors.

    Raises
    ------
    EncoderError
        Names the encoders that it takes.
    """
    stems = [file_stem(name) for name in spec.takes]
    fits = any(
        tile_encoder.startswith(f"{stem}-w") or tile_encoder == f"imported-{stem}" for stem in stems
    )
    if spec.takes and not fits:
        raise EncoderError(
            f"{spec.title} takes vectors of {' or '.join(spec.takes)} only.",
            "Embed the slides with that encoder first.",
        )


_REMOTE = (
    "Its network is code that the hub brings along, which is never run here. Compute its "
    "vectors where it runs, and import them: napari-lookalike import."
)
_CHIEF = {
    "attention_net.0.": "inside.",
    "attention_net.3.attention_a.0.": "tanh.",
    "attention_net.3.attention_b.0.": "gate.",
    "attention_net.3.attention_c.": "score.",
}
_FEATHER = {
    "patch_embed.0.": "inside.",
    "global_attn.attention_a.0.": "tanh.",
    "global_attn.attention_b.0.": "gate.",
    "global_attn.attention_c.": "score.",
}


def _feather(tile_encoder: str, key: str, in_dim: int, parameters: float) -> SlideEncoderSpec:
    return SlideEncoderSpec(
        f"feather-{tile_encoder}",
        f"Feather ({tile_encoder})",
        "own",
        takes=(tile_encoder,),
        dim=512,
        hub_id=f"MahmoodLab/abmil.base.{key}.pc108-24k",
        arguments={"in_dim": in_dim, "hidden": 512, "attention": 384, "pools_input": False},
        renames=_FEATHER,
        leave_out=("model.classifier.", "classifier."),
        parameters=parameters,
        licence=NC_ND,
        gated=True,
        derived_heads=True,
        note=f"A gated attention pooling, trained on many cancers with labels. {MAHMOOD}",
        doubt="Its sizes are those of the published code's defaults; no file was at hand.",
    )


for _spec in (
    SlideEncoderSpec(
        "mean",
        "Mean of the tiles",
        "builtin",
        licence="BSD-3-Clause",
        note="The baseline, for every tile encoder: no weights, no training.",
    ),
    SlideEncoderSpec(
        "chief",
        "CHIEF",
        "own",
        takes=("ctranspath",),
        dim=768,
        files=("CHIEF_pretraining.pth",),
        arguments={"in_dim": 768, "hidden": 512, "attention": 256, "pools_input": True},
        renames=_CHIEF,
        leave_out=(
            "classifiers.",
            "instance_classifiers.",
            "att_head.",
            "text_to_vision.",
            "organ_embedding",
        ),
        parameters=0.7,
        licence="GPL-3.0; for non-commercial academic use",
        note=(
            "The mean of the tiles' vectors by its attention. The file CHIEF_pretraining.pth "
            "comes from the repository hms-dbmi/CHIEF. Tiles at 10x."
        ),
        doubt="Built from the published code; no published file was at hand.",
    ),
    _feather("conch-v1.5", "conch_v15", 768, 0.8),
    _feather("uni2-h", "uni_v2", 1536, 1.2),
    _feather("uni", "uni", 1024, 0.9),
    SlideEncoderSpec(
        "prism",
        "PRISM",
        "import",
        takes=("virchow",),
        dim=1280,
        hub_id="paige-ai/Prism",
        licence=NC_ND,
        gated=True,
        note=_REMOTE,
    ),
    SlideEncoderSpec(
        "titan",
        "TITAN",
        "import",
        takes=("conch-v1.5",),
        dim=768,
        hub_id="MahmoodLab/TITAN",
        licence=NC_ND,
        gated=True,
        derived_heads=True,
        note=f"{_REMOTE} It takes tiles of 512 px at 20x.",
    ),
    SlideEncoderSpec(
        "madeleine",
        "MADELEINE",
        "import",
        takes=("conch",),
        dim=512,
        hub_id="MahmoodLab/madeleine",
        licence="contested: MIT on the hub, CC-BY-NC-ND-4.0 in its repository",
        gated=True,
        derived_heads=True,
        note=(
            "Its network is in a package of its authors that no registry holds. Compute its "
            "vectors there (tiles of 256 px at 10x), and import them: napari-lookalike import."
        ),
    ),
    SlideEncoderSpec(
        "gigapath-slide",
        "Prov-GigaPath (slide)",
        "import",
        takes=("gigapath",),
        dim=768,
        hub_id="prov-gigapath/prov-gigapath",
        licence=f"{APACHE}; the model card forbids deployed use",
        gated=True,
        note=(
            "Its network needs flash-attn and its authors' repository, and a GPU. Compute its "
            "vectors there, and import them: napari-lookalike import."
        ),
    ),
):
    _add(_spec)
