"""The row of controls over the map."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget
from superqt import QFlowLayout

from napari_lookalike.session.colours import COLOUR_BY, ColourBy
from napari_lookalike.session.map_view import Shown

SHOWN: dict[Shown, tuple[str, str]] = {
    "before": ("Before", "The map as the model before the fine-tuning sees it."),
    "after": ("After", "The map as the fine-tuned model sees it."),
    "both": ("Both", "The new map, with an arrow from where each slide was before."),
}


def tool(text: str, tip: str, *, checkable: bool = False) -> QPushButton:
    """A button with a tip."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setCheckable(checkable)
    return button


class MapControls(QWidget):
    """Colour by, lasso, every dot, pictures, show all; it wraps where the dock is narrow."""

    def __init__(self) -> None:
        super().__init__()
        self.colour_by = QComboBox()
        for key, title in COLOUR_BY.items():
            self.colour_by.addItem(title, key)
        self.colour_by.setToolTip(
            "What the colours of the points stand for. Further columns of your manifest come"
            " last; those that may name a patient are left out."
        )
        self.colour_by.setAccessibleName("Colour by")
        self.colour_by.setMinimumContentsLength(10)
        self.colour_by.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.lasso = tool(
            "Lasso",
            "Drag to select slides (L). Without it: Ctrl-drag, or Shift-drag a rectangle.",
            checkable=True,
        )
        self.every_dot = tool(
            "Dots",
            "Draw every dot where there are thousands (D); else their density is drawn: the"
            " colour is that of the most frequent kind, stronger where there are more.",
            checkable=True,
        )
        self.pictures = tool(
            "Pictures",
            "When you have zoomed in on a few slides, show pictures of them in place of"
            " their dots (P).",
            checkable=True,
        )
        self.pictures.setChecked(True)
        self.reset = tool("Show all", "Bring the whole map back into view (F or Home).")
        layout = QFlowLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(4)
        layout.setVerticalSpacing(2)
        label = QLabel("Colour")
        label.setBuddy(self.colour_by)
        for widget in (
            label,
            self.colour_by,
            self.lasso,
            self.pictures,
            self.every_dot,
            self.reset,
        ):
            layout.addWidget(widget)

    def offer_columns(self, titles: Mapping[str, str]) -> None:
        """Offer these columns of the manifest too.

        Parameters
        ----------
        titles
            Key -> title. If the one that is chosen has gone, the label is chosen; nobody is
            told, since whoever offers them draws the map next.
        """
        box, first = self.colour_by, len(COLOUR_BY)
        there = {box.itemData(i): box.itemText(i) for i in range(first, box.count())}
        if {key: title for key, title in there.items() if key} == dict(titles):
            return
        chosen = self.by
        box.blockSignals(True)
        while box.count() > first:
            box.removeItem(box.count() - 1)
        if titles:
            box.insertSeparator(first)
        for key, title in titles.items():
            box.addItem(title, key)
        box.setCurrentIndex(max(box.findData(chosen), 0))
        box.blockSignals(False)

    @property
    def by(self) -> ColourBy:
        """What the user wants the colours to stand for."""
        chosen: ColourBy = self.colour_by.currentData()
        return chosen


class CompareRow(QWidget):
    """Which of two maps is shown: before a fine-tuning, after it, or both."""

    def __init__(self) -> None:
        super().__init__()
        self.group = QButtonGroup(self)
        self.buttons = {key: tool(*SHOWN[key], checkable=True) for key in SHOWN}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Fine-tuning"))
        for button in self.buttons.values():
            self.group.addButton(button)
            row.addWidget(button, 1)
        self.buttons["after"].setChecked(True)

    @property
    def shown(self) -> Shown:
        """Which it is."""
        return next(key for key, button in self.buttons.items() if button.isChecked())
