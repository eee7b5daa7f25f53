"""The map beside plain UMAP, exact neighbours, trust and placement: prints one JSON document.

.venv/bin/python benchmarks/map.py [--sizes 5000,20000,50000] [--umap 20000] [--place 50000]
    [--held-out 4000,5000] [--quick]

Vectors are synthetic, as in benchmarks/index.py: 200 clusters of 512-d unit rows whose noise has 48 dimensions; and the
sample set's. Everything is measured in one process, one after the other, after a first fit of each kind has compiled;
wall seconds of one run, medians where many are named. `load` is the machine's at the beginning and at the end.
Trustworthiness is scikit-learn's, k = 15: among all rows, counted for up to 3,000 of them drawn by lot.
"""

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from index import world

from sharedspace import projection, samples
from sharedspace.records import Drawing
from sharedspace.vectors import nearest_rows, top_k, unit

K = projection.N_NEIGHBORS
SORTED = 20_000  # rows up to which the full sort is timed as well: it takes minutes beyond
JUDGED = 3000  # rows for which trustworthiness is counted: the ranks of all are n x n


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What work gives, and its wall seconds."""
    start = time.perf_counter()
    return work(), round(time.perf_counter() - start, 3)


def full_sort(rows: np.ndarray, k: int, block: int = 256) -> np.ndarray:
    """Neighbours as anyone would write them: a full argsort of every row, in blocks."""
    found = [np.argsort(-(rows[at : at + block] @ rows.T), axis=1)[:, :k] for at in range(0, len(rows), block)]
    return np.concatenate(found)


def plain_umap(rows: np.ndarray) -> np.ndarray:
    """What most people run."""
    from umap import UMAP

    return np.asarray(UMAP(metric="cosine").fit_transform(rows))


def trustworthiness(rows: np.ndarray, xy: np.ndarray, k: int = K) -> float:
    """Scikit-learn's (Venna & Kaski 2001), its sum taken over some of the rows: 1 - 2 / (m k (2n - 3k - 1)) sum."""
    n = len(rows)
    picked = np.random.default_rng(0).permutation(n)[:JUDGED]
    total = 0
    for row in picked:
        true, drawn = 1 - rows @ rows[row], ((xy - xy[row]) ** 2).sum(axis=1)
        true[row] = drawn[row] = np.inf
        near = np.argpartition(drawn, k)[:k]
        ranks = (true[None] < true[near, None]).sum(axis=1) + 1  # 1 is nearest
        total += np.maximum(ranks - k, 0).sum()
    return round(float(1 - total * 2 / (len(picked) * k * (2 * n - 3 * k - 1))), 4)


def neighbours(n: int) -> dict[str, Any]:
    """Exact neighbours, ours and by full sorts, and how many agree."""
    rows = world(n, "low")[0]
    (ours, _), seconds = timed(lambda: nearest_rows(rows, K + 1))
    if n > SORTED:
        return {"n": n, "ours_s": seconds}
    theirs, plain_seconds = timed(lambda: full_sort(rows, K + 1))
    return {"n": n, "ours_s": seconds, "full_sort_s": plain_seconds, "same": round(float((ours == theirs).mean()), 6)}


def layouts(n: int) -> dict[str, Any]:
    """Our map and plain UMAP's of the same rows: seconds, trustworthiness, and our own trust."""
    rows = world(n, "low")[0]
    (near, cosines), found_s = timed(lambda: nearest_rows(rows, K + 1))
    ours, fit_s = timed(lambda: projection.project(rows, neighbours=(near, cosines)))
    again, again_s = timed(lambda: projection.project(rows, neighbours=(near, cosines)))
    plain, plain_s = timed(lambda: plain_umap(rows))
    trust, trust_s = timed(lambda: projection.trust(near, ours))
    return {
        "n": n,
        "ours_s": {"neighbours": found_s, "layout": fit_s, "together": round(found_s + fit_s, 3)},
        "plain_umap_s": plain_s,
        "trustworthiness": {"ours": trustworthiness(rows, ours), "plain_umap": trustworthiness(rows, plain)},
        "trust": {
            "ours": round(float(trust.mean()), 4),
            "plain_umap": round(float(projection.trust(near, plain).mean()), 4),
        },
        "trust_s": trust_s,
        "second_run": {"same": bool(np.array_equal(ours, again)), "layout_s": again_s},
    }


def placing(n: int, times: int = 200) -> dict[str, Any]:
    """Milliseconds of one placement, its scores counted in, on a map of n points."""
    rows, queries = world(n, "low")
    xy = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    whole, alone = [], []
    for query in queries["text"][:times]:
        start = time.perf_counter()
        scores = rows @ query
        between = time.perf_counter()
        projection.place(scores, xy)
        end = time.perf_counter()
        whole.append((end - start) * 1e3)
        alone.append((end - between) * 1e3)
    return {
        "n": n,
        "queries": len(whole),
        "median_ms": round(statistics.median(whole), 2),
        "p95_ms": round(float(np.quantile(whole, 0.95)), 2),
        "without_the_product_median_ms": round(statistics.median(alone), 2),
    }


