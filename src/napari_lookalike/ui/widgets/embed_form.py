"""Stain normalisation, device, batch and cluster: how slides are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.devices import Device
from napari_lookalike.core.normalise import STAIN_METHODS
from napari_lookalike.session.embed_settings import AUTO, MOST_TILES, EmbedSettings
from napari_lookalike.ui.widgets.fold import Fold

STAINS = {
    "none": "The encoder sees the colours of the slide.",
    "macenko": (
        "Each slide's two stains are estimated and brought to common colours. The better one "
        "with the encoder that ships, unless slides differ in sharpness."
    ),
    "reinhard": (
        "Each slide's colours get a common mean and a common spread. With the encoder that "
        "ships, look-alikes were found less often."
    ),
}
"""What a method of `STAIN_METHODS` does, in a sentence."""
STAIN_TIP = (
    "Brings slides of different laboratories nearer to each other before they are encoded. "
    "Recorded with the features; slides are embedded again when it is changed."
)
DEVICES = {AUTO: "Automatic", "cpu": "the CPU"}
"""Those that need not be looked for."""
LOOKING = "Looking for graphics cards…"
BATCH_TIP = "How many tiles the encoder takes at once. Automatic finds what is fastest here."
CLUSTER_TIP = (
    "Address of a Dask scheduler, such as tcp://10.0.0.5:8786, or local:2 for two processes of "
    "this computer. Empty: this computer alone. Its workers must see the project's folder."
)
CLUSTER_NOTE = (
    "Whoever reaches a Dask scheduler without TLS can run programs on its workers: use one "
    "inside your own network only."
)


class DeviceBox(QComboBox):
    """The devices; graphics cards are looked for when the list is opened first.

    Signals
    -------
    devices_wanted()
        The list was opened, and nobody has looked yet.
    """

    devices_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._asked = False
        self.setAccessibleName("Device")
        self.setToolTip("What computes: a graphics card (GPU) is far faster than the processor.")
        for name, title in DEVICES.items():
            self.addItem(title, name)

    def showPopup(self) -> None:
        if not self._asked:
            self._asked = True
            self.addItem(LOOKING, "")
            self._enable_last(False)
            self.devices_wanted.emit()
        super().showPopup()

    def _enable_last(self, enabled: bool) -> None:
        item = self.model().item(self.count() - 1)  # type: ignore[attr-defined]
        item.setEnabled(enabled)

    def show_devices(self, found: Sequence[Device]) -> None:
        """Show what was found; the choice stays."""
        chosen = self.currentData()
        with QSignalBlocker(self):
            self.clear()
            best = next((d.title for d in found if d.chosen), "")
            self.addItem(f"Automatic: {best}" if best else DEVICES[AUTO], AUTO)
            for device in found:
                self.addItem(device.title, device.name)
            self.choose(str(chosen))

    def not_found(self) -> None:
        """Nobody could look: it may be tried again."""
        self._asked = False
        at = self.findText(LOOKING)
        if at >= 0:
            self.removeItem(at)

    def choose(self, name: str) -> None:
        """Show a choice, also one that was not found here."""
        if self.findData(name) < 0:
            self.addItem(f"{name} (as chosen before)", name)
        self.setCurrentIndex(self.findData(name))


class EmbedForm(QWidget):
    """The fields.

    Signals
    -------
    changed(object)
        The `EmbedSettings` that the user wants.
    stain_chosen(str)
        A key of `STAINS`.
    """

    changed = Signal(object)
    stain_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = EmbedSettings()
        self.stain = QComboBox()
        self.stain.setAccessibleName("Stain normalisation")
        self.stain.setToolTip(STAIN_TIP)
        for i, (name, title) in enumerate(STAIN_METHODS.items()):
            self.stain.addItem(title, name)
            self.stain.setItemData(i, STAINS.get(name, ""), Qt.ItemDataRole.ToolTipRole)
        self.device = DeviceBox()
        self.device_note = QLabel()
        self.device_note.setWordWrap(True)
        self.device_note.hide()
        self.batch = QSpinBox()
        self.batch.setRange(0, MOST_TILES)
        self.batch.setSpecialValueText("Automatic")
        self.batch.setSuffix(" tiles")
        self.batch.setAccessibleName("Tiles at once")
        self.batch.setToolTip(BATCH_TIP)
        self.batch.setKeyboardTracking(False)
        self.cluster = QLineEdit()
        self.cluster.setAccessibleName("Address of a Dask scheduler")
        self.cluster.setToolTip(CLUSTER_TIP)
        self.cluster.setPlaceholderText("tcp://… or local:2")
        self._lay_out()
        self.stain.activated.connect(lambda _i: self.stain_chosen.emit(self.stain.currentData()))
        self.device.activated.connect(lambda _i: self._ask(device=self.device.currentData()))
        self.batch.valueChanged.connect(lambda n: self._ask(batch=n))
        self.cluster.editingFinished.connect(lambda: self._ask(cluster=self.cluster.text().strip()))

    def _lay_out(self) -> None:
        rows = QFormLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        fields = (
            ("Stain colours", self.stain),
            ("Compute on", self.device),
            ("Tiles at once", self.batch),
        )
        for title, field in fields:
            field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            if isinstance(field, QComboBox):  # a long name of a card must not widen the panel
                field.setMinimumContentsLength(10)
                field.setSizeAdjustPolicy(
                    QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
                )
            label = QLabel(title)
            label.setBuddy(field)
            rows.addRow(label, field)
            if field is self.device:
                rows.addRow(self.device_note)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        note = QLabel(CLUSTER_NOTE)
        note.setWordWrap(True)
        for widget in (self.cluster, note):
            column.addWidget(widget)
        self.fold = Fold("Run on other machines (Dask)", inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(rows)
        layout.addWidget(self.fold)

    def show_settings(self, settings: EmbedSettings) -> None:
        """Show this computer's settings."""
        self._settings = settings
        with QSignalBlocker(self.batch):
            self.batch.setValue(settings.batch)
        self.device.choose(settings.device)
        self.cluster.setText(settings.cluster)
        if settings.cluster:
            self.fold.open()

    def settings(self) -> EmbedSettings:
        """The settings of this computer as they are shown."""
        return self._settings

    def show_device_note(self, text: str) -> None:
        """Tell what the encoder makes of the chosen device; nothing if there is no text."""
        self.device_note.setText(text)
        self.device_note.setVisible(bool(text))

    def show_stain(self, name: str) -> None:
        """Show the project's stain normalisation."""
        self.stain.setCurrentIndex(max(0, self.stain.findData(name)))

    def _ask(self, **changes: object) -> None:
        wanted = replace(self._settings, **changes)  # type: ignore[arg-type]
        if wanted != self._settings:
            self._settings = wanted
            self.changed.emit(wanted)
