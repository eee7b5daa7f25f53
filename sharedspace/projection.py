"""The frozen 2-D map of a space, how far it can be trusted, and where a new text or image stands on it. Owns umap."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.records import Drawing, Placement, SpaceMap
from sharedspace.vectors import nearest_rows, nearest_to, top_k

N_NEIGHBORS = 15  # neighbours by which something is placed, and by which a map is judged
SMALLEST_UMAP = 16  # rows; below, UMAP fails (2 and 3 rows) or says nothing, and PCA is used
MOST_NEIGHBORS = 200  # a fit's time and memory grow with them
LARGEST_MIN_DIST = 0.99  # UMAP takes no more than its spread, 1
SCATTERED = 0.6  # of the map's radius: benchmarks/map.py shows what this tells apart
FAR = 3  # times as many points as there are neighbours: what lies beyond them is drawn far

DEFAULT = Drawing()

STEPS = 50  # of `settle`; what is left to go is less than a pixel
AT_ONCE = 1000  # images settled together: of each the distances of 16 starts to 15 neighbours stand in memory

# ((n, k) int32 rows, the own first; (n, k) float32 cosines), as nearest_rows gives them
Neighbours: TypeAlias = tuple[np.ndarray, np.ndarray]

# Two fits at once abort the process where numba has neither OpenMP nor TBB.
_one_at_a_time = threading.Lock()


def draw(
    ids: Sequence[str],
    vectors: np.ndarray,
    revision: int,
    drawing: Drawing = DEFAULT,
    neighbours: Neighbours | None = None,
) -> SpaceMap:
    """The map of unit vectors (n, d), rows in the order of their sorted ids, so that one set gives one map.

    Raises ValueError when the ids are not sorted, BadInput as `project` does.
    """
    if any(one > other for one, other in pairwise(ids)):
        raise ValueError("the rows of a map stand in the order of their ids")
    return named(ids, project(vectors, drawing, neighbours), revision, drawing=drawing)


def extend(drawn: SpaceMap, ids: Sequence[str], vectors: np.ndarray, revision: int) -> SpaceMap:
    """A drawn map for the present ids and unit vectors (n, d): what is drawn stays, what is new is placed.

    Raises ValueError when none of the drawn images is left.
    """
    at = {id: row for row, id in enumerate(drawn.ids)}
    old = [row for row, id in enumerate(ids) if id in at]
    new = [row for row, id in enumerate(ids) if id not in at]
    if not old:
        raise ValueError("none of the drawn images is left: draw a new map")
    xy = np.empty((len(ids), 2), dtype=np.float32)
    xy[old] = before = drawn.xy[[at[ids[row]] for row in old]]
    nearest, cosines = nearest_to(vectors[new], vectors[old], N_NEIGHBORS)
    for start in range(0, len(new), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        xy[new[some]] = settle(before[nearest[some]], memberships(1 - cosines[some]))
    was_late = set(drawn.late)
    late = [id for id in ids if id not in at or id in was_late]
    return named(ids, xy, revision, late, drawn.drawing)


def named(
    ids: Sequence[str],
    xy: np.ndarray,
    revision: int,
    late: Sequence[str] = (),
    drawing: Drawing = DEFAULT,
) -> SpaceMap:
    """A map under a key that is a hash of what it shows and how it was drawn, so that it can be cached for ever."""
    shown = "".join(ids).encode() + xy.tobytes() + repr(drawing).encode()
    key = hashlib.sha256(shown).hexdigest()[:20]
    return SpaceMap(key, tuple(ids), xy, revision, tuple(late), drawing)


def project(
    vectors: np.ndarray,
    drawing: Drawing = DEFAULT,
    neighbours: Neighbours | None = None,
) -> np.ndarray:
    """UMAP (McInnes et al. 2018) of unit vectors (n, d) by cosine: (n, 2) float32; PCA below 16 rows.

    The same rows in the same order with the same drawing give the same map, bit for bit. `neighbours` are those of
    nearest_rows, at least n_neighbors (or n - 1) of each row; without them they are computed. More neighbours than
    there are other rows are cut. Raises BadInput for a drawing that UMAP cannot follow.
    """
    check(drawing)
    if len(vectors) < SMALLEST_UMAP:
        return principal_axes(vectors)
    from umap import UMAP

    k = min(drawing.n_neighbors, len(vectors) - 1)
    # Exact neighbours by matrix product: quicker than umap's own approximate search, which compiles for 24 s.
    indices, cosines = nearest_rows(vectors, k) if neighbours is None else neighbours
    if indices.shape[0] != len(vectors) or indices.shape[1] < k:
        raise ValueError(f"{k} neighbours of {len(vectors)} rows are needed, not {indices.shape}")
    with _one_at_a_time, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value", category=UserWarning)  # what a seed means is known
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        model = UMAP(
            n_neighbors=k,
            min_dist=drawing.min_dist,
            metric="cosine",
            # As trustworthy as the spectral start, which throws groups without links far from the rest.
            init="pca",
            random_state=drawing.seed,
            # contiguous: numba would compile anew for a view
            precomputed_knn=(np.ascontiguousarray(indices[:, :k]), np.ascontiguousarray(1 - cosines[:, :k]), None),
        )
        return np.ascontiguousarray(model.fit_transform(vectors), dtype=np.float32)


def check(drawing: Drawing) -> None:
    """Raise BadInput for a drawing that UMAP cannot follow, or not in bearable time."""
    if not 2 <= drawing.n_neighbors <= MOST_NEIGHBORS:
        raise BadInput(f"A map is drawn with 2 to {MOST_NEIGHBORS} neighbours, not {drawing.n_neighbors}.")
    if not 0 <= drawing.min_dist <= LARGEST_MIN_DIST:
        raise BadInput(f"The least distance of two drawn points is 0 to {LARGEST_MIN_DIST}, not {drawing.min_dist}.")
    if not 0 <= drawing.seed < 2**32:
        raise BadInput(f"A seed is a whole number from 0 to {2**32 - 1}, not {drawing.seed}.")


def principal_axes(vectors: np.ndarray) -> np.ndarray:
    """The first two principal components of (n, d), (n, 2) float32; missing ones are 0."""
    xy = np.zeros((len(vectors), 2), dtype=np.float32)
    if len(vectors) > 1:
        centred = vectors - vectors.mean(axis=0)
        left, singular, _ = np.linalg.svd(centred, full_matrices=False)
        found = (left * singular)[:, :2]
        xy[:, : found.shape[1]] = found
    return xy


def place(scores: np.ndarray, xy: np.ndarray, k: int = N_NEIGHBORS) -> Placement:
    """Where a query stands on the map xy (n, 2), which does not move, by its scores (n,) over the map's images.

    It settles among its k best images under UMAP's own membership weights exp(-(d - rho) / sigma), sigma such that
    they sum to log2(k) (McInnes et al. 2018, section 3.1). Only differences of scores count, and their scale does not,
    so that a cosine and a weighted sum of several serve alike. `spread` is the weighted root mean square distance of
    those images from the place; `scattered`, where that is more than 0.6 of the map's radius.
    """
    nearest = top_k(scores, min(k, len(scores)))
    points = xy[nearest].astype(np.float64)
    weights = memberships(scores[nearest[0]] - scores[nearest])
    at = settle(points, weights)  # (2,)
    spread = float(np.sqrt(weights @ ((points - at) ** 2).sum(axis=1) / weights.sum()))
    return Placement((float(at[0]), float(at[1])), tuple(map(int, nearest)), spread, spread > SCATTERED * radius(xy))


def settle(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The place (..., 2) that weighted points (..., k, 2) attract most, where the sum of w log(1 + d²) is least.

    That is the attracting half of UMAP's own cross entropy with a = b = 1 (McInnes et al. 2018, section 3.2). Where
    the points lie on two islands it is on the heavier one, and their mean would be in the sea. From the best of the
    mean and the points themselves, by weighted means with weights w / (1 + d²), of which none makes the sum greater.
    """
    points = np.asarray(points, dtype=np.float64)
    mean = (points * weights[..., None]).sum(axis=-2, keepdims=True) / weights.sum(axis=-1)[..., None, None]
    starts = np.concatenate([mean, points], axis=-2)  # (..., k + 1, 2)
    apart = ((starts[..., None, :] - points[..., None, :, :]) ** 2).sum(axis=-1)  # (..., k + 1, k)
    best = (weights[..., None, :] * np.log1p(apart)).sum(axis=-1).argmin(axis=-1)  # (...)
    at = np.take_along_axis(starts, best[..., None, None], axis=-2)  # (..., 1, 2)
    for _ in range(STEPS):
        pull = weights / (1 + ((points - at) ** 2).sum(axis=-1))  # (..., k)
        at = (points * pull[..., None]).sum(axis=-2, keepdims=True) / pull.sum(axis=-1)[..., None, None]
    return np.asarray(at[..., 0, :])


