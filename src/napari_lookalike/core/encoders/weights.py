"""Where weight files are looked for. Only this machine is searched, never the network."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.errors import EncoderError

SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")
INDEX = ".index.json"
"""How the name ends of the list of a file that is split into parts (shards)."""

HUB = "hf-hub:"
"""``hf-hub:<owner>/<name>`` is a model of the hub's cache; also a folder of such files."""

_HUB_FILES = (
    "model.safetensors",
    "model.safetensors" + INDEX,
    "pytorch_model.bin",
    "pytorch_model.bin" + INDEX,
)
LIBRARIES = {"transformers": "transformers", "open_clip": "open_clip_torch"}
"""Loader -> distribution that it needs and that is not installed everywhere."""


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
    """The weight file of an encoder on this machine (or the list of its parts), or ``None``.

    The user's own folder comes before the Hugging Face cache; safetensors before the rest.
    """
    if spec.hub_id and is_folder_name(spec.hub_id):
        return weights_in(Path(spec.hub_id).expanduser(), spec)
    stem = weights_folder() / file_stem(spec.name)
    for suffix in SUFFIXES:
        path = stem.with_name(stem.name + suffix)
        if path.is_file():
            return path
    for folder in (stem, *hub_folders(spec.hub_id)):
        found = weights_in(folder, spec)
        if found is not None:
            return found
    return None


def hub_folders(hub_id: str) -> Iterator[Path]:
    """Folders of the Hugging Face cache that hold a repository, the best first."""
    if not hub_id:
        return
    if is_folder_name(hub_id):
        yield Path(hub_id).expanduser()
        return
    repo = hub_cache() / f"models--{hub_id.replace('/', '--')}"
    snapshots = repo / "snapshots"
    if not snapshots.is_dir():
        return
    main = repo / "refs" / "main"
    wanted = main.read_text(encoding="utf-8").strip() if main.is_file() else ""
    # The revision that "main" names first; else any that is there, in a fixed order.
    yield from sorted(snapshots.iterdir(), key=lambda f: (f.name != wanted, f.name))


def is_folder_name(hub_id: str) -> bool:
    """Whether what stands after ``hf-hub:`` is a folder of this machine, not a repository."""
    return hub_id.startswith(("~", ".")) or Path(hub_id).is_absolute()


def weights_in(folder: Path, spec: EncoderSpec) -> Path | None:
    """The weight file of an encoder in a folder: by its published name, else the only one."""
    if not folder.is_dir():
        return None
    for name in spec.files or _HUB_FILES:
        if (folder / name).is_file():
            return folder / name
    others = sorted(p for p in folder.glob("*") if p.suffix in SUFFIXES and p.is_file())
    return others[0] if len(others) == 1 else None


def resolve_weights(path: Path, spec: EncoderSpec) -> Path:
    """The weight file that a person meant, who may have named a folder that holds it.

    Raises
    ------
    EncoderError
        If the folder holds no weight file, or several: name the file.
    """
    if not path.is_dir():
        return path
    found = weights_in(path, spec)
    if found is None:
        raise EncoderError(
            "The folder holds no weight file, or several of them.",
            f"Name the file itself; for {spec.title} it is called {wanted_names(spec)}.",
        )
    return found


def wanted_names(spec: EncoderSpec) -> str:
    """Names of the published weight file, for a person."""
    return " or ".join(spec.files or (_HUB_FILES[0], _HUB_FILES[2]))


def parts(path: Path) -> tuple[Path, ...]:
    """The files that hold the tensors: the file itself, or the parts that its list names.

    Raises
    ------
    EncoderError
        If the list cannot be read, or a part is not beside it.
    """
    if not path.name.endswith(INDEX):
        return (path,)
    try:
        named = json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()
        names = sorted({str(name) for name in named})
    except OSError as error:
        raise unreadable_weights(error) from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise EncoderError(
            "The list of the parts of the weight file is damaged.",
            "Copy it again, with all parts beside it.",
        ) from error
    # A name with a folder in it would lead elsewhere.
    missing = [n for n in names if Path(n).name != n or not (path.parent / n).is_file()]
    if missing or not names:
        raise EncoderError(
            f"{len(missing)} of {len(names)} parts of the weight file are not beside their list.",
            "Copy all of them into one folder.",
        )
    return tuple(path.parent / name for name in names)


def size_bytes(path: Path) -> int:
    """Size of a weight file, all parts together."""
    return sum(part.stat().st_size for part in parts(path))


def expected_bytes(spec: EncoderSpec) -> int:
    """About how large the published file is: four bytes a parameter; 0 where unknown."""
    return round(spec.parameters * 4e6)


def places(spec: EncoderSpec) -> tuple[str, ...]:
    """Where a weight file would be found, for a person; the home folder is written ``~``."""
    folder, stem = tilde(weights_folder()), file_stem(spec.name)
    own = f"{folder}/{stem}.safetensors (or .bin, .pth, .pt)"
    inside = f"the folder {folder}/{stem}, holding {wanted_names(spec)}"
    if not spec.hub_id or spec.loader == "import":
        return own, inside
    return own, inside, f"the Hugging Face cache {tilde(hub_cache())}, repository {spec.hub_id}"


def tilde(path: Path) -> str:
    """The path with the home folder as ``~``: a report does not name its user."""
    try:
        return (Path("~") / path.relative_to(Path.home())).as_posix()
    except ValueError:
        return path.as_posix()


def file_stem(name: str) -> str:
    """An encoder's name as part of a file name; of a folder's path only the last part."""
    if name.startswith(HUB) and is_folder_name(name.removeprefix(HUB)):
        name = HUB + Path(name.removeprefix(HUB)).name
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def source(spec: EncoderSpec) -> str:
    """Where the weights come from, with gate and licence, as a sentence's beginning."""
    if not spec.hub_id or is_folder_name(spec.hub_id):
        return ""
    gate = "after accepting its terms there" if spec.gated else "without a gate"
    return f"Get them from huggingface.co/{spec.hub_id} {gate} (licence: {spec.licence})"


def missing_weights(spec: EncoderSpec) -> EncoderError:
    """The error for an encoder whose weights are not here, with all that helps to get them."""
    where = source(spec)
    how = f"{where}, then put" if where else "Put"
    return EncoderError(
        f"The weights of {spec.title} are not on this machine.",
        f"{how} the file at {', or '.join(places(spec))}; or name a weight file.",
    )


def missing_library(spec: EncoderSpec) -> str | None:
    """Why the network cannot be built here: the library that is missing, or ``None``."""
    needed = LIBRARIES.get(spec.loader)
    if needed is None or importlib.util.find_spec(spec.loader) is not None:
        return None
    return f"{spec.title} needs pip install {needed}."


def import_only(spec: EncoderSpec) -> str | None:
    """Why features of this encoder can only be imported, or ``None`` if it can be loaded."""
    if spec.loader != "import":
        return None
    return f"{spec.title} is not run here: {spec.note}"


def why_not(spec: EncoderSpec) -> str | None:
    """Why an encoder cannot be used here, with the remedy; ``None`` if it can."""
    if spec.loader == "builtin":
        return None
    obstacle = import_only(spec) or missing_library(spec)
    if obstacle is None and find_weights(spec) is None:
        obstacle = str(missing_weights(spec))
    return obstacle


def unreadable_weights(error: OSError) -> EncoderError:
    """The error for a weight file that the system does not let us read."""
    return EncoderError(
        f"The weight file cannot be read ({error.strerror or type(error).__name__}).",
        "Check that it exists and that you may read it.",
    )
