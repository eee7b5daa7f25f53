"""Lesson 10: exact search against an HNSW index as a set grows, measured on this machine."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.lessons.rates import Z
from sharedspace.store.scratch import Hnsw, Scratch, scratch
from sharedspace.vectors import nearest_rows, nearest_to, top_k, unit

K = 10
QUERIES = 100
SIZES = (1000, 2000, 5000, 10_000, 20_000, 50_000)
STEP = 500  # vectors put in between two looks at whether to stop
WARM = 10  # queries that are not timed
ROUNDS = 3  # over all queries; the least of their medians counts, since a busy neighbour can only add to it
MOST_REAL = 2000  # real vectors from which noise is mixed, and whose neighbours are looked at
ROUNDING = 1e-6  # of a cosine: what differs by no more is as near


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A set of unit vectors in which the first ones are real."""

    vectors: np.ndarray  # (n, d) float32
    real: int
    real_nearest: tuple[float, float, float]  # 10th, 50th, 90th percentile of the cosine to the nearest of the real
    made_nearest: tuple[float, float, float]  # and of a made one to the real one that it comes from; NaN of none


def grow(vectors: np.ndarray, n: int, seed: int = 0) -> Grown:
    """n unit vectors: the real ones (m, d) in random order, then made ones that follow their distribution.

    A made one is a random real one plus noise, renormalised. The noise has the covariance of the real ones, so that it
    leaves them in their own directions; its length is such that the cosine of the two is one that a random real vector
    has with its nearest. Raises BadInput with fewer than 3 real ones, which have no such distribution.
    """
    if len(vectors) < 3:
        raise BadInput(f"Vectors that follow {len(vectors)} others cannot be made: it takes 3 or more.")
    rng = np.random.default_rng(seed)
    base = np.asarray(vectors[rng.permutation(len(vectors))[:n]], dtype=np.float32)
    some = base[:MOST_REAL]
    nearest = nearest_rows(some, 2)[1][:, 1]
    made = max(0, n - len(base))
    cosines = np.clip(rng.choice(nearest, made), 0.05, 1)
    rows = np.empty((made, base.shape[1]), dtype=np.float32)
    for start in range(0, made, 5000):
        chosen = cosines[start : start + 5000]
        rows[start : start + 5000] = _beside(some, chosen, rng)
    low_to_high = (10, 50, 90)
    return Grown(
        vectors=np.concatenate([base, rows]),
        real=len(base),
        real_nearest=tuple(np.percentile(nearest, low_to_high).tolist()),
        made_nearest=tuple(np.percentile(cosines, low_to_high).tolist()) if made else (float("nan"),) * 3,
    )


def beside(vectors: np.ndarray, count: int, seed: int = 1) -> np.ndarray:
    """Queries (count, d) that are made as `grow` makes vectors, and are none of them."""
    some = np.asarray(vectors[:MOST_REAL], dtype=np.float32)
    rng = np.random.default_rng(seed)
    cosines = np.clip(rng.choice(nearest_rows(some, 2)[1][:, 1], count), 0.05, 1)
    return _beside(some, cosines, rng)


