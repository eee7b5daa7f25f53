"""How rows of vectors lie: which to look at, how far apart, and how high where nothing fits."""

from __future__ import annotations

import numpy as np

SAMPLED = 2000  # rows, evenly spaced, on which usual figures are taken


def spaced(n: int, most: int = SAMPLED) -> np.ndarray:
    """At most so many of n rows, evenly spaced."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances of unit rows (m, d) and (k, d): (m, k)."""
    return np.asarray(np.sqrt(np.maximum(2 - 2 * (a @ b.T), 0)))


def usual_distance(vectors: np.ndarray) -> float:
    """The median distance of two different unit rows; 0 of fewer than two."""
    some = vectors[spaced(len(vectors))]
    return float(np.median(distances(some, some)[np.triu_indices(len(some), 1)])) if len(some) > 1 else 0.0


def levels(scores: np.ndarray) -> np.ndarray:
    """What each column of (n, L) scores on images that it does not fit: its lower quartile, (L,).

    What a label fits, up to three quarters of the images, does not raise it.
    """
    return np.asarray(np.quantile(scores[spaced(len(scores))], 0.25, axis=0))
