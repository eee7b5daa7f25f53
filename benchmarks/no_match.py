"""Whether the no-match line finds what is there and stays silent about what is not: prints one JSON document.

.venv/bin/python benchmarks/no_match.py [--rate 0.05] [--seeds 3]

Queries of present concepts are judged by labels.csv on the whole sample set. Absent are: concepts whose pictures are
taken out of the set before the line is drawn, pairs that no picture shows, words that the model does not know, and
captions of nothing visible. A model of the same shape with random weights knows no concept: all must be empty.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from sharedspace import chance, encoders, samples, words
from sharedspace.pocket.captions import article
from sharedspace.pocket.package import new_model, save_model
from sharedspace.pocket.vocabulary import COLOURS, HYPERNYMS, NAMES, PLACES

OF_A_CLASS = 60  # pairs and unknown words, drawn at random from all there are
# None of them is in the bank.
ABSTRACT = (
    "the idea of freedom",
    "a feeling of regret",
    "love",
    "quarterly results",
    "an unkept promise",
    "it depends",
    "mathematics is hard",
    "how are you",
    "good morning everybody",
    "a long silence",
    "tax law",
    "trust",
    "the sound of laughter",
    "an honest mistake",
    "why not",
    "the economy",
    "democracy",
    "some good advice",
    "the week after next",
    "a fair price",
)


@dataclass(frozen=True)
class Query:
    """A text, its class, and which of the images it is asked of show it."""

    of: str
    text: str
    true: np.ndarray  # (n,) bool; nowhere true: an absent concept
    kept: np.ndarray  # (n,) bool


@dataclass(frozen=True)
class Answer:
    """A query with the cosines of the images that it is asked of, and the line."""

    query: Query
    scores: np.ndarray
    line: float

    @property
    def true(self) -> np.ndarray:
        return np.asarray(self.query.true[self.query.kept])

    def matched(self, line: float | None = None) -> np.ndarray:
        return np.asarray(self.scores >= (self.line if line is None else line))


def single_concepts(column: dict[str, np.ndarray]) -> Iterator[tuple[str, str, np.ndarray]]:
    for kind, (_, synonyms) in NAMES.items():
        shown = column["object"] == kind
        yield "object", article(kind), shown
        yield from (("synonym", article(word), shown) for word in synonyms)
    for word, (_, kinds) in HYPERNYMS.items():
        yield "hypernym", article(word), np.isin(column["object"], kinds)
    for setting, (bare, _, _) in PLACES.items():
        yield from (("setting", word, column["setting"] == setting) for word in bare)
    for colour in COLOURS:
        yield "colour", f"something {colour}", column["colour"] == colour


def pairs(column: dict[str, np.ndarray]) -> Iterator[tuple[str, str, np.ndarray]]:
    for kind in NAMES:
        shown = column["object"] == kind
        for colour in COLOURS:
            yield "colour and object", article(f"{colour} {kind}"), shown & (column["colour"] == colour)
        for setting, (_, after, _) in PLACES.items():
            yield "object and setting", f"{article(kind)} {after[0]}", shown & (column["setting"] == setting)


def queries(column: dict[str, np.ndarray], unknown: Sequence[str]) -> tuple[list[Query], list[Query]]:
    """Of present concepts and of absent ones."""
    rng = np.random.default_rng(0)
    everywhere = np.ones(len(column["object"]), dtype=bool)
    nowhere = ~everywhere
    present = [Query(of, text, true, everywhere) for of, text, true in single_concepts(column)]
    absent = [Query(query.of, query.text, nowhere, ~query.true) for query in present]
    drawn = defaultdict(list)
    for of, text, true in pairs(column):
        drawn[of, bool(true.any())].append(Query(of, text, true, everywhere))
    for (_, there), found in drawn.items():
        chosen = rng.permutation(len(found))[:OF_A_CLASS]
        (present if there else absent).extend(found[place] for place in chosen)
    chosen = rng.permutation(len(unknown))[:OF_A_CLASS]
    absent += [Query("unknown word", article(unknown[place]), nowhere, everywhere) for place in chosen]
    absent += [Query("nothing visible", text, nowhere, everywhere) for text in ABSTRACT]
    return present, absent


def answers(encoder: encoders.Encoder, vectors: np.ndarray, asked: Sequence[Query], rate: float) -> list[Answer]:
    known = [noun for noun in words.nouns() if not encoder.tokens(noun).unknown]
    bank, vocabulary = encoder.texts(words.neutral()), encoder.texts([f"a photo of a {noun}" for noun in known])

    @lru_cache
    def line(kept: bytes) -> float:
        return chance.baseline(vectors[np.frombuffer(kept, dtype=bool)], bank, vocabulary).line(rate)

    rows = encoder.texts([query.text for query in asked])
    return [
        Answer(query, vectors[query.kept] @ row, line(query.kept.tobytes()))
        for query, row in zip(asked, rows, strict=True)
    ]


def f1(true: np.ndarray, matched: np.ndarray) -> float:
    """Of one query or of all; nothing found where nothing is, is right."""
    both = int(true.sum() + matched.sum())
    return 2 * int((true & matched).sum()) / both if both else 1.0


def fit(given: Sequence[Answer], line: float | None = None) -> dict[str, float]:
    """F1 over images at a fixed cosine, else at each query's own line."""
    true, matched = [answer.true for answer in given], [answer.matched(line) for answer in given]
    return {
        "micro": f1(np.concatenate(true), np.concatenate(matched)),
        "macro": float(np.mean([f1(*pair) for pair in zip(true, matched, strict=True)])),
    }