def _beside(base: np.ndarray, cosines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A unit row (m, d) for each of some cosines, which it has with a random one of the base."""
    parents = base[rng.integers(len(base), size=len(cosines))]
    mixed = rng.standard_normal((len(cosines), len(base)), dtype=np.float32) @ (base - base.mean(axis=0))
    across = unit(mixed - (mixed * parents).sum(axis=1, keepdims=True) * parents)
    cosines = cosines[:, None].astype(np.float32)
    return unit(cosines * parents + np.sqrt(1 - cosines**2) * across)


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the 10 truly nearest were found, for each query."""

    found: tuple[int, ...]

    @property
    def share(self) -> float:
        """0..1, the mean over the queries."""
        return statistics.fmean(self.found) / K

    @property
    def margin(self) -> float:
        """Half of the 95 % interval of the share: 1.96 standard errors of a mean over queries.

        Where all n queries are alike, 3 / n: of so many may others be that were not met (Hanley, Lippman-Hand 1983).
        """
        n = len(self.found)
        spread = statistics.stdev(self.found) if n > 1 else 0.0
        return Z * spread / K / math.sqrt(n) if spread else min(1.0, 3 / n)

    @property
    def words(self) -> str:
        """The share with its margin and n, for people."""
        return f"{self.share:.1%} (± {100 * self.margin:.1f} points, 95%, over {len(self.found)} queries)"


@dataclass(frozen=True, slots=True)
class At:
    """Exact search and the index at one size of the set."""

    n: int
    recall: Recall  # of the index
    exact: float  # seconds a query, the median; the least of three rounds
    index: float
    build: float  # seconds to put all n into the index, in one go from nothing
    disk: int  # bytes of the index's folder


@dataclass(frozen=True, slots=True)
class Growth:
    """One index, looked at while it grows."""

    hnsw: Hnsw
    real: int  # vectors that are real; those beyond are made
    queries: str  # what they are, in words
    points: tuple[At, ...]  # by size

    @property
    def crossing(self) -> float | None:
        """The size at which the index takes as long as exact search, between two that were measured.

        On a straight line of log time against log n between the two. None where one way is quicker at all sizes, or
        where there is no size below which exact search always is and above which the index always is.
        """
        slower = [at.index > at.exact for at in self.points]
        k = sum(slower)
        if k in (0, len(slower)) or not all(slower[:k]):
            return None
        one, other = self.points[k - 1 : k + 1]
        before, after = (float(np.log(at.index / at.exact)) for at in (one, other))
        return float(np.exp(np.log(one.n) + before / (before - after) * np.log(other.n / one.n)))


def exact(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The rows of the 10 nearest of (n, d) for a unit query (d,), best first: all n cosines are computed."""
    return top_k(vectors @ query, K)


def measure(
    grown: Grown,
    queries: np.ndarray,
    sizes: Sequence[int],
    hnsw: Hnsw,
    what: str,
    on_row: Callable[[int, int], None] = lambda done, total: None,
) -> Growth:
    """Exact search and a Chroma index of its own, at each size, with unit queries (q, d), one at a time.

    The index is filled from one size to the next. `on_row` is told how many vectors are in, and ends the work by
    raising; the index is removed then too. Raises BadInput for knobs or sizes that cannot be.
    """
    check(hnsw, sizes, len(grown.vectors))
    points, building = [], 0.0
    with scratch(hnsw) as index:
        for n in sizes:
            while len(index) < n:
                some = grown.vectors[len(index) : min(len(index) + STEP, n)]
                start = time.perf_counter()
                index.add(some)
                building += time.perf_counter() - start
                on_row(len(index), sizes[-1])
            points.append(_at(index, grown.vectors[:n], queries, building))
    return Growth(hnsw, grown.real, what, tuple(points))


def check(hnsw: Hnsw, sizes: Sequence[int], n: int) -> None:
    """Raise BadInput for knobs that HNSW cannot have, and for sizes that do not rise within n."""
    if not (2 <= hnsw.links <= 128 and 1 <= hnsw.build <= 2000 and 1 <= hnsw.search <= 5000):
        raise BadInput(f"An index takes M of 2 to 128, ef_construction to 2,000 and ef_search to 5,000, not {hnsw}.")
    if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 2 * K or sizes[-1] > n:
        raise BadInput(f"Sizes rise from {2 * K} or more to {n:,}, the number of vectors, not {list(sizes)}.")


def _at(index: Scratch, vectors: np.ndarray, queries: np.ndarray, building: float) -> At:
    found = [index.query(query, K) for query in queries]
    ways = (lambda query: exact(vectors, query), lambda query: index.query(query, K))
    # In turns, so that what else the machine does falls on both.
    rounds = [[_seconds(answer, queries) for answer in ways] for _ in range(ROUNDS)]
    return At(
        n=len(vectors),
        recall=recall(vectors, queries, found),
        exact=min(seconds for seconds, _ in rounds),
        index=min(seconds for _, seconds in rounds),
        build=building,
        disk=index.size(),
    )


def recall(vectors: np.ndarray, queries: np.ndarray, found: Sequence[np.ndarray]) -> Recall:
    """How many of the 10 nearest of each query were found; of rows that are equally near as the tenth any will do."""
    least = nearest_to(queries, vectors, K)[1][:, -1]  # (q,) cosine of the tenth
    return Recall(
        tuple(
            int((vectors[rows[:K]] @ query >= cosine - ROUNDING).sum())
            for rows, query, cosine in zip(found, queries, least, strict=True)
        )
    )


def _seconds(answer: Callable[[np.ndarray], object], queries: np.ndarray) -> float:
    """The median time of a query, after a few that warm up."""
    for query in queries[:WARM]:
        answer(query)
    times = []
    for query in queries:
        start = time.perf_counter()
        answer(query)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def vector_bytes(n: int, dimension: int) -> int:
    """Bytes of n vectors of float32: 4 d n."""
    return 4 * dimension * n


def link_bytes(n: int, links: int) -> int:
    """Bytes of the links of an HNSW index, about: 2 M numbers of 4 bytes a vector in its lowest layer."""
    return 8 * links * n
