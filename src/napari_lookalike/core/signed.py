"""Numbers below zero as they are printed everywhere: with a minus, which is longer than a hyphen.

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
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else with_minus(text)


def signed(value: float, digits: int = 2) -> str:
    """A difference: "+0.42", "−0.06", "0.00".

    Parameters
    ----------
    value
        The difference; NaN gives "+nan".
    digits
        After the point.
    """
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else with_minus(text)
