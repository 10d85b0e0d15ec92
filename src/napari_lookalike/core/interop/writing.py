"""Where imported features and maps go, which slides fit together, and how they are written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lookalike.core.encoders import ENCODERS, encoder_identity
from napari_lookalike.core.encoders.imported import IMPORTED, imported_identity
from napari_lookalike.core.encoders.weights import file_stem
from napari_lookalike.core.errors import EncoderError, FeatureError
from napari_lookalike.core.features import Features, read_header, save_features
from napari_lookalike.core.interop.maps import StoredMap, map_path, save_map
from napari_lookalike.core.interop.naming import encoder_name, map_name
from napari_lookalike.core.interop.raw import ImportOptions
from napari_lookalike.core.interop.report import Fact, Known
from napari_lookalike.core.project import Project
from napari_lookalike.core.project_file import write_atomic
from napari_lookalike.core.tiles import TileGrid

if TYPE_CHECKING:
    from napari_lookalike.core.interop.importing import Planned
    from napari_lookalike.core.interop.kinds import Importer

PROVENANCE = "import.json"

Tiling = tuple[int, int, float | None]
"""(dim, tile px, µm per pixel): what slides must share to be trained on together."""


@dataclass(frozen=True)
class Target:
    """Where an import goes.

    Parameters
    ----------
    name
        The encoder's name in the project ("imported:uni2-h"), or the map's.
    identity
        Name of the features' folder; empty for a map.
    tiling
        What all slides share; ``None`` for a map.
    is_map
        Whether these are maps.
    facts
        Lines for the report.
    kind, title
        Of the importer.
    columns
        Names of a map's values.
    """

    name: str
    identity: str
    tiling: Tiling | None
    is_map: bool
    facts: tuple[Fact, ...]
    kind: str
    title: str
    columns: tuple[str, ...] = ()
    use: bool = True

    def path(self, project: Project, slide_id: str) -> Path:
        """Where the slide's file goes."""
        if self.is_map or self.tiling is None:
            return map_path(project.root, self.name, slide_id)
        _, tile_px, mpp = self.tiling
        return project.features_dir(self.identity, tile_px, mpp) / f"{slide_id}.h5"

    def misfit(self, plan: Planned) -> str:
        """Why a slide does not fit the others; empty if it does."""
        if self.tiling is None or plan.placed is None:
            return ""
        own = tiling_of(plan)
        if own == self.tiling:
            return ""
        return (
            f"Its tiles ({_tiling_text(own)}) are not like those of most slides "
            f"({_tiling_text(self.tiling)}): they cannot be trained on together."
        )


def tiling_of(plan: Planned) -> Tiling:
    """What a slide must share with others."""
    assert plan.placed is not None
    grid: TileGrid = plan.placed.grid
    mpp = None if grid.mpp is None else round(grid.mpp, 6)
    return plan.report.dim, grid.tile_px, mpp


def _tiling_text(tiling: Tiling) -> str:
    dim, tile_px, mpp = tiling
    scale = "level-0 pixels" if mpp is None else f"{mpp:.4g} µm per pixel"
    return f"{dim:,} numbers, {tile_px} px at {scale}"


def choose_target(
    project: Project, importer: Importer, plans: Sequence[Planned], options: ImportOptions
) -> Target:
    """The encoder's or the map's name, and what the slides must share.

    Raises
    ------
    FeatureError
        If the project has other features under that name, or may have.
    """
    fine = [plan for plan in plans if plan.placed is not None and not plan.report.problem]
    if importer.content == "maps":
        columns = plans[0].match.found.columns if plans else ()
        name = map_name(options.name, importer.name)
        values = Fact("values", ", ".join(columns), "stated", "One map each, per tile.")
        title = Fact(
            "map", name, "given" if options.name else "guessed", "Its name in the project."
        )
        return Target(
            name,
            "",
            None,
            True,
            (title, values) if plans else (),
            importer.name,
            importer.title,
            columns,
        )
    tiling = Counter(tiling_of(plan) for plan in fine).most_common(1)[0][0] if fine else None
    name, identity, fact = _encoder(plans, options, importer, tiling)
    target = Target(
        name,
        identity,
        tiling,
        False,
        (fact,) if tiling else (),
        importer.name,
        importer.title,
        use=options.use,
    )
    if tiling is not None:
        _check_alone(project, target, tiling)
        if fact.how == "guessed" and not options.replace:
            _check_unnamed(project, target)
    return target


