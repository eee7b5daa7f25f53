"""Groups of images by their vectors: found, judged, and edited; by their places on the map only when asked by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.records import Agreement
from sharedspace.vectors import nearest_rows, unit

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

NOISE = -1
NEAR = 50  # neighbours of each image between which HDBSCAN looks for groups
LEAST_NEAR = 15  # with fewer of them left, neighbours are looked for anew
CORE = 5  # neighbours within which HDBSCAN calls a place dense
TOUCHING = 1e-9  # distance of equal rows: a sparse matrix takes 0 for "not near"
APART = 2.0  # the largest distance of unit rows, between parts of the graph that no neighbour joins
SAMPLED = 2000  # images on which k is chosen
CANDIDATES = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 25, 30, 35, 40, 50, 60, 80, 100, 150, 200)
TRIES = 4  # starts of k-means, the best of which counts
MANY = 200_000  # images times groups, from which on k-means starts once, on a sample: as near to the means within 1 %
BEGUN = 5000  # images of that sample
STEPS = 10  # of k-means on all images from there
RUNS = 5  # of which the stability is told
SHARE = 0.9  # of the images, that a run of a method without a seed sees
Neighbours = tuple[np.ndarray, np.ndarray]


def default_min_size(n: int) -> int:
    """The smallest group that HDBSCAN reports unless told: 5, or a fifth of the root of a larger set (20,000: 28)."""
    return max(5, round(math.sqrt(n) / 5))


def hdbscan(vectors: np.ndarray, min_size: int | None = None, near: Neighbours | None = None) -> np.ndarray:
    """Density groups (Campello et al. 2013) of unit vectors (n, d): (n,) int, -1 is noise, 0 the largest group.

    HDBSCAN of scikit-learn on the graph of each row's 50 nearest, exact where there are no more than 50 rows. `near`
    are rows and cosines (n, 50) of `nearest_rows`, -1 for a neighbour that does not count, where they are known.
    """
    n, min_size = len(vectors), _least(len(vectors), min_size)
    if n < min_size:
        return np.full(n, NOISE)
    from sklearn.cluster import HDBSCAN

    rows, cosines = nearest_rows(vectors, NEAR) if near is None else near
    graph = _graph(rows[:, :NEAR], cosines[:, :NEAR])
    found = HDBSCAN(min_size, min_samples=min(CORE, min_size), metric="precomputed", copy=True).fit_predict(graph)
    return by_size(found)


def hdbscan_map(xy: np.ndarray, min_size: int | None = None) -> np.ndarray:
    """Density groups of points on a map (n, 2), which the drawing made as much as the images: numbered as `hdbscan`."""
    n, min_size = len(xy), _least(len(xy), min_size)
    if n < min_size:
        return np.full(n, NOISE)
    from sklearn.cluster import HDBSCAN

    return by_size(HDBSCAN(min_size, min_samples=min(CORE, min_size), copy=True).fit_predict(xy))


def _least(n: int, min_size: int | None) -> int:
    min_size = default_min_size(n) if min_size is None else min_size
    if min_size < 2:
        raise BadInput(f"The smallest group must have at least 2 images, not {min_size}.")
    return min_size


def _graph(rows: np.ndarray, cosines: np.ndarray) -> object:
    """Distances of neighbours as a sparse (n, n), symmetric and in one piece, as scikit-learn wants them."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(rows)
    own, place = np.nonzero(rows >= 0)
    # On unit rows the Euclidean distance orders pairs as the cosine does.
    lengths = np.sqrt(np.maximum(2 - 2 * cosines[own, place].astype(np.float64), TOUCHING**2))
    graph = csr_array((lengths, (own, rows[own, place])), shape=(n, n))
    graph = graph.maximum(graph.T)
    parts, part = connected_components(graph, directed=False)
    if parts > 1:
        first = np.unique(part, return_index=True)[1]
        bridges = csr_array((np.full(parts - 1, APART), (np.full(parts - 1, first[0]), first[1:])), shape=(n, n))
        graph = graph.maximum(bridges).maximum(bridges.T)
    return graph.tocsr()


