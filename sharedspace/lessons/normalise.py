"""Lesson 2: what the length of vectors does to a ranking, and why unit vectors leave but one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sharedspace import images
from sharedspace.encoders import Encoder


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Images (n,) by three measures of how near they are to a query, of one set of vectors."""

    dot: np.ndarray  # (n,) float64 dot products, more is nearer
    cosine: np.ndarray  # (n,) float64, -1..1; 0 with a vector of length 0
    distance: np.ndarray  # (n,) float64 Euclidean distances, less is nearer
    norms: np.ndarray  # (n,) float64 lengths

    def places(self, measure: str) -> np.ndarray:
        """Rows, the nearest first, by "dot", "cosine" or "distance"; ties by the lower row. (n,) int."""
        values = getattr(self, measure)
        return np.argsort(values if measure == "distance" else -values, kind="stable")

    def rank(self, measure: str, row: int) -> int:
        """The rank of a row, 1 is best."""
        return int(np.flatnonzero(self.places(measure) == row)[0]) + 1

    def shared(self, one: str, other: str, k: int) -> int:
        """How many of the k nearest by one measure are among the k nearest by the other."""
        return len(set(self.places(one)[:k].tolist()) & set(self.places(other)[:k].tolist()))

    def gains(self) -> np.ndarray:
        """How many ranks each row is better by the dot product than by the cosine, (n,) int; below 0 it loses."""
        ranks = [np.argsort(self.places(measure), kind="stable") for measure in ("cosine", "dot")]
        return np.asarray(ranks[0] - ranks[1])


def raw(encoder: Encoder, pictures: Sequence[tuple[bytes, str]]) -> np.ndarray:
    """Pictures, each as a file's bytes and its name, as they leave the model: (n, d) float32; raises Unreadable."""
    opened = [images.decode(data, name, encoder.side).image for data, name in pictures]
    return encoder.raw([encoder.prepare(picture) for picture in opened])


def ranked(rows: np.ndarray, query: np.ndarray) -> Ranked:
    """Vectors (n, d) of any length against a query (d,) of any length."""
    rows, query = rows.astype(np.float64), query.astype(np.float64)
    norms, length = np.linalg.norm(rows, axis=1), np.linalg.norm(query)
    dot = rows @ query
    lengths = norms * length
    cosine = np.divide(dot, lengths, out=np.zeros_like(dot), where=lengths > 0)
    return Ranked(dot, cosine, np.linalg.norm(rows - query, axis=1), norms)


def stretched(before: Ranked, rows: np.ndarray, query: np.ndarray, row: int, factor: float) -> Ranked:
    """The same after one vector was made `factor` times as long."""
    one = ranked(factor * rows[row : row + 1], query)
    changed = {name: getattr(before, name).copy() for name in ("dot", "cosine", "distance", "norms")}
    for name, values in changed.items():
        values[row] = getattr(one, name)[0]
    return replace(before, **changed)


def identity(rows: np.ndarray, query: np.ndarray) -> float:
    """How far unit vectors are from |a - b|^2 = 2 - 2 cos: the greatest difference, about 1e-7 in float32."""
    found = ranked(rows, query)
    return float(np.abs(found.distance**2 - (2 - 2 * found.cosine)).max())
