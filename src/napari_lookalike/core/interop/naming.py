"""What a peer calls an encoder, and which row of the catalogue that is."""

from __future__ import annotations

from napari_lookalike.core.interop.report import Known

ALIASES = {
    "univ1": "uni",
    "univ2": "uni2-h",
    "uni2": "uni2-h",
    "conchv1": "conch",
    "conchv15": "conch-v1.5",
    "conch15": "conch-v1.5",
    "hoptimus0": "h-optimus-0",
    "hoptimus1": "h-optimus-1",
    "h0mini": "h0-mini",
    "provgigapath": "gigapath",
    "midnight12k": "midnight-12k",
    "midnight": "midnight-12k",
    "phikonv1": "phikon",
    "hiboub": "hibou-b",
    "hiboul": "hibou-l",
    "kaikovitb8": "kaiko-b8",
    "kaikovitb16": "kaiko-b16",
    "kaikovits8": "kaiko-s8",
    "kaikovits16": "kaiko-s16",
    "kaikovitl14": "kaiko-l14",
    "lunitvits8": "lunit-s8",
    "lunitvits16": "lunit-s16",
    "pathfoundation": "path-foundation",
    "chiefctranspath": "ctranspath",
}
"""What TRIDENT, STAMP, CLAM and Slideflow call encoders, plain -> name in our catalogue."""


def plain(name: str) -> str:
    """A name without upper case, dashes, dots and underscores."""
    return "".join(c for c in name.lower() if c.isalnum())


def catalogue_name(said: str, dim: int) -> tuple[str | None, str]:
    """The row of the catalogue that a peer's name means.

    Parameters
    ----------
    said
        The peer's name ("uni_v2", "MahmoodLab/UNI2-h").
    dim
        Length of the vectors, which must be the row's.

    Returns
    -------
    tuple
        Name in `ENCODERS` or ``None``; and a sentence of why.
    """
    from napari_lookalike.core.encoders import ENCODERS

    words = {plain(said), plain(said.split("/")[-1])}
    words |= {plain(ALIASES[w]) for w in words if w in ALIASES}
    other = ""
    for entry in ENCODERS:
        row = entry.item
        if not words & {plain(row.name), plain(row.title), plain(row.hub_id.split("/")[-1])} - {""}:
            continue
        if row.dim and row.dim != dim:
            other = f"{row.title} has {row.dim:,} numbers, these vectors have {dim:,}."
            continue
        return entry.name, f"{row.title} of the catalogue: the name agrees, and {dim:,} numbers."
    return None, other or "There is no encoder of that name in the catalogue."


def encoder_name(said: Known[str] | None, given: str | None, dim: int, kind: str) -> Known[str]:
    """What the imported encoder is called, without its prefix ``imported:``.

    Parameters
    ----------
    said
        The file's name for it.
    given
        The user's.
    dim
        Length of the vectors.
    kind
        Which program made the file.
    """
    if given:
        row, why = catalogue_name(given, dim)
        return Known(row or _safe(given), "given", f"You said so. {why}")
    if said is None or not plain(said.value):
        why = (
            f"The file does not say which encoder made its {dim:,} numbers. Give its name, so "
            "that its licence is known."
        )
        return Known(f"{kind}-{dim}", "guessed", why)
    row, why = catalogue_name(said.value, dim)
    if row is not None:
        return Known(row, said.how, f"{said.why} {why}")
    return Known(_safe(said.value), said.how, f"{said.why} {why}")


def _safe(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in name.split("/")[-1])
    return kept.strip("-._")[:60] or "unnamed"


def map_name(given: str | None, kind: str) -> str:
    """What a map is called in the project; safe as a folder's name."""
    return _safe(given) if given else kind
