"""Choose an encoder, look at the tissue mask, embed the cohort."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.devices import devices_here
from napari_lookalike.core.embed.stopping import ask_to_stop
from napari_lookalike.core.encoders import DEFAULT_ENCODER, ENCODERS
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.feature_folder import imported_encoders
from napari_lookalike.core.pipeline.embed import EmbedReport, embed_project
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.core.tissue import TissueSettings
from napari_lookalike.session.embed_settings import (
    EmbedSettings,
    embed_settings,
    keep_embed_settings,
)
from napari_lookalike.session.embed_view import (
    EMBEDDING,
    Run,
    device_note,
    embed_order,
    report_lines,
    resolve_embed,
    stopped_text,
    summary_of,
)
from napari_lookalike.session.needs import count
from napari_lookalike.session.opening import refresh_embedded, refresh_project
from napari_lookalike.session.session import Session
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import report, reported
from napari_lookalike.ui.widgets.embed_form import EmbedForm
from napari_lookalike.ui.widgets.embed_run import EmbedRun
from napari_lookalike.ui.widgets.encoder_card import EncoderCard
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.tissue_form import TissueForm
from napari_lookalike.ui.widgets.words import words

BY_NAME = "Another one, by its name…"
NAMED = ("timm:", "hf-hub:")


class EmbeddingPanel(QWidget):
    """Encoder, tissue thresholds, and the buttons that embed.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner) -> None:
        super().__init__()
        self.session, self.runner = session, runner
        self._run: Run | None = None
        self._next: str | None = None
        self._left: set[str] = set()
        self._build()
        self._lay_out()
        events = session.events
        listen(self, [events.project], self._on_project)
        listen(self, [events.cohort, events.embedded, events.jobs], self._show)
        listen(self, [events.slide_id, events.early, events.coverage], self._show)
        listen(self, [events.show_tissue], self._on_show_tissue)
        self._on_project()

    # -- making -------------------------------------------------------------------

    def _build(self) -> None:
        self.encoder = QComboBox()
        self.encoder.setToolTip("What turns a tile into numbers")
        self.encoder.setAccessibleName("Encoder")
        for entry in ENCODERS:
            self.encoder.addItem(entry.item.title, entry.name)
        self.encoder.addItem(BY_NAME, "")
        self.encoder.activated.connect(self._choose)
        self.state, self.report = words(), words()
        self.card = EncoderCard(self.runner)
        self.card.weights_chosen.connect(self._choose_weights)
        self.show_tissue = QCheckBox("Show the tissue mask on the slide")
        self.show_tissue.setToolTip("What will be cut into tiles is tinted green")
        self.show_tissue.toggled.connect(partial(setattr, self.session, "show_tissue"))
        self.other_stains = QCheckBox("Also slides that are not H&&E")
        self.other_stains.setToolTip("Encoders and subtypes here are meant for H&E")
        self.other_stains.clicked.connect(self._save_other_stains)
        self.how = EmbedForm()
        self.how.show_settings(embed_settings())
        self.how.changed.connect(self._keep)
        self.how.stain_chosen.connect(self._choose_stain)
        self.how.device.devices_wanted.connect(self._look_for_devices)
        self.tissue = TissueForm()
        self.tissue.changed.connect(self._try_tissue)
        self.buttons = EmbedRun()
        self.buttons.embed_requested.connect(self._begin)
        self.buttons.first_requested.connect(self._bring_forward)
        self.buttons.stop_here_requested.connect(self._stop_here)
        self.buttons.cancel_requested.connect(self._stop)

    def _lay_out(self) -> None:
        self.settings = QWidget()
        column = QVBoxLayout(self.settings)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        choice = QHBoxLayout()
        choice.addWidget(QLabel("Encoder"))
        choice.addWidget(self.encoder, 1)
        column.addLayout(choice)
        for part in (self.report, self.card, self.how, self.show_tissue,
                     self.other_stains, self.tissue):  # fmt: skip
            column.addWidget(part)
        column.addStretch()
        self.report.hide()
        scroll = scrolled(self.settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.state)
        self.state.setContentsMargins(6, 4, 6, 0)
        layout.addWidget(self.buttons)  # outside the scrolling part: always in sight

    # -- what is shown ------------------------------------------------------------

    def _on_project(self, *_: object) -> None:
        project = self.session.project
        self._tell("")
        if project is not None:
            settings = project.settings
            # timm:…, hf-hub:…, and those whose features were brought in
            for name in (settings.encoder, *imported_encoders(project.root / "features")):
                if self.encoder.findData(name) < 0:
                    self.encoder.insertItem(self.encoder.count() - 1, name, name)
            self.encoder.setCurrentIndex(self.encoder.findData(settings.encoder))
            self.other_stains.setChecked(settings.other_stains)
            self.how.show_stain(settings.stain_normalisation)
            self.tissue.show_settings(settings.tissue)
        self._describe()
        self._show()

    def _describe(self) -> None:
        project = self.session.project
        chosen = None if project is None else project.settings.weights
        name = self.encoder.currentData() or DEFAULT_ENCODER  # while a name is asked for
        self.card.show_encoder(name, chosen)
        self.how.show_device_note(device_note(name, self.how.settings().device))

    def _show(self, *_: object) -> None:
        project = self.session.project
        if project is not None and project.settings.encoder != self.encoder.currentData():
            self._on_project()  # an import made its encoder the project's
            return
        view = resolve_embed(self.session, self._run)
        self.settings.setEnabled(view.enabled)
        for part in (self.encoder, self.card, self.how, self.other_stains, self.tissue):
            part.setEnabled(view.settable)
        self.state.setText(view.state)
        self.buttons.show_view(view)

    def _on_show_tissue(self, shown: bool) -> None:
        self.show_tissue.setChecked(shown)

    def _tell(self, text: str) -> None:
        self.report.setText(text)
        self.report.setVisible(bool(text))

    # -- settings -----------------------------------------------------------------

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

    def _save_and_count(self, **changes: Any) -> None:
        self._save(**changes)
        refresh_embedded(self.session)
        self._describe()
        self._show()

    def _choose(self, *_: object) -> None:
        name = self.encoder.currentData() or self._ask_for_a_name()
        if name:
            self._save_and_count(encoder=name, weights=None)
        self._on_project()

    def _ask_for_a_name(self) -> str:
        """Any network that timm or a hub's folder on this computer describes."""
        text, go_on = QInputDialog.getText(
            self, "Encoder by name", "timm:<architecture>, or hf-hub:<owner>/<name>:"
        )
        name = text.strip() if go_on else ""
        if name and not name.startswith(NAMED):
            self.session.say(
                f"No encoder can be found by “{name}”. Its name begins with "
                f"{' or '.join(NAMED)}; those of the list are chosen there.",
                "warning",
            )
            return ""
        return name

    def _choose_weights(self, path: str) -> None:
        self._save_and_count(weights=path)

    def _choose_stain(self, name: str) -> None:
        self._save_and_count(stain_normalisation=name)

    def _save_other_stains(self, wanted: bool) -> None:
        self._save(other_stains=wanted)

    def _try_tissue(self, wanted: TissueSettings) -> None:
        project = self.session.project
        if project is not None:
            self._save(tissue=wanted)
            self.session.tissue = project.settings.tissue

    def _keep(self, settings: EmbedSettings) -> None:
        self._describe()
        if not keep_embed_settings(settings):
            self.session.say(
                "These settings hold until the window is closed: the folder of your own settings "
                "cannot be written.",
                "warning",
            )

    def _look_for_devices(self) -> None:
        """In the child process that embeds: the window's own never loads torch."""
        self.runner.run(
            devices_here,
            title="Looking for graphics cards",
            on_result=self.how.device.show_devices,
            on_error=self._no_devices,
        )

    def _no_devices(self, error: BaseException) -> None:
        self.how.device.not_found()
        report(self.session, error)

    # -- running ------------------------------------------------------------------

    def _begin(self) -> None:
        """A new run: it also completes what was left early before."""
        self._left.clear()
        self._start()

    def _start(self) -> None:
        """Embed all slides; the one that is looked at comes first."""
        project = self.session.project
        if project is None or self._run is not None:
            return
        self._tell("")
        first = self.session.slide_id or ""
        key = self.runner.run(
            embed_project,
            project.root,
            embed_order(self.session.cohort, first, self._left),
            title=EMBEDDING,
            on_result=partial(self._done, project.root),
            on_error=self._failed,
            **self.how.settings().options(),
        )
        self._run = Run(key, project.root, first)
        self._show()

    def _bring_forward(self) -> None:
        """Begin with the open slide: the run that goes on is stopped, and loses nothing."""
        self._next = self.session.slide_id
        self._stop()

    def _stop_here(self) -> None:
        """Ask the child process to leave the open slide at what is done, and to go on."""
        project, slide_id = self.session.project, self.session.slide_id
        if project is None or slide_id is None:
            return
        with reported(self.session):
            if ask_to_stop(project.features_path(slide_id)):
                self._left.add(slide_id)
                self.session.say(f"Slide {slide_id} is left at what is done.")
            else:
                self.session.say(f"Slide {slide_id} is finished already.")

    def _stop(self) -> None:
        if self._run is not None:
            self.runner.cancel(self._run.key)

    def _done(self, root: Path, found: EmbedReport) -> None:
        self._run = self._next = None
        told = {**found.failed, **found.reasons}
        project = self.session.project
        if project is None or project.root != root:  # another one meanwhile
            self._show()
            return
        self._tell(report_lines(told, summary_of(found)))
        self._refresh()
        self.session.failures = told
        self.session.unasked |= set(found.done)
        if told:
            self.session.say(
                f"{count(len(told), 'slide')} could not be embedded: Embed and the column State "
                "of Project tell why.",
                "warning",
            )

    def _failed(self, error: BaseException) -> None:
        run, self._run = self._run, None
        again, self._next = self._next, None
        self._refresh()
        if not isinstance(error, JobCancelled):
            report(self.session, error)
        elif again is not None and again == self.session.slide_id:
            self._start()
        else:
            self.session.say(stopped_text(self.session, run))

    def _refresh(self) -> None:
        """Show what the child process wrote into the project."""
        with reported(self.session):
            refresh_project(self.session)
        self._show()
