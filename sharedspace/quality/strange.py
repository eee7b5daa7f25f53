"""Images that stand alone: far from their neighbours, and far from what the set mostly is."""

from __future__ import annotations

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.records import Strangers
from sharedspace.vectors import nearest_to

K = 10  # the neighbour whose distance says how alone an image stands
RIDGE = 0.001  # of the mean variance, added to that of each direction


def outliers(vectors: np.ndarray, cosines: np.ndarray, k: int = K) -> Strangers:
    """How strange unit rows (n, d) are, from the cosines of each to its nearest, itself first (n, k + 1 or more).

    The distance to the k-th neighbour (Ramaswamy et al. 2000) alone finds half of the planted ones of the sample set
    among as many; together with the Mahalanobis distance, which counts each direction by how much the set varies in
    it, eleven of fourteen. Of fewer images than dimensions all are equally far by that, and the neighbours decide.
    """
    check(k)
    place = min(k, cosines.shape[1] - 1)
    distance = np.maximum(1 - cosines[:, place], 0).astype(np.float32)
    spread = mahalanobis(vectors)
    score = distance * spread**2
    below = np.searchsorted(np.sort(score), score, side="left")
    percentile = (100 * below / max(len(score) - 1, 1)).astype(np.float32)
    return Strangers(np.arange(len(score)), distance, spread, score, percentile, place)


def check(k: int) -> None:
    """Raises BadInput where there is no k-th neighbour."""
    if k < 1:
        raise BadInput(f"The nearest neighbour is number 1: there is none of number {k}.")


def mahalanobis(vectors: np.ndarray) -> np.ndarray:
    """Distance of each row (n, d) from their mean, in standard deviations of its direction, (n,) float32."""
    centred = vectors - vectors.mean(axis=0)
    covariance = (centred.T @ centred).astype(np.float64) / max(len(vectors), 1)
    mean = float(np.trace(covariance)) / len(covariance)
    if mean <= 0:
        return np.zeros(len(vectors), dtype=np.float32)  # all are the same
    variances, axes = np.linalg.eigh(covariance)
    scaled = axes / np.sqrt(np.maximum(variances, 0) + RIDGE * mean)
    return np.asarray(np.linalg.norm(centred @ scaled.astype(np.float32), axis=1), dtype=np.float32)


def shown_cosines(vectors: np.ndarray, near: tuple[np.ndarray, np.ndarray], shown: np.ndarray, k: int) -> np.ndarray:
    """Cosines of the images of a mask (n,) bool to their k nearest among themselves, itself first, (m, k + 1).

    From the nearest of all, where enough of those are shown; looked for anew elsewhere.
    """
    rows = np.flatnonzero(shown)
    k = min(k, len(rows) - 1)
    cosines = np.where(shown[near[0][rows]], near[1][rows], -np.inf)
    best = -np.sort(-cosines, axis=1)
    found = np.full((len(rows), k + 1), -np.inf, dtype=np.float32)
    found[:, : best.shape[1]] = best[:, : k + 1]
    lacking = np.flatnonzero(np.isneginf(found[:, k]))
    if len(lacking):
        found[lacking] = nearest_to(vectors[rows[lacking]], vectors[rows], k + 1)[1]
    return found
