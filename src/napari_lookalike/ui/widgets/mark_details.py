"""Fields of a mark that tell more: what tells the two apart, the test, how sure."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QWidget

from napari_lookalike.core.hard_negatives.columns import CONFIDENCE

STRENGTHS = (
    "seldom confused",
    "sometimes confused",
    "often confused",
    "easily confused",
    "hardly told apart",
)
"""What the keys 1 to 5 stand for."""
RESULTS = ("", "positive", "negative", "retained", "lost", "mutated", "wild type", "not done")
TESTS = (
    "",
    "INI1 (SMARCB1)",
    "BRG1 (SMARCA4)",
    "LIN28A",
    "H3 K27me3",
    "H3 K27M",
    "BRAF V600E",
    "KIAA1549::BRAF fusion",
    "GFAP",
    "synaptophysin",
    "DNA methylation class",
)
"""Offered as they are called in reports; any other can be typed."""


class MarkDetails(QWidget):
    """Discriminating features, discriminating test, its result, and confidence.

    Parameters
    ----------
    before
        (text, field) of rows that come first, so that all fields stand below one another.
    columns
        How many fields stand beside one another: 2 where height is dear.
    """

    def __init__(self, before: Iterable[tuple[str, QWidget]] = (), columns: int = 1) -> None:
        super().__init__()
        self.features = line(
            "Tells them apart",
            "What tells the two apart under the microscope; several with ; between them.",
        )
        self.features.setPlaceholderText("rosettes; microcysts")
        self.test = choice("Test", "The test that tells them apart: choose or write.", TESTS[1:])
        self.result = choice("Result", "What the test showed: choose or write.", RESULTS[1:])
        self.confidence = QComboBox()
        self.confidence.addItems(CONFIDENCE)
        for box in (self.test, self.result):
            box.setMinimumContentsLength(8 // columns)
        named(self.confidence, "How sure", "How sure you are. It does not change the training.")
        fields = QGridLayout(self)
        fields.setContentsMargins(0, 0, 0, 0)
        fields.setVerticalSpacing(3)
        test = (("Test", self.test), ("Result", self.result))
        sure = (("How sure", self.confidence),)
        # Test and result stand in one row, or below one another.
        rest = (*test, *sure) if columns == 1 else (*sure, *test)
        for i, (text, widget) in enumerate((*before, ("Apart by", self.features), *rest)):
            row, column = divmod(i, columns)
            label = QLabel(text)
            label.setBuddy(widget)
            fields.addWidget(label, row, 2 * column)
            fields.addWidget(widget, row, 2 * column + 1)
            fields.setColumnStretch(2 * column + 1, 1)

    def draft(self) -> dict[str, str]:
        """Columns of the mark as filled in."""
        return {
            "features": self.features.text().strip(),
            "test": self.test.currentText().strip(),
            "test_result": self.result.currentText().strip(),
            "confidence": self.confidence.currentText(),
        }

    def fill(self, known: object | None) -> None:
        """Show what a mark or a suggestion says; ``None``, or what it does not know: empty."""
        self.features.setText(said(known, "features"))
        self.test.setCurrentText(said(known, "test"))
        self.result.setCurrentText(said(known, "test_result"))
        self.confidence.setCurrentText(said(known, "confidence"))
        for box in (self.test, self.result):
            from_the_beginning(box)

    def fields(self) -> tuple[QWidget, ...]:
        """What is typed in, in the order of Tab."""
        return self.features, self.test, self.result, self.confidence


def said(known: object | None, column: str) -> str:
    """A column of a mark or a suggestion; a suggestion does not know all of them."""
    return str(getattr(known, column, ""))


def from_the_beginning(box: QComboBox) -> None:
    """Show the beginning of a long text."""
    editor = box.lineEdit()
    if editor is not None:
        editor.setCursorPosition(0)


def named(widget: QWidget, name: str, tip: str) -> None:
    """Give a control its name for screen readers, and its tip."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip)


def line(name: str, tip: str) -> QLineEdit:
    """A field for text."""
    made = QLineEdit()
    named(made, name, tip)
    return made


def choice(name: str, tip: str, items: tuple[str, ...]) -> QComboBox:
    """A field with texts to choose from, or to write into."""
    box = QComboBox()
    box.setEditable(True)
    box.addItems(["", *items])
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    named(box, name, tip)
    return box
