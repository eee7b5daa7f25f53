"""Chroma's index against exact search, at several sizes and settings: prints one JSON document.

.venv/bin/python benchmarks/index.py [--sizes 1000,5000,20000,50000] [--data low,iso]
    [--hnsw 100/16/100,200/32/400,160/32/600] [--open 50000] [--rebuild 20000]

Vectors are synthetic: 200 clusters of 512-d unit rows whose noise has 48 dimensions ("low", as embeddings have) or
all 512 ("iso", harder). Queries are held-out pictures, and texts that are far from every picture, as CLIP's are.
Recall is over the first 20 against numpy; times are medians over the queries.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace import store as store_module
from sharedspace.home import Home
from sharedspace.records import Hit, ImageRecord, Space, Term
from sharedspace.search import rank, scores
from sharedspace.store import CHUNK, Embedded, Store
from sharedspace.vectors import top_k, unit

D, CLUSTERS, QUERIES, K = 512, 200, 200, 20
FAR = 0.4  # weight of a picture's direction in a text: its best cosine to any picture is near 0.3, as measured of CLIP


def world(n: int, data: str, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Pictures (n, 512), and queries (200, 512) by kind."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(CLUSTERS, D)))
    basis = rng.normal(size=(48, D)) / np.sqrt(D) if data == "low" else None

    def draw(count: int) -> np.ndarray:
        rows = np.empty((count, D), dtype=np.float32)
        for start in range(0, count, 10_000):  # so that 200,000 rows need no gigabytes of float64
            some = len(rows[start : start + 10_000])
            noise = rng.normal(size=(some, 48)) @ basis / np.sqrt(48) if data == "low" else rng.normal(size=(some, D))
            scale = 0.75 if data == "low" else 0.75 / np.sqrt(D)
            rows[start : start + some] = unit(centres[rng.integers(CLUSTERS, size=some)] + scale * noise)
        return rows

    texts = unit(FAR * draw(QUERIES) + unit(rng.normal(size=(QUERIES, D))))
    return draw(n), {"image": draw(QUERIES), "text": texts}


def median_ms(work: Callable[[np.ndarray], object], queries: np.ndarray) -> float:
    """Median wall time of `work` over the queries, milliseconds."""
    times = []
    for query in queries:
        start = time.perf_counter()
        work(query)
        times.append(time.perf_counter() - start)
    return round(statistics.median(times) * 1e3, 3)


def measure(vectors: np.ndarray, queries: dict[str, np.ndarray], hnsw: Sequence[int], folder: Path) -> dict[str, Any]:
    """Insert rate, recall and latency of one setting of the index: (ef_construction, max_neighbors, ef_search)."""
    store_module.HNSW.update(zip(("ef_construction", "max_neighbors", "ef_search"), hnsw, strict=True))
    records = [ImageRecord(f"{row:064x}", f"{row}.jpg", 1, 1, {"label": f"{row % 10}"}) for row in range(len(vectors))]
    store = Store(Embedded(folder))
    start = time.perf_counter()
    for at in range(0, len(records), CHUNK):
        store.add(1, records[at : at + CHUNK], vectors[at : at + CHUNK])
    seconds = time.perf_counter() - start
    out: dict[str, Any] = {"hnsw": "/".join(map(str, hnsw)), "insert_rows_per_second": round(len(records) / seconds)}
    for kind, rows in queries.items():
        right = [{f"{row:064x}" for row in top_k(vectors @ query, K)} for query in rows]
        found = [{id for id, _ in store.query(1, query, K)} for query in rows]
        shared = [len(one & other) / len(one) for one, other in zip(right, found, strict=True)]
        out[f"recall_{kind}"] = round(float(np.mean(shared)), 4)
        out[f"ms_{kind}"] = median_ms(lambda query: store.query(1, query, K), rows)
    store.close()
    return out


def nearest(records: Sequence[ImageRecord], vectors: np.ndarray, query: np.ndarray) -> tuple[Hit, ...]:
    return rank(records, scores(vectors, [Term("image", "query", query)]), K)


def exact(vectors: np.ndarray, queries: dict[str, np.ndarray]) -> dict[str, Any]:
    """Latency of exact search over a matrix."""
    records = [ImageRecord(f"{row:064x}", f"{row}.jpg", 1, 1) for row in range(len(vectors))]
    best = float(np.mean([(vectors @ query).max() for query in queries["text"]]))
    ms = {
        f"ms_{kind}": median_ms(lambda query: nearest(records, vectors, query), rows) for kind, rows in queries.items()
    }
    return {"hnsw": None, **ms, "best_cosine_of_a_text": round(best, 3)}


def break_even(rows: Sequence[dict[str, Any]]) -> int | None:
    """The largest of the sizes at which exact search takes no longer than the fastest index; None: at none."""
    faster = []
    for row in rows:
        if row["hnsw"] is None:
            same = [other for other in rows if (other["images"], other["data"]) == (row["images"], row["data"])]
            if row["ms_text"] <= min((other["ms_text"] for other in same if other["hnsw"]), default=0):
                faster.append(row["images"])
    return max(faster, default=None)


def fill(folder: Path, vectors: np.ndarray) -> int:
    """A home whose ledger has the vectors, and nothing else has; the collection's number."""
    home = Home(folder)
    number = home.ledger.ensure("many", Space("f" * 16, "synthetic", D, 100.0))
    for at in range(0, len(vectors), 5000):
        some = range(at, min(at + 5000, len(vectors)))
        records = [ImageRecord(f"{row:064x}", f"{row}.jpg", 640, 480, {"label": f"{row % 10}"}) for row in some]
        home.ledger.add(number, records, vectors[at : at + 5000])
    home.close()
    return number


