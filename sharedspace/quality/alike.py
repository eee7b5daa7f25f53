"""Images that are alike: pairs by cosine, groups of them, which one to keep, and pairs across a split."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.records import Count, Duplicates, Group, ImageRecord, Leak, Leaks, MetaValue, Pairs

SAME = 0.97  # likeness from which two pictures count as the same one, cropped, relit, scaled or noisy
THRESHOLD = 0.9  # cosine from which two images count as near duplicates
LEAST = 0.8  # cosine from which pairs are looked for at all
MOST = 1_000_000  # pairs that are kept
BLOCK = 256  # rows of a block of cosines
Near = tuple[np.ndarray, np.ndarray]  # rows and cosines of each image's nearest, itself first, (n, k + 1)


# ---- near duplicates --------------------------------------------------------------------------------


def pairs(
    vectors: np.ndarray,
    least: float = LEAST,
    near: Near | None = None,
    most: int = MOST,
    on_block: Callable[[int, int], None] = lambda done, n: None,
) -> Pairs:
    """All pairs of unit rows (n, d) whose cosine is at least `least`, exact, in blocks; the `most` strongest at most.

    `near`, the nearest of each row, spares the product for every row whose last neighbour is farther away than
    `least`. `on_block` is told how many of the rows that are left are done, and ends the work by raising.
    """
    if not -1 <= least <= 1:
        raise BadInput(f"A cosine lies between -1 and 1: {least:g} is none.")
    n = len(vectors)
    found = [_listed(near, least)] if near is not None else []
    left = np.arange(n) if near is None else np.flatnonzero(near[1][:, -1] >= least)
    if near is not None and near[0].shape[1] >= n:
        left = left[:0]  # all of them are listed
    kept, cut = _merged(found, n, most)
    floor = float(kept[1][-1]) if cut else least
    own = vectors if len(left) == n else vectors[left]
    for start in range(0, len(left), BLOCK):
        ahead = left[start:]  # pairs with those before, and with those that list all of theirs, are found
        cosines = own[start : start + BLOCK] @ own[start:].T
        place, other = np.nonzero(cosines >= floor)
        strong = np.minimum(cosines[place, other], 1)
        one, other = ahead[place], ahead[other]
        fresh = one != other
        keys = np.minimum(one, other)[fresh] * n + np.maximum(one, other)[fresh]
        found.append((keys, strong[fresh]))
        if start + BLOCK >= len(left) or sum(len(part[0]) for part in found) > 4 * most:
            kept, now = _merged(found, n, most)
            cut, found = cut or now, [kept]
            floor = max(floor, float(kept[1][-1])) if now else floor
        on_block(min(start + BLOCK, len(left)), len(left))
    a, b = np.divmod(kept[0], max(n, 1))
    return Pairs(a, b, kept[1], floor if cut else least, cut)


def _listed(near: Near, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that the nearest of each row tell: keys a * n + b, and cosines."""
    rows, cosines = near
    n = len(rows)
    one, place = np.nonzero(cosines >= least)
    other = rows[one, place].astype(np.int64)
    fresh = one != other
    keys = np.minimum(one, other)[fresh] * n + np.maximum(one, other)[fresh]
    return keys, cosines[one[fresh], place[fresh]]


def _merged(
    found: Sequence[tuple[np.ndarray, np.ndarray]], n: int, most: int
) -> tuple[tuple[np.ndarray, np.ndarray], bool]:
    """Keys and cosines without repetition, the strongest first, and whether there were more than `most`."""
    keys = np.concatenate([np.empty(0, dtype=np.int64), *(part[0] for part in found)])
    cosines = np.concatenate([np.empty(0, dtype=np.float32), *(part[1] for part in found)])
    keys, first = np.unique(keys, return_index=True)
    cosines = cosines[first]
    order = np.argsort(-cosines, kind="stable")
    return (keys[order[:most]], cosines[order[:most]]), len(order) > most


