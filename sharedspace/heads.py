"""From words to examples: a linear head learned from a few clicked images and blended with the words of the labels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from sharedspace.errors import BadInput

NOT_CLICKED = -1
COUNTS = (0, 1, 2, 4, 8, 16)  # clicks a label of a learning curve
SHRINK = 0.1  # times d: how many clicks the round covariance counts for
DOUBT = 2.0  # how many clicks at the centre of all images each label's mean starts from
EXAMPLES = 0.1  # weight of the examples before anything is known; benchmarks/heads.py
LEAST, MOST = 0.001, 3.0  # weights of words and of examples are between them; of words at most 1, as the model says
NOTHING = 1e-6  # of unit vectors in float32: with less variance they are all the same
SAMPLED = 2000  # images on which the spread of logits is told
MOST_FOLDS = 30  # of `learned`: up to as many clicks, each is left out alone


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier of unit vectors; the label of an image is that of its highest logit."""

    weights: np.ndarray  # (L, d) float32
    bias: np.ndarray  # (L,) float32
    blend: float  # 0..1, share of the examples in the spread of logits over labels: 0 words alone, 1 examples alone

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Logits (n, L) of unit vectors (n, d), for a softmax as they are."""
        return np.asarray(vectors @ self.weights.T + self.bias)


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracy on images not clicked against the number of clicks a label."""

    counts: tuple[int, ...]
    mean: tuple[float, ...]  # over the repeats
    low: tuple[float, ...]  # the lowest of them
    high: tuple[float, ...]
    zero_shot: float  # of the words alone on the same images: the line to beat
    n: int  # images whose truth is known; a half of them is judged in each repeat


@dataclass(frozen=True, slots=True)
class Learned:
    """How often clicked images are given the label they were clicked for."""

    zero_shot: float  # by the words alone
    head: float  # by a head that was learned without the image
    n: int  # clicked images


def fit(vectors: np.ndarray, given: np.ndarray, words: np.ndarray, logit_scale: float) -> Head:
    """A head for unit vectors (n, d) of which some are clicked: given (n,) is their label 0..L-1, -1 where not.

    The words' logits, logit_scale · words (L, d), plus those of a linear discriminant of the clicked images: labels
    with normal distributions of one covariance, shrunk (Friedman 1989; for CLIP Wang et al. 2024). How much either
    counts is what would have labelled the clicked images best, each left out of its own label's mean and of the
    covariance. Images that are not clicked only say where the middle of all is. Labels may be without clicks, and
    without any click the head is the words. How often a label was clicked does not make it more probable.
    Raises BadInput for fewer than two labels.
    """
    if len(words) < 2:
        raise BadInput("Give at least two labels: with one there is nothing to tell apart.")
    if given.shape != vectors.shape[:1] or (len(given) and not NOT_CLICKED <= given.min() <= given.max() < len(words)):
        raise ValueError(f"each of {len(vectors)} images has a label from -1 to {len(words) - 1}")
    clicked = np.flatnonzero(given != NOT_CLICKED)
    spoken = logit_scale * np.asarray(words, dtype=np.float64)  # (L, d)
    centre = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else np.zeros(words.shape[1])
    variance = float(1 - centre @ centre) / len(centre)  # of unit rows, the mean over directions
    if not len(clicked) or variance * len(centre) < NOTHING:
        return Head(spoken.astype(np.float32), np.zeros(len(words), dtype=np.float32), 0.0)
    rows, labels = vectors[clicked] - centre, given[clicked]
    # All of a discriminant happens in the span of its images, which are fewer than d.
    span = np.linalg.qr(rows.T)[0]  # (d, r)
    shown, shift, without = _discriminant(rows @ span, labels, len(words), variance, SHRINK * words.shape[1])
    # Clicks do not tell how far a label without any is taken for one with: no more trust in them than before.
    most = MOST if len(set(labels.tolist())) == len(words) else EXAMPLES
    of_words, of_examples = _weights(vectors[clicked] @ spoken.T, without, labels, most)
    shown = of_examples * shown @ span.T
    shift = of_examples * shift - shown @ centre
    spoken *= of_words
    spreads = [_spread(vectors, weights, bias) for weights, bias in ((spoken, 0 * shift), (shown, shift))]
    return Head((spoken + shown).astype(np.float32), shift.astype(np.float32), spreads[1] / sum(spreads))


