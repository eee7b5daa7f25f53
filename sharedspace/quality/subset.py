"""A few images that stand for all: as different as can be, or as typical."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.records import Subset
from sharedspace.vectors import unit

FITTED = 10_000  # images, evenly taken, by which the groups of a large set are made
Kind = Literal["diverse", "typical"]


def subset(
    vectors: np.ndarray, n: int, kind: Kind = "diverse", on_step: Callable[[int, int], None] = lambda done, n: None
) -> Subset:
    """n of the unit rows (m, d), all of them where there are no more; raises BadInput.

    "diverse" goes on with the image that is farthest from all chosen ones (k-center by the farthest first, Gonzalez
    1985: no set of n has less than half its largest distance), and begins with the one nearest to the mean. "typical"
    takes the images nearest to the means of n groups (k-means).
    """
    if n < 1:
        raise BadInput(f"Ask for at least one image, not {n}.")
    n = min(n, len(vectors))
    rows = _diverse(vectors, n, on_step) if kind == "diverse" else _typical(vectors, n)
    nearest, cosine = np.zeros(len(vectors), dtype=np.intp), np.full(len(vectors), -np.inf, dtype=np.float32)
    for place, row in enumerate(rows.tolist()):
        now = vectors @ vectors[row]
        closer = now > cosine
        nearest[closer], cosine[closer] = place, now[closer]
    if kind == "typical":
        order = np.argsort(-np.bincount(nearest, minlength=len(rows)), kind="stable")
        rows, nearest = rows[order], np.argsort(order)[nearest]
    return Subset(rows, nearest, np.minimum(cosine, 1))


def _diverse(vectors: np.ndarray, n: int, on_step: Callable[[int, int], None]) -> np.ndarray:
    chosen = [int(np.argmax(vectors @ unit(vectors.mean(axis=0))))]
    best = vectors @ vectors[chosen[0]]
    best[chosen[0]] = np.inf
    while len(chosen) < n:
        chosen.append(int(best.argmin()))
        best = np.maximum(best, vectors @ vectors[chosen[-1]])
        best[chosen[-1]] = np.inf  # a copy of it may be chosen, it is not again
        on_step(len(chosen), n)
    return np.array(chosen, dtype=np.intp)


def _typical(vectors: np.ndarray, n: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    different = len(np.unique(vectors, axis=0))  # of duplicates there can be no more groups, and it warns of that
    if n == len(vectors):
        return np.arange(n)
    some = vectors[:: -(-len(vectors) // max(FITTED, 10 * n))]
    groups = KMeans(n_clusters=min(n, different, len(some)), n_init=1, random_state=0)
    means = groups.fit(some).cluster_centers_
    cosines = vectors @ unit(means).T  # (m, n)
    chosen: list[int] = []
    for column in cosines.T:
        column[chosen] = -np.inf
        chosen.append(int(column.argmax()))
    copies = np.setdiff1d(np.arange(len(vectors)), chosen)
    return np.array([*chosen, *copies[: n - len(chosen)]], dtype=np.intp)
