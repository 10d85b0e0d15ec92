"""The form that is filled to mark two slides, or their subtypes, as look-alikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.hard_negatives.weights import margin_cosine

REASONS = (
    "small round blue cells",
    "fibrillary background",
    "microcystic background",
    "rosettes or pseudorosettes",
    "Rosenthal fibres in both",
    "necrosis with palisading",
    "vascular proliferation",
    "crush or freezing artefact",
)
"""Phrases offered as a reason; any other text can be typed."""

STEPS = 20


@dataclass(frozen=True)
class PairDraft:
    """What the expert filled in.

    Parameters
    ----------
    level
        "slide" or "subtype".
    strength
        Above 0, up to 1.
    reason
        In the expert's words; may be empty.
    expert
        Who marks.
    """

    level: Literal["slide", "subtype"]
    strength: float
    reason: str
    expert: str


@dataclass(frozen=True)
class PairQuestion:
    """What the form asks about.

    Parameters
    ----------
    slides
        The two slides' names.
    subtypes
        Their subtypes.
    expert
        Who marks, as far as known; empty = the form asks.
    gamma, tau
        Of the training (`TrainConfig`): they turn a strength into a margin.
    draft
        An existing mark that is changed, or what is filled in for a new one, or ``None``.
    proposed
        Whether the draft is for a new mark.
    """

    slides: tuple[str, str]
    subtypes: tuple[str, str]
    expert: str
    gamma: float
    tau: float
    draft: PairDraft | None = None
    proposed: bool = False


class PairForm(QFrame):
    """Level, strength, reason and, at the first mark, the expert's name.

    Signals
    -------
    submitted(object)
        A `PairDraft`.
    cancelled()
        The user thought better of it.
    """

    submitted = Signal(object)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._question: PairQuestion | None = None
        self.title = QLabel()
        self.slides_button, self.subtypes_button = QRadioButton(), QRadioButton()
        self._level = QButtonGroup(self)
        self._level.addButton(self.slides_button)
        self._level.addButton(self.subtypes_button)
        self.slides_button.setAccessibleName("These two slides")
        self.subtypes_button.setAccessibleName("Every slide of the two subtypes")
        self.slides_button.setToolTip("The mark joins these two slides only.")
        self.subtypes_button.setToolTip("The mark holds for every slide of the two subtypes.")
        self.strength = self._make_strength()
        self.margin = QLabel()
        self.margin.setToolTip("How much less similar fine-tuning asks the two to become.")
        self.reason = self._make_reason()
        self.expert = QLineEdit()
        self.expert_label = QLabel("Your name (kept with each mark)")
        self._name(self.expert, "Your name", "Who says so: a name or initials. Asked once.")
        self.ok, self.cancel = QPushButton("Mark"), QPushButton("Cancel")
        self._name(self.ok, "Mark as look-alike", "Keep this mark in the hard-negative table.")
        self._name(self.cancel, "Cancel marking", "Close the form; nothing is kept.")
        self._lay_out()
        self.strength.valueChanged.connect(self._show_margin)
        self.expert.textChanged.connect(self._show_ready)
        self.ok.clicked.connect(self._submit)
        self.cancel.clicked.connect(self.cancelled)

    # ---- making

    @staticmethod
    def _name(widget: QWidget, name: str, tip: str) -> None:
        widget.setAccessibleName(name)
        widget.setToolTip(tip)

    def _make_strength(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(1, STEPS)
        slider.setPageStep(4)
        self._name(
            slider,
            "How alike they look",
            "How easily the two are confused. A stronger mark pushes the pair further apart.",
        )
        return slider

    def _make_reason(self) -> QComboBox:
        reason = QComboBox()
        reason.setEditable(True)
        reason.addItems(["", *REASONS])
        reason.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        reason.setMinimumContentsLength(12)
        reason.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        line = reason.lineEdit()
        if line is not None:
            line.setPlaceholderText("Choose a phrase, or write your own")
        self._name(reason, "Reason", "Why they look alike. Choose a phrase or write your own.")
        return reason

    def _lay_out(self) -> None:
        ends = QHBoxLayout()
        ends.addWidget(QLabel("a little"))
        ends.addWidget(self.strength, 1)
        ends.addWidget(QLabel("easily confused"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.ok)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addWidget(self.slides_button)
        layout.addWidget(self.subtypes_button)
        layout.addLayout(ends)
        layout.addWidget(self.margin)
        layout.addWidget(self.reason)
        layout.addWidget(self.expert_label)
        layout.addWidget(self.expert)
        layout.addLayout(buttons)

    # ---- using

    def ask(self, question: PairQuestion) -> None:
        """Show the form for a pair, filled with what is known of it."""
        self._question = question
        draft = question.draft
        existing = draft is not None and not question.proposed
        self.title.setText("Change this mark" if existing else "What does the mark join?")
        self.slides_button.setText(f"These two slides ({' and '.join(question.slides)})")
        self.subtypes_button.setText("All slides of these two subtypes")
        self.subtypes_button.setToolTip(
            f"The mark holds for every slide of {' and of '.join(question.subtypes)}."
        )
        on_subtypes = draft is not None and draft.level == "subtype"
        (self.subtypes_button if on_subtypes else self.slides_button).setChecked(True)
        for button in (self.slides_button, self.subtypes_button):
            button.setVisible(not existing)
        self.strength.setValue(round((draft.strength if draft else 0.75) * STEPS))
        self.reason.setCurrentText(draft.reason if draft else "")
        self.expert.setText(question.expert)
        for widget in (self.expert, self.expert_label):
            widget.setVisible(not question.expert)
        self.ok.setText("Keep the change" if existing else "Mark")
        self._show_margin()
        self._show_ready()
        self.show()
        (self.reason if question.expert else self.expert).setFocus()

    def draft(self) -> PairDraft:
        """What is filled in now."""
        return PairDraft(
            "subtype" if self.subtypes_button.isChecked() else "slide",
            self.strength.value() / STEPS,
            self.reason.currentText().strip(),
            self.expert.text().strip(),
        )

    def _show_margin(self) -> None:
        if self._question is None:
            return
        strength = self.strength.value() / STEPS
        margin = margin_cosine(strength, self._question.gamma, self._question.tau)
        self.margin.setText(f"Strength {strength:.2f}: pushed {margin:.2f} further apart in cosine")

    def _show_ready(self) -> None:
        ready = bool(self.expert.text().strip())
        self.ok.setEnabled(ready)
        self.ok.setToolTip(
            "Keep this mark in the hard-negative table." if ready else "Fill in your name first."
        )

    def _submit(self) -> None:
        if self.ok.isEnabled():
            self.submitted.emit(self.draft())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._submit()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Keys typed here must not reach napari's shortcuts.
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)
