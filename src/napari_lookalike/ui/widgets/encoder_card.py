"""What the Embedding panel says of an encoder, and how its weights are brought in."""

from __future__ import annotations

import re
from functools import partial
from html import escape
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lookalike.core.child import ChildFailed
from napari_lookalike.core.encoders import ENCODERS
from napari_lookalike.core.encoders.availability import encoder_state
from napari_lookalike.core.encoders.bring import WeightReport, check_weights
from napari_lookalike.core.encoders.imported import imported_spec, is_imported
from napari_lookalike.core.errors import LookalikeError
from napari_lookalike.core.progress import JobCancelled
from napari_lookalike.session.encoder_view import EncoderText, describe_encoder
from napari_lookalike.ui.jobs import JobRunner
from napari_lookalike.ui.widgets.palette import follow_theme, theme_of

KINDS = "Weights (*.safetensors *.bin *.pth *.pt *.index.json)"
HOW = "How to bring its weights in"
CHECKING = "Comparing the file with the encoder…"


class EncoderCard(QWidget):
    """The state of one encoder, with buttons for its weights.

    Signals
    -------
    weights_chosen(str)
        Path of a weight file (or a folder that holds it) that fits the encoder. Without a
        runner nothing is compared, and the path is what the user chose.

    Parameters
    ----------
    runner
        Compares a chosen file with the encoder, in the child process.
    """

    weights_chosen = Signal(str)

    def __init__(self, runner: JobRunner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._name = ""
        self._job: int | None = None
        self._text: EncoderText | None = None
        self._said = "", False
        follow_theme(self, self._again)
        self.status, self.about, self.report = _text(), _text(), _text()
        self.file = QPushButton("Choose weight file…")
        self.file.setToolTip("A safetensors or PyTorch file on this computer; nothing is sent")
        self.file.clicked.connect(self._choose_file)
        self.folder = QPushButton("Choose folder…")
        self.folder.setToolTip("A folder that holds the weight file: a download, or a cache")
        self.folder.clicked.connect(self._choose_folder)
        self.steps = _text()
        self.path = QLineEdit()
        self.path.setReadOnly(True)
        self.path.setAccessibleName("Where a weight file would be put")
        self.path.setToolTip("Put the weight file here, under this name, and it is found")
        self.copy = QPushButton("Copy the path")
        self.copy.setToolTip("For whoever brings the file to this computer")
        self.copy.clicked.connect(self._copy_path)
        # Not superqt's collapsible: it keeps the height that wrapped text has when it is folded.
        self.how = QPushButton(f"▸ {HOW}")
        self.how.setToolTip("Show or hide how weights come to this machine")
        self.how.setCheckable(True)
        self.how.toggled.connect(self._unfold)
        self.inside = QWidget()
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.steps)
        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(self.copy)
        column.addLayout(row)
        buttons = QHBoxLayout()
        buttons.addWidget(self.file)
        buttons.addWidget(self.folder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.status)
        layout.addWidget(self.about)
        layout.addLayout(buttons)
        layout.addWidget(self.report)
        layout.addWidget(self.how)
        layout.addWidget(self.inside)

    def _unfold(self, *_: object) -> None:
        shown = self.how.isChecked() and bool(self.steps.text())
        self.how.setText(f"{'▾' if self.how.isChecked() else '▸'} {HOW}")
        self.inside.setVisible(shown)

    # -- what is shown ------------------------------------------------------------

    def show_encoder(self, name: str, chosen: str | None = None) -> None:
        """Show an encoder of the catalogue.

        Parameters
        ----------
        name
            Its name; one that is not in the catalogue (``timm:…``, ``hf-hub:…``) is shown
            as such.
        chosen
            The weight file that the project names for it, if any.
        """
        if name != self._name:
            self._forget_job()
            self._say("")
        self._name = name
        if name in ENCODERS:
            self._show(describe_encoder(encoder_state(ENCODERS.get(name)), chosen is not None))
        else:
            self._show(_named(name, chosen is not None))

    def _again(self) -> None:
        """The theme is another: the same in its colours."""
        if self._text is not None:
            self._show(self._text)
        self._say(*self._said)

    def _show(self, text: EncoderText) -> None:
        self._text = text
        theme = theme_of(self)
        colour = (theme.good if text.ready else theme.warning).name()
        mark = "✓" if text.ready else "⚠"
        self.status.setText(f'<b style="color:{colour}">{mark} {escape(text.status)}</b>')
        lines = [escape(line) for line in text.facts]
        lines += [f'<span style="color:{theme.warning.name()}">{escape(c)}</span>'
                  for c in text.cautions]  # fmt: skip
        self.about.setText("<br>".join(lines))
        self.file.setVisible(text.takes_weights)
        self.folder.setVisible(text.takes_weights)
        self.steps.setText("<br>".join(f"{i}. {escape(s)}" for i, s in enumerate(text.steps, 1)))
        self.path.setText(text.path)
        self.path.setCursorPosition(0)
        self.how.setVisible(bool(text.steps))
        self._unfold()

    def show_report(self, report: WeightReport) -> None:
        """Show what was found in a weight file."""
        said = (breakable(line.replace(f"{report.sha256}.", f"{report.sha256[:16]}…"))
                for line in report.sentences())  # fmt: skip
        self._say("<br>".join(map(escape, said)), good=report.ok)

    def _say(self, html: str, good: bool = False) -> None:
        self._said = html, good
        theme = theme_of(self)
        colour = (theme.good if good else theme.warning).name()
        self.report.setText(f'<span style="color:{colour}">{html}</span>' if html else "")
        self.report.setVisible(bool(html))

    # -- what the user does -------------------------------------------------------

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Weight file", "", KINDS)
        if path:
            self.choose(path)

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder with the weight file")
        if path:
            self.choose(path)

    def choose(self, path: str) -> None:
        """Take a file or a folder for the encoder, once it is known to fit."""
        if self._runner is None:
            self.weights_chosen.emit(path)
            return
        self._forget_job()
        self._say(escape(CHECKING), good=True)
        self._job = self._runner.run(
            check_weights,
            self._name,
            Path(path),
            title="Checking a weight file",
            on_result=partial(self._checked, self._name, path),
            on_error=partial(self._failed, self._name),
        )

    def _checked(self, name: str, path: str, report: WeightReport) -> None:
        if name != self._name:  # another encoder was chosen meanwhile
            return
        self._job = None
        self.show_report(report)
        if report.keys.ok:
            self.weights_chosen.emit(path)

    def _failed(self, name: str, error: BaseException) -> None:
        if name != self._name:
            return
        self._job = None
        known = isinstance(error, (LookalikeError, ChildFailed))
        said = str(error) if known else f"The file could not be looked at ({type(error).__name__})."
        self._say("" if isinstance(error, JobCancelled) else escape(breakable(said)))

    def _forget_job(self) -> None:
        if self._runner is not None and self._job is not None:
            self._runner.cancel(self._job)
        self._job = None

    def _copy_path(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.path.text())


def breakable(text: str) -> str:
    """The text with places where long names (of tensors, say) may be broken.

    A word that is wider than the panel would make the label as wide, and cut its end off.
    """
    return re.sub(r"([._/-])(?=\S)", "\\1\u200b", text)


def _named(name: str, chosen: bool) -> EncoderText:
    """Words for an encoder that is not in the catalogue."""
    if is_imported(name):
        spec = imported_spec(name)
        return EncoderText(spec.title, True, (spec.note,), (), (), "", False)
    return EncoderText(
        status="Ready: a weight file was chosen." if chosen else "An encoder that you named.",
        ready=chosen,
        facts=(f"{name}: built when it is used; its weights are your own.",),
        cautions=(),
        steps=(),
        path="",
        takes_weights=True,
    )


def _text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
