"""The settings of a training in plain words, over the frozen `TrainConfig`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qtpy.QtCore import QLocale, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from napari_lookalike.core.config import HEAD_TITLES, TrainConfig
from napari_lookalike.core.hard_negatives.weights import margin_cosine

NUMBERS: dict[str, tuple[str, str, float, float, float]] = {
    "lam": (
        "Weight of the contrast (λ)",
        "How much pulling alike slides together and pushing others apart counts beside"
        " getting the subtype right. 0 = not at all.",
        0.0, 5.0, 0.1,
    ),
    "gamma": (
        "Weight of a full mark (γ)",
        "How many times harder a pair of strength 1 is pushed apart than any other pair."
        " 1 = marks count nothing.",
        1.0, 64.0, 1.0,
    ),
    "tau": (
        "Temperature (τ)",
        "Lower = the most similar slides count most.",
        0.01, 1.0, 0.01,
    ),
}  # fmt: skip
WHOLE: dict[str, tuple[str, str, int, int]] = {
    "epochs": ("Passes, first training", "How often a new model sees every slide.", 1, 500),
    "finetune_epochs": ("Passes, fine-tuning", "How often fine-tuning sees every slide.", 1, 500),
    "folds": ("Folds", "Patient-grouped folds; each is held out once.", 2, 20),
    "seed": ("Random seed", "The same seed and the same slides give the same model.", 0, 99999),
}


class TrainForm(QWidget):
    """Head, contrast, strength of marks, passes, seed.

    Signals
    -------
    changed()
        The user changed a value.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config = TrainConfig()
        self.head = QComboBox()
        for name, title in HEAD_TITLES.items():
            self.head.addItem(title, name)
        self.boxes: dict[str, QDoubleSpinBox | QSpinBox] = {}
        self.margin = QLabel()
        self.margin.setWordWrap(True)
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self._add_head(layout)
        for name, (text, tip, low, high, step) in NUMBERS.items():
            box = QDoubleSpinBox()
            box.setLocale(QLocale.c())
            box.setDecimals(2)
            box.setRange(low, high)
            box.setSingleStep(step)
            box.valueChanged.connect(self._on_change)
            self.boxes[name] = box
            self._add(layout, text, tip, box)
        layout.addRow(self.margin)
        for name, (text, tip, lowest, highest) in WHOLE.items():
            whole = QSpinBox()
            whole.setRange(lowest, highest)
            whole.valueChanged.connect(self._on_change)
            self.boxes[name] = whole
            self._add(layout, text, tip, whole)
        self.head.currentIndexChanged.connect(self._on_change)
        self.set_config(self._config)

    def _add_head(self, layout: QFormLayout) -> None:
        label = QLabel("Head of a new model (fine-tuning keeps the head)")
        label.setBuddy(self.head)
        self.head.setAccessibleName("Head")
        for widget in (label, self.head):
            widget.setToolTip(
                "How a slide's tiles are pooled. Fine-tuning keeps the head of the model in use."
            )
            layout.addRow(widget)

    @staticmethod
    def _add(layout: QFormLayout, title: str, tip: str, field: QWidget) -> None:
        label = QLabel(title)
        for widget in (label, field):
            widget.setToolTip(tip)
        field.setAccessibleName(title)
        label.setBuddy(field)
        layout.addRow(label, field)

    def set_config(self, config: TrainConfig) -> None:
        """Show these settings."""
        self._config = config
        self.head.setCurrentIndex(max(0, self.head.findData(config.head)))
        for name, box in self.boxes.items():
            box.setValue(getattr(config, name))
        self._show_margin()

    def config(self) -> TrainConfig:
        """The settings as filled in; those that the form does not show stay as they were."""
        values: dict[str, Any] = {name: box.value() for name, box in self.boxes.items()}
        return replace(self._config, head=self.head.currentData(), **values)

    def _on_change(self) -> None:
        self._show_margin()
        self.changed.emit()

    def _show_margin(self) -> None:
        gamma, tau = self.boxes["gamma"].value(), self.boxes["tau"].value()
        margin = margin_cosine(1.0, gamma, tau)
        self.margin.setText(
            f"A mark of full strength pushes its pair {margin:.2f} further apart (cosine)."
        )
