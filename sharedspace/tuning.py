"""A classifier of words made better by a person's yes and no: examples, calibration, thresholds."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sharedspace import calibration, heads
from sharedspace.calibration import Calibration, Reliability, Threshold
from sharedspace.classifier import Classifier
from sharedspace.errors import BadInput
from sharedspace.heads import Learned
from sharedspace.records import Mode
from sharedspace.vectors import sigmoid, softmax, unit

YES, NO, OPEN = 1, 0, -1
EXAMPLES, CALIBRATION, THRESHOLDS = "examples", "calibration", "thresholds"
USES = (EXAMPLES, CALIBRATION, THRESHOLDS)
LARGEST = 80.0  # of a log-odds: beyond it a probability is 0 or 1 to any number of digits
CERTAIN = 15.0  # log-odds of a threshold at most: beyond it a probability in float32 is 1
BLOCK = 4096  # images whose log-odds are worked out at once


@dataclass(frozen=True, slots=True)
class Tuned:
    """What judgements made of a classifier, and how much better it is."""

    classifier: Classifier
    thresholds: tuple[Threshold | None, ...]  # per label, in log-odds; None where none was judged, or they are not used
    learned: Learned | None = None  # what the examples bring
    calibration: Calibration | None = None
    before: Reliability | None = None  # on the half of the judged images that did not fit it
    after: Reliability | None = None


def judgements(judged: np.ndarray) -> int:
    """How many yes and no there are in (L, n)."""
    return int((judged != OPEN).sum())


def examples(judged: np.ndarray) -> np.ndarray:
    """The label of each image that was accepted for just one, (n,) int; -1 for all others."""
    yes = judged == YES
    return np.where(yes.sum(axis=0) == 1, yes.argmax(axis=0), heads.NOT_CLICKED)


def log_odds(logits: np.ndarray, classifier: Classifier) -> np.ndarray:
    """Of each label against what it competes with, (n, L), from `Classifier.logits`; the sigmoid is its probability."""
    labels = len(classifier.labels)
    if classifier.mode == "many":
        odds = logits[:, :labels] - logits[:, labels:] if classifier.other else logits
        return np.asarray(np.clip(odds, -LARGEST, LARGEST))
    parts = [_against_others(logits[start : start + BLOCK], labels) for start in range(0, len(logits), BLOCK)]
    return np.concatenate(parts) if parts else np.empty((0, labels))


def _against_others(logits: np.ndarray, labels: int) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    others = np.maximum(powers.sum(axis=1, keepdims=True) - powers, 0)[:, :labels]
    # Where one label has nearly all, the difference has no digits left: the sum without it is added up anew.
    top = logits.argmax(axis=1)
    powers[np.arange(len(top)), top] = 0
    inside = top < labels
    others[inside, top[inside]] = powers[inside].sum(axis=1)
    odds = shifted[:, :labels] - np.log(np.maximum(others, 1e-300))
    return np.asarray(np.clip(odds, -LARGEST, LARGEST), dtype=np.float32)


def tune(
    classifier: Classifier, vectors: np.ndarray, ids: Sequence[str], judged: np.ndarray, uses: Container[str] = USES
) -> Tuned:
    """Tune a classifier of words by judgements (L, n) of images (n, d): 1 is it, 0 is not, -1 not judged.

    Examples move the weights (one of n only), calibration scales and shifts logits (from 30 judgements on), thresholds
    are the least probabilities. The order of judgements does not count. Images are halved by their ids for the
    reliability.
    """
    learned = None
    rows = np.flatnonzero((judged != OPEN).any(axis=0))
    some, logits = judged[:, rows], classifier.logits(vectors[rows])
    if EXAMPLES in uses and learns(classifier) and (examples(judged) != heads.NOT_CLICKED).any():
        classifier, learned, left_out = _with_examples(classifier, vectors, examples(judged))
        # What an image teaches says nothing of how sure the head may be of another: each is judged without it.
        logits = classifier.logits(vectors[rows])
        logits[np.searchsorted(rows, left_out[0])] = left_out[1]
    found: Calibration | None = None
    before, after = None, None
    if CALIBRATION in uses:
        try:
            found = _calibration(classifier, logits, some)
        except BadInput:  # too few, all were accepted, or all rejected
            found = None
    if found is not None:
        before, after = _tried(classifier, logits, some, calibration.halves([ids[row] for row in rows.tolist()]))
        classifier = calibrated(classifier, found)
        others = np.arange(logits.shape[1]) >= len(classifier.labels)
        logits = logits / found.temperature + np.where(others, 0.0, found.offset)
    thresholds: tuple[Threshold | None, ...] = (None,) * len(classifier.labels)
    if THRESHOLDS in uses and len(rows):
        odds = log_odds(logits, classifier)
        thresholds = tuple(threshold(odds[:, label], some[label], classifier.mode) for label in range(len(some)))
        usual = 0.5 if classifier.mode == "many" else 0.0
        least = [usual if one is None else float(sigmoid(np.array(one.value))) for one in thresholds]
        classifier = replace(classifier, thresholds=np.array(least, np.float32))
    return Tuned(classifier, thresholds, learned, found, before, after)


def learns(classifier: Classifier) -> bool:
    """Whether examples can be blended in: where one of the labels is chosen, each of which is one row."""
    return classifier.mode == "one" and len(classifier.weights) == len(classifier.labels)


def missing(classifier: Classifier, judged: np.ndarray) -> int:
    """How many judgements are missing before a calibration; of one of n only accepted images count."""
    there = judgements(judged) if classifier.mode == "many" else int((examples(judged) >= 0).sum())
    return max(0, calibration.LEAST_JUDGED - there)


def calibrated(classifier: Classifier, found: Calibration) -> Classifier:
    """The classifier whose log-odds are divided by the temperature, and moved by the offset."""
    labels = classifier.label_of < len(classifier.labels)
    return replace(
        classifier,
        weights=classifier.weights / found.temperature,
        bias=classifier.bias / found.temperature + np.where(labels, found.offset, 0.0),
    )


def _with_examples(
    classifier: Classifier, vectors: np.ndarray, given: np.ndarray
) -> tuple[Classifier, Learned, tuple[np.ndarray, np.ndarray]]:
    """The classifier with a head in place of its words, what that brought, and clicked images' logits without them."""
    order = np.argsort(classifier.label_of)
    rows = classifier.weights[order]
    scale = float(np.linalg.norm(rows, axis=1).mean())  # of words all rows are as long
    words = unit(rows)
    head = heads.fit(vectors, given, words, scale)
    learned, *left_out = heads.learned(vectors, given, words, scale)
    places = np.arange(len(classifier.labels))
    made = replace(classifier, weights=head.weights, bias=head.bias, label_of=places)
    return made, learned, (left_out[0], left_out[1])


