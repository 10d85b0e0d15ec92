"""The devices of this computer that can encode tiles, for a list to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lookalike.core.progress import SILENT, Job


@dataclass(frozen=True)
class Device:
    """One device.

    Parameters
    ----------
    name
        As torch names it: "cuda:0", "mps", "cpu".
    title
        For a person.
    chosen
        Whether "auto" takes this one.
    """

    name: str
    title: str
    chosen: bool = False


def devices_here(*, job: Job = SILENT) -> tuple[Device, ...]:
    """Look for devices. Loads torch: never in the window's process.

    Parameters
    ----------
    job
        Cancel.

    Returns
    -------
    tuple of Device
        Graphics cards first, the CPU last; "auto" takes the first.
    """
    import torch

    job.step(0, 0, "Looking for graphics cards")
    found = [
        (f"cuda:{i}", _card(torch.cuda.get_device_name(i), i))
        for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    if torch.backends.mps.is_available():
        found.append(("mps", "Apple GPU"))
    found.append(("cpu", "Processor (CPU)"))
    return tuple(Device(name, title, i == 0) for i, (name, title) in enumerate(found))


def _card(name: str, index: int) -> str:
    return f"{name} (GPU {index})"
