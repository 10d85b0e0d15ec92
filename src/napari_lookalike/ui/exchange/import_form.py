"""What the user may say of files that do not say it themselves."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)
from superqt import QCollapsible

from napari_lookalike.core.interop.formats import IMPORTERS
from napari_lookalike.core.interop.raw import ImportOptions

AS_THE_FILE_SAYS = "as the file says"


class ImportForm(QWidget):
    """Answers for an import, folded away; nothing given = as the files say.

    Signals
    -------
    changed()
        An answer was changed.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.patches: Path | None = None
        self.kind, self.unit, self.edge_unit = QComboBox(), QComboBox(), QComboBox()
        self.kind.addItem("find out", None)
        for entry in IMPORTERS:
            self.kind.addItem(entry.item.title.replace("`", ""), entry.name)
        self.unit.addItem(AS_THE_FILE_SAYS, None)
        self.unit.addItem("level-0 pixels", "px0")
        self.unit.addItem("micrometres", "um")
        self.edge_unit.addItem("level-0 pixels", "px0")
        self.edge_unit.addItem("micrometres", "um")
        self.name = QLineEdit()
        self.name.setPlaceholderText("as the file says (UNI2-h, conch_v15, …)")
        self.edge, self.pixels = QDoubleSpinBox(), QSpinBox()
        for box in (self.edge, self.pixels):
            box.setRange(0, 20_000)
            box.setSpecialValueText(AS_THE_FILE_SAYS)
        self.edge.setDecimals(2)
        self.folder = QPushButton("Choose…")
        self.folder.setAutoDefault(False)
        self.folder.setToolTip("CLAM's folder with patch files, if it is not beside the features")
        self.folder.clicked.connect(lambda *_: self._choose_patches())
        self.replace = QCheckBox("Replace features that are there")
        self.replace.setToolTip("Slides that have features of this name already are read anew.")
        self.use = QCheckBox("Work with these features from now on")
        self.use.setChecked(True)
        self.use.setToolTip("Make the imported encoder the project's: it trains and predicts on it")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        inside = QWidget()
        form = QFormLayout(inside)
        form.setContentsMargins(12, 2, 0, 2)
        edge = QHBoxLayout()
        edge.addWidget(self.edge, 1)
        edge.addWidget(self.edge_unit)
        self.edge_unit.setAccessibleName("Unit of the edge")
        self.edge_unit.setToolTip("What the edge of a tile is given in.")
        for title, tip, field, placed in (
            ("Kind of files", "Which program wrote them.", self.kind, self.kind),
            ("Name of the encoder or map", "What made the numbers: one name, as it is called.",
             self.name, self.name),
            ("Coordinates in", "What the places of the tiles are given in.", self.unit, self.unit),
            ("Edge of a tile on the slide", "How large a tile is on the slide.", self.edge, edge),
            ("Pixels of a tile for the encoder", "How large the encoder saw it, in pixels.",
             self.pixels, self.pixels),
            ("CLAM's patches", self.folder.toolTip(), self.folder, self.folder),
        ):  # fmt: skip
            field.setAccessibleName(title)
            field.setToolTip(tip)
            form.addRow(title, placed)
        self.fold = QCollapsible("If the files do not say it")
        self.fold.toggleButton().setToolTip("Show or hide what you can answer for the files.")
        self.fold.addWidget(inside)
        self.fold.collapse(animate=False)
        row = QFormLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        boxes = QHBoxLayout()
        boxes.addWidget(self.use)
        boxes.addWidget(self.replace)
        boxes.addStretch()
        row.addRow(boxes)
        row.addRow(self.fold)

    def _connect(self) -> None:
        for box in (self.kind, self.unit, self.edge_unit):
            box.currentIndexChanged.connect(lambda *_: self.changed.emit())
        self.name.editingFinished.connect(self._named)
        self._name = ""
        for number in (self.edge, self.pixels):
            number.valueChanged.connect(lambda *_: self.changed.emit())
        for tick in (self.replace, self.use):
            tick.toggled.connect(lambda *_: self.changed.emit())

    def _named(self) -> None:
        if self.name.text() != self._name:  # leaving the field is no change
            self._name = self.name.text()
            self.changed.emit()

    def _choose_patches(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "CLAM's folder of patches")
        if name:
            self.patches = Path(name)
            self.folder.setText(self.patches.name)
            self.changed.emit()

    def options(self) -> ImportOptions:
        """What was answered."""
        edge = self.edge.value() or None
        um = self.edge_unit.currentData() == "um"
        return ImportOptions(
            kind=self.kind.currentData(),
            name=self.name.text().strip() or None,
            unit=self.unit.currentData(),
            tile_px0=None if um else edge,
            tile_um=edge if um else None,
            tile_px=self.pixels.value() or None,
            patches=self.patches,
            replace=self.replace.isChecked(),
            use=self.use.isChecked(),
        )
