"""The Project panel's button to exchange with other programs."""

from __future__ import annotations

import contextlib

from qtpy.QtWidgets import QDialog, QMenu, QPushButton, QWidget

from napari_lookalike.session.session import Session, ShownMap
from napari_lookalike.session.stored_maps import available_maps
from napari_lookalike.ui.jobs import JobRunner

NO_MAPS = "This slide has none"


class ExchangeButton(QPushButton):
    """Import, export, and which imported map is drawn.

    Parameters
    ----------
    session, runner
        Of the viewer.
    """

    def __init__(self, session: Session, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__("Exchange ▾", parent)
        self.session, self.runner = session, runner
        self.setToolTip("Bring in features of other programs, or write what they read")
        self.setAccessibleName("Exchange with other programs")
        self.setStyleSheet("QPushButton::menu-indicator { image: none; width: 0; }")
        menu = QMenu(self)
        self.setMenu(menu)
        menu.addAction("Import features…").triggered.connect(lambda *_: self.open_import())
        menu.addAction("Export…").triggered.connect(lambda *_: self.open_export())
        menu.addSeparator()
        self.maps = QMenu("Imported maps", menu)
        menu.addMenu(self.maps)
        self.maps.aboutToShow.connect(self.fill_maps)
        self.dialog: QDialog | None = None

    def open_import(self) -> QDialog:
        """Show the dialog of an import."""
        from napari_lookalike.ui.exchange.import_dialog import ImportDialog

        return self._open(ImportDialog)

    def open_export(self) -> QDialog:
        """Show the dialog of an export."""
        from napari_lookalike.ui.exchange.export_dialog import ExportDialog

        return self._open(ExportDialog)

    def _open(self, kind: type[QDialog]) -> QDialog:
        with contextlib.suppress(RuntimeError):  # deleted when it was closed
            if self.dialog is not None and isinstance(self.dialog, kind):
                self.dialog.show()
                self.dialog.raise_()
                return self.dialog
        self.dialog = kind(self.session, self.runner, self.window())  # type: ignore[call-arg, arg-type]
        self.dialog.show()
        return self.dialog

    def fill_maps(self) -> None:
        """List the maps of the slide on the canvas; the one that is drawn is ticked."""
        self.maps.clear()
        found = available_maps(self.session)
        if not found:
            self.maps.addAction(NO_MAPS).setEnabled(False)
            return
        for shown in (None, *found):
            text = "None" if shown is None else f"{shown.name}: {shown.column}"
            action = self.maps.addAction(text)
            action.setCheckable(True)
            action.setChecked(shown == self.session.shown_map)
            action.triggered.connect(lambda *_, chosen=shown: self.show_map(chosen))

    def show_map(self, chosen: ShownMap | None) -> None:
        """Draw this map over slides that have it, or none."""
        self.session.shown_map = chosen
