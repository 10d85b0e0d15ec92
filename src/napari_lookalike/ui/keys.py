"""Our keys on the canvas. None of napari's own is taken: tests compare them with its registries.

napari ignores keys in a plugin's manifest, so they are bound to the viewer itself, once.
Keys with a plain letter or digit belong to napari's layers, which is why ours have a modifier.
The panel Cases has PgDown, PgUp and Ctrl+Return of its own, so that they work wherever the
pointer is; Qt asks it first, and what is bound here is heard while it is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_lookalike.session.power import POWERS, power_text
from napari_lookalike.ui.menu import WINDOW_KEYS

if TYPE_CHECKING:
    from napari_lookalike.ui.slide_tools import SlideTools


@dataclass(frozen=True)
class Key:
    """A key and what it does.

    Parameters
    ----------
    keys
        As napari writes it ("Ctrl+1").
    title
        What it does, for a person.
    group
        Heading that it is listed under.
    act
        Takes nothing; what it returns is not looked at.
    """

    keys: str
    title: str
    group: str
    act: Callable[[], object]


ELSEWHERE = (
    ("Ctrl+Return", "Mark the open slide as reviewed", "Cases"),
    ("Ctrl+F", "Search, while Cases has the focus", "Cases"),
    ("↑ ↓", "The slide before, the next slide, while the list has the focus", "Cases"),
    ("Space", "Select the open slide too, or no longer, while the list has the focus", "Cases"),
    ("Ctrl+Z", "Undo, while Cases or Slide has the focus", "Cases"),
    ("Esc", "End measuring", "Measure and keep"),
    ("A, X, L", "Accept, reject, put off, while Suggestions has the focus", "Suggestions"),
    ("W", "Reject and say why, while Suggestions has the focus", "Suggestions"),
    ("N, Shift+N", "The next suggestion, the one before", "Suggestions"),
    ("C", "The two slides of the suggestion side by side", "Suggestions"),
    ("Alt+Shift+A, X, W, L", "The same, from the slide or another panel", "Suggestions"),
    ("Alt+Shift+N, B, V", "Next, before, side by side, from there too", "Suggestions"),
    ("A, D", "Agree with a mark, dispute it, while its table has the focus", "Look-alikes"),
    ("C, H, Del", "Side by side, history, retire or restore", "Look-alikes"),
    ("Arrows, Enter, Space", "From point to point, open, select; with the focus on it", "Map"),
    ("M", "Mark the two selected slides; again keeps the mark", "Map"),
    ("1 2 3 4 5", "How easily the two are confused", "Map"),
    ("N", "Select the next suggested pair", "Map"),
    ("C", "The two selected slides side by side", "Map"),
    ("L, D, P", "Lasso, every dot, pictures", "Map"),
    ("+ -, F", "Zoom, show all", "Map"),
    ("Alt+T", "Fine-tune with these pairs, while Teach has the focus", "Teach, Versions"),
    ("Alt+K, Alt+B", "Keep the new model, roll back", "Teach, Versions"),
    ("Alt+U, Alt+T, Alt+G", "Use, try, train again a version: in Versions", "Teach, Versions"),
    ("Wheel", "Zoom about the pointer", "Magnification"),
    ("Drag", "Move the slide", "Go to"),
    ("Ctrl+R", "Show everything (napari's own)", "Magnification"),
    ("Ctrl+Alt+/", "napari's own keys", "Help"),
    *WINDOW_KEYS,
)
"""(keys, what they do, group) of what is not bound here, but belongs in the list."""


def slide_keys(tools: SlideTools) -> list[Key]:
    """Every key of ours on the canvas, in the order in which they are listed."""
    zoom, turn, go, keep = "Magnification", "Turn and mirror", "Go to", "Measure and keep"
    controls = tools.controls
    powers = [
        Key(f"Ctrl+{i}", f"{power_text(p)}", zoom, partial(tools.power, p))
        for i, p in enumerate(POWERS, start=1)
    ]
    return [
        *powers,
        Key("Ctrl+7", "As scanned: one screen pixel per pixel of the slide", zoom, tools.native),
        Key("Home", "The whole slide", zoom, tools.show_all),
        Key("Ctrl+Right", "Turn right by 90°", turn, partial(controls.turn, 1)),
        Key("Ctrl+Left", "Turn left by 90°", turn, partial(controls.turn, -1)),
        Key("Shift+H", "Mirror left to right", turn, partial(controls.mirror, "left-right")),
        Key("Shift+U", "Mirror top to bottom", turn, partial(controls.mirror, "top-bottom")),
        Key("Shift+N", "As it was scanned", turn, tools.upright),
        Key("PageDown", "Next slide, as Cases lists them", go, partial(tools.step, 1)),
        Key("PageUp", "Previous slide", go, partial(tools.step, -1)),
        Key("Shift+T", "Compare the two selected slides side by side", go, tools.compare),
        Key("Shift+J", "Next bookmark of this slide", go, tools.next_bookmark),
        Key("Shift+M", "Measure a distance: two clicks or a drag", keep, tools.toggle_measure),
        Key("Shift+B", "Bookmark what is shown", keep, tools.add_bookmark),
        Key("F1", "This list", "Help", tools.show_keys),
    ]


def bind(viewer: Any, keys: Iterable[Key]) -> None:
    """Bind keys to a viewer (itself, not a proxy of it)."""
    for key in keys:
        viewer.bind_key(key.keys, _called_with_viewer(key.act))


def _called_with_viewer(act: Callable[[], object]) -> Callable[[Any], None]:
    def call(_viewer: Any) -> None:
        act()

    return call


def grouped(keys: Iterable[Key]) -> dict[str, list[tuple[str, str]]]:
    """Heading -> (keys, what they do), for the list."""
    found: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        found.setdefault(key.group, []).append((shown(key.keys), key.title))
    for text, title, group in ELSEWHERE:
        found.setdefault(group, []).append((shown(text), title))
    return found


def shown(keys: str) -> str:
    """A key as it stands on the keyboard."""
    for long, short in (
        ("PageDown", "PgDown"),
        ("PageUp", "PgUp"),
        ("Right", "→"),
        ("Left", "←"),
        ("Return", "Enter"),
    ):
        keys = keys.replace(long, short)
    return keys.replace("+", " + ")
