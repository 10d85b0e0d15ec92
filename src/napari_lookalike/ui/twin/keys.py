"""Keys of the twin review. They are heard while it is open and nothing is being typed.

napari has some of these letters for its layers. They are not taken from it: the review lies
over the canvas, has the focus, and lets no key through.
"""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Qt


@dataclass(frozen=True)
class TwinKey:
    """A key.

    Parameters
    ----------
    name
        What is called ("diagnostic").
    shown
        As it stands on the keyboard.
    title
        What it does.
    group
        Heading that it is listed under.
    """

    name: str
    shown: str
    title: str
    group: str


TILES, LOOK, MARK = "On the framed tile", "Look around", "The mark"

KEYS = (
    TwinKey("diagnostic", "D", "Diagnostic here; again takes it back", TILES),
    TwinKey("lookalike", "S", "Looks alike, not diagnostic; again takes it back", TILES),
    TwinKey("take_back", "X", "Take back what you said of it", TILES),
    TwinKey("step", "Shift + ← → ↑ ↓", "The tile beside it", TILES),
    TwinKey("side", "← →", "Slide A, slide B", LOOK),
    TwinKey("row", "↑ ↓", "The row before, the next row: go there in both", LOOK),
    TwinKey("top_tile", "T", "Next of the tiles that the model looked at most", LOOK),
    TwinKey("zoom", "+ −", "Zoom both (as the wheel does)", LOOK),
    TwinKey("show_all", "Home", "Both slides whole", LOOK),
    TwinKey("turn", "Ctrl + ← →", "Turn the slide that is meant by 90°", LOOK),
    TwinKey("mirror", "Shift + H, Shift + U", "Mirror it left to right, top to bottom", LOOK),
    TwinKey("scanned", "Shift + N", "Lay it as it was scanned", LOOK),
    TwinKey("toggle_link", "L", "Move both together, or each by itself", LOOK),
    TwinKey("strength", "1 2 3 4 5", "How easily they are confused", MARK),
    TwinKey("fields", "Tab", "The fields on the right, one by one; Esc goes back", MARK),
    TwinKey("mark", "M", "Mark the pair (your tiles are shown once more)", MARK),
    TwinKey("second_look", "C", "Confirm or dispute another expert's tiles", MARK),
    TwinKey("next_pair", "N", "The next pair", MARK),
    TwinKey("undo", "Ctrl + Z", "Undo; Ctrl + Shift + Z does it again", MARK),
    TwinKey("leave", "Esc", "Leave the comparison", MARK),
)

CHECK_KEYS = (
    ("Enter", "Right"),
    ("X", "Take it back, or dispute it"),
    ("Esc", "Back to the two slides"),
)

LETTERS: dict[int, str] = {
    Qt.Key.Key_D: "diagnostic",
    Qt.Key.Key_S: "lookalike",
    Qt.Key.Key_X: "take_back",
    Qt.Key.Key_T: "top_tile",
    Qt.Key.Key_Home: "show_all",
    Qt.Key.Key_L: "toggle_link",
    Qt.Key.Key_M: "mark",
    Qt.Key.Key_C: "second_look",
    Qt.Key.Key_N: "next_pair",
    Qt.Key.Key_Escape: "leave",
    Qt.Key.Key_F1: "show_keys",
}
"""Qt's key -> method of `TwinActs`, or else of `TwinReview`, that takes nothing."""

ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
ZOOMS = {Qt.Key.Key_Plus: 1 / 1.4, Qt.Key.Key_Equal: 1 / 1.4, Qt.Key.Key_Minus: 1.4}


def groups() -> dict[str, list[tuple[str, str]]]:
    """Heading -> (keys, what they do), for the list of keys."""
    found: dict[str, list[tuple[str, str]]] = {}
    for key in KEYS:
        found.setdefault(key.group, []).append((key.shown, key.title))
    found["While tiles are checked"] = list(CHECK_KEYS)
    return found


def key_of(name: str) -> str:
    """The key of an act, for a button's text and tooltip."""
    return next(key.shown for key in KEYS if key.name == name)


def title_of(name: str) -> str:
    """What an act is called in a menu."""
    return next(key.title for key in KEYS if key.name == name).split(";")[0]