def curve(
    vectors: np.ndarray,
    truth: np.ndarray,
    words: np.ndarray,
    logit_scale: float,
    counts: Sequence[int] = COUNTS,
    repeats: int = 5,
    seed: int = 0,
) -> Curve:
    """What clicks would bring, from unit vectors (n, d) and their true labels (n,) 0..L-1, -1 where not known.

    In each repeat a random half of every label is judged and never clicked; from the other half the first `count`
    images of each label are clicked, or all where there are fewer. Raises BadInput where no label has two images.
    """
    known = truth != NOT_CLICKED
    vectors, truth = vectors[known], truth[known]
    if not len(truth) or np.bincount(truth).max() < 2:
        raise BadInput(
            "A learning curve needs a label with two images whose truth is known: one to click, one to judge."
        )
    right = np.empty((repeats, len(counts)))
    spoken = np.empty(repeats)
    with _one_thread():
        for repeat in range(repeats):
            place = _places(truth, np.random.default_rng([seed, repeat]))
            judged = place % 2 == 1
            spoken[repeat] = _accuracy(vectors[judged] @ words.T, truth[judged])
            for at, count in enumerate(counts):
                given = np.where(~judged & (place // 2 < count), truth, NOT_CLICKED)
                head = fit(vectors, given, words, logit_scale)
                right[repeat, at] = _accuracy(head.logits(vectors[judged]), truth[judged])
    mean, low, high = (tuple(map(float, found)) for found in (right.mean(axis=0), right.min(axis=0), right.max(axis=0)))
    return Curve(tuple(counts), mean, low, high, float(spoken.mean()), len(truth))


def learned(
    vectors: np.ndarray, given: np.ndarray, words: np.ndarray, logit_scale: float
) -> tuple[Learned, np.ndarray, np.ndarray]:
    """What the clicks brought, as `fit` takes them, with the clicked rows and their logits by `left_out`."""
    clicked, logits = left_out(vectors, given, words, logit_scale)
    true = given[clicked]
    return Learned(_accuracy(vectors[clicked] @ words.T, true), _accuracy(logits, true), len(clicked)), clicked, logits


def left_out(
    vectors: np.ndarray, given: np.ndarray, words: np.ndarray, logit_scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """The rows (m,) of the clicked images, and each one's logits (m, L) by a head that was learned without it.

    One by one up to 30 clicks, then in 30 parts. Raises BadInput without a click.
    """
    clicked = np.flatnonzero(given != NOT_CLICKED)
    if not len(clicked):
        raise BadInput("Click an image for one of the labels first.")
    clicked = clicked[np.argsort(given[clicked], kind="stable")]  # so that a part is of all labels
    folds = min(len(clicked), MOST_FOLDS)
    logits = np.empty((len(clicked), len(words)))
    with _one_thread():
        for fold in range(folds):
            kept = given.copy()
            kept[clicked[fold::folds]] = NOT_CLICKED
            logits[fold::folds] = fit(vectors, kept, words, logit_scale).logits(vectors[clicked[fold::folds]])
    return clicked, logits


def _discriminant(
    rows: np.ndarray, labels: np.ndarray, n_labels: int, variance: float, prior: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (L, r), bias (L,) of a linear discriminant of centred rows (m, r), and each row's logits without it.

    The covariance within labels is `variance` in all directions, seen `prior` times, and what the rows add. A row
    that is the only one of its label has logits 0. Those of the others, by Sherman and Morrison's formula, are the
    ones of a discriminant of all rows but this.
    """
    counts = np.bincount(labels, minlength=n_labels)[:, None]  # (L, 1)
    sums = np.zeros((n_labels, rows.shape[1]))
    np.add.at(sums, labels, rows)
    means = sums / np.maximum(counts, 1)
    trusted = sums / (counts + DOUBT)
    off = rows - means[labels]
    seen = len(rows) - (counts > 0).sum() + prior
    inverse = np.linalg.inv(off.T @ off + prior * variance * np.eye(rows.shape[1])) * seen
    weights = trusted @ inverse
    bias = -(weights * trusted).sum(axis=1) / 2

    without = np.zeros((len(rows), n_labels))
    one = np.flatnonzero(counts[labels, 0] > 1)
    row, out, n = rows[one], off[one], counts[labels[one]]  # (o, r), (o, r), (o, 1)
    own = (sums[labels[one]] - row) / (n - 1 + DOUBT)  # the mean of its label without it
    # covariance · seen loses n / (n - 1) · out outᵀ
    leverage = n / (n - 1) / seen
    turned = out @ inverse  # (o, r)
    gain = leverage / (1 - leverage * (turned * out).sum(axis=1, keepdims=True))
    along = (turned * row).sum(axis=1, keepdims=True)  # (o, 1)
    others = turned @ trusted.T  # (o, L)
    found = row @ weights.T + bias + gain * (along * others - others**2 / 2)
    itself = (turned * own).sum(axis=1)
    found[np.arange(len(one)), labels[one]] = ((row - own / 2) @ inverse * own).sum(axis=1) + gain[:, 0] * (
        along[:, 0] * itself - itself**2 / 2
    )
    without[one] = found * (seen - 1) / seen
    return weights, bias, without


def _weights(spoken: np.ndarray, shown: np.ndarray, labels: np.ndarray, most: float) -> tuple[float, float]:
    """The weights of two kinds of logits (m, L) under which the labels (m,) are most probable, words' and examples'.

    Their logarithms are normal around those of 1 and EXAMPLES with deviation 1, so that few clicks move them little;
    that of the examples is at most `most`.
    """
    from scipy.optimize import minimize

    kinds = np.stack([spoken, shown])
    usual = np.log([1, EXAMPLES])
    at = np.arange(len(labels))

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        factors = np.exp(logs)
        logits = np.tensordot(factors, kinds, axes=1)
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        totals = powers.sum(axis=1)
        wrong = powers / totals[:, None]
        wrong[at, labels] -= 1
        far = logs - usual
        value = (np.log(totals) - logits[at, labels]).sum() + far @ far / 2
        return float(value), factors * (kinds * wrong).sum(axis=(1, 2)) + far

    bounds = [(np.log(LEAST), 0), (np.log(LEAST), np.log(most))]
    found = minimize(loss, usual, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-8})
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))


def _one_thread() -> AbstractContextManager[object]:
    """Small products one after another: on a busy machine numpy's threads wait for each other longer than they work."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits


def _spread(vectors: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> float:
    """The mean over images, evenly spaced ones of many, of the standard deviation over labels of their logits."""
    some = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), SAMPLED)).round().astype(np.int64)]
    return float((some @ weights.T.astype(np.float32) + bias).std(axis=1).mean())


def _places(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The place of each image among those of its label, in random order, from 0: (n,) int."""
    mixed = rng.permutation(len(truth))
    order = mixed[np.argsort(truth[mixed], kind="stable")]
    ordered = truth[order]
    place = np.empty(len(truth), dtype=np.int64)
    place[order] = np.arange(len(truth)) - np.searchsorted(ordered, ordered)
    return place


def _accuracy(logits: np.ndarray, truth: np.ndarray) -> float:
    return float((logits.argmax(axis=1) == truth).mean())
