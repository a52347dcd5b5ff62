"""How sure a share is: intervals that hold for small numbers and for shares near none or all. Pure.

Wilson's score interval for one share, and Newcombe's hybrid of two of them for their difference (Statistics in
Medicine 17, 1998, method 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

# Two-sided, 95 %.
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A share (or a difference of shares) between 0 and 1, with the range that it lies in, 95 times in a hundred."""

    at: float
    low: float
    high: float

    @property
    def is_decided(self) -> bool:
        """Of a difference: whether no difference at all is outside of the range."""
        return self.low > 0 or self.high < 0


def share(count: int, of: int) -> Interval | None:
    """Wilson's interval; None of nobody."""
    if of <= 0:
        return None
    at, square = count / of, Z * Z
    middle = (at + square / (2 * of)) / (1 + square / of)
    half = Z * sqrt(at * (1 - at) / of + square / (4 * of * of)) / (1 + square / of)
    return Interval(at, max(middle - half, 0.0), min(middle + half, 1.0))


def difference(second: Interval, first: Interval) -> Interval:
    """How much larger the second share is, Newcombe's interval around it."""
    at = second.at - first.at
    below = sqrt((second.at - second.low) ** 2 + (first.high - first.at) ** 2)
    above = sqrt((second.high - second.at) ** 2 + (first.at - first.low) ** 2)
    return Interval(at, at - below, at + above)