def groups(found: Pairs, threshold: float, n: int) -> tuple[np.ndarray, ...]:
    """The groups that pairs from a cosine on make of n images, the largest first: rows of each, rising."""
    linked = found.where(found.cosine >= threshold)
    if not len(linked):
        return ()
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(linked), dtype=bool), (linked.a, linked.b)), shape=(n, n))
    labels = connected_components(graph.tocsr(), directed=False)[1]
    inside = np.unique(np.concatenate([linked.a, linked.b]))
    order = inside[np.argsort(labels[inside], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return tuple(sorted(parts, key=lambda part: (-len(part), part[0])))


def same(found: Pairs) -> np.ndarray:
    """Which of the pairs are the same picture, or have none to tell by, (m,) bool; not those that were not compared."""
    if found.likeness is None:
        return np.ones(len(found), dtype=bool)
    return np.asarray(np.isnan(found.likeness) | (found.likeness >= SAME))


def duplicates(
    found: Pairs, threshold: float, records: Sequence[ImageRecord], originals: Container[str] = (), look: bool = True
) -> Duplicates:
    """Groups of images that are alike from a cosine on and, with `look`, whose pictures are the same."""
    if not 0 < threshold <= 1:
        raise BadInput(f"Duplicates are looked for from a cosine over 0 and up to 1 on, not {threshold:g}.")
    strong = found.where(found.cosine >= threshold)
    made = strong.where(same(strong)) if look else strong
    members = groups(made, threshold, len(records))
    of = {int(row): place for place, rows in enumerate(members) for row in rows}
    cosines: list[list[float]] = [[] for _ in members]
    for a, cosine in zip(made.a.tolist(), made.cosine.tolist(), strict=True):
        cosines[of[a]].append(cosine)
    rows = []
    for own, near in zip(members, cosines, strict=True):
        best, reason = suggest(records, own.tolist(), originals)
        order = (best, *(int(row) for row in own if row != best))
        rows.append(Group(order, reason, (min(near), max(near))))
    exact = tuple(row for row, record in enumerate(records) if record.names)
    unseen = 0 if not look or strong.likeness is None else int(np.isneginf(strong.likeness).sum())
    return Duplicates(tuple(rows), made, len(strong) - len(made) - unseen, unseen, exact, threshold)


def counts(found: Pairs, thresholds: Sequence[float], n: int) -> tuple[Count, ...]:
    """How many pairs, groups and images there are from each cosine on.

    A spanning forest of the strongest pairs has the groups of every threshold, which are its images less its edges.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    best = np.full(n, -np.inf, dtype=np.float32)
    np.maximum.at(best, found.a, found.cosine)
    np.maximum.at(best, found.b, found.cosine)
    # Stored as lengths of 1 and more: a length of 0 would be no edge.
    graph = coo_array((2 - found.cosine.astype(np.float64), (found.a, found.b)), shape=(n, n))
    edges = np.sort(2 - minimum_spanning_tree(graph.tocsr()).data) if len(found) else np.empty(0)
    strong, best = np.sort(found.cosine), np.sort(best[np.isfinite(best)])

    def at(threshold: float) -> Count:
        # The forest's lengths went through float64: as near to a float32 cosine as that can tell.
        level = np.float32(threshold)
        images = len(best) - int(np.searchsorted(best, level))
        joined = len(edges) - int(np.searchsorted(edges.astype(np.float32), level))
        return Count(threshold, len(strong) - int(np.searchsorted(strong, level)), images - joined, images)

    return tuple(map(at, thresholds))


# ---- what to do with them ---------------------------------------------------------------------------


def suggest(records: Sequence[ImageRecord], members: Sequence[int], originals: Container[str] = ()) -> tuple[int, str]:
    """Which row of a group to keep, and why: most pixels, then a file kept here, then the shortest path, then by id."""

    def rank(row: int) -> tuple[int, bool, int, str]:
        record = records[row]
        return -record.width * record.height, record.id not in originals, len(record.path), record.id

    first, second = sorted(map(int, members), key=rank)[:2]
    better = [one != other for one, other in zip(rank(first), rank(second), strict=True)].index(True)
    best = records[first]
    reasons = (
        f"the largest, {best.width} × {best.height}",
        "its file is kept here",
        "the shortest path",
        "as good as the others",
    )
    return first, reasons[better]


def leaks(found: Pairs, values: Sequence[MetaValue | None], several: tuple[int, ...] = ()) -> Leaks:
    """Pairs whose images have two different values; images without a value are in no part."""
    names = [None if value is None else str(value) for value in values]
    rows = list(zip(found.a.tolist(), found.b.tolist(), strict=True))
    crossing = [None not in (names[a], names[b]) and names[a] != names[b] for a, b in rows]
    sides: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for a, b in (pair for pair, crosses in zip(rows, crossing, strict=True) if crosses):
        (one, first), (two, second) = sorted(((str(names[a]), a), (str(names[b]), b)))
        sides.setdefault((one, two), []).append((first, second))
    between = [
        Leak(two, len(own), (len({pair[0] for pair in own}), len({pair[1] for pair in own})))
        for two, own in sides.items()
    ]
    order = sorted(between, key=lambda leak: (-leak.pairs, leak.values))
    return Leaks(found.where(np.array(crossing, dtype=bool)), tuple(order), several)
