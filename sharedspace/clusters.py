"""Groups of images by their vectors, never by their places on the map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.vectors import unit

NOISE = -1


def default_min_size(n: int) -> int:
    """The smallest group that HDBSCAN reports unless told: 5, or 1 % of a larger set."""
    return max(5, n // 100)


def hdbscan(vectors: np.ndarray, min_size: int | None = None) -> np.ndarray:
    """Density groups (Campello et al. 2013) of unit vectors (n, d): (n,) int, -1 is noise, 0 the largest group."""
    n = len(vectors)
    min_size = default_min_size(n) if min_size is None else min_size
    if min_size < 2:
        raise BadInput(f"The smallest group must have at least 2 images, not {min_size}.")
    if n < min_size:
        return np.full(n, NOISE)
    from sklearn.cluster import HDBSCAN

    # On unit rows the Euclidean distance orders pairs as the cosine does.
    found = HDBSCAN(min_cluster_size=min_size, min_samples=min(5, min_size), copy=True).fit_predict(vectors)
    return by_size(found)


def kmeans(vectors: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """k groups of unit vectors (n, d) around means: (n,) int, 0 the largest group."""
    if not 1 <= k <= len(vectors):
        raise BadInput(f"{len(vectors)} images can be put into 1 to {len(vectors)} groups, not {k}.")
    from sklearn.cluster import KMeans

    different = len(np.unique(vectors, axis=0))  # of duplicates there can be no more groups, and it warns of that
    return by_size(KMeans(n_clusters=min(k, different), n_init=4, random_state=seed).fit_predict(vectors))


def by_size(labels: np.ndarray) -> np.ndarray:
    """The same groups, numbered from the largest; noise stays -1."""
    groups, counts = np.unique(labels[labels != NOISE], return_counts=True)
    order = {int(group): rank for rank, group in enumerate(groups[np.argsort(-counts, kind="stable")])}
    return np.array([order.get(int(label), NOISE) for label in labels], dtype=np.int64)


def typical(vectors: np.ndarray, members: Sequence[int] | np.ndarray, k: int) -> list[int]:
    """The k members nearest to the middle of their group, nearest first."""
    members = np.asarray(members)
    centre = unit(vectors[members].mean(axis=0))
    return [int(i) for i in members[np.argsort(-(vectors[members] @ centre), kind="stable")[:k]]]
