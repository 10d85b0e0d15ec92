"""What an encoder's features are called, without loading the encoder (and without torch)."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import platformdirs

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.weights import (
    checksum,
    file_stem,
    find_weights,
    missing_weights,
)
from napari_lookalike.core.errors import ProjectError


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
        Name in the catalogue, or ``timm:<architecture>``.
    weights
        Weight file; ``None`` looks where `load_encoder` looks.

    Raises
    ------
    EncoderError
        If there is no such encoder, or its weights are not on this machine.
    """
    from napari_lookalike.core.encoders import encoder_spec
    from napari_lookalike.core.encoders.imported import imported_identity, is_imported

    if is_imported(name):
        return imported_identity(name)
    spec = encoder_spec(name)
    if spec.loader == "builtin":
        from napari_lookalike.core.encoders.descriptor.encoder import VERSION

        return f"{spec.name}-v{VERSION}"
    path = weights if weights is not None else find_weights(spec)
    if path is None:
        raise missing_weights(spec)
    return network_identity(spec, remembered_checksum(path))


def remembered_checksum(path: Path) -> str:
    """`weights.checksum`, computed once for a file: some have gigabytes.

    A file is taken for the same while its place, size and time of change are.
    """
    try:
        state = path.stat()
    except OSError:
        return checksum(path)  # says what is wrong
    key = f"{path.absolute()}|{state.st_size}|{state.st_mtime_ns}"
    key = hashlib.sha256(key.encode()).hexdigest()
    known = _known()
    if key not in known:
        known[key] = checksum(path)
        _keep(known)
    return known[key]


def _file() -> Path:
    return platformdirs.user_cache_path("napari-lookalike", appauthor=False) / "checksums.json"


def _known() -> dict[str, str]:
    try:
        data = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}


def _keep(known: dict[str, str]) -> None:
    from napari_lookalike.core.project_file import write_atomic

    def write(path: Path) -> None:
        path.write_text(json.dumps(known), encoding="utf-8")

    with suppress(ProjectError):  # computed again next time
        write_atomic(_file(), write)
