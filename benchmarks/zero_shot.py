"""How long labels take to be scored anew while somebody types, and whether none of these is found: one JSON document.

.venv/bin/python benchmarks/zero_shot.py [--images 50000] [--labels 100] [--repeats 15] [--draws 40]

Times are milliseconds of `Collection.classify` from labels to probabilities, on random unit rows in 512 dimensions with
the 80 templates. The encoder draws a vector from a hash of the text, so that embedding costs next to nothing: what a
model takes for its texts comes on top, once a text, and is not in the limit. The anchor is numpy's product and softmax
of the same matrices, without anything around them.

None of these is measured on the sample set with pocket: some labels of a field are drawn at random and the others left
out, whose pictures should then be none of these. Balanced accuracy is the mean of the share of those that are, and the
share of the others that are not. `ours` is the highest cosine with a neutral caption; the anchors are the cosine with
their mean, the no-match line of search, and the best constant, which was fitted to the truth. Labels that no picture
shows and that the model cannot read have a share only.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace import chance, encoders, filters, samples, words, zeroshot
from sharedspace.collection import Collection
from sharedspace.records import ImageRecord, Space
from sharedspace.testing import FakeEncoder
from sharedspace.vectors import unit
from sharedspace.workspace import Workspace

DIMENSION, LIMIT_MS, BATCH = 512, 300.0, 5000


class HashEncoder(FakeEncoder):
    """A text is a random unit vector (512,) of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.space = Space("hash", name, DIMENSION, 100.0)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        seeds = [zlib.crc32(text.encode()) for text in texts]
        return unit(np.stack([np.random.default_rng(seed).standard_normal(DIMENSION, np.float32) for seed in seeds]))


def filled(workspace: Workspace, images: int) -> Collection:
    """A collection of random vectors, every third of them red."""
    ledger, encoder = workspace.home.ledger, workspace.home.encoder("hash")
    number, rng = ledger.ensure("random", encoder.space), np.random.default_rng(0)
    for start in range(0, images, BATCH):
        rows = range(start, min(start + BATCH, images))
        records = [
            ImageRecord(f"{row:064x}", f"{row}.jpg", 1, 1, {"colour": ("red", "blue", "green")[row % 3]})
            for row in rows
        ]
        ledger.add(number, records, unit(rng.standard_normal((len(rows), DIMENSION), np.float32)))
    return workspace.collection("random")


