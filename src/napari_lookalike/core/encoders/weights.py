"""Where weight files are looked for. Only this machine is searched, never the network."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
_CHUNK = 1 << 22


def weights_folder() -> Path:
    """The user's folder for weight files (``weights`` in the plugin's data folder)."""
    return Path(platformdirs.user_data_dir("napari-lookalike", appauthor=False)) / "weights"


def hub_cache() -> Path:
    """The local Hugging Face cache, by the same variables that its own library reads."""
    explicit = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if explicit:
        return Path(explicit).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    cache = os.environ.get("XDG_CACHE_HOME")
    base = Path(cache).expanduser() if cache else Path.home() / ".cache"
    return base / "huggingface" / "hub"


def find_weights(spec: EncoderSpec) -> Path | None:
    """The weight file of an encoder on this machine, or ``None``.

    The user's own folder comes before the Hugging Face cache; safetensors before the rest.
    """
    stem = file_stem(spec.name)
    for suffix in SUFFIXES:
        path = weights_folder() / f"{stem}{suffix}"
        if path.is_file():
            return path
    return _in_hub_cache(spec.hub_id) if spec.hub_id else None


def _in_hub_cache(hub_id: str) -> Path | None:
    repo = hub_cache() / f"models--{hub_id.replace('/', '--')}"
    snapshots = repo / "snapshots"
    if not snapshots.is_dir():
        return None
    main = repo / "refs" / "main"
    wanted = main.read_text(encoding="utf-8").strip() if main.is_file() else ""
    # The revision that "main" names first; else any that is there, in a fixed order.
    folders = sorted(snapshots.iterdir(), key=lambda f: (f.name != wanted, f.name))
    for folder in folders:
        for name in _HUB_FILES:
            if (folder / name).is_file():
                return folder / name
        others = sorted(p for p in folder.glob("*") if p.suffix in SUFFIXES and p.is_file())
        if len(others) == 1:
            return others[0]
    return None


def places(spec: EncoderSpec) -> tuple[str, ...]:
    """Where a weight file would be found, for a person; the home folder is written ``~``."""
    stem = file_stem(spec.name)
    own = f"{tilde(weights_folder())}/{stem}.safetensors (or .bin, .pth, .pt)"
    if not spec.hub_id:
        return (own,)
    return own, f"the Hugging Face cache {tilde(hub_cache())}, repository {spec.hub_id}"


def tilde(path: Path) -> str:
    """The path with the home folder as ``~``: a report does not name its user."""
    try:
        return (Path("~") / path.relative_to(Path.home())).as_posix()
    except ValueError:
        return path.as_posix()


def file_stem(name: str) -> str:
    """An encoder's name as part of a file name."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def missing_weights(spec: EncoderSpec) -> EncoderError:
    """The error for an encoder whose weights are not here, with all that helps to get them."""
    gate = "after accepting its terms there" if spec.gated else "without a gate"
    source = f"Get them from huggingface.co/{spec.hub_id} {gate} (licence: {spec.licence})"
    how = f"{source}, then put" if spec.hub_id else "Put"
    return EncoderError(
        f"The weights of {spec.title} are not on this machine.",
        f"{how} the file at {' or '.join(places(spec))}, or name a weight file.",
    )


def why_not(spec: EncoderSpec) -> str | None:
    """Why an encoder cannot be used here, with the remedy; ``None`` if it can."""
    if spec.loader == "builtin" or find_weights(spec) is not None:
        return None
    return str(missing_weights(spec))


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    EncoderError
        If the file cannot be read: check that it exists and may be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise unreadable_weights(error) from error
    return digest.hexdigest()


def unreadable_weights(error: OSError) -> EncoderError:
    """The error for a weight file that the system does not let us read."""
    return EncoderError(
        f"The weight file cannot be read ({error.strerror or type(error).__name__}).",
        "Check that it exists and that you may read it.",
    )
