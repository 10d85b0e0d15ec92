"""Damages small slides in every place that a reader believes; a number says how.

``mutate(data, kind, number)`` gives always the same bytes for the same number. To see one
again: ``python -m tests.core.slides.fuzz_worker FOLDER NAME NUMBER`` (see there).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.core.slides.tiff_map import Entry, TiffMap, read_map

SEED = 20240611
EDGES = (
    0, 1, 2, 3, 7, 8, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000,
    0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1,
)  # fmt: skip
SIZES = (
    254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325,
    330, 338, 339, 347, 530, 34675,
)  # fmt: skip
"""Tags that say how large something is, or how it is coded."""

Rng = np.random.Generator
Change = Callable[[bytearray, Rng], str]


@dataclass(frozen=True)
class Mutated:
    """Damaged bytes, and what was done to them."""

    data: bytes
    what: str


def mutate(data: bytes, number: int) -> Mutated:
    """Damage a file's bytes in one to three places.

    Parameters
    ----------
    data
        A sound file: a TIFF of any kind, or anything else.
    number
        Which damage.
    """
    rng = np.random.default_rng([SEED, number])
    changed = bytearray(data)
    found = read_map(data)
    kinds = TIFF_KINDS if found is not None else OTHER_KINDS
    done = []
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        kind = kinds[int(rng.integers(len(kinds)))]
        done.append(f"{kind.__name__.strip('_')}: {kind(changed, rng)}")
    return Mutated(bytes(changed), "; ".join(done))


# -- any file ------------------------------------------------------------------------------


def _flip(data: bytearray, rng: Rng) -> str:
    """Change a few bytes anywhere."""
    places = [int(rng.integers(len(data))) for _ in range(int(rng.integers(1, 9)))]
    for at in places:
        data[at] = int(rng.integers(256))
    return f"at {places}"


def _flip_early(data: bytearray, rng: Rng) -> str:
    """Change bytes where headers are."""
    places = [int(rng.integers(min(len(data), 2048))) for _ in range(int(rng.integers(1, 9)))]
    for at in places:
        data[at] = int(rng.integers(256))
    return f"at {places}"


def _number(data: bytearray, rng: Rng) -> str:
    """Write an extreme number of two, four or eight bytes where headers are."""
    width = int(rng.choice([2, 4, 8]))
    at = int(rng.integers(max(1, min(len(data), 4096) - width)))
    value = int(EDGES[int(rng.integers(len(EDGES)))]) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, str(rng.choice(["little", "big"])))
    return f"{value} in {width} bytes at {at}"


def _truncate(data: bytearray, rng: Rng) -> str:
    """Cut the file off."""
    length = int(rng.integers(4, max(5, len(data))))
    del data[length:]
    return f"to {length} bytes"


def _drop(data: bytearray, rng: Rng) -> str:
    """Take a piece out, so that all behind it is elsewhere."""
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 300))
    del data[at : at + length]
    data.extend(b"\0" * max(0, 4 - len(data)))
    return f"{length} bytes at {at}"


# -- TIFF ------------------------------------------------------------------------------------


def _header(data: bytearray, rng: Rng) -> str:
    """Byte order, version, or where the first directory is."""
    at = int(rng.integers(min(16, len(data))))
    data[at] = int(rng.integers(256))
    return f"byte {at} = {data[at]}"


def _entry(data: bytearray, rng: Rng) -> str:
    """Tag, type, count or value of any directory entry."""
    entry = _pick(data, rng, lambda e: True)
    if entry is None:
        return _flip(data, rng)
    part = str(rng.choice(["tag", "type", "count", "value"]))
    at, width = entry.part(part)
    return f"{part} of tag {entry.tag} = {_extreme(data, rng, entry, at, width)}"


def _size(data: bytearray, rng: Rng) -> str:
    """What says how large something is, or how it is coded."""
    entry = _pick(data, rng, lambda e: e.tag in SIZES)
    if entry is None:
        return _flip(data, rng)
    at, width = entry.place, min(entry.width, 8)
    return f"tag {entry.tag} = {_extreme(data, rng, entry, at, width)}"


def _segment(data: bytearray, rng: Rng) -> str:
    """Offset or byte count of one tile or strip."""
    entry = _pick(data, rng, lambda e: e.tag in (273, 279, 324, 325))
    if entry is None:
        return _flip(data, rng)
    at = entry.place + entry.width * int(rng.integers(entry.count))
    return f"an element of tag {entry.tag} = {_extreme(data, rng, entry, at, entry.width)}"


def _codestream(data: bytearray, rng: Rng) -> str:
    """Bytes of one coded tile, mostly at its start, where its own header is."""
    found = read_map(bytes(data))
    segments = [] if found is None else [s for s in found.segments(data) if s[1] > 0]
    if not segments:
        return _flip(data, rng)
    offset, count = segments[int(rng.integers(len(segments)))]
    within = min(count, 64) if rng.random() < 0.6 else count
    if rng.random() < 0.3:
        width = int(rng.choice([2, 4]))
        at = offset + int(rng.integers(max(1, within - width)))
        value = int(EDGES[int(rng.integers(15))]) & ((1 << 8 * width) - 1)
        piece = value.to_bytes(width, "big")
        data[at : at + width] = piece[: max(0, len(data) - at)]
        return f"{value} in {width} bytes at {at}"
    places = [offset + int(rng.integers(within)) for _ in range(int(rng.integers(1, 9)))]
    for at in places:
        if at < len(data):
            data[at] = int(rng.integers(256))
    return f"at {places}"


def _pick(data: bytearray, rng: Rng, wanted: Callable[[Entry], bool]) -> Entry | None:
    found: TiffMap | None = read_map(bytes(data))
    entries = [] if found is None else [e for e in found.entries if wanted(e)]
    return entries[int(rng.integers(len(entries)))] if entries else None


def _extreme(data: bytearray, rng: Rng, entry: Entry, at: int, width: int) -> int:
    """Write an extreme value, or one near the one that is there."""
    most = (1 << 8 * width) - 1
    there = int.from_bytes(data[at : at + width], entry.order)
    choices = [
        int(EDGES[int(rng.integers(len(EDGES)))]) & most,
        (there + int(rng.integers(-3, 4))) & most,
        (there * int(rng.choice([2, 3, 16, 1000]))) & most,
        len(data) - int(rng.integers(16)) & most,
        int(rng.integers(1 << min(8 * width, 62))),
    ]
    value = choices[int(rng.integers(len(choices)))]
    if at + width <= len(data):
        struct.pack_into({"little": "<", "big": ">"}[entry.order] + _CODES[width], data, at, value)
    return value


_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}

TIFF_KINDS: tuple[Change, ...] = (
    _header, _entry, _entry, _size, _size, _size, _segment, _segment, _codestream, _codestream,
    _codestream, _truncate, _flip, _drop,
)  # fmt: skip
OTHER_KINDS: tuple[Change, ...] = (
    _flip,
    _flip_early,
    _flip_early,
    _number,
    _number,
    _truncate,
    _drop,
)


def damage(sound: Path, to: Path, number: int) -> str:
    """Copy a slide and damage the copy; returns what was done.

    Parameters
    ----------
    sound
        A file, or a folder (OME-Zarr) of which one file is damaged.
    to
        Where the copy goes; a file's name keeps its suffix.
    """
    if sound.is_dir():
        files = sorted(p for p in sound.rglob("*") if p.is_file())
        metadata = [p for p in files if p.suffix == ".json" or p.name.startswith(".z")]
        rng = np.random.default_rng([SEED, number, 1])
        chosen = metadata if rng.random() < 0.6 else files
        victim = chosen[int(rng.integers(len(chosen)))]
        for path in files:
            copy = to / path.relative_to(sound)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        name = victim.relative_to(sound)
        if rng.random() < 0.1:
            (to / name).unlink()
            return f"{name} is gone"
        made = mutate(victim.read_bytes(), number)
        (to / name).write_bytes(made.data)
        return f"{name}: {made.what}"
    made = mutate(sound.read_bytes(), number)
    to.write_bytes(made.data)
    return made.what