def neighbours_among(near: Neighbours, kept: np.ndarray) -> Neighbours | None:
    """The neighbours of the rows kept, (n,) bool, among themselves, renumbered, -1 for one that is out.

    None where some row has too few of them left to go by: they must be looked for anew.
    """
    rows, cosines = near[0][kept], near[1][kept]
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    rows = number[rows]
    enough = (rows >= 0).sum(axis=1).min(initial=NEAR) >= min(LEAST_NEAR, kept.sum())
    return (rows, cosines) if enough else None


def kmeans(vectors: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """k groups of unit vectors (n, d) around means: (n,) int, 0 the largest group."""
    n = len(vectors)
    if not 1 <= k <= n:
        raise BadInput(f"{n} images can be put into 1 to {n} groups, not {k}.")
    from sklearn.cluster import KMeans

    if n * k <= MANY:
        return by_size(_means(vectors, k, seed, TRIES).labels_)
    some = vectors[np.random.default_rng(seed).permutation(n)[: max(BEGUN, 10 * k)]]
    centres = _means(some, k, seed, 1).cluster_centers_
    if len(centres) < k:  # too many duplicates among them
        return by_size(_means(vectors, k, seed, 1).labels_)
    return by_size(KMeans(k, init=centres, n_init=1, max_iter=STEPS, random_state=seed).fit_predict(vectors))


def _means(vectors: np.ndarray, k: int, seed: int, tries: int) -> KMeans:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    different = len({row.tobytes() for row in vectors})  # of duplicates there can be no more groups: it warns of that
    with threadpool_limits(1, "openmp"):  # on a busy machine threads wait longer than they work
        return KMeans(min(k, different), n_init=tries, random_state=seed).fit(vectors)


def best_k(vectors: np.ndarray, candidates: Sequence[int] = CANDIDATES, seed: int = 0) -> tuple[int, dict[int, float]]:
    """The number of groups whose k-means has the highest mean silhouette, and that of each candidate.

    On a seeded sample of at most 2,000 of the unit vectors (n, d); candidates above half of it are left out. Of one
    image, or of equal ones only, it is 1.
    """
    n = len(vectors)
    sample = vectors[np.sort(np.random.default_rng(seed).permutation(n)[:SAMPLED])]
    tried = {}
    for k in sorted(set(candidates)):
        if 2 <= k <= max(2, len(sample) // 2) and k < len(sample):
            groups = kmeans(sample, k, seed)
            if groups.max() > 0:
                tried[k] = float(silhouette(sample, groups).mean())
    return max(tried, key=lambda k: tried[k], default=1), tried


def silhouette(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How much nearer each unit row (n, d) is to its own group than to the next one: (n,) of -1 to 1.

    The silhouette (Rousseeuw 1987) of the cosine distance. Its means over groups follow from the groups' sums, so that
    no pair is looked at. Noise, and an image alone in its group, has 0; raises BadInput where there are not two groups.
    """
    groups, place = np.unique(labels, return_inverse=True)
    member = labels != NOISE
    counts = np.bincount(place)
    if (groups != NOISE).sum() < 2:
        raise BadInput("A silhouette compares groups: there must be two.")
    sums = np.zeros((len(groups), vectors.shape[1]))
    np.add.at(sums, place, vectors.astype(np.float64))
    distances = 1 - vectors @ (sums / counts[:, None]).T  # (n, groups): the mean over each group
    own = distances[np.arange(len(place)), place] * counts[place] / np.maximum(counts[place] - 1, 1)
    distances[np.arange(len(place)), place] = np.inf
    distances[:, groups == NOISE] = np.inf
    next_one = distances.min(axis=1)
    widths = (next_one - own) / np.maximum(np.maximum(own, next_one), np.finfo(np.float32).tiny)
    return np.asarray(np.where(member & (counts[place] > 1), widths, 0.0))


def stability(
    n: int,
    cluster: Callable[[np.ndarray, int], np.ndarray],
    share: float = 1.0,
    on_run: Callable[[int, int], None] = lambda done, runs: None,
) -> float:
    """How alike the groups of 5 runs are: the mean adjusted Rand index over their pairs, 1 for equal, 0 for chance.

    `cluster` gives the groups of some of n rows, (m,) int, for a seed. With a share below 1 each run sees another
    random part of the rows, and two runs are compared on what both saw. Noise counts as a group.
    """
    from sklearn.metrics import adjusted_rand_score

    runs = np.full((RUNS, n), NOISE - 1)
    for seed, run in enumerate(runs):
        rows = np.sort(np.random.default_rng(seed).permutation(n)[: max(1, round(share * n))])
        run[rows] = cluster(rows, seed)
        on_run(seed + 1, RUNS)
    both = [(a, b, (a >= NOISE) & (b >= NOISE)) for a, b in combinations(runs, 2)]
    return float(np.mean([adjusted_rand_score(a[seen], b[seen]) for a, b, seen in both]))


def agreement(labels: np.ndarray, column: Sequence[object | None]) -> Agreement:
    """Groups (n,) against a column of n values, over the images that have one; raises BadInput where none has."""
    has = np.array([value is not None for value in column], dtype=bool)
    if not has.any():
        raise BadInput("No image of these groups has a value in that field: choose another one.")
    from sklearn.metrics import adjusted_rand_score
    from sklearn.metrics.cluster import contingency_matrix

    values = np.array([str(value) for value in column])[has]
    groups = np.asarray(labels)[has]
    inside = groups != NOISE
    common = contingency_matrix(values[inside], groups[inside]).max(axis=0).sum() if inside.any() else 0
    purity = float(common / max(1, inside.sum()))
    return Agreement(float(adjusted_rand_score(values, groups)), purity, int(has.sum()))


# ---- edits: a new array each, in which the groups that were not touched keep their numbers


def merge(labels: np.ndarray, groups: Sequence[int]) -> np.ndarray:
    """Several groups as one, which has the lowest of their numbers; raises BadInput for fewer than two, or noise."""
    chosen = sorted({_group(labels, group) for group in groups})
    if len(chosen) < 2:
        raise BadInput("Choose two groups or more to make one of them.")
    return np.where(np.isin(labels, chosen), chosen[0], labels)


def split(vectors: np.ndarray, labels: np.ndarray, group: int, into: int = 2, seed: int = 0) -> np.ndarray:
    """A group in parts, by k-means on the unit vectors (n, d): the largest keeps the number, the others get new ones.

    Raises BadInput for fewer than two parts, and where the group has not so many different images.
    """
    members = np.flatnonzero(labels == _group(labels, group))
    if into < 2 or into > len(members):
        raise BadInput(f"A group of {len(members)} images can be split into 2 to {len(members)} parts, not {into}.")
    parts = kmeans(vectors[members], into, seed)
    if parts.max() + 1 < into:
        raise BadInput(f"The group has only {parts.max() + 1} different images, and cannot be split into {into} parts.")
    changed = labels.copy()
    changed[members] = np.where(parts == 0, group, labels.max() + parts)
    return changed


def move(labels: np.ndarray, rows: Sequence[int] | np.ndarray, group: int | None) -> np.ndarray:
    """Some rows in another group, out into noise (-1), or with None in a new group; raises BadInput for an unknown."""
    if not len(rows):
        raise BadInput("Select the images to move first.")
    if group is None:
        group = int(labels.max(initial=NOISE)) + 1
    elif group != NOISE:
        _group(labels, group)
    changed = labels.copy()
    changed[np.asarray(rows)] = group
    return changed


def _group(labels: np.ndarray, group: int) -> int:
    if group == NOISE or not (labels == group).any():
        raise BadInput(f"There is no group {group}.")
    return group


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
