"""A scripted visit: does in the real window, with real clicks, what an expert does.

It opens a slide, marks two look-alike pairs on the map, fine-tunes, looks at the figures,
and keeps the new model or rolls it back. The demo without a display runs it, and so the
pictures in the documentation are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.session.selection import open_slide
from napari_lookalike.session.session import Session
from napari_lookalike.ui.panels.map import MapPanel
from napari_lookalike.ui.panels.training import TrainingPanel
from napari_lookalike.ui.start import Window

EXPERT = "Demo script"
SIZE = (1680, 1000)


class VisitFailed(LookalikeError):
    """Something did not happen in the window within its time."""


@dataclass(frozen=True)
class Wish:
    """A pair that the visitor marks.

    Parameters
    ----------
    subtypes
        The two subtypes.
    level
        "subtype" or "slide".
    reason
        In the visitor's words.
    """

    subtypes: tuple[str, str]
    level: str
    reason: str


class Visit:
    """The visitor.

    Parameters
    ----------
    window
        Our window, with a project that has a model.
    out
        Folder for the pictures; must exist.
    """

    def __init__(self, window: Window, out: Path) -> None:
        self.window, self.out = window, out
        self.session = window.workspace.session
        # Given here and not typed: a typed name is kept as this user's, and the script is not.
        self.session.expert = EXPERT
        window.set_size(*SIZE)
        self.map: MapPanel = self._panel("Map", MapPanel)
        self.teach: TrainingPanel = self._panel("Teach", TrainingPanel)
        self.seconds: dict[str, float] = {}

    def _panel(self, title: str, kind: type[Any]) -> Any:
        found: Any = self.window.docks[title].findChild(kind)
        if found is None:
            raise VisitFailed(f"The panel {title} is not in the window.", "Report this.")
        return found

    def run(self, wishes: Sequence[Wish]) -> None:
        """The whole visit; pictures go to ``out``, times to ``seconds``."""
        start = time.perf_counter()
        self._wait(self._umap_is_shown, 120, "the first map")
        self._open(self._pairs(wishes[0].subtypes)[0][0])
        self.picture("window_before")
        self.map.grab().save(str(self.out / "umap_before.png"))
        self._attention()
        self.seconds["first look"] = time.perf_counter() - start
        start = time.perf_counter()
        for wish in wishes:
            self.mark(wish)
        self.seconds["marking"] = time.perf_counter() - start
        start = time.perf_counter()
        self.fine_tune()
        self.seconds["fine-tuning"] = time.perf_counter() - start
        self.window.docks["Teach"].raise_()
        self._wait(self._umap_is_shown, 120, "the new map")
        self._settle()
        self.picture("window_after")
        self.map.grab().save(str(self.out / "umap_after.png"))

    # -- steps --------------------------------------------------------------------

    def _umap_is_shown(self) -> bool:
        shown = self.session.projection
        results = self.session.results
        return (
            shown is not None
            and results is not None
            and shown.method == "umap"
            and shown.version == results.version
        )

    def _open(self, slide_id: str) -> None:
        open_slide(self.session, slide_id)
        canvas = self.window.workspace.canvas
        self._wait(lambda: canvas.overlay is not None and not canvas.loading, 60, "the slide")
        self._settle()

    def _attention(self) -> None:
        """The canvas alone: the slide with its overlay."""
        self.window.viewer.reset_view()
        self._settle()
        from napari.utils.io import imsave

        picture = self.window.viewer.screenshot(canvas_only=True, flash=False)
        imsave(str(self.out / "attention.png"), picture)

    def _pairs(self, subtypes: tuple[str, str]) -> list[tuple[str, str]]:
        """Slides of the two subtypes, those that lie nearest on the map first."""
        shown = self.session.projection
        if shown is None:
            raise VisitFailed("There is no map.", "Report this.")
        place = dict(zip(shown.slide_ids, shown.points, strict=True))
        cohort = self.session.cohort
        a, b = ([s for s in shown.slide_ids if cohort[s].label == name] for name in subtypes)
        return sorted(
            product(a, b), key=lambda ab: float(np.linalg.norm(place[ab[0]] - place[ab[1]]))
        )

    def mark(self, wish: Wish) -> None:
        """Click two slides on the map and fill in the form."""
        scatter, form = self.map.scatter, self.map.form
        before = len(self.session.marks)
        a, b = next((p for p in self._pairs(wish.subtypes) if self._visible(*p)), ("", ""))
        if not a:
            raise VisitFailed("No two such slides can be clicked on the map.", "Report this.")
        self._click(scatter, scatter.point_at(a))
        self._click(scatter, scatter.point_at(b), Qt.KeyboardModifier.ControlModifier)
        self._wait(lambda: set(self.session.selection) == {a, b}, 20, "the selection")
        self._click(self.map.strip.mark)
        button = form.subtypes_button if wish.level == "subtype" else form.slides_button
        button.click()
        form.strength.setValue(form.strength.maximum())
        editor: Any = form.reason.lineEdit()
        editor.clear()
        QTest.keyClicks(editor, wish.reason)
        self._settle()
        if before == 0:
            self.picture("window_marking")
        self._click(form.ok)
        self._wait(lambda: len(self.session.marks) > before, 20, "the mark")

    def _visible(self, a: str, b: str) -> bool:
        """Whether a click on each point would hit it, and not one that lies over it."""
        scatter = self.map.scatter
        return all(scatter.key_at(scatter.point_at(key).toPointF()) == key for key in (a, b))

    def fine_tune(self) -> None:
        """Press the button in Teach, and wait for the figures."""
        self.window.docks["Teach"].raise_()
        self._settle()
        said = self.session.notice
        self._click(self.teach.start)
        self._wait(
            lambda: self.session.results_before is not None or self._error_since(said),
            300,
            "the fine-tuned model",
        )
        if self.session.results_before is None:
            notice = self.session.notice
            raise VisitFailed("Fine-tuning failed.", notice.text if notice else "")

    def _error_since(self, said: object) -> bool:
        notice = self.session.notice
        return notice is not None and notice is not said and notice.kind == "error"

    def choose(self, keep: bool) -> None:
        """Keep the new model, or roll back."""
        self._click(self.teach.keep if keep else self.teach.roll_back)
        self._wait(lambda: self.session.results_before is None, 20, "the choice")

    def picture(self, name: str) -> None:
        """Save the whole window as ``<name>.png``."""
        main = self.window.docks["Cases"].window()
        # The canvas is OpenGL and is not part of QWidget.grab(): the screen has both.
        screen = QApplication.primaryScreen()
        screen.grabWindow(main.winId()).save(str(self.out / f"{name}.png"))

    # -- hands and patience -------------------------------------------------------

    def _click(
        self,
        widget: QWidget,
        at: QPoint | None = None,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        where = at if at is not None else widget.rect().center()
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, modifier, where)
        self._settle()

    def _settle(self, seconds: float = 0.6) -> None:
        """Let the window paint."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            QApplication.processEvents()
            time.sleep(0.01)

    def _wait(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.perf_counter() + seconds
        while not ready():
            if time.perf_counter() > end:
                notice = self.session.notice
                raise VisitFailed(
                    f"Waited {seconds:.0f} s in vain for {what}.", notice.text if notice else ""
                )
            QApplication.processEvents()
            time.sleep(0.01)


def improved(session: Session) -> bool:
    """Whether the new model is worth keeping.

    It is if, on held-out patients, the marked pairs are confused less often and the
    balanced accuracy did not fall.
    """
    before, after = session.results_before, session.results
    if before is None or after is None:
        return False
    old, new = before.metrics, after.metrics
    marked = [pair for pair in new["pairs"] if pair in old["pairs"]]
    confusion = [
        new["pairs"][pair]["confusion"]["value"] - old["pairs"][pair]["confusion"]["value"]
        for pair in marked
    ]
    fell = new["balanced_accuracy"]["value"] < old["balanced_accuracy"]["value"]
    return sum(confusion) < 0 and not fell
