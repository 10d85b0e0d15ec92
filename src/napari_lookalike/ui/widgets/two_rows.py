"""Two rows of controls that lie side by side where their panel is low and wide enough."""

from __future__ import annotations

from qtpy.QtWidgets import QBoxLayout, QLayout

GAP = 4


class TwoRows(QBoxLayout):
    """One row above the other, until `fold` finds that both fit into one.

    Parameters
    ----------
    first
        Gets the room that is left.
    second
        Below it, or to its right.
    """

    def __init__(self, first: QLayout, second: QLayout) -> None:
        super().__init__(QBoxLayout.Direction.TopToBottom)
        self.setSpacing(GAP)
        self.addLayout(first, 1)
        self.addLayout(second)

    @property
    def beside(self) -> bool:
        """Whether both lie side by side."""
        return self.direction() == QBoxLayout.Direction.LeftToRight

    def fold(self, low: bool, room: int) -> None:
        """Lay both side by side in a low panel, where the words of both can be read.

        Parameters
        ----------
        low
            Whether the panel is too low for two rows.
        room
            Its width, pixels.
        """
        beside = low and self._needs() <= room
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self.setDirection(way)
        self.setStretch(1, int(beside))

    def _needs(self) -> int:
        """Width of both side by side."""
        parts = [item for i in range(self.count()) if (item := self.itemAt(i)) is not None]
        return sum(part.minimumSize().width() for part in parts) + self.spacing()
