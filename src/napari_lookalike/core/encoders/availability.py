"""Whether an encoder can be used here, and how its weights are brought in. Without torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_lookalike.core.encoders import weights as folders
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.weights import (
    expected_bytes,
    file_stem,
    find_weights,
    hub_cache,
    import_only,
    is_folder_name,
    missing_library,
    places,
    size_bytes,
    tilde,
    wanted_names,
    why_not,
)
from napari_lookalike.core.errors import EncoderError

_GIGABYTE, _MEGABYTE = 1e9, 1e6


@dataclass(frozen=True)
class EncoderState:
    """Whether an encoder can be used here.

    Parameters
    ----------
    name, title, loader
        As in the catalogue.
    usable
        Whether it ships with us, or its weights and the library that builds it are here.
    found
        Where its weights lie, with the home folder as ``~``; empty if they are not here.
    found_bytes
        How large they are; 0 if they are not here.
    places
        Where weights are looked for.
    copyable
        The path that a person would put a weight file at; empty where there is none.
    hub_id, files
        Where the published file is, and what it is called.
    expected_bytes
        About how large the published file is; 0 where unknown.
    size
        The size for a person: of what is here, else about what is published.
    licence, gated, derived_heads, note, doubt
        As in the catalogue.
    tile_px, mpp, dim
        As in the catalogue.
    remedy
        Why it cannot be used and what to do, in a sentence; empty where it can.
    steps
        How to bring its weights in, one step each; empty where it ships with us.
    """

    name: str
    title: str
    loader: str
    usable: bool
    found: str
    found_bytes: int
    places: tuple[str, ...]
    copyable: str
    hub_id: str
    files: str
    expected_bytes: int
    size: str
    licence: str
    gated: bool
    derived_heads: bool
    note: str
    doubt: str
    tile_px: int
    mpp: float
    dim: int
    remedy: str
    steps: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; nothing in them names the user."""
        plain = {**asdict(self), "places": list(self.places), "steps": list(self.steps)}
        plain["copyable"] = tilde(Path(self.copyable)) if self.copyable else ""
        return plain


def encoder_state(spec: EncoderSpec) -> EncoderState:
    """Look at this machine for an encoder."""
    brought = spec.loader not in ("builtin", "import")
    path = find_weights(spec) if brought else None
    size = _size(path)
    return EncoderState(
        name=spec.name,
        title=spec.title,
        loader=spec.loader,
        usable=why_not(spec) is None,
        found=tilde(path) if path is not None else "",
        found_bytes=size,
        places=places(spec) if brought else (),
        copyable=str(folders.weights_folder() / own_file(spec)) if brought else "",
        hub_id="" if is_folder_name(spec.hub_id) else spec.hub_id,
        files=wanted_names(spec) if brought else "",
        expected_bytes=expected_bytes(spec),
        size=human_size(size) or expected_size(spec),
        licence=spec.licence,
        gated=spec.gated,
        derived_heads=spec.derived_heads,
        note=spec.note,
        doubt=spec.doubt,
        tile_px=spec.tile_px,
        mpp=spec.mpp,
        dim=spec.dim,
        remedy=why_not(spec) or "",
        steps=steps(spec),
    )


def _size(path: Path | None) -> int:
    if path is None:
        return 0
    try:
        return size_bytes(path)
    except (EncoderError, OSError):  # parts are missing: loading says so
        return 0


def own_file(spec: EncoderSpec) -> str:
    """Name of an encoder's file in the user's weights folder, with the published ending."""
    names = spec.files or ("model.safetensors",)
    return file_stem(spec.name) + Path(names[0]).suffix


def steps(spec: EncoderSpec) -> tuple[str, ...]:
    """How a person brings an encoder's weights in, one step each."""
    if spec.loader == "builtin":
        return ()
    if spec.loader == "import":
        return (str(import_only(spec)),)
    found = []
    library = missing_library(spec)
    if library is not None:
        found.append(f"Install what builds it: {library}")
    page = f"huggingface.co/{spec.hub_id}"
    hub = bool(spec.hub_id) and not is_folder_name(spec.hub_id)
    if hub and spec.gated:
        found.append(f"Ask for access at {page} and accept its terms ({spec.licence}).")
    size = expected_size(spec)
    about = f" ({size})" if size else ""
    where = f"from {page}" if hub else "from where its authors give it away"
    found.append(
        f"On a machine with internet, download {wanted_names(spec)}{about} {where}. Nothing is "
        "downloaded by this program."
    )
    found.append(
        f"Choose the file, or the folder that holds it; or run napari-lookalike weights import "
        f"FILE --encoder {spec.name}."
    )
    found.append(f"Or copy it to {tilde(folders.weights_folder())}/{own_file(spec)}.")
    if hub:
        cache = f"models--{spec.hub_id.replace('/', '--')}"
        found.append(f"Or copy the cache folder {cache} into {tilde(hub_cache())}.")
    return tuple(found)


def expected_size(spec: EncoderSpec) -> str:
    """How large the published file is, for a person; empty where nobody knows."""
    size = human_size(expected_bytes(spec))
    if not size:
        return ""
    # Of files with a text side only the image side is counted.
    more = any(prefix.startswith("text") for prefix in spec.leave_out)
    return f"{'more than' if more else 'about'} {size}"


def human_size(size: int) -> str:
    """A size for a person ("2.7 GB"); empty for 0."""
    if size >= _GIGABYTE:
        return f"{size / _GIGABYTE:.1f} GB"
    if size >= _MEGABYTE:
        return f"{size / _MEGABYTE:.0f} MB"
    return f"{size} bytes" if size else ""
