"""How attention is drawn over the slide: on or off, opacity, unit, class; and its legend."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.session.overlay import LegendView
from napari_lookalike.session.session import OverlaySettings
from napari_lookalike.ui.overlay_layers import COLORMAP
from napari_lookalike.ui.widgets.colour_bar import ColourBar

Values = Literal["weights", "logits"]
VALUES: dict[Values, tuple[str, str]] = {
    "weights": ("Weights", "Softmax weights: the tiles of the slide share 1 between them."),
    "logits": ("Raw logits", "What the head said of each tile before softmax."),
}
PREDICTED = "For the predicted subtype"


class OverlayControls(QWidget):
    """Controls and legend of the attention layer.

    Signals
    -------
    changed(object)
        The `OverlaySettings` that the user wants.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = OverlaySettings()
        self._branches: tuple[str, ...] | None = None
        self.visible = QCheckBox("Attention")
        self.visible.setToolTip("Draw over the slide where the model looked.")
        self.visible.setAccessibleName("Show attention over the slide")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setAccessibleName("Opacity of the attention map")
        self.percent = QLabel()
        self.values = {key: self._choice(*VALUES[key]) for key in VALUES}
        self._group = QButtonGroup(self)
        for button in self.values.values():
            self._group.addButton(button)
        self.branch = self._make_branch()
        self.bar = ColourBar(COLORMAP)
        self.bar.setToolTip(
            "Colours are spread from the 1st to the 99th percentile of the slide's tiles; "
            "the value under the pointer is in the status bar."
        )
        self.text = QLabel()
        self.text.setWordWrap(True)
        self._lay_out()
        self.visible.toggled.connect(lambda on: self._ask(visible=on))
        self.opacity.valueChanged.connect(lambda v: self._ask(opacity=v / 100))
        self._group.buttonClicked.connect(lambda _b: self._ask(values=self._chosen()))
        self.branch.activated.connect(lambda _i: self._ask(branch=self.branch.currentData()))

    @staticmethod
    def _choice(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        return button

    @staticmethod
    def _make_branch() -> QComboBox:
        box = QComboBox()
        box.setToolTip("This head attends for each subtype by itself: whose attention to draw.")
        box.setAccessibleName("Subtype whose attention is drawn")
        box.setMinimumContentsLength(10)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return box

    def _lay_out(self) -> None:
        top, unit = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.visible)
        top.addWidget(self.opacity, 1)
        top.addWidget(self.percent)
        self.percent.setMinimumWidth(self.percent.fontMetrics().horizontalAdvance("100 %"))
        self.percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        unit.setSpacing(2)
        for button in self.values.values():
            unit.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addLayout(unit)
        layout.addWidget(self.branch)
        layout.addWidget(self.bar)
        layout.addWidget(self.text)

    def _chosen(self) -> Values:
        return next(key for key, button in self.values.items() if button.isChecked())

    def _ask(self, **changes: object) -> None:
        wanted = replace(self._settings, **changes)  # type: ignore[arg-type]
        if wanted != self._settings:
            self.changed.emit(wanted)

    def show_settings(self, settings: OverlaySettings, legend: LegendView) -> None:
        """Show how attention is drawn, and what its colours mean."""
        self._settings = settings
        with QSignalBlocker(self.visible), QSignalBlocker(self.opacity):
            self.visible.setChecked(settings.visible)
            self.opacity.setValue(round(100 * settings.opacity))
        self.percent.setText(f"{100 * settings.opacity:.0f} %")
        self.opacity.setToolTip(f"Opacity of the attention map: {100 * settings.opacity:.0f} %")
        self.values[settings.values].setChecked(True)
        self._show_branches(legend.branches, settings.branch)
        self.bar.show_limits(*legend.limits)
        self.text.setText(legend.text)
        for widget in (self.opacity, self.percent, self.branch, *self.values.values()):
            widget.setEnabled(settings.visible)

    def _show_branches(self, branches: tuple[str, ...], wanted: str) -> None:
        self.branch.setVisible(bool(branches))
        if branches != self._branches:
            self._branches = branches
            self.branch.clear()
            self.branch.addItem(PREDICTED, "")
            for name in branches:
                self.branch.addItem(f"For {name}", name)
                self.branch.setItemData(self.branch.count() - 1, name, Qt.ItemDataRole.ToolTipRole)
        self.branch.setCurrentIndex(max(self.branch.findData(wanted), 0))