def _calibration(
    classifier: Classifier, logits: np.ndarray, judged: np.ndarray, least: int = calibration.LEAST_JUDGED
) -> Calibration:
    if classifier.mode == "many":
        odds, known = log_odds(logits, classifier).T, judged != OPEN
        return calibration.calibrate(odds[known], judged[known] == YES, least)
    true = examples(judged)
    return calibration.calibrate_softmax(logits[true >= 0], true[true >= 0], least)


def _tried(
    classifier: Classifier, logits: np.ndarray, judged: np.ndarray, fitted: np.ndarray
) -> tuple[Reliability, Reliability] | tuple[None, None]:
    """Reliability before and after on the images that are not `fitted` (m,) bool, by a calibration on those that are.

    None where either half holds too little.
    """
    try:
        found = _calibration(classifier, logits[fitted], judged[:, fitted], calibration.LEAST_JUDGED // 4)
        rest, answers = logits[~fitted], judged[:, ~fitted]
        if classifier.mode == "many":
            known = answers != OPEN
            odds, right = log_odds(rest, classifier).T[known], answers[known] == YES
            sure = sigmoid(odds), found.probabilities(odds)
        else:
            true = examples(answers)
            rest = rest[true >= 0]
            right = rest.argmax(axis=1) == true[true >= 0]
            sure = softmax(rest).max(axis=1), softmax(rest / found.temperature).max(axis=1)
        return calibration.reliability(sure[0], right), calibration.reliability(sure[1], right)
    except BadInput:
        return None, None


def threshold(odds: np.ndarray, judged: np.ndarray, mode: Mode) -> Threshold | None:
    """The cut of one label from its log-odds (n,) and judgements (n,); None where none was judged.

    Beyond CERTAIN log-odds are taken for equal: their probabilities are. Where one of n is chosen and nothing was
    rejected, there is no cut: the label is the best one already.
    """
    known = judged != OPEN
    if not known.any():
        return None
    prior = 0.0 if mode == "many" else -CERTAIN
    return calibration.threshold(np.clip(odds[known], -CERTAIN, CERTAIN), judged[known] == YES, prior)
