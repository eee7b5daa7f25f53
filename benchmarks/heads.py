"""Which head from a few clicked images is never clearly under the words and soonest above them: one JSON document.

OMP_NUM_THREADS=1 .venv/bin/python benchmarks/heads.py [--repeats 10]

Every candidate sees the same clicks: 1 to 16 images a label of the sample set, half of each label at most, without
near and exact duplicates; judged are all images not clicked. Pocket names objects, colours and settings nearly without
fault, so that besides `count` there are labels whose words are blurred by noise or are noise. `curve` is timed on
5,000 drawn vectors of 512 and 20 labels, the median of three.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from sharedspace import encoders, heads, samples
from sharedspace.vectors import unit

COUNTS = (1, 2, 4, 8, 16)
NUMBERS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
# (vectors (n, d), given (n,), words (L, d), logit scale) to logits (n, L)
Candidate: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]
Task: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, float]


def zero_shot(vectors: np.ndarray, given: np.ndarray, words: np.ndarray, scale: float) -> np.ndarray:
    return np.asarray(scale * vectors @ words.T)


def ours(vectors: np.ndarray, given: np.ndarray, words: np.ndarray, scale: float) -> np.ndarray:
    return np.asarray(heads.fit(vectors, given, words, scale).logits(vectors))


def regression(vectors: np.ndarray, given: np.ndarray, words: np.ndarray, scale: float) -> np.ndarray:
    """scikit-learn's, of the clicked images alone; every label has a click here."""
    clicked = given >= 0
    fitted = LogisticRegression(C=100, max_iter=1000).fit(vectors[clicked], given[clicked])
    found = fitted.decision_function(vectors)
    return np.asarray(found - found.mean(axis=1, keepdims=True))


def interpolated(vectors: np.ndarray, given: np.ndarray, words: np.ndarray, scale: float) -> np.ndarray:
    """Half of the words' weights and half of the regression's (WiSE-FT, Wortsman et al. 2022)."""
    return np.asarray(zero_shot(vectors, given, words, scale) + regression(vectors, given, words, scale)) / 2


def prototypes(vectors: np.ndarray, given: np.ndarray, words: np.ndarray, scale: float) -> np.ndarray:
    """The centred mean of a label's images added to its words (a linear Tip-Adapter, Zhang et al. 2022)."""
    centre = vectors.mean(axis=0)
    means = np.stack([vectors[given == label].mean(axis=0) - centre for label in range(len(words))])
    return np.asarray(zero_shot(vectors, given, words, scale) + scale * (vectors - centre) @ means.T)


def offset(vectors: np.ndarray, given: np.ndarray, words: np.ndarray, scale: float) -> np.ndarray:
    """A logistic regression on top of the words' logits, regularised towards them; penalty as of C = 100."""
    clicked, labels = given >= 0, len(words)
    rows = vectors - vectors.mean(axis=0)
    span = np.linalg.qr(rows[clicked].T)[0]
    rows = np.concatenate([rows @ span, np.ones((len(rows), 1))], axis=1)
    spoken, true = zero_shot(vectors, given, words, scale), np.eye(labels)[given[clicked]]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(labels, -1)
        logits = spoken[clicked] + rows[clicked] @ weights.T
        total = logsumexp(logits, axis=1)
        wrong = np.exp(logits - total[:, None]) - true
        return (total - (logits * true).sum(axis=1)).sum() + flat @ flat / 200, (
            wrong.T @ rows[clicked] + weights / 100
        ).ravel()

    found = minimize(loss, np.zeros(labels * rows.shape[1]), jac=True, method="L-BFGS-B").x
    return np.asarray(spoken + rows @ found.reshape(labels, -1).T)


CANDIDATES: dict[str, Candidate] = {
    "zero_shot": zero_shot,
    "ours": ours,
    "logistic_regression": regression,
    "half_words_half_regression": interpolated,
    "prototypes_added": prototypes,
    "regression_on_words": offset,
}


def blurred(words: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Words moved by `noise` times their length in a random direction."""
    return unit(words + noise * unit(rng.normal(size=words.shape)))


def tasks() -> Iterator[tuple[str, Task]]:
    sample, encoder = samples.load(), encoders.load("pocket")
    single = np.array(["of" not in record.meta for record in sample.records])
    rng = np.random.default_rng(0)
    for field in ("object", "colour", "setting", "count"):
        column = np.array([str(record.meta.get(field, "")) for record in sample.records])
        kept = single & (column != "")
        names = sorted(set(column[kept]))
        texts = [NUMBERS[name] if field == "count" else f"a photo of a {name}" for name in names]
        truth = np.array([names.index(name) for name in column[kept]])
        words, scale = encoder.texts(texts), sample.space.logit_scale
        yield field, (sample.vectors[kept], truth, words, scale)
        if field != "count":
            yield f"{field}, blurred words", (sample.vectors[kept], truth, blurred(words, 1.5, rng), scale)
        if field == "object":
            yield "object, words of noise", (sample.vectors[kept], truth, unit(rng.normal(size=words.shape)), scale)


def measure(task: Task, repeats: int) -> dict[str, object]:
    """Accuracy and mean recall over labels, by candidate and clicks a label: means, and the worst against zero-shot."""
    vectors, truth, words, scale = task
    found: dict[str, list[np.ndarray]] = {name: [] for name in CANDIDATES}
    for repeat in range(repeats):
        mixed = np.random.default_rng(repeat).permutation(len(truth))
        place = np.empty_like(truth)  # among the images of its label
        for label in range(len(words)):
            rows = mixed[truth[mixed] == label]
            place[rows] = np.arange(len(rows))
        most = np.bincount(truth)[truth] // 2
        for count in COUNTS:
            given = np.where(place < np.minimum(count, most), truth, heads.NOT_CLICKED)
            rest = given < 0
            for name, candidate in CANDIDATES.items():
                right = candidate(vectors, given, words, scale)[rest].argmax(axis=1) == truth[rest]
                of_labels = [right[truth[rest] == label].mean() for label in np.unique(truth[rest])]
                found[name].append(np.array([right.mean(), np.mean(of_labels)]))
    tables = {name: np.array(rows).reshape(repeats, len(COUNTS), 2) for name, rows in found.items()}
    return {
        "images": len(truth),
        "labels": len(words),
        "accuracy": {name: table[:, :, 0].mean(axis=0).round(3).tolist() for name, table in tables.items()},
        "mean_recall": {name: table[:, :, 1].mean(axis=0).round(3).tolist() for name, table in tables.items()},
        "worst_against_zero_shot": {
            name: (table - tables["zero_shot"])[:, :, 0].min(axis=0).round(3).tolist()
            for name, table in tables.items()
            if name != "zero_shot"
        },
    }


def seconds_of_a_curve() -> float:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 20, 5000)
    kinds = unit(rng.normal(size=(20, 512)))
    vectors = unit(unit(rng.normal(size=512)) + 0.5 * kinds[truth] + 0.5 * unit(rng.normal(size=(5000, 512))))
    words = blurred(kinds, 1.5, rng)
    heads.curve(vectors[:200], truth[:200], words, 100.0)  # scipy is imported
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        heads.curve(vectors, truth, words, 100.0)
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes")  # one click a label is few
        measured = {name: measure(task, given.repeats) for name, task in tasks()}
    document = {
        "clicks_a_label": COUNTS,
        "repeats": given.repeats,
        "tasks": measured,
        "curve_seconds": round(seconds_of_a_curve(), 2),
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