def timed(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """Wall time of `work` once it is warm, milliseconds."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return {name: round(of(times[1:]), 1) for name, of in (("median", statistics.median), ("fastest", min))}


def once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return round((time.perf_counter() - start) * 1e3, 1)


def live(collection: Collection, labels: list[str], repeats: int) -> dict[str, dict[str, float]]:
    """What happens between two keystrokes, one row each; all texts but those said to be new are remembered."""
    templates, numbers = list(zeroshot.TEMPLATES_80), count()
    red = [filters.parse("colour=red")]
    typed = [f"{labels[0]} {number}" for number in range(repeats + 1)]
    collection.read(collection.unread(typed, templates, other=True))
    others = [[*templates[:-1], f"{number}: a {{}}"] for number in range(repeats + 1)]
    for changed in others:
        collection.read(collection.unread(labels, changed))
    collection.classify(labels, templates, other=True)
    one, edited = cycle(typed), cycle(others)
    return {
        "temperature moved": timed(lambda: collection.classify(labels, templates, 1 + next(numbers) / 100), repeats),
        "one label changed": timed(lambda: collection.classify([next(one), *labels[1:]], templates), repeats),
        "one label changed, new texts": timed(
            lambda: collection.classify([f"new {next(numbers)}", *labels[1:]], templates), repeats
        ),
        "one template changed": timed(lambda: collection.classify(labels, next(edited)), repeats),
        "with none of these": timed(lambda: collection.classify(labels, templates, other=True), repeats),
        "each label by itself": timed(lambda: collection.classify(labels, templates, mode="many"), repeats),
        "a third of the images": timed(lambda: collection.classify(labels, templates, where=red), repeats),
    }


UNREADABLE = ("dragon", "zebra", "spaceship", "tiger")
FIELDS = (("object", 1), ("object", 10), ("object", 20), ("object", 30), ("setting", 4), ("colour", 5))


def none_of_these(draws: int) -> dict[str, Any]:
    """How well the class of all else is told from labels, by the way it is made."""
    sample, encoder = samples.load(), encoders.load("pocket")
    rows = [row for row, record in enumerate(sample.records) if "object" in record.meta]  # drawings, without the others
    vectors, records = sample.vectors[rows], [sample.records[row] for row in rows]
    bank = encoder.texts(words.neutral())
    nouns = [noun for noun in words.nouns() if not encoder.tokens(noun).unknown]
    line = chance.baseline(vectors, bank, encoder.texts([f"a photo of a {noun}" for noun in nouns])).line()
    ways = {
        "ours": zeroshot.none(vectors, bank),
        "mean of the captions": vectors @ unit(bank.mean(axis=0)),
        "no-match line": np.full(len(vectors), line),
    }
    found: dict[str, Any] = {"images": len(vectors), "captions": len(bank), "draws": draws}
    for field, kept in FIELDS:
        truth = np.array([str(record.meta[field]) for record in records])
        classes = np.unique(truth)
        cosines = vectors @ zeroshot.class_vectors(encoder.texts, classes.tolist(), [zeroshot.TEMPLATE]).T
        rng, drawn = np.random.default_rng(0), []
        for _ in range(draws):
            labels = rng.permutation(len(classes))[:kept]
            best, there = cosines[:, labels].max(axis=1), np.isin(truth, classes[labels])
            one = {name: balanced(best < neutral, there) for name, neutral in ways.items()}
            one["best constant"] = max(balanced(best < level, there) for level in np.linspace(-0.2, 0.9, 111))
            drawn.append(one)
        found[f"{kept} of {len(classes)} labels of {field}"] = mean_of(drawn)
    best = (vectors @ zeroshot.class_vectors(encoder.texts, UNREADABLE, [zeroshot.TEMPLATE]).T).max(axis=1)
    found["labels it cannot read"] = mean_of([{name: float(np.mean(best < own)) for name, own in ways.items()}])
    return found


def balanced(none: np.ndarray, there: np.ndarray) -> float:
    return float(none[~there].mean() + (~none)[there].mean()) / 2


def mean_of(drawn: Sequence[dict[str, float]]) -> dict[str, Any]:
    means = {name: round(statistics.mean(one[name] for one in drawn), 3) for name in drawn[0]}
    return {"ours": means.pop("ours"), "anchors": means}


def cycle(values: Sequence[Any]) -> Iterator[Any]:
    while True:
        yield from values


def measure(images: int, labels: int, repeats: int) -> dict[str, Any]:
    names = [f"label {number}" for number in range(labels)]
    with tempfile.TemporaryDirectory() as home, closing(Workspace(Path(home), load=HashEncoder)) as workspace:
        collection = filled(workspace, images)
        vectors = collection.snapshot().vectors
        texts = collection.unread(names, zeroshot.TEMPLATES_80)
        embedding = {
            "texts": len(texts),
            "hash_encoder_alone_ms": once(lambda: workspace.home.encoder("hash").texts(texts)),
            "embedded_and_remembered_ms": once(lambda: collection.read(texts)),
        }
        first = once(lambda: collection.classify(names, zeroshot.TEMPLATES_80))
        ours = live(collection, names, repeats)
        workspace.home.forget_snapshot(collection.info.number)
        collection.snapshot()
        again = once(lambda: collection.classify(names, zeroshot.TEMPLATES_80))
        rows = np.asarray(unit(np.random.default_rng(1).standard_normal((labels, DIMENSION), np.float32)))
        anchor = timed(lambda: plain_numpy(vectors, rows), repeats)
    return {
        "images": images,
        "labels": labels,
        "templates": len(zeroshot.TEMPLATES_80),
        "limit_ms": LIMIT_MS,
        "cold": {**embedding, "first_scores_ms": first, "after_a_restart_ms": again},
        "ours": ours,
        "anchors": {"numpy product and softmax": anchor},
        "of_the_anchor": {name: round(ms["median"] / anchor["median"], 2) for name, ms in ours.items()},
        "under_the_limit": {name: ms["median"] < LIMIT_MS for name, ms in ours.items()},
    }


def plain_numpy(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    powers = np.exp(100 * (vectors @ rows.T) - 100)  # a cosine is at most 1
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--draws", type=int, default=40)
    given = parser.parse_args()
    before = os.getloadavg()[0]
    document = measure(given.images, given.labels, given.repeats)
    document["none_of_these"] = none_of_these(given.draws)
    document["load_average"] = {
        "before": round(before, 2),
        "after": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
