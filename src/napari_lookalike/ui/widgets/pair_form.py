"""The form that is filled to mark two slides, or their subtypes, as look-alikes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.core.hard_negatives.weights import margin_cosine
from napari_lookalike.ui.widgets.fold import Fold
from napari_lookalike.ui.widgets.mark_details import (
    STRENGTHS,
    MarkDetails,
    choice,
    from_the_beginning,
    line,
    named,
)
from napari_lookalike.ui.widgets.short_area import ShortArea

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
LEAST_FIELDS_PX = 140
LEVEL_KEYS = {
    Qt.Key.Key_1: 1,
    Qt.Key.Key_2: 2,
    Qt.Key.Key_3: 3,
    Qt.Key.Key_4: 4,
    Qt.Key.Key_5: 5,
}
KEEP = "Keep this mark in the hard-negative table (Enter, or M while nothing is typed)."


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
    features, test, test_result, confidence
        What tells the two apart, and how sure the expert is; may be empty.
    """

    level: Literal["slide", "subtype"]
    strength: float
    reason: str
    expert: str
    features: str = ""
    test: str = ""
    test_result: str = ""
    confidence: str = ""

    @classmethod
    def of(cls, mark: PairMark) -> PairDraft:
        """What a mark says."""
        return cls(**{f.name: getattr(mark, f.name) for f in fields(cls)})

    @property
    def details(self) -> dict[str, str]:
        """Columns of a mark besides level, strength, reason and expert."""
        return {
            "features": self.features,
            "test": self.test,
            "test_result": self.test_result,
            "confidence": self.confidence,
        }


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
    """Level, strength, reason and, at the first mark, the expert's name; more is folded away.

    Keys, while nothing is being typed: 1 to 5 for the strength, M or Return to keep the mark,
    Escape to leave it.

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
        for text in (self.title, self.margin):
            text.setWordWrap(True)  # a radio button cannot, so it has no names
        self.margin.setToolTip("How much less similar fine-tuning asks the two to become.")
        self.reason = self._make_reason()
        self.details = MarkDetails(columns=2)
        self.more = Fold("More: what tells them apart, test, how sure", self.details)
        self.expert = line(
            "Your name", "Who says so: a name or initials, kept with each mark. Asked once."
        )
        self.expert_label = QLabel("Your name")
        self.ok, self.cancel = QPushButton("Mark"), QPushButton("Cancel")
        named(self.ok, "Mark as look-alike", KEEP)
        named(self.cancel, "Cancel marking", "Close the form; nothing is kept (Esc).")
        self._lay_out()
        self.strength.valueChanged.connect(self._show_margin)
        self.expert.textChanged.connect(self._show_ready)
        self.ok.clicked.connect(self.submit)
        self.cancel.clicked.connect(self.cancelled)

    # ---- making

    def _make_strength(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(1, STEPS)
        slider.setPageStep(4)
        levels = ", ".join(f"{i} {words}" for i, words in enumerate(STRENGTHS, start=1))
        named(
            slider,
            "How alike they look",
            "How easily the two are confused. A stronger mark pushes the pair further apart."
            f" Keys: {levels}.",
        )
        return slider

    def _make_reason(self) -> QComboBox:
        tip = "Why they look alike. Choose a phrase or write your own."
        reason = choice("Reason", tip, REASONS)
        reason.setMinimumContentsLength(12)
        editor = reason.lineEdit()
        if editor is not None:
            editor.setPlaceholderText("Choose a phrase, or write your own")
        return reason

    def _lay_out(self) -> None:
        ends = QHBoxLayout()
        ends.addWidget(QLabel("a little"))
        ends.addWidget(self.strength, 1)
        ends.addWidget(QLabel("easily confused"))
        name = QHBoxLayout()
        name.addWidget(self.expert_label)
        name.addWidget(self.expert, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.ok)
        fields = QWidget()
        layout = QVBoxLayout(fields)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addWidget(self.slides_button)
        layout.addWidget(self.subtypes_button)
        layout.addLayout(ends)
        layout.addWidget(self.margin)
        layout.addWidget(self.reason)
        layout.addWidget(self.more)
        layout.addLayout(name)
        # With large text in a small window the fields scroll, and the buttons stay in sight.
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 2, 0, 0)
        whole.setSpacing(4)
        whole.addWidget(ShortArea(fields, LEAST_FIELDS_PX))
        whole.addLayout(buttons)

    # ---- using

    def ask(self, question: PairQuestion, *, take_focus: bool = True) -> None:
        """Show the form for a pair, filled with what is known of it.

        Parameters
        ----------
        question
            The pair.
        take_focus
            Whether the user is to type in it next.
        """
        self._question = question
        draft = question.draft
        existing = draft is not None and not question.proposed
        names = " and ".join(question.slides)
        asked = f"{names}: what does the mark join?"
        self.title.setText(f"Change the mark of {names}" if existing else asked)
        self.slides_button.setText("These two slides")
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
        from_the_beginning(self.reason)
        self.details.fill(draft)
        # What a mark says is shown; a suggestion says above the form which test it knows of.
        known = existing and draft is not None and any(draft.details.values())
        self.more.button.setChecked(known)
        self.expert.setText(question.expert)
        for widget in (self.expert, self.expert_label):
            widget.setVisible(not question.expert)
        self.ok.setText("Keep the change" if existing else "Mark")
        self._show_margin()
        self._show_ready()
        self.show()
        if take_focus:
            # Not where one types: 1 to 5 and M are heard at once.
            (self.strength if question.expert else self.expert).setFocus()

    def set_strength(self, level: int) -> None:
        """Choose how alike they are, 1 to 5 as in the twin review."""
        self.strength.setValue(round(level * STEPS / len(STRENGTHS)))

    def draft(self) -> PairDraft:
        """What is filled in now."""
        return PairDraft(
            "subtype" if self.subtypes_button.isChecked() else "slide",
            self.strength.value() / STEPS,
            self.reason.currentText().strip(),
            self.expert.text().strip(),
            **self.details.draft(),
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
        self.ok.setToolTip(KEEP if ready else "Fill in your name first.")

    def submit(self) -> None:
        """Keep the mark as it is filled in, if a name is."""
        if self.ok.isEnabled():
            self.submitted.emit(self.draft())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Letters and digits come here from what does not take text.
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_M):
            self.submit()
        elif event.key() in LEVEL_KEYS:
            self.set_strength(LEVEL_KEYS[Qt.Key(event.key())])
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
