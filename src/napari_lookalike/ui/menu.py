"""The menu "Look-alike": every panel with its key, the layout, light and dark, the text's size."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import QDockWidget, QMainWindow, QMenu, QWidget

from napari_lookalike.ui.text_size import change_text

TITLE = "Look-&alike"
PANEL_KEYS = {
    "Cases": "Alt+1",
    "Slide": "Alt+2",
    "Prediction": "Alt+3",
    "Top tiles": "Alt+4",
    "Map": "Alt+5",
    "Look-alikes": "Alt+6",
    "Suggestions": "Alt+7",
    "Teach": "Alt+8",
    "Embed": "Alt+9",
    "Project": "Alt+0",
    "Versions": "Ctrl+Alt+V",
}
"""Title of a panel -> its key. napari leaves these free."""
LARGER, SMALLER, NORMAL = "Ctrl+Alt+=", "Ctrl+Alt+-", "Ctrl+Alt+0"
THEME_KEY, RESET_KEY = "Ctrl+Alt+L", "Ctrl+Alt+R"
WINDOW_KEYS = (
    *((keys, f"The panel {title}", "Panels") for title, keys in PANEL_KEYS.items()),
    (RESET_KEY, "Reset the layout of the panels", "Panels"),
    (THEME_KEY, "Light or dark panels", "Panels"),
    (LARGER, "Larger text", "Panels"),
    (SMALLER, "Smaller text", "Panels"),
    (NORMAL, "Text as at first", "Panels"),
    ("Tab", "The next control; Shift + Tab the one before", "Panels"),
)
"""(keys, what they do, group), for the list of keys."""


def add_menu(
    main: QMainWindow,
    docks: dict[str, QDockWidget],
    reset: Callable[[], None],
    show_keys: Callable[[], None],
) -> QMenu:
    """Put the menu into the window's bar, before Help.

    Parameters
    ----------
    main, docks
        The window, and title -> dock of our panels.
    reset
        Lays the panels as at first. Like ``show_keys`` it must not hold the window: the menu
        belongs to it, and what holds each other is never freed.
    show_keys
        Opens the list of keys.
    """
    bar = main.menuBar()
    for old in bar.actions():  # the panels were docked before, closed, and are docked again
        if old.text() == TITLE:
            bar.removeAction(old)
    menu = QMenu(TITLE, main)
    menu.setToolTipsVisible(True)
    for title, dock in docks.items():
        tip = f"Bring the panel {title} forward, also if it was closed."
        _add(menu, title, PANEL_KEYS.get(title, ""), partial(_bring, weakref.ref(dock)), tip)
    menu.addSeparator()
    _add(menu, "Reset layout", RESET_KEY, reset, "Lay all panels as at first.")
    _add(menu, "Light or dark", THEME_KEY, change_theme, "For a bright or a dark room.")
    menu.addSeparator()
    _add(menu, "Larger text", LARGER, partial(change_text, 1), "In all panels; it is kept.")
    _add(menu, "Smaller text", SMALLER, partial(change_text, -1), "In all panels; it is kept.")
    _add(menu, "Normal text", NORMAL, partial(change_text, 0), "As at first.")
    menu.addSeparator()
    _add(menu, "Keys…", "", show_keys, "All keys in a list (F1 while the slide has the focus).")
    last = bar.actions()[-1] if bar.actions() else None
    bar.insertMenu(last, menu) if last is not None else bar.addMenu(menu)
    return menu


def _add(menu: QMenu, text: str, keys: str, act: Callable[..., Any], tip: str) -> None:
    action = QAction(text, menu)
    if keys:
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
    action.setToolTip(tip)
    action.setStatusTip(tip)
    action.triggered.connect(lambda *_: act())
    menu.addAction(action)


def _bring(reference: weakref.ref[QDockWidget]) -> None:
    dock = reference()
    if dock is not None:
        with contextlib.suppress(RuntimeError):  # closed for good
            bring_forward(dock)


def bring_forward(dock: QDockWidget) -> None:
    """Show a panel, and give its first control the focus, so that keys go there."""
    dock.show()
    dock.raise_()
    # Not by the chain of the Tab key: asked for it, PySide ties each control to the next for
    # ever, and the window with them.
    controls = dock.widget().findChildren(QWidget)
    first = next((w for w in controls if _takes_keys(w)), None)
    if first is not None:
        first.setFocus(Qt.FocusReason.ShortcutFocusReason)


def _takes_keys(widget: QWidget) -> bool:
    by_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return by_tab and widget.isVisible() and widget.isEnabled()


def change_theme() -> None:
    """From dark to light, or back; napari keeps it."""
    appearance = get_settings().appearance
    appearance.theme = "dark" if appearance.theme == "light" else "light"
