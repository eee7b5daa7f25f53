"""From a query vector to hits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sharedspace.records import Hit, ImageRecord
from sharedspace.vectors import top_k


def rank(records: Sequence[ImageRecord], vectors: np.ndarray, query: np.ndarray, k: int) -> tuple[Hit, ...]:
    """The k images nearest to the unit vector (d,) by exact cosine over (n, d), best first."""
    cosines = vectors @ query  # (n,)
    return tuple(
        Hit(
            id=records[row].id,
            path=records[row].path,
            score=float(cosines[row]),
            rank=place,
            matched=None,  # until there is a line to match
        )
        for place, row in enumerate(top_k(cosines, k), start=1)
    )
