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
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [f"cuda:{i}" for i in range(cards)]
    names += ["mps"] if torch.backends.mps.is_available() else []
    names.append("cpu")
    return tuple(Device(name, device_title(name), i == 0) for i, name in enumerate(names))


def check_device(name: str) -> None:
    """Refuse a device that is not here, before any work is done for it.

    Parameters
    ----------
    name
        "auto", "cpu", "mps", "cuda" or "cuda:<number>". Only the last three load torch.

    Raises
    ------
    EncoderError
        If it is not here: choose "auto" or "cpu".
    """
    if name in ("auto", "cpu"):
        return
    from napari_lookalike.core.encoders.network import choose_device

    choose_device(name)


def device_title(name: str) -> str:
    """A device for a person: "NVIDIA H100 (GPU 0)", "Apple GPU", "the CPU".

    Parameters
    ----------
    name
        As torch names it; it must be here. Only a "cuda" device loads torch.
    """
    if not name.startswith("cuda"):
        return {"cpu": "the CPU", "mps": "Apple GPU"}.get(name, name)
    import torch

    index = int(name.partition(":")[2] or torch.cuda.current_device())
    return f"{torch.cuda.get_device_name(index)} (GPU {index})"
