"""Duplicates, strangers and poor pictures against what is known of a set: prints one JSON document.

.venv/bin/python benchmarks/messy.py [--images 50000] [--without-large]

The sample set, read from its files into a home of its own: labels.csv marks exact and near duplicates and outliers. The
poor pictures are copies of it, blurred, darkened, reduced and cut to strips here. And the time for pairs, neighbours
and outliers of many random unit vectors (512-d, 500 clusters, one in fifty a near copy of another), after each other as
a collection asks for them.
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from sharedspace import images, quality, samples
from sharedspace.collection import Collection
from sharedspace.records import ImageRecord
from sharedspace.vectors import nearest_rows, unit
from sharedspace.workspace import Workspace

RUINED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(3)),
    "dark": lambda picture: picture.point(lambda value: value // 8),
    "tiny": lambda picture: picture.resize((48, 48)),
    "odd-shaped": lambda picture: picture.crop((0, 100, 256, 160)).resize((768, 180)),
}
Pair = tuple[str, str]


def agreement(found: set[Any], true: set[Any]) -> dict[str, float | int]:
    both = len(found & true)
    return {
        "true": len(true),
        "found": len(found),
        "precision": both / len(found) if found else 1.0,
        "recall": both / len(true) if true else 1.0,
    }


def marked() -> list[dict[str, str]]:
    with (samples.FOLDER / "labels.csv").open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def duplicates(collection: Collection, rows: list[dict[str, str]]) -> dict[str, Any]:
    records = collection.snapshot().records
    id_of = {Path(name).name: record.id for record in records for name in (record.path, *record.names)}
    near = {
        pair(id_of[Path(row["file"]).name], id_of[Path(row["of"]).name])
        for row in rows
        if row["special"] == "near-duplicate"
    }
    exact = {pair(Path(row["file"]).name, Path(row["of"]).name) for row in rows if row["special"] == "exact-duplicate"}
    several = {pair(Path(record.path).name, Path(name).name) for record in records for name in record.names}
    answer: dict[str, Any] = {"exact": agreement(several, exact)}
    for look in (True, False):
        for threshold in (0.8, 0.9, 0.97):
            made = collection.duplicates(threshold, look).pairs
            found = {pair(records[a].id, records[b].id) for a, b in zip(made.a, made.b, strict=True)}
            answer[f"near, cosine {threshold:g}" + (", same picture" if look else " alone")] = agreement(found, near)
    return answer


def outliers(collection: Collection, k: int) -> dict[str, Any]:
    records = collection.snapshot().records
    true = np.array([record.meta.get("special") == "outlier" for record in records])
    found = collection.outliers(k)
    return {
        name: places(score, true)
        for name, score in (("score", found.score), ("neighbour alone", found.distance), ("spread alone", found.spread))
    }


def places(score: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    ranks = np.flatnonzero(true[np.argsort(-score, kind="stable")]) + 1
    return {
        "images": len(true),
        "planted": len(ranks),
        "ranks": ranks.tolist(),
        "among the first as many": int((ranks <= len(ranks)).sum()),
        "within 2 %": int((ranks <= 0.02 * len(true)).sum()),
    }


def poor(files: Iterable[Path], every: int = 10) -> dict[str, Any]:
    """Every tenth picture ruined in four ways, among all as they are."""
    pictures = [(Image.open(file).convert("RGB"), "") for file in files]
    pictures += [(ruin(one), flaw) for one, _ in pictures[::every] for flaw, ruin in RUINED.items()]
    seen = [images.looks(images.thumbnail(one), "") for one, _ in pictures]
    records = [ImageRecord("", "", one.width, one.height) for one, _ in pictures]
    made = quality.poor(np.array([one.brightness for one in seen]), np.array([one.sharpness for one in seen]), records)
    return {
        one.flaw: agreement(
            set(np.flatnonzero(one.found).tolist()),
            {place for place, (_, flaw) in enumerate(pictures) if flaw == one.flaw},
        )
        for one in made
    }


def large(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    centres = unit(rng.normal(size=(500, 512)))
    vectors = unit(centres[rng.integers(0, 500, n)] + 0.03 * rng.normal(size=(n, 512)))
    copies = rng.permutation(n)[: n // 50]
    vectors[copies] = unit(vectors[(copies + 1) % n] + 0.01 * rng.normal(size=(len(copies), 512)))
    seconds = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        made = work()
        seconds[name] = round(time.perf_counter() - start, 2)
        return made

    near = timed("neighbours", lambda: nearest_rows(vectors, 51))
    pairs = timed("pairs", lambda: quality.pairs(vectors, near=near))
    groups = timed("groups", lambda: quality.groups(pairs, quality.THRESHOLD, n))
    timed("counts", lambda: quality.counts(pairs, np.linspace(0.8, 1, 41).tolist(), n))
    timed("outliers", lambda: quality.outliers(vectors, near[1]))
    total = round(sum(seconds.values()), 2)
    timed("diverse 100", lambda: quality.subset(vectors, 100))
    timed("typical 100", lambda: quality.subset(vectors, 100, "typical"))
    return {"images": n, "seconds": seconds, "without the subsets": total, "pairs": len(pairs), "groups": len(groups)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--without-large", action="store_true")
    given = parser.parse_args()
    rows = marked()
    with tempfile.TemporaryDirectory() as home, closing(Workspace(home)) as workspace:
        workspace.ingest("set", [str(samples.FOLDER / "images")], model="pocket")
        document = {"duplicates": duplicates(workspace.collection("set"), rows)}
        document["outliers"] = outliers(workspace.add_sample(), quality.K)
    document["poor"] = poor(samples.load().files)
    if not given.without_large:
        document["large"] = large(given.images)
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
