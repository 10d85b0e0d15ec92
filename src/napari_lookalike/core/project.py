"""The project folder: a cohort, its settings, features, models and marks.

::

    <root>/
      project.json          cohort and settings (project.json.bak: the former one)
      hard_negatives.sqlite the expert's table
      features/<mag>x_<px>px_<ov>px_overlap/features_<encoder identity>/<slide_id>.h5
      models/<version>/     one folder a model version; models/current.json: the one in use
      thumbnails/<slide_id>.png
"""

from __future__ import annotations

from pathlib import Path

from napari_lookalike.core.cohort import Cohort, SlideRecord, check_slide_ids
from napari_lookalike.core.errors import ProjectError, SlideError
from napari_lookalike.core.feature_folder import features_folder, folder_in_use, names_in
from napari_lookalike.core.features import Features
from napari_lookalike.core.merge import merge_cohorts
from napari_lookalike.core.progress import SILENT, Job
from napari_lookalike.core.project_file import (
    FILE_NAME,
    ProjectFile,
    can_write,
    read_project_file,
    stamp_of,
    write_project_file,
)
from napari_lookalike.core.settings import ProjectSettings
from napari_lookalike.core.slides.base import RGB, Slide
from napari_lookalike.core.thumbnails import LONGEST_PX, read_thumbnail, write_thumbnail
from napari_lookalike.core.versions import ModelVersions

__all__ = ["Project", "ProjectSettings"]