def held_out(rows: np.ndarray, out: int, seed: int = 0) -> dict[str, Any]:
    """Images left out of a map and placed on it, by us and by UMAP's transform: how many true neighbours are near."""
    from umap import UMAP

    order = np.random.default_rng(seed).permutation(len(rows))
    new, old = rows[order[:out]], rows[np.sort(order[out:])]
    model = UMAP(metric="cosine", init="pca", random_state=seed)
    xy = model.fit_transform(old)
    theirs = model.transform(new)
    scores = new @ old.T
    placed = [projection.place(row, xy) for row in scores]
    ours = np.array([one.xy for one in placed])
    return {
        "drawn": len(old),
        "held_out": out,
        "overlap": {"ours": overlap(scores, xy, ours), "umap_transform": overlap(scores, xy, theirs)},
        "drawn_images_themselves": round(float(projection.trust(nearest_rows(old, K + 1)[0], xy).mean()), 4),
        # From 4096 rows on transform searches a graph, which on islands like these finds a part only.
        "recall_of_transforms_search": 1.0 if model._small_data else searched(model, new, scores),
        "apart_median": round(float(np.median(np.linalg.norm(ours - theirs, axis=1)) / projection.radius(xy)), 4),
        "scattered": {"held_out": share(placed), **ambiguous(old, xy, seed)},
    }


def searched(model: Any, new: np.ndarray, scores: np.ndarray) -> float:
    """The share of the 15 true neighbours that transform's own search finds, asked as transform asks."""
    found, _ = model._knn_search_index.query(new, K, epsilon=0.24)
    return round(
        float(np.mean([len({*top_k(row, K)} & {*some}) / K for row, some in zip(scores, found, strict=True)])), 4
    )


def overlap(scores: np.ndarray, xy: np.ndarray, places: np.ndarray) -> float:
    """The share of the 15 true neighbours among the 15 drawn nearest to a place, over all placed."""
    kept = [
        len({*top_k(row, K)} & {*top_k(-((xy - place) ** 2).sum(axis=1), K)}) / K
        for row, place in zip(scores, places, strict=True)
    ]
    return round(float(np.mean(kept)), 4)


def ambiguous(rows: np.ndarray, xy: np.ndarray, seed: int, times: int = 300) -> dict[str, float]:
    """How often the means of two far images, and random directions, are called scattered."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(len(rows), size=(2, 20 * times))
    cosine = (rows[a] * rows[b]).sum(axis=1)
    far = (np.linalg.norm(xy[a] - xy[b], axis=1) > projection.radius(xy)) & (cosine < np.median(cosine))
    means = unit(rows[a[far]] + rows[b[far]])[:times]
    anywhere = unit(rng.normal(size=(times, rows.shape[1])))
    kinds = {"between_two_far_images": means, "random_directions": anywhere}
    return {kind: share([projection.place(rows @ one, xy) for one in queries]) for kind, queries in kinds.items()}


def share(placed: list[Any]) -> float:
    return round(float(np.mean([one.scattered for one in placed])), 3)


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "load": [round(part, 2) for part in os.getloadavg()]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="5000,20000,50000")
    parser.add_argument("--umap", type=int, default=20_000)
    parser.add_argument("--place", type=int, default=50_000)
    parser.add_argument("--held-out", default="4000,5000", help="rows, a tenth of them held out")
    parser.add_argument("--quick", action="store_true", help="a tenth of every size")
    given = parser.parse_args()
    part = 10 if given.quick else 1
    warnings.filterwarnings("ignore", category=UserWarning)  # what a seed costs, unseen classes of sparse matrices
    out: dict[str, Any] = {"drawing": repr(Drawing()), "before": machine()}
    out["placing"] = placing(given.place // part)
    out["neighbours"] = [neighbours(int(size) // part) for size in given.sizes.split(",")]
    out["compile_s"] = {"ours": timed(projection.warm_up)[1]}
    out["compile_s"]["plain_umap"] = timed(lambda: plain_umap(world(5000, "low")[0]))[1]
    out["layouts"] = layouts(given.umap // part)
    out["held_out"] = {
        "clustered": [
            held_out(world(int(size) // part, "low")[0], int(size) // part // 10) for size in given.held_out.split(",")
        ],
        "sample set": [held_out(samples.load().vectors, 47, seed) for seed in range(3)],
    }
    out["after"] = machine()
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
