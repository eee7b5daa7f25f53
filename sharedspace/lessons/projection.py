"""Lesson 9: the same vectors drawn in many ways, and what of a distance on a map is the vectors' own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from sharedspace import projection
from sharedspace.errors import BadInput
from sharedspace.lessons.rates import Rate
from sharedspace.records import Drawing
from sharedspace.vectors import nearest_rows

NEIGHBOURS = (5, 15, 50)  # UMAP's n_neighbors
DISTANCES = (0.0, 0.1, 0.5, 0.99)  # its min_dist
SEEDS = (0, 1, 2)
MOST = 2000  # images that are drawn so often
NEAREST = 10  # of a picture on a map
CASES = 2000  # drawn at random to count how often an order holds
FAR = 0.5  # share of all pairs that count as far: the farther half


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """One set of n unit vectors drawn by UMAP with each combination of its knobs, from the same exact neighbours."""

    of: str  # `digest` of the vectors
    neighbours: tuple[int, ...]  # fewer, where there are no so many others
    distances: tuple[float, ...]
    seeds: tuple[int, ...]
    xy: np.ndarray  # (neighbours, distances, seeds, n, 2) float32, map units

    def at(self, drawing: Drawing) -> np.ndarray:
        """The map (n, 2) of one of the combinations; ValueError for another one."""
        return np.asarray(self.over_seeds(drawing)[self.seeds.index(drawing.seed)])

    def over_distances(self, drawing: Drawing) -> np.ndarray:
        """The maps (distances, n, 2) that differ from one in the least distance alone."""
        return np.asarray(self.xy[self.neighbours.index(drawing.n_neighbors), :, self.seeds.index(drawing.seed)])

    def over_seeds(self, drawing: Drawing) -> np.ndarray:
        """The maps (seeds, n, 2) that differ from one in the seed alone."""
        place = self.neighbours.index(drawing.n_neighbors), self.distances.index(drawing.min_dist)
        return np.asarray(self.xy[place])


def digest(vectors: np.ndarray) -> str:
    """What a grid is known by: a hash over the vectors (n, d) in their order, 20 hex digits."""
    return hashlib.sha256(np.ascontiguousarray(vectors, dtype=np.float32).tobytes()).hexdigest()[:20]


def drawings(n: int) -> list[Drawing]:
    """The combinations for n images; raises BadInput where they are too few for UMAP."""
    if n < projection.SMALLEST_UMAP:
        raise BadInput(f"UMAP needs {projection.SMALLEST_UMAP} images, and here are {n}.")
    near = sorted({min(k, n - 1) for k in NEIGHBOURS})
    return [Drawing(k, apart, seed) for k in near for apart in DISTANCES for seed in SEEDS]


def draw(vectors: np.ndarray, on_map: Callable[[int, int], None] = lambda done, total: None) -> Grid:
    """All combinations for unit vectors (n, d); `on_map` is told how many are drawn, and ends the work by raising."""
    wanted = drawings(len(vectors))
    near = nearest_rows(vectors, max(drawing.n_neighbors for drawing in wanted))
    maps = []
    for done, drawing in enumerate(wanted):
        on_map(done, len(wanted))
        maps.append(projection.project(vectors, drawing, near))
    on_map(len(wanted), len(wanted))
    kinds = tuple(dict.fromkeys(drawing.n_neighbors for drawing in wanted))
    shape = (len(kinds), len(DISTANCES), len(SEEDS), len(vectors), 2)
    return Grid(digest(vectors), kinds, DISTANCES, SEEDS, np.stack(maps).reshape(shape))


def save(grid: Grid, path: Path) -> None:
    """Write a grid, small: places on maps as float16, good to a two thousandth of a map's size."""
    np.savez_compressed(
        path,
        of=np.array(grid.of),
        neighbours=np.array(grid.neighbours),
        distances=np.array(grid.distances),
        seeds=np.array(grid.seeds),
        xy=grid.xy.astype(np.float16),
    )


def load(path: Path) -> Grid:
    """Read what `save` wrote."""
    with np.load(path) as pack:
        return Grid(
            of=str(pack["of"]),
            neighbours=tuple(pack["neighbours"].tolist()),
            distances=tuple(pack["distances"].tolist()),
            seeds=tuple(pack["seeds"].tolist()),
            xy=pack["xy"].astype(np.float32),
        )