class Project:
    """An open project folder; made by `create` or `open`, never by hand.

    Attributes
    ----------
    root
        The folder, absolute.
    cohort, settings
        Frozen values; `save` replaces them.
    read_only
        Whether the folder cannot be written: everything shows, nothing can be kept.
    warning
        A sentence for the user about how it was opened (the backup was used); else empty.
    """

    def __init__(
        self,
        root: Path,
        content: ProjectFile,
        warning: str = "",
        stamp: tuple[int, int, int] | None = None,
    ) -> None:
        self.root = root
        self.warning = warning
        self.read_only = not can_write(root)
        self._stored = content
        self._stamp = stamp
        self.cohort: Cohort = content.cohort
        self.settings: ProjectSettings = content.settings
        self._versions = ModelVersions(root / "models")

    @classmethod
    def create(
        cls, root: Path | str, cohort: Cohort, settings: ProjectSettings | None = None
    ) -> Project:
        """Make a project folder.

        Parameters
        ----------
        root
            The folder: made if it is not there; must hold no project yet.
        cohort
            Its slides; may be empty.
        settings
            The defaults if not given.

        Raises
        ------
        ProjectError
            If there is a project already, a slide_id cannot be a file name, or the folder
            cannot be written.
        """
        root = Path(root).absolute()
        if (root / FILE_NAME).exists():
            raise ProjectError("There is a project in this folder already.", "Open it instead.")
        check_slide_ids(s.slide_id for s in cohort)
        content = ProjectFile(cohort, settings or ProjectSettings(), revision=1)
        write_project_file(root, content)
        return cls(root, content, stamp=stamp_of(root))

    @classmethod
    def open(cls, root: Path | str) -> Project:
        """Open a project folder (or the ``project.json`` in it).

        A read-only folder opens (`read_only`); a damaged ``project.json`` is read from
        its backup (`warning` says so).

        Raises
        ------
        ProjectError
            If it is no project, cannot be read, or a newer version made it.
        """
        root = Path(root).absolute()
        if root.is_file():
            root = root.parent
        stamp = stamp_of(root)
        content, warning = read_project_file(root)
        return cls(root, content, warning, None if warning else stamp)

    def save(self, cohort: Cohort | None = None, settings: ProjectSettings | None = None) -> None:
        """Replace the cohort, the settings or both, and write them.

        If somebody else (a job in a process of its own, another window) wrote in
        between, the two are merged: of each field of each slide, the one that changed wins.

        Raises
        ------
        ProjectError
            If the folder is read-only, or a slide_id is wrong; all is then as it was.
        """
        self.check_writable()
        cohort = self.cohort if cohort is None else cohort
        settings = self.settings if settings is None else settings
        base = self._stored
        if [s.slide_id for s in cohort] != [s.slide_id for s in base.cohort]:
            check_slide_ids(s.slide_id for s in cohort)
        # The file is read only if it is not the one that was read or written last: with ten
        # thousand slides that takes half a second.
        known = self._stamp is not None and stamp_of(self.root) == self._stamp
        disk = base if known else read_project_file(self.root)[0]
        if disk.revision != base.revision:
            cohort = merge_cohorts(base.cohort, cohort, disk.cohort)
            settings = disk.settings if settings == base.settings else settings
        content = ProjectFile(cohort, settings, disk.revision + 1)
        write_project_file(self.root, content, sound=known)
        self._take(content, stamp_of(self.root))

    def reload(self) -> bool:
        """Read again what another process may have written; whether anything changed."""
        stamp = stamp_of(self.root)
        if stamp is not None and stamp == self._stamp:
            return False
        disk, warning = read_project_file(self.root)
        if disk.revision == self._stored.revision:
            return False
        self._take(disk, None if warning else stamp)
        return True

    def _take(self, content: ProjectFile, stamp: tuple[int, int, int] | None) -> None:
        self._stored, self._stamp = content, stamp
        self.cohort, self.settings = content.cohort, content.settings

    def check_writable(self) -> None:
        """Refuse to change a read-only project.

        Raises
        ------
        ProjectError
            If `read_only`.
        """
        if self.read_only:
            raise ProjectError(
                "The project folder is read-only: nothing was changed.",
                "Copy the project to a folder that you may write, and open the copy.",
            )

    # -- slides -------------------------------------------------------------------

    def open_slide(self, slide_id: str) -> Slide:
        """Open a slide with the scale that its record gives. Close it after use.

        Raises
        ------
        SlideError
            If the file is not there, or holds another slide than it did; relink then.
        UnreadableSlide
            If no back end opens it.
        """
        from napari_lookalike.core.slides import open_slide

        record = self.cohort[slide_id]
        if not record.is_there:
            raise SlideError(
                "The file is not where it was.",
                "Use Relink and choose the folder that holds the slides now.",
                slide_id,
            )
        try:
            slide = open_slide(
                record.path,
                mpp=record.mpp,
                mpp_source="user" if record.mpp_source == "user" else "manifest",
                raster=True,
            )
        except SlideError as error:
            raise type(error)(error.what, error.remedy, slide_id) from None
        if record.fingerprint and slide.fingerprint != record.fingerprint:
            slide.close()
            raise SlideError(
                "The file now holds another slide than the one that was added.",
                "Use Relink to find the right file, or remove the slide and add it again.",
                slide_id,
            )
        return slide

    def missing(self) -> tuple[str, ...]:
        """slide_ids whose file is not where it was."""
        return tuple(s.slide_id for s in self.cohort if not s.is_there)

    def relink(self, folder: Path | str, job: Job = SILENT) -> tuple[str, ...]:
        """Find slides that were moved, by their content, below a folder; see `core.relink`.

        Returns
        -------
        tuple of str
            slide_ids that were found and now point to the right file.
        """
        from napari_lookalike.core.relink import relinked

        found = relinked(self.cohort, Path(folder), job)
        if found:
            self.save(cohort=self.cohort.with_records(found))
        return tuple(r.slide_id for r in found)

    def thumbnail(self, slide_id: str, longest_px: int = LONGEST_PX) -> RGB:
        """The slide, small; made at first asking and kept in the project.

        Returns
        -------
        ndarray of uint8 (height, width, 3)
            Longer edge at most ``LONGEST_PX`` pixels.
        """
        record: SlideRecord = self.cohort[slide_id]
        path = self.root / "thumbnails" / f"{slide_id}.png"
        kept = read_thumbnail(path, record.fingerprint)
        if kept is not None:
            return kept
        with self.open_slide(slide_id) as slide:
            pixels = slide.thumbnail(longest_px)
            fingerprint = slide.fingerprint
        if not self.read_only:
            write_thumbnail(path, pixels, fingerprint)
        return pixels

    # -- features -----------------------------------------------------------------

    def features_dir(self, encoder_identity: str, tile_px: int, mpp: float | None) -> Path:
        """Folder of the features of one encoder and one tiling (`mpp` None: level-0 pixels)."""
        return features_folder(self.root / "features", encoder_identity, tile_px, mpp)

    def features_path(self, slide_id: str) -> Path:
        """Where the slide's features by the project's encoder lie, or would lie."""
        level0_tiles = self.cohort[slide_id].level0_tiles
        folder = folder_in_use(self.root / "features", self.settings, level0_tiles)
        return folder / f"{slide_id}.h5"

    def embedded(self) -> frozenset[str]:
        """slide_ids that have features by the project's encoder, complete ones.

        The folders are listed once: to ask for ten thousand files one by one takes
        seconds on a network disk.
        """
        features, there = self.root / "features", dict[bool, frozenset[str]]()
        for level0 in {s.level0_tiles for s in self.cohort}:
            there[level0] = names_in(folder_in_use(features, self.settings, level0))
        return frozenset(
            s.slide_id for s in self.cohort if f"{s.slide_id}.h5" in there[s.level0_tiles]
        )

    def load_features(self, slide_id: str, *, mapped: bool = False) -> Features:
        """The slide's features by the project's encoder; see `features.load_features`.

        Raises
        ------
        FeatureError
            If they are not there or not complete; embed the slide then.
        """
        from napari_lookalike.core.features import load_features

        return load_features(self.features_path(slide_id), slide_id, mapped=mapped)

    # -- models and marks ---------------------------------------------------------

    @property
    def table_place(self) -> Path | str:
        """Where `HardNegativeTable` finds the marks: a file, or the address of a server."""
        return self.settings.shared_table or self.table_path

    @property
    def table_path(self) -> Path:
        """The hard-negative table (SQLite)."""
        return self.root / "hard_negatives.sqlite"

    def versions(self) -> tuple[str, ...]:
        """Complete model versions, in order."""
        return self._versions.names()

    def version_dir(self, version: str) -> Path:
        """Folder of a model version, whether it exists or not."""
        return self._versions.dir(version)

    def check_version(self, version: str) -> None:
        """Refuse a model version that is not there.

        Raises
        ------
        ModelError
            Naming those that are.
        """
        self._versions.check(version)

    def next_version(self, kind: str) -> str:
        """Name for a new model version ("m003-expert")."""
        return self._versions.next_name(kind)

    @property
    def current_version(self) -> str | None:
        """The model version in use, or ``None``."""
        return self._versions.current

    @property
    def previous_version(self) -> str | None:
        """The version that was in use before, or ``None``: what *roll back* returns to."""
        return self._versions.previous

    @property
    def version_history(self) -> tuple[str, ...]:
        """Versions in the order in which they came into use; the last is in use."""
        return self._versions.history()

    def set_current_version(self, version: str | None) -> None:
        """Choose the model version in use.

        Raises
        ------
        ModelError
            If there is no such version.
        ProjectError
            If its name cannot be a folder's, or the folder is read-only.
        """
        self.check_writable()
        self._versions.use(version)
