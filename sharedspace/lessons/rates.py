"""A rate with its n and its interval, as lessons state it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z = 1.959964  # of the normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of n; a share of none is NaN, and its interval is everything."""

    found: int
    n: int

    @property
    def share(self) -> float:
        """0..1."""
        return self.found / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share, by Wilson (1927): it also holds for few, and for shares of 0 and 1."""
        if not self.n:
            return 0.0, 1.0
        square = Z * Z / self.n
        middle = (self.share + square / 2) / (1 + square)
        half = Z * sqrt(self.share * (1 - self.share) / self.n + square / (4 * self.n)) / (1 + square)
        return max(0.0, middle - half), min(1.0, middle + half)

    def holds(self, share: float) -> bool:
        """Whether a share lies within the interval, so that this rate may be that share and chance."""
        low, high = self.interval
        return low - 1e-12 <= share <= high + 1e-12  # at 0 and 1 the bounds are exact but for rounding

    @property
    def words(self) -> str:
        """The share with n and interval, for people."""
        low, high = self.interval
        return f"{self.share:.1%} (n = {self.n:,}, 95% interval {low:.1%} to {high:.1%})"