def shown(vectors: np.ndarray, xy: np.ndarray) -> float:
    """The share of the variance of (n, d) that its first two principal components (n, 2) have, 0..1."""
    total = float(((vectors - vectors.mean(axis=0)) ** 2).sum(dtype=np.float64))
    return float((xy.astype(np.float64) ** 2).sum()) / total if total > 0 else 1.0


def apart(points: np.ndarray) -> np.ndarray:
    """All distances of points (n, 2), (n, n) float64."""
    points = points.astype(np.float64)
    x, y = (points[:, None] - points[None]).transpose(2, 0, 1)
    return np.asarray(np.hypot(x, y))


def drawn_nearest(xy: np.ndarray, k: int = NEAREST) -> np.ndarray:
    """Of each of n points the k others that are drawn nearest, (n, k) int, in no order; all where there are fewer."""
    distances = apart(xy)
    np.fill_diagonal(distances, np.inf)
    k = min(k, len(xy) - 1)
    return np.argpartition(distances, k - 1, axis=1)[:, :k]


def kept(one: np.ndarray, other: np.ndarray, k: int = NEAREST) -> np.ndarray:
    """How many of the k nearest on one map (n, 2) are among the k nearest on another, for each point: (n,) int."""
    first, second = drawn_nearest(one, k), drawn_nearest(other, k)
    return np.array([len(np.intersect1d(*rows)) for rows in zip(first, second, strict=True)], dtype=np.intp)


Kind = Literal["near and far", "two near", "two far"]
KINDS: tuple[Kind, ...] = ("near and far", "two near", "two far")


@dataclass(frozen=True, slots=True)
class Order:
    """A picture and two others, many times: which of the two is drawn nearer, and how often that holds."""

    kind: Kind  # near: among its 15 nearest in the space; far: in the farther half of all pairs
    flips: Rate  # of two seeds, how often the second turns the order around
    true: Rate  # how often the order of the first seed is that of the cosines


def orders(vectors: np.ndarray, maps: np.ndarray, seed: int = 0) -> tuple[Order, ...]:
    """How often the order of two distances on the maps (2 or more, n, 2) is that of another seed, and the vectors'.

    For each kind 2,000 random cases whose two cosines differ; pairs are (n, n), so that n is at most some thousand.
    """
    cosines = vectors @ vectors.T
    near, far = near_and_far(cosines)
    rng = np.random.default_rng(seed)
    first, second = apart(maps[0]), apart(maps[1])
    found = []
    for kind, one, other in zip(KINDS, (near, near, far), (far, near, far), strict=True):
        a, b, c = _cases(rng, one, other)
        differ = (b != c) & (cosines[a, b] != cosines[a, c])
        a, b, c = a[differ], b[differ], c[differ]
        nearer = first[a, b] < first[a, c]
        again = second[a, b] < second[a, c]
        right = cosines[a, b] > cosines[a, c]
        n = len(a)
        found.append(Order(kind, Rate(int((nearer != again).sum()), n), Rate(int((nearer == right).sum()), n)))
    return tuple(found)