def rebuilding(n: int, folder: Path) -> dict[str, Any]:
    """How fast an index that was lost is built anew, and found sound when it is opened again."""
    number = fill(folder, world(n, "low")[0])
    out: dict[str, Any] = {"images": n}
    for name in ("rebuild_seconds", "open_sound_seconds"):
        home = Home(folder)
        start = time.perf_counter()
        home.index(number)
        out[name] = round(time.perf_counter() - start, 3)
        home.close()
    return {**out, "rows_per_second": round(n / out["rebuild_seconds"])}


def opening(n: int, folder: Path) -> dict[str, Any]:
    """Seconds until a collection of n images answers: the first time after an ingest, and from then on."""
    vectors, queries = world(n, "low")
    number = fill(folder, vectors)
    out: dict[str, Any] = {"images": n}
    for name in ("first_seconds", "again_seconds"):
        start = time.perf_counter()
        home = Home(folder)
        snapshot = home.snapshot(number)
        nearest(snapshot.records, snapshot.vectors, queries["image"][0])
        out[name] = round(time.perf_counter() - start, 3)
        home.close()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,5000,20000,50000")
    parser.add_argument("--data", default="low,iso")
    parser.add_argument(
        "--hnsw", default="100/16/100,200/32/400,160/32/600", help="ef_construction/max_neighbors/ef_search"
    )
    parser.add_argument("--open", type=int, default=50_000, metavar="N", help="size of the collection to open; 0: none")
    parser.add_argument("--rebuild", type=int, default=20_000, metavar="N", help="size of the index to lose; 0: none")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    ours = dict(store_module.HNSW)
    for data in given.data.split(","):
        for n in map(int, given.sizes.split(",")):
            vectors, queries = world(n, data)
            rows.append({"images": n, "data": data, **exact(vectors, queries)})
            for hnsw in given.hnsw.split(","):
                with tempfile.TemporaryDirectory() as folder:
                    found = measure(vectors, queries, [int(part) for part in hnsw.split("/")], Path(folder))
                rows.append({"images": n, "data": data, **found})
    store_module.HNSW.update(ours)
    document: dict[str, Any] = {"dimension": D, "neighbours": K, "queries": QUERIES, "rows": rows}
    document["exact_is_faster_up_to"] = break_even(rows)
    for name, n, work in (("open", given.open, opening), ("rebuild", given.rebuild, rebuilding)):
        if n:
            with tempfile.TemporaryDirectory() as folder:
                document[name] = work(n, Path(folder))
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
