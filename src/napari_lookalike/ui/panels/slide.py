"""The slide on the canvas: overview, zoom, turning, distances, bookmarks, colours, label."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from qtpy.QtGui import QKeySequence, QResizeEvent, QShortcut
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.bookmarks import Bookmark
from napari_lookalike.core.slides.base import Slide
from napari_lookalike.session.bookmark_commands import DeleteBookmark, EditBookmark
from napari_lookalike.session.power import POWERS, power_of, power_text
from napari_lookalike.session.session import Session
from napari_lookalike.session.slide_view import SlideView, resolve_slide
from napari_lookalike.session.tile_memory import RANGE_MIB, choose_tile_memory, tile_memory
from napari_lookalike.ui.background import Background
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.lifetime import listen
from napari_lookalike.ui.notify import reported
from napari_lookalike.ui.readout import readout_of
from napari_lookalike.ui.slide_tools import SlideTools
from napari_lookalike.ui.widgets.bookmark_list import BookmarkList
from napari_lookalike.ui.widgets.label_pictures import LabelPictures
from napari_lookalike.ui.widgets.overview import Overview
from napari_lookalike.ui.widgets.palette import follow_theme, theme_of
from napari_lookalike.ui.widgets.scrolled import scrolled
from napari_lookalike.ui.widgets.slide_pictures import to_pixmap
from napari_lookalike.ui.widgets.two_rows import TwoRows

OVERVIEW_PX = 640
LOW_LINES = 32
"""Lines of text: a panel lower than so many has side by side what else lies in two rows."""
ROOM_PX = 28
"""Margins and scroll bar."""
COLOURS = "Colours as calibrated (ICC)"
TURNS = (
    ("↺", "Turn left by 90°", "Ctrl+←"),
    ("↻", "Turn right by 90°", "Ctrl+→"),
    ("⇄", "Mirror left to right", "Shift+H"),
    ("⇅", "Mirror top to bottom", "Shift+U"),
    ("Upright", "Neither turned nor mirrored", "Shift+N"),
)


class SlidePanel(QWidget):
    """All that belongs to looking at one slide.

    Parameters
    ----------
    session, runner
        Of the viewer.
    tools
        Its camera, distances and keys.
    """

    def __init__(self, session: Session, runner: JobRunner, tools: SlideTools) -> None:
        super().__init__()
        del runner
        self.session, self.tools = session, tools
        self._background = Background(session, self)
        self._view = SlideView()
        # The controls know their new size of text when control has returned.
        self._restyled = QTimer(self, interval=0, singleShot=True)
        self._restyled.timeout.connect(self._fold)
        self._build()
        self._lay_out()
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self)
        undo.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        undo.activated.connect(self._undo)
        events, controls = session.events, tools.controls
        listen(self, [controls.slide_changed], self._on_slide)
        listen(self, [controls.moved], self._on_move)
        listen(self, [tools.measure.changed], self._on_measure)
        listen(self, [events.bookmarks, events.cohort, events.history_changed], self._show)
        listen(self, [events.colour_managed, events.project], self._show)
        self._on_slide()
        self._on_measure()
        follow_theme(self, self._on_move)

    # -- making -------------------------------------------------------------------

    def _build(self) -> None:
        tools = self.tools
        self.title = QLabel()
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.keys = self._button("Keys", "List all keys (F1)", tools.show_keys)
        self.more = self._button("…", "More settings", None)
        menu = QMenu(self.more)
        menu.addAction("Memory for tiles…").triggered.connect(lambda *_: self._ask_memory())
        self.more.setMenu(menu)
        self.more.setStyleSheet("QPushButton::menu-indicator { image: none; width: 0; }")
        self.overview = Overview()
        self.overview.move_requested.connect(tools.controls.look_at)
        self.readout, self.scanned, self.remark = QLabel(), QLabel(), QLabel()
        for label in (self.title, self.readout, self.scanned, self.remark):
            label.setWordWrap(True)
        self.powers = {p: self._power(i, p) for i, p in enumerate(POWERS, start=1)}
        self.fit = self._button("Fit", "Show the whole slide (Home)", tools.show_all)
        acts: tuple[Callable[[], object], ...] = (
            partial(tools.controls.turn, -1),
            partial(tools.controls.turn, 1),
            partial(tools.controls.mirror, "left-right"),
            partial(tools.controls.mirror, "top-bottom"),
            tools.upright,
        )
        self.turns = [
            self._button(text, f"{tip} ({key})", act)
            for (text, tip, key), act in zip(TURNS, acts, strict=True)
        ]
        self.measure = self._button(
            "Measure", "Measure a distance: two clicks or a drag (Shift+M)", tools.toggle_measure
        )
        self.measure.setCheckable(True)
        self.clear = self._button("Clear", "Take all distances away", tools.measure.clear)
        self.lengths = QLabel()
        self.lengths.setWordWrap(True)
        self._build_bookmarks()
        self.colours = QCheckBox(COLOURS)
        self.colours.toggled.connect(self._choose_colours)
        self.label = LabelPictures()
        self.label.asked.connect(self._read_label)

    def _build_bookmarks(self) -> None:
        self.add = self._button("Bookmark", "Bookmark what is shown (Shift+B)", self._add)
        self.note = self._button("Note…", "Change the note of the chosen bookmark", self._edit)
        self.delete = self._button("Delete", "Delete the chosen bookmark", self._delete)
        self.undo = self._button("Undo", "", self._undo)
        self.every = QCheckBox("All")
        self.every.setToolTip("List the bookmarks of the project's other slides too.")
        self.every.setAccessibleName("Bookmarks of all slides")
        self.every.toggled.connect(lambda _on: self._show())
        self.bookmarks = BookmarkList()
        self.bookmarks.go_requested.connect(self.tools.go_to)
        self.bookmarks.delete_requested.connect(self._delete)
        self.bookmarks.note_requested.connect(self._set_note)
        self.bookmarks.currentItemChanged.connect(lambda *_: self._show_chosen())
        self.kept = QLabel()
        self.kept.setWordWrap(True)

    def _button(self, text: str, tip: str, act: Callable[[], object] | None) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip.split(" (")[0] if len(text) < 2 else text)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 12)
        # A click must not take the keys away from the canvas; Tab still comes here.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if act is not None:
            button.clicked.connect(lambda *_: act())
        return button

    def _power(self, number: int, power: int) -> QPushButton:
        act = partial(self._zoom_to, power)
        button = self._button(power_text(power), _power_tip(number, power), act)
        button.setCheckable(True)
        return button

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(3)
        for button in (self.keys, self.more):
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        column.addLayout(_row((self.title, 1), self.keys, self.more))
        facts = QVBoxLayout()
        facts.addWidget(self.readout)
        facts.addWidget(self.scanned)
        facts.addStretch()
        self._rows = [
            TwoRows(_row((self.overview, 1)), facts),
            TwoRows(_row(*self.turns), _row(self.measure, self.clear)),
            TwoRows(
                _row((self.add, 1), self.every),
                _row(self.note, self.delete, self.undo),
            ),
        ]
        place, turning, marks = self._rows
        column.addLayout(place, 1)
        column.addWidget(self.remark)
        column.addLayout(_row(*self.powers.values(), self.fit))
        column.addLayout(turning)
        column.addWidget(self.lengths)
        column.addLayout(marks)
        column.addWidget(self.bookmarks, 1)
        column.addWidget(self.kept)
        column.addWidget(self.colours)
        column.addWidget(self.label)
        scroll = scrolled(inner)
        scroll.setMinimumWidth(inner.minimumSizeHint().width() + 16)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._restyled.start()

    def _fold(self) -> None:
        """Have the bookmarks in sight on a small screen too."""
        low = self.height() < LOW_LINES * self.fontMetrics().height()
        for rows in self._rows:
            rows.fold(low, self.width() - ROOM_PX)

    # -- showing ------------------------------------------------------------------

    def _on_slide(self) -> None:
        """Another slide: what was asked of the last one is forgotten."""
        self._background.forget()
        self.label.hide_pictures()
        slide, facts = self.tools.controls.slide(), self.tools.controls.facts
        self.overview.show_slide(facts.size_px0 if facts is not None else (0, 0))
        if slide is not None:
            self._background.run(partial(_thumbnail, slide), self._show_overview, self._no_overview)
        self._show()
        self._on_move()

    def _show_overview(self, pixels: NDArray[np.uint8]) -> None:
        self.overview.show_picture(to_pixmap(pixels))

    def _no_overview(self, _error: BaseException) -> None:
        self.overview.show_failure()  # that the slide is damaged is said by the canvas

    def _show(self, *_: object) -> None:
        facts = self.tools.controls.facts
        view = resolve_slide(self.session, facts, all_slides=self.every.isChecked())
        self._view = view
        self.title.setText(f"<b>{view.title}</b>" if view.there else view.title)
        for widget in (self.fit, self.measure, self.add, *self.turns):
            widget.setEnabled(view.there)
        for number, (power, button) in enumerate(self.powers.items(), start=1):
            button.setEnabled(view.there and not view.powers_hint)
            button.setToolTip(view.powers_hint or _power_tip(number, power))
        self.bookmarks.show_rows(view.bookmarks)
        self.kept.setText(view.bookmarks_hint)
        self.kept.setVisible(bool(view.bookmarks_hint))
        project = self.session.project
        self.every.setVisible(project is not None)
        with QSignalBlocker(self.colours):
            self.colours.setChecked(self.session.colour_managed and view.profile)
        self.colours.setEnabled(view.profile)
        self.colours.setToolTip(view.profile_hint)
        self.label.setEnabled(view.label)
        self.label.setToolTip(view.label_hint)
        self._show_chosen()

    def _show_chosen(self) -> None:
        project, chosen = self.session.project, self.bookmarks.chosen()
        locked = chosen is not None and chosen.of_project
        locked = locked and project is not None and project.read_only
        for button in (self.note, self.delete):
            button.setEnabled(chosen is not None and not locked)
        history = self.session.history
        self.undo.setEnabled(history.can_undo)
        undo = f"Undo: {history.undo_text}" if history.can_undo else "Nothing to undo"
        self.undo.setToolTip(undo)

    def _on_move(self, *_: object) -> None:
        controls = self.tools.controls
        field, facts = controls.field(), controls.facts
        said = readout_of(controls)
        head = f"<b>{said.power}</b> · {said.pixel}" if said.power else said.pixel
        self.readout.setText(head)
        turned = controls.orientation
        scanned = f"Scanned at {said.native}" if said.native else ""
        self.scanned.setText(" · ".join(t for t in (scanned, turned.words) if t))
        self.remark.setText(said.remark)
        self.remark.setStyleSheet(f"color: {theme_of(self).warning.name()}")
        for label in (self.readout, self.scanned):
            label.setVisible(bool(label.text()))
        self.remark.setVisible(bool(said.remark))
        self.overview.show_field(field.region if field is not None else None, turned)
        mpp = facts.mpp if facts is not None else None
        now = power_of(field.downsample * mpp) if field is not None and mpp is not None else 0.0
        for power, button in self.powers.items():
            button.setChecked(abs(now - power) < 0.02 * power)

    def _on_measure(self) -> None:
        measure = self.tools.measure
        self.measure.setChecked(measure.active)
        self.clear.setEnabled(bool(measure.lengths))
        parts = ["Click twice or drag; Esc ends."] if measure.active else []
        if measure.lengths:
            parts.append("Distances: " + ", ".join(measure.lengths))
        self.lengths.setText(" ".join(parts))
        self.lengths.setVisible(bool(parts))

    # -- what the user does -------------------------------------------------------

    def _zoom_to(self, power: int) -> None:
        self.tools.power(power)
        self._on_move()  # a checkable button has changed by itself

    def _add(self) -> None:
        bookmark = self.tools.add_bookmark()
        if bookmark is not None:
            self.bookmarks.edit_note(bookmark.key)

    def _edit(self) -> None:
        self.bookmarks.edit_note()

    def _set_note(self, bookmark: Bookmark, note: str) -> None:
        with reported(self.session):
            self.session.history.do(EditBookmark(bookmark, note))

    def _delete(self, *_: object) -> None:
        chosen = self.bookmarks.chosen()
        if chosen is not None:
            with reported(self.session):
                self.session.history.do(DeleteBookmark(chosen))

    def _undo(self) -> None:
        with reported(self.session):
            self.session.history.undo()

    def _choose_colours(self, on: bool) -> None:
        self.session.colour_managed = on

    def _read_label(self) -> None:
        slide, facts = self.tools.controls.slide(), self.tools.controls.facts
        if slide is not None and facts is not None:
            work = partial(_pictures, slide, facts.pictures)
            self._background.run(work, self._show_label)

    def _show_label(self, pictures: dict[str, Any]) -> None:
        self.label.show_pictures({name: to_pixmap(p) for name, p in pictures.items()})

    def _ask_memory(self) -> None:
        mib, go_on = QInputDialog.getInt(
            self,
            "Memory for tiles",
            "MiB of memory for the parts of slides that were read (all windows together).\n"
            "More makes going back faster:",
            tile_memory(),
            *RANGE_MIB,
            128,
        )
        if go_on and not choose_tile_memory(mib):
            self.session.say("The choice holds for now, but could not be kept.", "warning")


def _power_tip(number: int, power: int) -> str:
    return f"Zoom to {power_text(power)} about the centre (Ctrl+{number})"


def _row(*parts: QWidget | tuple[QWidget, int]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(2)
    for part in parts:
        widget, stretch = part if isinstance(part, tuple) else (part, 0)
        row.addWidget(widget, stretch)
    return row


def _thumbnail(slide: Slide) -> NDArray[np.uint8]:
    return slide.thumbnail(OVERVIEW_PX)


def _pictures(slide: Slide, names: tuple[str, ...]) -> dict[str, NDArray[np.uint8]]:
    return {name: slide.associated_image(name) for name in names}
