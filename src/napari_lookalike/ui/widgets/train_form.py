"""The settings of a training in plain words, over the frozen `TrainConfig`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QLocale, QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
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
        0.0,
        5.0,
        0.1,
    ),
    "gamma": (
        "Weight of a full mark (γ)",
        "How many times harder a pair of strength 1 is pushed apart than any other pair."
        " 1 = marks count nothing.",
        1.0,
        64.0,
        1.0,
    ),
    "tau": (
        "Temperature (τ)",
        "Lower = the most similar slides count most.",
        0.01,
        1.0,
        0.01,
    ),
}
MIXING: dict[str, tuple[str, str, float, float, float]] = {
    "mixup": (
        "Mix slides (α)",
        "Also learn from mixtures of two slides. 0 = not; 0.4 = mostly one of the two.",
        0.0, 2.0, 0.1,
    ),
}  # fmt: skip
WHOLE: dict[str, tuple[str, str, int, int]] = {
    "epochs": ("Passes, first training", "How often a new model sees every slide.", 1, 500),
    "finetune_epochs": ("Passes, fine-tuning", "How often fine-tuning sees every slide.", 1, 500),
    "folds": ("Folds", "Patient-grouped folds; each is held out once.", 2, 20),
    "max_instances": (
        "Tiles in a step",
        "So many tiles of a slide are drawn each time. Fewer = faster. 0 = all of them."
        " Results are always judged on all tiles.",
        0,
        100_000,
    ),
    "seed": ("Random seed", "The same seed and the same slides give the same model.", 0, 99999),
}
DRAWING: dict[str, tuple[str, str, int, int]] = {
    "memory": (
        "Remember slides",
        "Contrast also with so many slides of the steps before. 0 = off.",
        0, 4096,
    ),
    "replay": (
        "Repeat mistaken slides",
        "Slides of frequent subtypes that were taken for another come again: so many in a"
        " step. 0 = off.",
        0, 64,
    ),
}  # fmt: skip
NO_TUMOUR = (
    "Slides without tumour",
    "The subtype whose slides hold no tumour, if the cohort has one: their tiles are taught to"
    " mean nothing in other slides. This needs no expert, and often helps more than a mark.",
)
SWITCHES: dict[str, tuple[str, str]] = {
    "pair_thresholds": (
        "Decide marked pairs by a threshold",
        "Between the two subtypes of a marked pair, decide where held-out slides are confused"
        " least, not where both are as likely. The prediction says where it was used.",
    ),
    "by_centre": (
        "Every centre as often",
        "Within a subtype every centre counts the same, however many slides it sent.",
    ),
    "by_hardness": (
        "Difficult slides more often",
        "Slides that the model gets wrong are shown to it more often.",
    ),
    "votes": (
        "Learn from several experts' votes",
        "Where experts disagreed on a slide, their shares are learnt instead of one label."
        " Votes are brought in with: napari-lookalike train PROJECT --votes FILE.csv",
    ),
    "precision": (
        "Faster arithmetic (half precision)",
        "Where this computer has it, training is faster; the model differs in the last digits.",
    ),
}


class TrainForm(QWidget):
    """Head, contrast, strength of marks, passes, how slides are drawn, seed.

    Signals
    -------
    changed()
        The user changed a value.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config = TrainConfig()
        self._subtypes: tuple[str, ...] = ()
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
        self._add_numbers(layout, NUMBERS)
        layout.addRow(self.margin)
        self._add_whole(layout, WHOLE)
        self.boxes["max_instances"].setSpecialValueText("all")
        self.benign = QComboBox()
        self._add(layout, *NO_TUMOUR, self.benign)
        heading = QLabel("For experiments; as they are is a good start:")
        heading.setWordWrap(True)
        layout.addRow(heading)
        self._add_whole(layout, DRAWING)
        self._add_numbers(layout, MIXING)
        self.switches = {name: self._switch(layout, *texts) for name, texts in SWITCHES.items()}
        self.head.currentIndexChanged.connect(self._on_change)
        self.benign.currentIndexChanged.connect(self._on_change)
        self.set_config(self._config)

    def _add_head(self, layout: QFormLayout) -> None:
        label = QLabel("Head of a new model (fine-tuning keeps the head)")
        label.setWordWrap(True)
        label.setBuddy(self.head)
        self.head.setAccessibleName("Head")
        for widget in (label, self.head):
            widget.setToolTip(
                "How a slide's tiles are pooled. Fine-tuning keeps the head of the model in use."
            )
            layout.addRow(widget)

    def _add_numbers(
        self, layout: QFormLayout, numbers: dict[str, tuple[str, str, float, float, float]]
    ) -> None:
        for name, (text, tip, low, high, step) in numbers.items():
            box = QDoubleSpinBox()
            box.setLocale(QLocale.c())
            box.setDecimals(2)
            box.setRange(low, high)
            box.setSingleStep(step)
            box.valueChanged.connect(self._on_change)
            self.boxes[name] = box
            self._add(layout, text, tip, box)

    def _add_whole(
        self, layout: QFormLayout, numbers: dict[str, tuple[str, str, int, int]]
    ) -> None:
        for name, (text, tip, lowest, highest) in numbers.items():
            whole = QSpinBox()
            whole.setRange(lowest, highest)
            whole.valueChanged.connect(self._on_change)
            self.boxes[name] = whole
            self._add(layout, text, tip, whole)

    def _switch(self, layout: QFormLayout, title: str, tip: str) -> QCheckBox:
        box = QCheckBox(title)
        box.setToolTip(tip)
        box.toggled.connect(self._on_change)
        layout.addRow(box)
        return box

    @staticmethod
    def _add(layout: QFormLayout, title: str, tip: str, field: QWidget) -> None:
        label = QLabel(title)
        for widget in (label, field):
            widget.setToolTip(tip)
        field.setAccessibleName(title)
        label.setBuddy(field)
        layout.addRow(label, field)

    def set_subtypes(self, names: Sequence[str]) -> None:
        """Offer these as subtypes without tumour; what is chosen stays."""
        self._subtypes = tuple(names)
        self._fill_benign(self.benign.currentData() or ())

    def _fill_benign(self, chosen: tuple[str, ...]) -> None:
        choices = [(), *((name,) for name in self._subtypes)]
        if chosen not in choices:  # several, or one that no slide has at the moment
            choices.append(chosen)
        with QSignalBlocker(self.benign):
            self.benign.clear()
            for names in choices:
                self.benign.addItem(", ".join(names) or "none", names)
            self.benign.setCurrentIndex(choices.index(chosen))

    def set_config(self, config: TrainConfig) -> None:
        """Show these settings."""
        self._config = config
        self._fill_benign(config.benign)
        self.head.setCurrentIndex(max(0, self.head.findData(config.head)))
        for name, box in self.boxes.items():
            box.setValue(getattr(config, name))
        for name, switch in self.switches.items():
            switch.setChecked(getattr(config, name) in (True, "half"))
        self._show_margin()

    def config(self) -> TrainConfig:
        """The settings as filled in; those that the form does not show stay as they were."""
        values: dict[str, Any] = {name: box.value() for name, box in self.boxes.items()}
        values |= {name: switch.isChecked() for name, switch in self.switches.items()}
        values["precision"] = "half" if values["precision"] else "single"
        values["benign"] = tuple(self.benign.currentData())
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
