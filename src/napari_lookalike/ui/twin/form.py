"""What an expert says of a pair: how alike, why, what tells them apart, how sure."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.hard_negatives.columns import PairMark
from napari_lookalike.session.suggested import Proposal
from napari_lookalike.session.twin_view import TwinView
from napari_lookalike.ui.twin.tile_list import TileList
from napari_lookalike.ui.widgets.mark_details import (
    STRENGTHS,
    MarkDetails,
    choice,
    from_the_beginning,
    line,
    named,
    said,
)
from napari_lookalike.ui.widgets.pair_form import REASONS
from napari_lookalike.ui.widgets.palette import theme_of

START = 4
CHOSEN = "QToolButton:checked { background: #00A88F; color: black; font-weight: bold; }"
"""napari's theme shows no difference on buttons of this kind."""


class TwinForm(QWidget):
    """The form beside the two slides.

    Signals
    -------
    mark_requested(), next_requested(), second_look_requested()
        The buttons, which have the keys M, N and C.
    expert_given(str)
        The expert typed a name.
    """

    mark_requested = Signal()
    next_requested = Signal()
    second_look_requested = Signal()
    expert_given = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.said, self.advice = QLabel(), QLabel()
        for label in (self.said, self.advice):
            label.setWordWrap(True)
        self.strength_name = QLabel()
        self.levels = QButtonGroup(self)
        self.expert = line("Your name", "Who says so: a name or initials. Asked once.")
        self.expert.setPlaceholderText("Your name or initials, then Enter")
        self.reason = choice("Reason", "Why they look alike: choose a phrase or write.", REASONS)
        self.details = MarkDetails((("Why", self.reason),))
        self.features, self.test = self.details.features, self.details.test
        self.result, self.confidence = self.details.result, self.details.confidence
        self.tiles = TileList()
        self.mark = _button("Mark the pair (M)", "Keep the mark; your tiles are shown once more.")
        self.next = _button("Next pair (N)", "Go on to the next pair that is worth a look.")
        self.second = _button(
            "Check others' tiles (C)", "Confirm or dispute another expert's tiles."
        )
        self._lay_out()
        self.mark.clicked.connect(self.mark_requested)
        self.next.clicked.connect(self.next_requested)
        self.second.clicked.connect(self.second_look_requested)
        self.expert.editingFinished.connect(self._give_name)
        self.set_strength(START)

    def _lay_out(self) -> None:
        levels = QHBoxLayout()
        levels.setSpacing(3)
        for i, words in enumerate(STRENGTHS, start=1):
            button = QToolButton()
            button.setText(str(i))
            button.setCheckable(True)
            button.setMinimumWidth(34)
            button.setStyleSheet(CHOSEN)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            named(button, f"Strength {i}", f"{words.capitalize()} (key {i}).")
            button.clicked.connect(partial(self.set_strength, i))
            self.levels.addButton(button, i)
            levels.addWidget(button)
        levels.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 4)
        layout.setSpacing(5)
        layout.addWidget(self.said)
        layout.addWidget(self.expert)
        layout.addLayout(levels)
        layout.addWidget(self.strength_name)
        layout.addWidget(self.details)
        layout.addWidget(self.tiles)
        layout.addWidget(self.advice)
        layout.addStretch()
        layout.addWidget(self.second)
        layout.addWidget(self.mark)
        layout.addWidget(self.next)

    # -- values -------------------------------------------------------------------

    @property
    def strength(self) -> int:
        """1 to 5."""
        return self.levels.checkedId()

    def set_strength(self, level: int, *_: object) -> None:
        """Choose how alike they are, 1 to 5."""
        button = self.levels.button(level)
        if button is not None:
            button.setChecked(True)
            self.strength_name.setText(f"{level} of 5: {STRENGTHS[level - 1]}")

    def draft(self) -> dict[str, object]:
        """Columns of the mark as filled in."""
        return {
            "strength": self.strength / len(STRENGTHS),
            "reason": self.reason.currentText().strip(),
            **self.details.draft(),
        }

    def fill(self, known: PairMark | Proposal | None) -> None:
        """Show what a mark says, or what is suggested; ``None``: an empty form."""
        level = START if known is None else round(known.strength * len(STRENGTHS))
        self.set_strength(min(max(level, 1), len(STRENGTHS)))
        self.reason.setCurrentText(said(known, "reason"))
        from_the_beginning(self.reason)
        self.details.fill(known)

    def show_view(self, view: TwinView, expert: str) -> None:
        """What is known of the pair."""
        self.said.setText(view.mark)
        self.expert.setVisible(not expert)
        self.tiles.show_tiles(view.tiles)
        self.advice.setText(view.advice if view.can_mark else "")
        self.advice.setVisible(view.can_mark)
        self.mark.setEnabled(view.can_mark)
        self.mark.setText("Keep the changes (M)" if view.own else "Mark the pair (M)")
        self.mark.setToolTip(
            "Keep the mark; your tiles are shown once more." if view.can_mark else view.mark
        )
        self.second.setVisible(bool(view.check))
        self.second.setToolTip(view.check)
        warning = theme_of(self).warning.name()
        self.said.setStyleSheet("" if view.can_mark else f"color: {warning};")

    def fields(self) -> tuple[QWidget, ...]:
        """What is typed in, in the order of Tab."""
        rest = (self.reason, *self.details.fields())
        return rest if self.expert.isHidden() else (self.expert, *rest)

    def has_focus(self) -> bool:
        """Whether something is being typed or chosen."""
        focused = QApplication.focusWidget()
        return focused is not None and self.isAncestorOf(focused)

    def ask_name(self) -> None:
        """The name is needed now."""
        self.expert.show()
        self.expert.setFocus()

    def _give_name(self) -> None:
        name = self.expert.text().strip()
        if name:
            self.expert_given.emit(name)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys go to the review
    named(button, text, tip)
    return button
