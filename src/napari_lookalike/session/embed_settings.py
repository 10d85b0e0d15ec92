"""How this computer embeds: device, batch, cluster. The user's settings, not the project's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from napari_lookalike.session import expert

SETTING = "embedding"
AUTO = "auto"
MOST_TILES = 4096
"""Largest batch that can be asked for."""


@dataclass(frozen=True)
class EmbedSettings:
    """What the panel Embed asks of this computer.

    Parameters
    ----------
    device
        "auto", "cpu", "mps", "cuda" or "cuda:<number>".
    batch
        Tiles that the encoder takes at once; 0 = found out by itself.
    cluster
        Address of a Dask scheduler; empty = this computer.
    """

    device: str = AUTO
    batch: int = 0
    cluster: str = ""

    def options(self) -> dict[str, Any]:
        """Arguments of `embed_project` for what is not left to itself."""
        given = {"device": self.device, "batch": self.batch, "dask": self.cluster}
        return {name: value for name, value in given.items() if value and value != AUTO}


def embed_settings() -> EmbedSettings:
    """The settings as kept; the default of each that is not kept or makes no sense."""
    found = expert.kept(SETTING)
    kept = found if isinstance(found, dict) else {}
    device, batch, cluster = (kept.get(name) for name in ("device", "batch", "cluster"))
    sound = isinstance(batch, int) and not isinstance(batch, bool) and 0 <= batch <= MOST_TILES
    return EmbedSettings(
        device=device if isinstance(device, str) and device else AUTO,
        batch=batch if sound and isinstance(batch, int) else 0,
        cluster=cluster.strip() if isinstance(cluster, str) else "",
    )


def keep_embed_settings(settings: EmbedSettings) -> bool:
    """Keep the settings for the next time; ``False`` if they cannot be written."""
    return expert.keep(SETTING, asdict(settings))
