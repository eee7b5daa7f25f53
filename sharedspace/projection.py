"""The frozen 2-D map of a space, and where a new text or image stands on it. Owns umap."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Sequence

import numpy as np

from sharedspace.records import Placement, SpaceMap
from sharedspace.vectors import nearest_rows, top_k

N_NEIGHBORS = 15
MIN_DIST = 0.1
SMALLEST_UMAP = 16  # rows; below, UMAP fails (2 and 3 rows) or says nothing, and PCA is used

# Two fits at once abort the process where numba has neither OpenMP nor TBB.
_one_at_a_time = threading.Lock()


def draw(ids: Sequence[str], vectors: np.ndarray, revision: int, seed: int = 0) -> SpaceMap:
    """The map of unit vectors (n, d), rows in the order of their sorted ids, so that one set gives one map."""
    return named(ids, project(vectors, seed=seed), revision)


def extend(drawn: SpaceMap, ids: Sequence[str], vectors: np.ndarray, revision: int) -> SpaceMap:
    """A drawn map for the present ids and unit vectors (n, d): what is drawn stays, what is new is placed.

    Raises ValueError when none of the drawn images is left.
    """
    at = {id: row for row, id in enumerate(drawn.ids)}
    old = [row for row, id in enumerate(ids) if id in at]
    if not old:
        raise ValueError("none of the drawn images is left: draw a new map")
    xy = np.empty((len(ids), 2), dtype=np.float32)
    xy[old] = drawn.xy[[at[ids[row]] for row in old]]
    for row in sorted(set(range(len(ids))) - set(old)):
        xy[row] = place(vectors[old], xy[old], vectors[row]).xy
    before = set(drawn.late)
    return named(ids, xy, revision, late=[id for id in ids if id not in at or id in before])


def named(ids: Sequence[str], xy: np.ndarray, revision: int, late: Sequence[str] = ()) -> SpaceMap:
    """A map under a key that is a hash of what it shows, so that a drawn map can be cached for ever."""
    key = hashlib.sha256("".join(ids).encode() + xy.tobytes()).hexdigest()[:20]
    return SpaceMap(key, tuple(ids), xy, revision, tuple(late))


def project(
    vectors: np.ndarray, n_neighbors: int = N_NEIGHBORS, min_dist: float = MIN_DIST, seed: int = 0
) -> np.ndarray:
    """UMAP (McInnes et al. 2018) of unit vectors (n, d) by cosine: (n, 2) float32; PCA below 16 rows.

    The same rows in the same order with the same seed give the same map, bit for bit.
    """
    if len(vectors) < SMALLEST_UMAP:
        return principal_axes(vectors)
    from umap import UMAP

    k = min(n_neighbors, len(vectors) - 1)
    # Exact neighbours by matrix product: quicker than umap's own approximate search, which compiles for 24 s.
    indices, cosines = nearest_rows(vectors, k)
    with _one_at_a_time, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value", category=UserWarning)  # what a seed means is known
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        model = UMAP(
            n_neighbors=k,
            min_dist=min_dist,
            metric="cosine",
            # As trustworthy as the spectral start, which throws groups without links far from the rest.
            init="pca",
            random_state=seed,
            precomputed_knn=(indices, 1 - cosines, None),
        )
        return np.ascontiguousarray(model.fit_transform(vectors), dtype=np.float32)


def principal_axes(vectors: np.ndarray) -> np.ndarray:
    """The first two principal components of (n, d), (n, 2) float32; missing ones are 0."""
    xy = np.zeros((len(vectors), 2), dtype=np.float32)
    if len(vectors) > 1:
        centred = vectors - vectors.mean(axis=0)
        left, singular, _ = np.linalg.svd(centred, full_matrices=False)
        found = (left * singular)[:, :2]
        xy[:, : found.shape[1]] = found
    return xy


def place(vectors: np.ndarray, xy: np.ndarray, query: np.ndarray, k: int = N_NEIGHBORS) -> Placement:
    """Where a unit vector (d,) stands on the map xy (n, 2) of the rows (n, d), which does not move.

    The mean position of its k nearest rows under UMAP's own membership weights exp(-(d - rho) / sigma),
    sigma such that they sum to log2(k) (McInnes et al. 2018, section 3.1).
    """
    cosines = vectors @ query
    nearest = top_k(cosines, min(k, len(vectors)))
    weights = memberships(1 - cosines[nearest])
    weights /= weights.sum()
    centre = weights @ xy[nearest]  # (2,)
    spread = float(np.sqrt(weights @ ((xy[nearest] - centre) ** 2).sum(axis=1)))
    return Placement((float(centre[0]), float(centre[1])), tuple(int(i) for i in nearest), spread)


def memberships(distances: np.ndarray) -> np.ndarray:
    """UMAP's membership strengths of ascending distances (k,): 1 for the nearest, summing to log2(k)."""
    beyond = np.asarray(distances - distances[0], dtype=np.float64)
    if len(beyond) < 3 or beyond[-1] <= 0:
        return np.ones_like(beyond)
    low, high = 0.0, np.inf
    sigma = beyond.mean()
    for _ in range(64):
        total = np.exp(-beyond / sigma).sum()
        if total > np.log2(len(beyond)):
            high = sigma
        else:
            low = sigma
        sigma = (low + high) / 2 if np.isfinite(high) else sigma * 2
    return np.asarray(np.exp(-beyond / max(sigma, 1e-12)))


def warm_up() -> None:
    """Compile what the first fit would wait some ten seconds for."""
    project(np.eye(32, dtype=np.float32))