def hindsight(given: Sequence[Answer]) -> dict[str, dict[str, float]]:
    """The best single cosine for each way to average."""
    tried = [(float(cosine), fit(given, float(cosine))) for cosine in np.arange(0, 0.6, 0.0025)]
    best = {way: max(tried, key=lambda one, way=way: one[1][way]) for way in ("micro", "macro")}  # type: ignore[misc]
    return {way: {"cosine": cosine, "f1": found[way]} for way, (cosine, found) in best.items()}


def empty(given: Sequence[Answer]) -> dict[str, Any]:
    """Share of queries without a match, in all and by class, with the numbers of queries."""
    classes = defaultdict(list)
    for answer in given:
        classes[answer.query.of].append(not answer.matched().any())
    return {
        "n": len(given),
        "share": float(np.mean([one for found in classes.values() for one in found])),
        "classes": {of: {"n": len(found), "share": float(np.mean(found))} for of, found in classes.items()},
    }


def random_weights(seed: int, pictures: list[Image.Image], asked: Sequence[Query], rate: float) -> float:
    """Share of empty answers of a model of pocket's shape that has learned nothing."""
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        save_model(new_model().state_dict(), Path(folder))
        encoder = encoders.load(folder)
        return float(empty(answers(encoder, encoder.images(pictures), asked, rate))["share"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=chance.RATE)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    sample, encoder = samples.load(), encoders.load("pocket")
    column = {
        name: np.array([str(record.meta.get(name, "")) for record in sample.records])
        for name in ("object", "colour", "setting")
    }
    unknown = [noun for noun in words.nouns() if encoder.tokens(noun).unknown]
    present, absent = queries(column, unknown)
    there = answers(encoder, sample.vectors, present, given.rate)
    gone = answers(encoder, sample.vectors, absent, given.rate)
    # An absent concept is asked of the whole set here, as it is by who searches.
    whole = [Query(query.of, query.text, query.true, np.ones_like(query.kept)) for query in [*present, *absent]]
    pictures = [Image.open(file).convert("RGB") for file in sample.files]
    seeds = [random_weights(seed, pictures, whole, given.rate) for seed in range(given.seeds)]
    document = {
        "images": len(sample.records),
        "rate": given.rate,
        "queries": {"present": len(present), "absent": len(absent)},
        "pocket": {
            "line": there[0].line,
            "f1": {"present": {"ours": fit(there), "best_fixed_cosine": hindsight(there)}}
            | {"present and absent": {"ours": fit([*there, *gone]), "best_fixed_cosine": hindsight([*there, *gone])}},
            "present_empty": empty(there),
            "absent_empty": empty(gone),
        },
        "random_weights": {"empty": float(np.mean(seeds)), "by_seed": seeds},
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