def radius(xy: np.ndarray) -> float:
    """The median distance of the points (n, 2) from their median: the size of a map, whatever a few outliers do."""
    return float(np.median(np.hypot(*(xy - np.median(xy, axis=0)).T)))


def memberships(distances: np.ndarray) -> np.ndarray:
    """UMAP's membership strengths of ascending distances (..., k): 1 for the nearest, summing to log2(k)."""
    beyond = np.asarray(distances - distances[..., :1], dtype=np.float64)
    k = beyond.shape[-1]
    if k < 3:
        return np.ones_like(beyond)
    mean = beyond.mean(axis=-1, keepdims=True)
    beyond /= np.where(mean > 0, mean, 1)
    low, high, sigma = np.zeros_like(mean), np.full_like(mean, np.inf), np.ones_like(mean)
    for _ in range(48):
        over = np.exp(-beyond / sigma).sum(axis=-1, keepdims=True) > np.log2(k)
        high, low = np.where(over, sigma, high), np.where(over, low, sigma)
        sigma = np.where(np.isfinite(high), (low + high) / 2, sigma * 2)
    # With log2(k) of equal distance the sigma that is sought is 0.
    return np.asarray(np.exp(-beyond / np.maximum(sigma, 1e-9)))


def trust(neighbours: np.ndarray, xy: np.ndarray, k: int = N_NEIGHBORS) -> np.ndarray:
    """For each row, the share of its k nearest others that are among the k drawn nearest to it: (n,) float32, 0..1.

    `neighbours` are the rows of nearest_rows, (n, k + 1) or more of them, the own first; xy is (n, 2). The mean is one
    number for the map. Of points drawn equally far from a row all are in, so that no order of ties matters. Where
    there are no more than k others, all that there are. One row alone has 1.
    """
    others = neighbours[:, 1 : k + 1]
    if others.shape[1] == 0:
        return np.ones(len(xy), dtype=np.float32)
    from scipy.spatial import cKDTree

    points = xy.astype(np.float64)
    reach = cKDTree(points).query(points, k=[others.shape[1] + 1])[0]  # (n, 1): the own is one of them
    drawn = np.linalg.norm(points[others] - points[:, None], axis=-1)
    return np.asarray((drawn <= reach * (1 + 1e-12)).mean(axis=1), dtype=np.float32)


def far(xy: np.ndarray, row: int, others: Sequence[int] | np.ndarray) -> np.ndarray:
    """Which of a row's k true neighbours are not even among the 3 k drawn nearest to it: (k,) bool."""
    distances = np.linalg.norm(xy.astype(np.float64) - xy[row], axis=1)
    within = min(FAR * len(others), len(xy) - 1)
    return np.asarray(distances[np.asarray(others, dtype=np.intp)] > np.partition(distances, within)[within])


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of (m,) and (m,), -1..1, ties by their mean rank; 0 where either is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) - (len(values) + 1) / 2 for values in (a, b)]
    scale = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float(ranks[0] @ ranks[1]) / scale if scale > 0 else 0.0


def warm_up() -> None:
    """Compile and import what the first map would wait some ten seconds for."""
    rows = np.eye(32, dtype=np.float32)
    neighbours = nearest_rows(rows, N_NEIGHBORS + 1)
    trust(neighbours[0], project(rows, neighbours=neighbours))
