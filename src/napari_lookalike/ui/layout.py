"""The layout of the panels, kept for this user: which are open, where, how large, which tabs."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QTabBar

from napari_lookalike.session.expert import keep, kept

NAME = "layout"
"""Under which it is kept in the user's own settings."""


class LayoutKeeper(QObject):
    """Keeps the layout when the window is closed; belongs to the window.

    Parameters
    ----------
    main
        The window.
    docks
        Title -> dock of our panels.
    """

    def __init__(self, main: QMainWindow, docks: dict[str, QDockWidget]) -> None:
        former = layout_of(main)
        if former is not None:
            main.removeEventFilter(former)
            former.setParent(None)
        super().__init__(main)
        self._titles = sorted(docks)
        self._tidy = QTimer(self)
        self._tidy.setSingleShot(True)
        self._tidy.timeout.connect(self._hide_left_tabs)
        main.installEventFilter(self)

    @property
    def _main(self) -> QMainWindow:
        # Not held: the window would hold what holds it, and never be freed.
        found = self.parent()
        if not isinstance(found, QMainWindow):
            raise RuntimeError("the window is gone")
        return found

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Close:
            self.save()
        return False

    def _hide_left_tabs(self) -> None:
        for bar in left_tab_bars(self._main):
            bar.hide()
        if not self._tidy.interval():  # and once more: a tab that comes forward may show one
            self._tidy.start(1000)

    def save(self) -> None:
        """Keep how the panels lie now."""
        state = bytes(self._main.saveState().toBase64().data()).decode("ascii")
        size = self._main.normalGeometry().size() if self._main.isMaximized() else self._main.size()
        keep(
            NAME,
            {
                "panels": self._titles,
                "state": state,
                "size": [size.width(), size.height()],
                "maximized": self._main.isMaximized(),
            },
        )

    def restore(self) -> bool:
        """Lay the panels as they were; whether there was anything to restore.

        A layout of other panels, of another version of the program say, is passed over: a
        new panel would be nowhere in it.
        """
        found = self._kept()
        if found is None:
            return False
        state = QByteArray.fromBase64(found["state"].encode("ascii"))
        done = bool(self._main.restoreState(state))
        self._tidy.start(0)  # when the window has laid itself out
        return done

    def size(self) -> tuple[QSize, bool] | None:
        """Size of the window and whether it was maximized; ``None`` if it was not kept."""
        found = self._kept()
        if found is None:
            return None
        return QSize(*found["size"]), bool(found["maximized"])

    def _kept(self) -> dict[str, Any] | None:
        found = kept(NAME)
        if not isinstance(found, dict) or found.get("panels") != self._titles:
            return None
        size = found.get("size")
        right = isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size)
        whole = isinstance(found.get("state"), str) and found["state"].isascii()
        return found if right and whole and "maximized" in found else None


def left_tab_bars(main: QMainWindow) -> list[QTabBar]:
    """Tab bars that Qt left over the panels when it restored a layout.

    The tabs of the layout before stay where they were, beside those that are in use, which
    stand at the lower edge of a dock of theirs.
    """
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    alike: dict[tuple[str, ...], list[QTabBar]] = {}
    for bar in main.findChildren(QTabBar, options=direct):
        if bar.isVisible():
            texts = tuple(sorted(bar.tabText(i) for i in range(bar.count())))
            alike.setdefault(texts, []).append(bar)
    left = alike.pop((), [])
    docks = [d for d in main.findChildren(QDockWidget) if d.isVisible() and not d.isFloating()]
    for texts, bars in alike.items():
        mine = [d.geometry() for d in docks if d.windowTitle() in texts]
        if len(bars) > 1 and mine:
            off = [
                min(
                    abs(b.x() - g.x()) + abs(b.y() - g.bottom() - 1) + abs(b.width() - g.width())
                    for g in mine
                )
                for b in bars
            ]
            left += [b for i, b in enumerate(bars) if i != off.index(min(off))]
    return left


def layout_of(main: QMainWindow | None) -> LayoutKeeper | None:
    """The window's keeper, if our panels are docked in it."""
    found = main.findChild(LayoutKeeper) if main is not None else None
    return found if isinstance(found, LayoutKeeper) else None