def _encoder(
    plans: Sequence[Planned],
    options: ImportOptions,
    importer: Importer,
    tiling: Tiling | None,
) -> tuple[str, str, Fact]:
    said = next((p.match.found.encoder for p in plans if p.match.found.encoder), None)
    dim = tiling[0] if tiling else 0
    exact = any(p.match.found.exact for p in plans)
    if exact and said is not None and not options.name and tiling is not None:
        return _own_encoder(said, tiling)
    known = encoder_name(said, options.name, dim, importer.name)
    name = f"{IMPORTED}{known.value}"
    return name, imported_identity(name), _named(known)


def _named(known: Known[str]) -> Fact:
    return Fact("encoder", known.value, known.how, known.why)


def _own_encoder(said: Known[str], tiling: Tiling) -> tuple[str, str, Fact]:
    """Our own files keep their identity where it is found again under the encoder's name."""
    _, tile_px, mpp = tiling
    for entry in ENCODERS:
        row = entry.item
        stem = file_stem(row.name)
        if not said.value.startswith((f"{stem}-w", f"{stem}-v")):
            continue
        try:
            here = encoder_identity(entry.name)
        except EncoderError:  # its weights are not here: the folder is found by its name
            here = said.value if said.value.startswith(f"{stem}-w") else ""
        if here == said.value and row.tile_px == tile_px and mpp in (row.mpp, None):
            why = f"The file says so. That is {row.title} as this program runs it."
            return entry.name, said.value, Fact("encoder", said.value, "stated", why)
    plain = said.value.removeprefix("imported-")
    name = f"{IMPORTED}{plain}"
    why = "The file says so. Other weights or another version are here, so they are kept apart."
    return name, imported_identity(name), Fact("encoder", plain, "stated", why)


def _check_alone(project: Project, target: Target, tiling: Tiling) -> None:
    """Refuse a second kind of features under the same name: one name, one kind."""
    here = target.path(project, "x").parent
    for folder in sorted((project.root / "features").glob(f"*/features_{target.identity}")):
        files = sorted(folder.glob("*.h5"))
        if not files:
            continue
        header = read_header(files[0])
        other = folder != here and target.name.startswith(IMPORTED)
        if other or (header is not None and header.dim != tiling[0]):
            raise FeatureError(
                f"The project has other features of {target.name} already, of other tiles or "
                "another length.",
                "Give these another name (--name).",
            )


def _check_unnamed(project: Project, target: Target) -> None:
    """Two encoders that nobody named must not share a folder: both may have 1,024 numbers."""
    if any(target.path(project, "x").parent.glob("*.h5")):
        raise FeatureError(
            "The files do not say which encoder made them, and the project has such features "
            "already: they may be of another encoder.",
            "Say which encoder it is (--name).",
        )


def write_slide(project: Project, target: Target, plan: Planned) -> None:
    """Write one slide's features or map.

    Raises
    ------
    FeatureError
        If its vectors do not fit, or the file cannot be written.
    """
    placed, found, slide_id = plan.placed, plan.match.found, plan.match.slide_id
    assert placed is not None
    if target.is_map:
        made = StoredMap(
            slide_id, target.name, target.title, found.columns, found.load(), placed.grid,
            placed.slide_mpp,
        )  # fmt: skip
        save_map(project.root, made)
        return
    if found.exact is not None:
        features = replace(found.exact(), slide_id=slide_id, encoder=target.identity)
    else:
        features = Features(
            slide_id=slide_id,
            fingerprint="",
            instances=found.load(),
            grid=placed.grid,
            encoder=target.identity,
            slide_mpp=placed.slide_mpp,
        )
    save_features(target.path(project, slide_id), features)


def finish(project: Project, target: Target, plans: Sequence[Planned]) -> None:
    """Note where it came from, and make the encoder the project's."""
    written = [plan for plan in plans if plan.report.written]
    if not written:
        return
    folder = target.path(project, written[0].match.slide_id).parent
    _note(folder, target, written)
    settings = project.settings
    if not target.is_map and target.use and settings.encoder != target.name:
        project.save(settings=replace(settings, encoder=target.name, weights=None))


def _note(folder: Path, target: Target, written: Sequence[Planned]) -> None:
    """``import.json`` beside the files: by slide_id what was inferred. Names no file."""
    path = folder / PROVENANCE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))["slides"]
    except (OSError, ValueError, KeyError, TypeError):
        kept = {}
    for plan in written:
        kept[plan.match.slide_id] = {
            "kind": target.kind,
            "facts": [asdict(fact) for fact in (*target.facts, *plan.report.facts)],
            "warnings": list(plan.report.warnings),
        }
    text = json.dumps({"name": target.name, "slides": kept}, indent=1, ensure_ascii=False)
    write_atomic(path, lambda p: _write_text(p, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
