"""The form of the tissue thresholds, folded away: the defaults suit most slides."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from magicgui.widgets import Container, create_widget
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lookalike.core.tissue import TissueSettings
from napari_lookalike.ui.widgets.fold import Fold

REST_MS = 400
"""Thresholds change in steps while a spin box is held: wait until it rests."""

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


class TissueForm(QWidget):
    """A field for each threshold.

    Signals
    -------
    changed(object)
        The `TissueSettings` that the user wants, once the fields rest.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = TissueSettings()
        self._shown: dict[str, Any] = {}
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._tell)
        defaults = asdict(self._settings)
        self.form: Container[Any] = Container(labels=True)
        for name, (title, tip, options) in FIELDS.items():
            control = create_widget(
                value=defaults[name], name=name, label=title, options={**options, "tooltip": tip}
            )
            control.native.setAccessibleName(title)
            self.form.append(control)
        self.form.changed.connect(lambda *_: self._rest.start())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Fold("Tissue thresholds", self.form.native))

    def show_settings(self, settings: TissueSettings) -> None:
        """Show these thresholds."""
        self._settings = settings
        with self.form.changed.blocked():
            for name in FIELDS:
                self.form[name].value = getattr(settings, name)
        self._shown = self._values()

    def _values(self) -> dict[str, Any]:
        return {name: self.form[name].value for name in FIELDS}

    def _tell(self) -> None:
        """Tell what the user changed; the other fields are rounded here and stay as they are."""
        now = self._values()
        changed = {name: now[name] for name in FIELDS if now[name] != self._shown.get(name)}
        if changed:
            self._shown = now
            self._settings = replace(self._settings, **changed)
            self.changed.emit(self._settings)
