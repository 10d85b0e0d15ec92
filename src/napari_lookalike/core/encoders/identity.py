"""What an encoder's features are called, without loading the encoder (and without torch)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from napari_lookalike.core.encoders.adapter import base_weights, joined_checksum, read_adapter
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.beside import with_facts_beside
from napari_lookalike.core.encoders.checksums import remembered_checksum
from napari_lookalike.core.encoders.weights import (
    file_stem,
    find_weights,
    import_only,
    missing_weights,
    resolve_weights,
)
from napari_lookalike.core.errors import EncoderError


def network_identity(spec: EncoderSpec, digest: str) -> str:
    """Identity of a network: its name, its weights, and how tiles are fed to it.

    Parameters
    ----------
    spec
        The row.
    digest
        SHA-256 of the weight file, hexadecimal.
    """
    # The same weights with another normalisation or pooling give other features.
    built = (spec.loader, spec.architecture, sorted(spec.arguments.items()))
    fed = (spec.mean, spec.std, spec.pooling, spec.tile_px, spec.resized_px, spec.network_px)
    facts = (*built, *fed, spec.interpolation)
    recipe = hashlib.sha256(repr(facts).encode()).hexdigest()
    return f"{file_stem(spec.name)}-w{digest[:12]}-r{recipe[:6]}"


def encoder_identity(name: str, weights: Path | None = None) -> str:
    """`Encoder.identity` of an encoder of the catalogue, as `load_encoder` would give it.

    Parameters
    ----------
    name
        Name in the catalogue, ``timm:<architecture>`` or ``hf-hub:<repository>``.
    weights
        Weight file or a folder that holds it; ``None`` looks where `load_encoder` looks.

    Raises
    ------
    EncoderError
        If there is no such encoder, its weights are not on this machine, or it is not run
        here at all.
    """
    from napari_lookalike.core.encoders import encoder_spec
    from napari_lookalike.core.encoders.imported import imported_identity, is_imported

    if is_imported(name):
        return imported_identity(name)
    spec = encoder_spec(name)
    if spec.loader == "builtin":
        from napari_lookalike.core.encoders.builtin import builtin_identity

        return builtin_identity(spec)
    path, digest = weights_in_use(spec, weights)
    return network_identity(with_facts_beside(spec, path), digest)


def weights_in_use(spec: EncoderSpec, weights: Path | None) -> tuple[Path, str]:
    """The weight file to use, and the checksum of all that is loaded.

    Where ``weights`` is an adapter, the file is the one that it belongs to, and the checksum
    is that of both.

    Raises
    ------
    EncoderError
        As `weight_file` and `adapter.base_weights`.
    """
    about = read_adapter(weights)
    if about is None or weights is None:
        path = weight_file(spec, weights)
        return path, remembered_checksum(path)
    path = base_weights(weights, about, spec)
    return path, joined_checksum(about.base_sha256, weights)


def weight_file(spec: EncoderSpec, weights: Path | None) -> Path:
    """The weight file to use: the named one, else the one that is found.

    Raises
    ------
    EncoderError
        If there is none (says where to get and put it), or the encoder is not run here.
    """
    obstacle = import_only(spec)
    if obstacle is not None:
        raise EncoderError(obstacle, "Choose another encoder, or import its features.")
    if weights is not None:
        return resolve_weights(weights, spec)
    found = find_weights(spec)
    if found is None:
        raise missing_weights(spec)
    return found
