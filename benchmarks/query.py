"""From Enter to ids: time of a query apart from the encoder's own, and how fairly its terms are mixed.

.venv/bin/python benchmarks/query.py [--images 50000] [--repeats 31] [--pairs 150]

Prints one JSON document. Times are milliseconds on random unit rows, whose content exact search does not depend on;
the anchor is numpy's plain argsort of one product. Where neighbours are busy the fastest says more than the median.
Fairness is measured on the sample set with pocket: a caption and a picture of equal weight, and the rank correlation
(Spearman) of the ranking they give together with that of each alone. It is compared with mixing plain cosines, with
median and MAD in place of mean and deviation, and with ranks made normal. The quartiles are of the difference caption
minus picture: 0 is fair.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import median_abs_deviation, norm, rankdata, spearmanr

from sharedspace import encoders, filters, samples, search
from sharedspace.records import ImageRecord, Term
from sharedspace.vectors import unit

K, LIMIT_MS = 12, 30.0
CONDITIONS = ("colour=red", "colour=blue", "count>=2", "tag=kept")


def timed(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """Wall time of `work` once it is warm, milliseconds."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return {name: round(of(times[1:]) * 1e3, 2) for name, of in (("median", statistics.median), ("fastest", min))}


def collection(n: int) -> tuple[list[ImageRecord], dict[str, frozenset[str]]]:
    """Records of which every third is red, and tags of every second."""
    colours = ("red", "blue", "green")
    records = [
        ImageRecord(f"{row:064x}", f"{row}.jpg", 1, 1, {"colour": colours[row % 3], "count": row % 5, "price": row / 7})
        for row in range(n)
    ]
    return records, {record.id: frozenset({"kept", "to print"}) for record in records[::2]}


def latency(n: int, d: int, repeats: int) -> dict[str, Any]:
    """Milliseconds from the vectors of a query to its first 12 ids."""
    rng = np.random.default_rng(d)
    vectors = unit(rng.normal(size=(n, d)).astype(np.float32))
    records, tags = collection(n)
    terms = [
        Term("text" if row % 2 else "image", f"{row}", query, (-1.0) ** (row // 2))
        for row, query in enumerate(unit(rng.normal(size=(4, d))))
    ]
    conditions = [filters.parse(text) for text in CONDITIONS]
    where = filters.mask(records, conditions, tags)

    def ids(count: int, passed: np.ndarray | None = None) -> list[str]:
        return [hit.id for hit in search.rank(records, search.scores(vectors, terms[:count]), K, passed)]

    works: dict[str, Callable[[], object]] = {
        "1 term": lambda: ids(1),
        "4 terms": lambda: ids(4),
        "4 terms, filtered": lambda: ids(4, where),
        "4 terms, 4 conditions read and filtered": lambda: ids(4, filters.mask(records, conditions, tags)),
        "4 conditions alone": lambda: filters.mask(records, conditions, tags),
    }
    ours = {name: timed(work, repeats) for name, work in works.items()}
    argsort = timed(lambda: [records[row].id for row in np.argsort(-(vectors @ terms[0].vector))[:K]], repeats)
    return {
        "images": n,
        "dimension": d,
        "pass_the_filter": int(where.sum()),
        "ours": ours,
        "anchors": {"numpy argsort, 1 term": argsort},
        "under_30_ms": {name: ms["median"] < LIMIT_MS for name, ms in ours.items() if "conditions" not in name},
    }


def mixed(vectors: np.ndarray, caption: np.ndarray, picture: np.ndarray, sign: int) -> dict[str, np.ndarray]:
    """The totals (n,) of a caption plus or minus a picture: ours, and three other ways."""
    one, other = vectors @ caption, vectors @ picture
    terms = [Term("text", "caption", caption), Term("image", "picture", picture, sign)]
    return {
        "ours": search.scores(vectors, terms).total,
        "plain cosines": one + sign * other,
        "median and MAD": robust(one) + sign * robust(other),
        "normal ranks": normal(one) + sign * normal(other),
    }


def robust(cosines: np.ndarray) -> np.ndarray:
    return np.asarray((cosines - np.median(cosines)) / median_abs_deviation(cosines, scale="normal"))


def normal(cosines: np.ndarray) -> np.ndarray:
    return np.asarray(norm.ppf((rankdata(cosines) - 0.5) / len(cosines)))


def fairness(encoder: encoders.Encoder, count: int) -> dict[str, Any]:
    """How much a caption and a picture of equal weight move the ranking, by the way they are mixed."""
    sample = samples.load()
    rng = np.random.default_rng(0)
    pictures, captions = (rng.permutation(len(sample.records))[:count] for _ in range(2))
    texts = encoder.texts([str(sample.records[row].meta["caption"]) for row in captions])
    shown = sample.vectors[pictures]
    spread = {
        name: round(float((sample.vectors @ rows.T).std(axis=0).mean()), 4)
        for name, rows in (("caption", texts), ("picture", shown))
    }
    out: dict[str, Any] = {"pairs": len(texts), "images": len(sample.records), "spread_of_cosines": spread}
    for name, sign in (("caption plus picture", 1), ("caption minus picture", -1)):
        found: dict[str, list[tuple[float, float]]] = {}
        for text, picture in zip(texts, shown, strict=True):
            alone = sample.vectors @ text, sign * (sample.vectors @ picture)
            for way, total in mixed(sample.vectors, text, picture, sign).items():
                found.setdefault(way, []).append(tuple(spearmanr(total, one)[0] for one in alone))
        ways = {way: moved(np.array(pairs)) for way, pairs in found.items()}
        out[name] = {"ours": ways.pop("ours"), "anchors": ways}
    return out


def moved(rho: np.ndarray) -> dict[str, Any]:
    """Rank correlations (pairs, 2) with the caption and with the picture, in short."""
    difference = rho[:, 0] - rho[:, 1]
    return {
        "rho_caption": round(float(rho[:, 0].mean()), 3),
        "rho_picture": round(float(rho[:, 1].mean()), 3),
        "mean_absolute_difference": round(float(np.abs(difference).mean()), 3),
        "quartiles_of_difference": np.quantile(difference, [0.25, 0.5, 0.75]).round(3).tolist(),
    }


def encoding(encoder: encoders.Encoder, repeats: int) -> dict[str, float]:
    """Milliseconds in which pocket encodes one text."""
    captions = iter([str(record.meta["caption"]) for record in samples.load().records] * (repeats // 400 + 1))
    return timed(lambda: encoder.texts([next(captions)]), repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=31)
    parser.add_argument("--pairs", type=int, default=150)
    given = parser.parse_args()
    before = os.getloadavg()[0]
    encoder = encoders.load("pocket")
    document = {
        "limit_ms": LIMIT_MS,
        "encoder_ms": {"pocket, one text": encoding(encoder, given.repeats)},
        "latency": [latency(given.images, d, given.repeats) for d in (128, 512)],
        "fairness": fairness(encoder, given.pairs),
        "load_average": {"before": round(before, 2), "after": round(os.getloadavg()[0], 2), "cores": os.cpu_count()},
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
