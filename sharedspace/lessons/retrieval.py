"""Captions and pictures that belong together, and how often one finds the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.lessons.rates import Rate

KS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Recall:
    """How often the right one is among the first k of n."""

    k: int
    rate: Rate

    @property
    def chance(self) -> float:
        """What a random order reaches: k / n."""
        return min(1.0, self.k / self.rate.n)

    @property
    def at_chance(self) -> bool:
        """Whether the interval of the rate holds chance."""
        return self.rate.holds(self.chance)


def recall(queries: np.ndarray, index: np.ndarray, ks: Sequence[int] = KS) -> tuple[Recall, ...]:
    """Recall at each k of queries (n, d), each after the row of the index (n, d) in its own place, by dot product.

    Of equal scores the earlier row comes first. Raises BadInput without rows, or where they do not pair up.
    """
    if not len(queries) or queries.shape != index.shape:
        raise BadInput(
            f"Recall needs one query for each of some rows, of equal length: {queries.shape}, {index.shape}."
        )
    scores = queries @ index.T
    own = np.diagonal(scores)[:, None]
    places = np.arange(len(queries))
    before = (scores > own) | ((scores == own) & (places < places[:, None]))
    rank = before.sum(axis=1)  # 0 is best
    return tuple(Recall(k, Rate(int((rank < k).sum()), len(queries))) for k in ks)


def one_of_each(captions: Sequence[object | None], most: int) -> np.ndarray:
    """Rows of the first image with each different caption, ascending, at most so many of them, evenly spaced.

    So each caption is true of one row only, as far as the captions tell, and chance at k of n is k / n.
    """
    first: dict[str, int] = {}
    for row, caption in enumerate(captions):
        text = "" if caption is None else " ".join(str(caption).split())
        if text:
            first.setdefault(text.casefold(), row)
    rows = np.array(list(first.values()), dtype=np.intp)
    return np.asarray(rows[spaced(len(rows), most)])


def spaced(n: int, most: int) -> np.ndarray:
    """At most so many of n places, evenly spaced, (m,) int."""
    return np.asarray(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))
