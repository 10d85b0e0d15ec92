"""Magnification as pathologists say it, from the size of a screen pixel on the slide. Pure.

A screen pixel is one of napari's canvas pixels: on a screen with a scale of 200 % it is two by
two pixels of the device, as everything else in the window is. So 20x looks the same size on
every screen.
"""

from __future__ import annotations

from dataclasses import dataclass

UM_AT_1X = 10.0
"""µm per pixel of what is called 1x: 40x is 0.25, 20x is 0.5."""
POWERS = (1, 2, 5, 10, 20, 40)
"""What the keys and buttons offer."""

NO_MPP = (
    "The µm per pixel of this slide are not known, so there is no magnification. "
    "Give its mpp: in the table of Project, or with --mpp when it is opened by itself."
)


@dataclass(frozen=True)
class Readout:
    """What is said of the zoom.

    Parameters
    ----------
    power
        Objective power that the screen shows ("20x"); empty if mpp is not known.
    pixel
        Size of a screen pixel ("0.50 µm per screen pixel").
    native
        How the slide was scanned ("40x, 0.2500 µm per pixel").
    remark
        That pixels are enlarged, or why there is no power; else empty.
    """

    power: str = ""
    pixel: str = ""
    native: str = ""
    remark: str = ""

    @property
    def short(self) -> str:
        """Both in one line, for the canvas."""
        return " · ".join(part for part in (self.power, self.pixel) if part)


def power_of(um_per_pixel: float) -> float:
    """Objective power at which a pixel has this size."""
    return UM_AT_1X / um_per_pixel


def um_per_pixel(power: float) -> float:
    """Size of a pixel at this objective power, µm."""
    return UM_AT_1X / power


def power_text(power: float) -> str:
    """A power as it is written on an objective: two digits are all that matter."""
    if power >= 9.95:
        return f"{power:.0f}x"
    return f"{power:.1f}x".replace(".0x", "x") if power >= 0.995 else f"{power:.2g}x"


def resolve_readout(downsample: float, mpp: float | None) -> Readout:
    """What to say of a zoom.

    Parameters
    ----------
    downsample
        Level-0 pixels per screen pixel.
    mpp
        µm per level-0 pixel; ``None`` if not known.
    """
    if mpp is None:
        return Readout(pixel=f"{downsample:.3g} slide pixels per screen pixel", remark=NO_MPP)
    size = downsample * mpp
    digits = 1 if size >= 10 else 2 if size >= 0.1 else 3
    enlarged = 1 / downsample
    return Readout(
        power_text(power_of(size)),
        f"{size:.{digits}f} µm per screen pixel",
        f"{power_text(power_of(mpp))}, {mpp:.4g} µm per pixel",
        f"Beyond the scan: its pixels are enlarged {enlarged:.1f} times."
        if enlarged > 1.05
        else "",
    )


def length_text(length: float, known: bool) -> str:
    """A distance for a person.

    Parameters
    ----------
    length
        In µm, or in level-0 pixels.
    known
        Whether it is in µm.
    """
    if not known:
        return f"{length:.0f} px (mpp unknown)"
    if length >= 1000:
        return f"{length / 1000:.2f} mm"
    return f"{length:.0f} µm" if length >= 100 else f"{length:.1f} µm"
