"""Choose an encoder, look at the tissue mask, embed the cohort."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from magicgui.widgets import Container, create_widget
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_lookalike.core.encoders import ENCODERS, EncoderSpec
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.pipeline.embed import EmbedReport, embed_project
from napari_lookalike.core.pipeline.predict import PredictReport, predict_slides
from napari_lookalike.core.project import Project
from napari_lookalike.core.results import load_results
from napari_lookalike.core.tissue import TissueSettings
from napari_lookalike.session.needs import count
from napari_lookalike.session.opening import refresh_embedded, refresh_project
from napari_lookalike.session.session import JobStatus, Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report, reported

# TissueSettings' fields in a pathologist's words: title, tooltip, options of the control.
FIELDS = {
    "auto": ("Adapt to each slide", "Raise the threshold on slides with dirty glass.", {}),
    "min_density": (
        "Palest tissue kept",
        "Optical density above the glass. Lower keeps paler tissue, such as white matter.",
        {"min": 0.0, "max": 0.5, "step": 0.005},
    ),
    "sure_density": (
        "Certainly tissue from",
        "Optical density above the glass from which smooth areas count too.",
        {"min": 0.0, "max": 1.0, "step": 0.01},
    ),
    "min_area_um2": (
        "Smallest piece (µm²)",
        "Smaller pieces are taken for dust.",
        {"min": 0.0, "max": 1e8, "step": 1000.0},
    ),
    "max_hole_um2": (
        "Largest hole filled (µm²)",
        "Smaller holes are filled.",
        {"min": 0.0, "max": 1e8, "step": 1000.0},
    ),
    "min_texture": (
        "Texture of pale tissue",
        "Pale areas count as tissue from this roughness; glass is smooth.",
        {"min": 0.0, "max": 0.1, "step": 0.001},
    ),
    "exclude_pen": ("Leave out pen marks", "Ink is not analysed.", {}),
    "min_tissue": (
        "Tissue in a tile, at least",
        "Share of a tile that must be tissue.",
        {"min": 0.0, "max": 1.0, "step": 0.05},
    ),
    "max_pen": (
        "Pen in a tile, at most",
        "Share of a tile that may be ink.",
        {"min": 0.0, "max": 1.0, "step": 0.05},
    ),
}


class EmbeddingPanel(QWidget):
    """Encoder, tissue thresholds, and the button that embeds.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self.session, self.runner = session, runner
        self._job: int | None = None
        self._shown: dict[str, Any] = {}
        # Thresholds change in steps while a spin box is held: wait until it rests.
        self._rest = QTimer(self, singleShot=True, interval=400)
        self._rest.timeout.connect(self._try_tissue)
        self._build()
        events = session.events
        listen(self, [events.project], self._on_project)
        listen(self, [events.cohort, events.embedded], self._count)
        listen(self, [events.jobs], self._on_jobs)
        listen(self, [events.show_tissue], self._on_show_tissue)
        self._on_project()

    def _build(self) -> None:
        self.encoder = QComboBox()
        self.encoder.setToolTip("What turns a tile into numbers")
        self.encoder.setAccessibleName("Encoder")
        for entry in ENCODERS:
            self.encoder.addItem(entry.item.title, entry.name)
        self.encoder.activated.connect(self._choose)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.weights = QPushButton("Choose its weight file…")
        self.weights.setToolTip("A safetensors or PyTorch file on this machine; nothing is sent")
        self.weights.clicked.connect(self._choose_weights)
        self.show_tissue = QCheckBox("Show the tissue mask on the slide")
        self.show_tissue.setToolTip("What will be cut into tiles is tinted green")
        self.show_tissue.toggled.connect(partial(setattr, self.session, "show_tissue"))
        self.other_stains = QCheckBox("Also slides that are not H&&E")
        self.other_stains.setToolTip("Encoders and subtypes here are meant for H&E")
        self.other_stains.clicked.connect(self._save_other_stains)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.embed = QPushButton("Embed the slides")
        self.embed.setToolTip("Find tissue, cut tiles and encode them; finished slides are kept")
        self.embed.clicked.connect(self._start)
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop; slides that are finished stay finished")
        self.cancel.clicked.connect(self._stop)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of embedding")
        self.report = QLabel()
        self.report.setWordWrap(True)
        self.report.hide()
        self._lay_out()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        choice, row = QHBoxLayout(), QHBoxLayout()
        choice.addWidget(QLabel("Encoder"))
        choice.addWidget(self.encoder, 1)
        row.addWidget(self.embed, 1)
        row.addWidget(self.cancel)
        column.addLayout(choice)
        for widget in (self.about, self.weights, self.state):
            column.addWidget(widget)
        column.addLayout(row)
        below = (self.bar, self.report, self.show_tissue, self.other_stains, self._thresholds())
        for part in below:
            column.addWidget(part)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _thresholds(self) -> QWidget:
        """The form of `TissueSettings`, folded away: the defaults suit most slides."""
        defaults = asdict(TissueSettings())
        self.form: Container[Any] = Container(labels=True)
        for name, (title, tip, options) in FIELDS.items():
            control = create_widget(
                value=defaults[name], name=name, label=title, options={**options, "tooltip": tip}
            )
            self.form.append(control)
        self.form.changed.connect(lambda *_: self._rest.start())
        fold = QCollapsible("Tissue thresholds")
        fold.addWidget(self.form.native)
        return fold

    # -- what is shown ------------------------------------------------------------

    def _on_project(self, *_: object) -> None:
        project = self.session.project
        self.setEnabled(project is not None)
        if project is not None:
            settings = project.settings
            self.encoder.setCurrentIndex(self.encoder.findData(settings.encoder))
            self.other_stains.setChecked(settings.other_stains)
            with self.form.changed.blocked():
                for name in FIELDS:
                    self.form[name].value = getattr(settings.tissue, name)
            self._shown = self._values()
        self._describe()
        self._count()

    def _describe(self) -> None:
        spec: EncoderSpec = ENCODERS.get(self.encoder.currentData())
        project = self.session.project
        has_file = project is not None and project.settings.weights is not None
        obstacle = None if has_file else ENCODERS.why_not(spec.name)
        lines = [
            spec.note,
            f"Tiles of {spec.tile_px} px at {spec.mpp:g} µm per pixel; {spec.dim} numbers a tile.",
            f"Licence: {spec.licence}." + (" Gated: ask for access first." if spec.gated else ""),
        ]
        if spec.derived_heads:
            lines.append("Models trained on its features fall under its licence too.")
        if has_file:
            lines.append("A weight file was chosen.")
        if obstacle:
            lines.append(f"<b>Not usable yet:</b> {obstacle}")
        self.about.setText("<br>".join(line for line in lines if line))
        self.weights.setVisible(spec.loader != "builtin")

    def _count(self, *_: object) -> None:
        project = self.session.project
        if project is None:
            self.state.setText("Open or make a project first.")
            self.embed.setEnabled(False)
            return
        wanted = {s.slide_id for s in self.session.cohort if not s.excluded}
        ready = len(wanted & self.session.embedded)
        self.state.setText(f"{ready} of {len(wanted)} slides have features by this encoder.")
        # Also with all features there: slides whose thresholds or scale changed are done again.
        self.embed.setEnabled(self._job is None and bool(wanted))

    # -- what the user does -------------------------------------------------------

    def _save(self, **changes: Any) -> None:
        """Keep settings; where that fails (a read-only folder), show again what is kept."""
        project = self.session.project
        if project is None:
            return
        try:
            project.save(settings=replace(project.settings, **changes))
        except LookalikeError as error:
            report(self.session, error)
            self._on_project()

    def _choose(self, *_: object) -> None:
        self._choose_encoder(encoder=self.encoder.currentData(), weights=None)

    def _choose_encoder(self, **changes: Any) -> None:
        self._save(**changes)
        refresh_embedded(self.session)
        self._describe()
        self._count()

    def _choose_weights(self) -> None:
        kinds = "Weights (*.safetensors *.pth *.pt *.bin)"
        name, _ = QFileDialog.getOpenFileName(self, "Weight file", "", kinds)
        if name:
            self._choose_encoder(weights=str(Path(name)))

    def _save_other_stains(self, wanted: bool) -> None:
        self._save(other_stains=wanted)

    def _values(self) -> dict[str, Any]:
        return {name: self.form[name].value for name in FIELDS}

    def _try_tissue(self) -> None:
        """Keep what the user changed; the other fields are rounded here and stay as they are."""
        project, now = self.session.project, self._values()
        changed = {name: now[name] for name in FIELDS if now[name] != self._shown[name]}
        if project is not None and changed:
            self._shown = now
            self._save(tissue=replace(project.settings.tissue, **changed))
            self.session.tissue = project.settings.tissue

    def _start(self) -> None:
        project = self.session.project
        if project is None:
            return
        self._tell("")
        self._job = self.runner.run(
            embed_project,
            project.root,
            title="Embedding",
            on_result=partial(self._done, project.root),
            on_error=self._failed,
        )
        self._on_jobs()

    def _stop(self) -> None:
        if self._job is not None:
            self.runner.cancel(self._job)

    def _done(self, root: Path, found: EmbedReport) -> None:
        self._job = None
        told = {**found.failed, **found.reasons}
        lines = [
            f"{count(len(found.done), 'slide')} embedded ({found.tiles:,} tiles, "
            f"{found.tiles_per_second:.0f} per second)."
        ]
        lines += [f"<b>{slide_id}</b>: {sentence}" for slide_id, sentence in told.items()]
        self._tell("<br>".join(lines))
        project = self.session.project
        if project is not None and project.root == root:  # and not another one meanwhile
            self._refresh()
            self.session.failures = told
            self._predict_new(found.done)
        if told:
            self.session.say(
                f"{count(len(told), 'slide')} could not be embedded: Embed and the column State "
                "of Project tell why.",
                "warning",
            )

    def _predict_new(self, slide_ids: tuple[str, ...]) -> None:
        """Let the model in use speak of slides that were embedded after it was trained."""
        project, results = self.session.project, self.session.results
        if project is None or results is None or self.session.results_before is not None:
            return
        version = results.version
        new = [s for s in slide_ids if s not in results.slides]
        if new:
            self.runner.run(
                predict_slides,
                project.root,
                version,
                new,
                title="Predicting new slides",
                on_result=partial(self._predicted, project, version),
            )

    def _predicted(self, project: Project, version: str, found: PredictReport) -> None:
        session = self.session
        if session.project is not project or session.results is None:
            return
        if session.results.version == version:  # not another model meanwhile
            with reported(session):
                session.results = load_results(project.version_dir(version))
                said = [f"{count(len(found.predicted), 'new slide')} predicted.", *found.problems]
                session.say(" ".join(said), "warning" if found.problems else "info")

    def _failed(self, error: BaseException) -> None:
        self._job = None
        self._tell("")
        report(self.session, error)
        self._refresh()

    def _tell(self, text: str) -> None:
        self.report.setText(text)
        self.report.setVisible(bool(text))

    def _refresh(self) -> None:
        """Show what the child process wrote into the project."""
        with reported(self.session):
            refresh_project(self.session)
        self._on_jobs()
        self._count()

    def _on_show_tissue(self, shown: bool) -> None:
        self.show_tissue.setChecked(shown)

    def _on_jobs(self, *_: object) -> None:
        running: JobStatus | None = next((s for s in self.session.jobs if s.key == self._job), None)
        busy = running is not None
        self.bar.setVisible(busy)
        self.cancel.setVisible(busy)
        if busy:
            self.embed.setEnabled(False)
        if running is not None:
            self.bar.setRange(0, running.total)
            self.bar.setValue(running.done)
            self._tell(running.what)
