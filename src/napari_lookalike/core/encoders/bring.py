"""Weights brought in: checked against the encoder, then copied or linked, and noted."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_lookalike.core.encoders import weights as places
from napari_lookalike.core.encoders.base import EncoderSpec
from napari_lookalike.core.encoders.beside import CONFIG_FILES, with_facts_beside
from napari_lookalike.core.encoders.checksums import checksum, remembered_checksum
from napari_lookalike.core.encoders.report import KeyReport
from napari_lookalike.core.encoders.weights import (
    HUB,
    INDEX,
    SUFFIXES,
    file_stem,
    find_weights,
    import_only,
    missing_library,
    missing_weights,
    parts,
    resolve_weights,
    size_bytes,
)
from napari_lookalike.core.errors import EncoderError
from napari_lookalike.core.progress import Job

NOTE = "weights.json"
"""What was brought in: checksums and sizes, beside the copies."""


@dataclass(frozen=True)
class WeightReport:
    """A weight file looked at: whose it is, and whether it fits.

    Parameters
    ----------
    name, title
        The encoder that it was compared with.
    size
        Bytes, all parts together.
    sha256
        Checksum of the file (or of the list of its parts' checksums), hexadecimal.
    keys
        What fits, key by key.
    seems
        Titles of other encoders that it fits, where it does not fit this one.
    noted
        Whether the checksum is the one that was noted when the file was brought in;
        ``None`` if none was noted.
    """

    name: str
    title: str
    size: int
    sha256: str
    keys: KeyReport
    seems: tuple[str, ...] = ()
    noted: bool | None = None

    @property
    def ok(self) -> bool:
        """Whether it fits, and is the file that was brought in."""
        return self.keys.ok and self.noted is not False

    def sentences(self) -> tuple[str, ...]:
        """What was found, for a person."""
        if self.keys.ok:
            fits = f"All {self.keys.fitting} tensors fit {self.title}."
            if self.keys.left_out:
                more = self.keys.left_out
                verb = "is" if more == 1 else "are"
                fits += f" {more} more {verb} no part of it and {verb} left out."
        else:
            fits = f"It does not fit {self.title}: {self.keys.sentence()}."
            if self.seems:
                fits += f" It seems to be the file of {' or '.join(self.seems)}."
        found = [fits, f"SHA-256 {self.sha256}."]
        if self.noted is False:
            found.append("It is not the file that was brought in: its checksum has changed.")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "encoder": self.name,
            "fits": self.keys.ok,
            "ok": self.ok,
            "size_bytes": self.size,
            "sha256": self.sha256,
            "as_noted": self.noted,
            "tensors_fitting": self.keys.fitting,
            "tensors_left_out": self.keys.left_out,
            "missing": list(self.keys.missing),
            "unexpected": list(self.keys.unexpected),
            "shapes": [[k, list(had), list(want)] for k, had, want in self.keys.shapes],
            "seems": list(self.seems),
        }


def check_weights(
    name: str, weights: Path | None = None, *, job: Job | None = None
) -> WeightReport:
    """Compare a weight file with an encoder, key by key, without running it.

    Parameters
    ----------
    name
        Name in the catalogue, ``timm:…`` or ``hf-hub:…``.
    weights
        The file, list of parts or folder; ``None``: the one that is found.
    job
        Progress and cancel.

    Raises
    ------
    EncoderError
        If the encoder takes no file, a library is missing, or the file cannot be read.
    """
    spec = _takes_a_file(name)
    path = resolve_weights(weights, spec) if weights is not None else find_weights(spec)
    if path is None:
        raise missing_weights(spec)
    return _look_at(spec, path, job or Job())


def _look_at(spec: EncoderSpec, path: Path, job: Job) -> WeightReport:
    from napari_lookalike.core.encoders.build import fitted
    from napari_lookalike.core.encoders.files import read_state
    from napari_lookalike.core.encoders.likely import likely_encoders

    job.step(0, 3, "Computing its checksum")
    digest = remembered_checksum(path)
    job.step(1, 3, "Comparing it with the encoder")
    state = read_state(path)
    keys = fitted(with_facts_beside(spec, path), state)[1]
    noted = _noted(path)
    return WeightReport(
        name=spec.name,
        title=spec.title,
        size=size_bytes(path),
        sha256=digest,
        keys=keys,
        seems=() if keys.ok else likely_encoders(state, but=spec.name),
        noted=None if noted is None else noted == digest,
    )


def _takes_a_file(name: str, source: Path | None = None) -> EncoderSpec:
    from napari_lookalike.core.encoders import encoder_spec

    if source is not None and name.startswith(HUB) and source.is_dir():
        spec = _described_by(source, name)
    else:
        spec = encoder_spec(name)
    if spec.loader == "builtin":
        raise EncoderError(f"{spec.title} ships with the program and takes no weight file.")
    obstacle = import_only(spec) or missing_library(spec)
    if obstacle is not None:
        raise EncoderError(obstacle)
    return spec


def _described_by(folder: Path, name: str) -> EncoderSpec:
    """A row for a model of the hub from the configuration that comes with its weights."""
    from napari_lookalike.core.encoders.hub import hub_spec

    spec = hub_spec(f"{HUB}{folder.absolute()}")
    repository = name.removeprefix(HUB)
    return replace(spec, name=name, title=repository, hub_id=repository)


def import_weights(
    name: str, source: Path, *, link: bool = False, overwrite: bool = False, job: Job | None = None
) -> WeightReport:
    """Check a weight file against an encoder and put it into the user's weights folder.

    Parameters
    ----------
    name
        Name in the catalogue, ``timm:…`` or ``hf-hub:…``.
    source
        The file, list of parts, or folder (of the hub's cache, or a download).
    link
        Link to the files where they are, instead of copying gigabytes.
    overwrite
        Put it in place of one that was brought in before.
    job
        Progress and cancel.

    Returns
    -------
    WeightReport
        What was brought in.

    Raises
    ------
    EncoderError
        If the file does not fit (says which keys differ and whose it seems to be), weights
        are there already, or the folder cannot be written.
    """
    job = job or Job()
    spec = _takes_a_file(name, source)
    target = places.weights_folder() / file_stem(spec.name)
    former = [p for p in (target, *(_single(target, s) for s in SUFFIXES)) if p.exists()]
    if former and not overwrite:
        raise EncoderError(
            f"Weights of {spec.title} were brought in before.",
            "Use them, or replace them (--replace).",
        )
    path = resolve_weights(source, spec)
    report = _look_at(spec, path, job)
    if not report.keys.ok:
        raise EncoderError(
            f"The weight file was not brought in. {report.sentences()[0]}",
            f"Name a weight file of {spec.title}.",
        )
    job.step(2, 3, "Linking" if link else "Copying")
    try:
        _place(path, target, former, link, _record(spec, path, report, link))
    except OSError as error:
        raise EncoderError(
            f"The weights cannot be put into the weights folder ({error.strerror}).",
            "Make room there or make it writable; or name the weight file where it is.",
        ) from error
    job.step(3, 3, "Done")
    return report


def _single(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _record(spec: EncoderSpec, path: Path, report: WeightReport, link: bool) -> dict[str, Any]:
    """What is noted beside the weights; nothing of it names a person or a place."""
    names = {part: _name_in_folder(path, part) for part in parts(path)}
    return {
        "encoder": spec.name,
        "sha256": report.sha256,
        "files": [
            {"name": name, "bytes": part.stat().st_size, "sha256": remembered_checksum(part)}
            for part, name in names.items()
        ],
        "linked": link,
        "brought_in": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _name_in_folder(path: Path, part: Path) -> str:
    """Parts keep the names that their list gives; a single file gets a plain one."""
    return part.name if path.name.endswith(INDEX) else f"model{part.suffix}"


def _place(
    path: Path, target: Path, former: list[Path], link: bool, record: dict[str, Any]
) -> None:
    """Fill a folder beside the target, then put it in the target's place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bringing-") as made:
        folder = Path(made) / target.name
        folder.mkdir()
        for part in parts(path):
            _put(part, folder / _name_in_folder(path, part), link)
        if path.name.endswith(INDEX):
            shutil.copyfile(path, folder / path.name)
        for config in CONFIG_FILES:
            if (path.parent / config).is_file():
                shutil.copyfile(path.parent / config, folder / config)
        (folder / NOTE).write_text(json.dumps(record, indent=2), encoding="utf-8")
        for old in former:
            old.rename(Path(made) / f"former-{old.name}")
        folder.rename(target)


def _put(source: Path, target: Path, link: bool) -> None:
    if link:
        target.symlink_to(source.resolve())
        return
    shutil.copyfile(source, target)
    if checksum(target) != remembered_checksum(source):  # a failing disk, or a file being written
        raise EncoderError("The copy of the weight file differs from the file.", "Try again.")


def _noted(path: Path) -> str | None:
    """The checksum that was noted when the weights were brought in, if they were."""
    try:
        record = json.loads((path.parent / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    noted = record.get("sha256") if isinstance(record, dict) else None
    return noted if isinstance(noted, str) else None
