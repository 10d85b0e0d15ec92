"""Numbers in sentences and tables, printed everywhere in the same way.

Below zero they have a minus, which is longer than a hyphen.
A value that is rounded to nothing has no sign: "−0.00" would say that something fell.
"""

from __future__ import annotations

MINUS = "−"


def with_minus(number: str) -> str:
    """A printed number (and nothing but numbers) with minus signs instead of hyphens."""
    return number.replace("-", MINUS)


def decimals(value: float, digits: int = 2) -> str:
    """A number that may be below zero: "0.42", "−0.06", "0.00".

    Parameters
    ----------
    value
        The number; NaN gives "nan".
    digits
        After the point.
    """
    return _printed(f"{value:.{digits}f}")


def signed(value: float, digits: int = 2) -> str:
    """A difference: "+0.42", "−0.06", "0.00".

    Parameters
    ----------
    value
        The difference; NaN gives "+nan".
    digits
        After the point.
    """
    return _printed(f"{value:+.{digits}f}")


def _printed(rounded: str) -> str:
    """Without a sign where nothing is left of the number."""
    return rounded.lstrip("+-") if float(rounded) == 0 else with_minus(rounded)


def percent(share: float) -> str:
    """A share from 0 to 1: "22 %"."""
    return f"{decimals(100 * share, 0)} %"


def probability(p: float) -> str:
    """A probability from 0 to 1; no model is so sure that it could say 0 % or 100 %."""
    if p >= 0.995:
        return "over 99 %"
    return "under 1 %" if p < 0.005 else percent(p)


def points(difference: float) -> str:
    """A difference of two shares, in percentage points: "+5 points", "−1 point", "0 points"."""
    text = signed(100 * difference, 0)
    return f"{text} point" if text in ("+1", f"{MINUS}1") else f"{text} points"


def unbroken(text: str) -> str:
    """The same text; no line ends between a number and its percent sign."""
    return text.replace(" %", "\u00a0%")