def near_and_far(cosines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs (n, n) bool are near, one of the other's 15 nearest, and which are in the farther half of all."""
    n = len(cosines)
    own = np.eye(n, dtype=bool)
    k = min(projection.N_NEIGHBORS, n - 1)
    nearest = np.argpartition(np.where(own, np.inf, -cosines), k - 1, axis=1)[:, :k]
    near = np.zeros_like(own)
    np.put_along_axis(near, nearest, True, axis=1)
    far = cosines <= np.quantile(cosines[~own], FAR)
    return near, far & ~own & ~near


def _cases(rng: np.random.Generator, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random rows with a column of each of two kinds of pairs (n, n): (CASES,) each; empty where no row has both."""
    rows = np.flatnonzero(one.any(axis=1) & other.any(axis=1))
    a = rng.choice(rows, CASES) if len(rows) else rows
    # The column with the highest of random numbers is a random one of those that count.
    b, c = (np.where(kind[a], rng.random((len(a), len(kind))), -1).argmax(axis=1) for kind in (one, other))
    return a, b, c


@dataclass(frozen=True, slots=True)
class Agreement:
    """Rank correlation (Spearman) of cosine distance and distance on the map, one value a seed, -1..1."""

    near: tuple[float, ...]
    far: tuple[float, ...]
    near_pairs: int
    far_pairs: int


def agreement(vectors: np.ndarray, maps: np.ndarray) -> Agreement:
    """How far maps (s, n, 2) order near pairs, and far pairs, as the cosines of vectors (n, d) do."""
    cosines = vectors @ vectors.T
    near, far = near_and_far(cosines)
    near, far = (np.triu(pairs | pairs.T, 1) for pairs in (near, far))
    drawn = [apart(xy) for xy in maps]

    def correlations(pairs: np.ndarray) -> tuple[float, ...]:
        return tuple(projection.rank_correlation(-cosines[pairs], one[pairs]) for one in drawn)

    return Agreement(correlations(near), correlations(far), int(near.sum()), int(far.sum()))


@dataclass(frozen=True, slots=True)
class Density:
    """What least distance makes of how tightly points lie, with vectors that stay the same."""

    min_dist: float
    spacing: float  # median distance to the nearest drawn point, over the map's radius
    told: float  # Spearman of how tightly pictures lie in the space and on the map, by their 10 nearest there and here
    trust: float  # 0..1


def densities(vectors: np.ndarray, maps: np.ndarray, distances: Sequence[float]) -> tuple[Density, ...]:
    """For maps (m, n, 2) of the same vectors (n, d), each drawn with another least distance."""
    near, cosines = nearest_rows(vectors, projection.N_NEIGHBORS + 1)
    in_space = 1 - cosines[:, 1 : NEAREST + 1].mean(axis=1, dtype=np.float64)
    found = []
    for xy, distance in zip(maps, distances, strict=True):
        drawn = np.sort(np.partition(apart(xy), NEAREST, axis=1)[:, : NEAREST + 1], axis=1)[:, 1:]  # but the own
        spacing = float(np.median(drawn[:, 0]) / max(projection.radius(xy), 1e-9))
        told = projection.rank_correlation(in_space, drawn.mean(axis=1))
        found.append(Density(distance, spacing, told, float(projection.trust(near, xy).mean())))
    return tuple(found)


def turned(xy: np.ndarray, degrees: float, mirrored: bool) -> np.ndarray:
    """A map (n, 2) turned about its middle and mirrored left to right: every distance stays."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = xy.mean(axis=0, dtype=np.float64)
    found = (xy - middle) @ turn.T * ((-1.0, 1.0) if mirrored else (1.0, 1.0))
    return np.asarray(found + middle, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Three:
    """A picture and two others: how far they are in the space, and on maps that differ in the seed."""

    rows: tuple[int, int, int]
    cosine: tuple[float, float]  # distances 1 - cosine to the second and the third, 0..2
    drawn: tuple[tuple[float, float], ...] = field(default=())  # a seed each, over the map's radius

    @property
    def flips(self) -> bool:
        """Whether the seeds do not agree in which of the two is nearer."""
        return len({one < other for one, other in self.drawn}) > 1


def three(vectors: np.ndarray, maps: np.ndarray, rows: Sequence[int]) -> Three:
    """The distances from the first of three rows to the second and to the third."""
    a, b, c = rows
    cosines = vectors[[b, c]] @ vectors[a]
    drawn = []
    for xy in maps.astype(np.float64):
        lengths = np.hypot(*(xy[[b, c]] - xy[a]).T) / max(projection.radius(xy), 1e-9)
        drawn.append((float(lengths[0]), float(lengths[1])))
    return Three((a, b, c), (float(1 - cosines[0]), float(1 - cosines[1])), tuple(drawn))


def far_three(vectors: np.ndarray, maps: np.ndarray, seed: int = 0) -> Three:
    """Three pictures of which the first is far from the others, whose order the seeds turn around most.

    Chosen for that, out of 2,000 random ones: how often it happens at all is what `orders` counts.
    """
    cosines = vectors @ vectors.T
    _, far = near_and_far(cosines)
    a, b, c = _cases(np.random.default_rng(seed), far, far)
    if not len(a):
        raise BadInput("All pictures are equally far from each other: there are no far ones to compare.")
    a, b, c = a[b != c], b[b != c], c[b != c]
    drawn = []
    for xy in maps.astype(np.float64):
        to_b, to_c = (np.hypot(*(xy[rows] - xy[a]).T) for rows in (b, c))
        drawn.append((to_b - to_c) / max(projection.radius(xy), 1e-9))
    lead = np.stack(drawn)  # (seeds, cases): above 0 where the third is nearer
    place = int(np.minimum(lead.max(axis=0), -lead.min(axis=0)).argmax())
    return three(vectors, maps, (int(a[place]), int(b[place]), int(c[place])))
