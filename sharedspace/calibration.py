"""From a person's yes and no on a few images: thresholds, and probabilities that mean what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.errors import BadInput

LEAST_JUDGED = 30  # images from which two numbers are fitted; with fewer they say more of the images than of the model
MARGIN = 1e-5  # relative, and absolute below 1: more than float32 rounds, less than two pictures differ
COLDEST, HOTTEST = 0.001, 1000.0  # temperatures that zero-shot classification takes
MOST_BINS = 100


@dataclass(frozen=True, slots=True)
class Threshold:
    """The cut of one label: an image is one of it where its score is at or above `value`."""

    value: float
    yes: int  # images that were accepted
    no: int  # and rejected
    mistakes: int  # of them, how many lie on the wrong side of the cut
    low: float  # no other cut between these two makes another mistake; infinite where nothing was seen
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes probabilities of logits: those of logit / temperature + offset."""

    temperature: float  # 0.001 to 1000
    offset: float  # 0 where labels exclude each other
    n: int  # judged images

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Of labels that do not exclude each other: sigmoid(logit / temperature + offset), same shape."""
        from scipy.special import expit

        return np.asarray(expit(logits / self.temperature + self.offset))


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was promised and what came, by how much was promised; both NaN in a bin without images."""

    edges: np.ndarray  # (bins + 1,) from 0 to 1
    confidence: np.ndarray  # (bins,) mean of the bin
    accuracy: np.ndarray  # (bins,) share that was right
    counts: np.ndarray  # (bins,) int
    ece: float  # expected calibration error, 0..1


def threshold(scores: np.ndarray, accepted: np.ndarray, prior: float | None = None) -> Threshold:
    """The cut for one label from the scores (m,) of judged images and whether each was accepted (m,) bool.

    The one with the fewest mistakes; of equal ones the middle of the widest gap between two judged scores. Where all
    judged images are best on one side of the cut, it is `prior` if that agrees, else just beyond the last of them.
    The order of the images does not matter. Raises BadInput where there is neither a judged image nor a prior.
    """
    _check(scores, accepted)
    if not len(scores) and prior is None:
        raise BadInput("Accept or reject at least one image first.")
    values, place = np.unique(scores.astype(np.float64), return_inverse=True)
    yes = np.bincount(place, accepted, len(values))
    no = np.bincount(place, ~accepted, len(values))
    # the cut at place i lets in values[i:]
    mistakes = np.concatenate([[0], yes.cumsum()]) + no.sum() - np.concatenate([[0], no.cumsum()])
    lows, highs = np.concatenate([[-np.inf], values]), np.concatenate([values, [np.inf]])
    best = np.flatnonzero(mistakes == mistakes.min())
    inner = best[(best > 0) & (best < len(values))]
    if len(inner):
        at = inner[np.argmax(highs[inner] - lows[inner])]
        cut = float(lows[at] + (highs[at] - lows[at]) / 2)
        # numpy compares float32 scores with the cut as float32, which may be the lower of two close ones
        cut = cut if min(cut, float(np.float32(cut))) > lows[at] else float(highs[at])
    else:  # all in, or none
        at, cut = min(((at, _beyond(lows[at], highs[at], prior)) for at in best), key=lambda one: _far(one[1], prior))
    return Threshold(cut, int(yes.sum()), int(no.sum()), int(mistakes[at]), float(lows[at]), float(highs[at]))


def strip(scores: np.ndarray, judged: Sequence[int] | np.ndarray, k: int, threshold: float) -> np.ndarray:
    """Rows of about k of the images with scores (n,) that tell most about a threshold, the highest score first.

    The judged ones, which stay whatever k is; of the places left half are those nearest to the threshold (uncertainty
    sampling, Lewis & Gale 1994) and the others spread evenly from the lowest score to the highest. Ties by the lower
    row.
    """
    n = len(scores)
    left = np.ones(n, dtype=bool)
    left[np.asarray(judged, dtype=np.intp)] = False
    free = min(max(k - int((~left).sum()), 0), int(left.sum()))
    for target in np.linspace(scores.max(), scores.min(), free // 2) if n else ():
        left[_nearest(scores, left, float(target), 1)] = False
    left[_nearest(scores, left, threshold, free - free // 2)] = False
    chosen = np.flatnonzero(~left)
    return np.asarray(chosen[np.argsort(-scores[chosen], kind="stable")])


def calibrate(logits: np.ndarray, accepted: np.ndarray, least: int = LEAST_JUDGED) -> Calibration:
    """Temperature and offset for one label's logits (m,) and whether each image was accepted (m,) bool.

    Maximum likelihood of sigmoid(logit / temperature + offset) with smoothed targets (Platt 1999); a higher logit
    never makes a label less probable. Raises BadInput below `least` images, and where all were accepted or all were
    rejected.
    """
    _check(logits, accepted)
    _enough(len(logits), least)
    yes, no = int(accepted.sum()), int((~accepted).sum())
    if not yes or not no:
        wanted = "rejected" if yes else "accepted"
        raise BadInput(f"All {len(logits)} judged images are on one side: calibration needs some {wanted} ones too.")
    from scipy.optimize import minimize

    target = np.where(accepted, (yes + 1) / (yes + 2), 1 / (no + 2))
    middle, spread = float(logits.mean()), float(logits.std()) or 1.0
    z = (logits - middle) / spread

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        x = at[0] * z + at[1]
        p = np.exp(-np.logaddexp(0, -x))
        value = (np.logaddexp(0, x) - target * x).sum()
        return float(value), np.array([(p - target) @ z, (p - target).sum()])

    bounds = [(spread / HOTTEST, spread / COLDEST), (None, None)]
    start = np.array([np.clip(1, *bounds[0]), np.log(yes / no)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9}).x
    temperature = spread / float(found[0])
    return Calibration(temperature, float(found[1]) - middle / temperature, len(logits))


def calibrate_softmax(logits: np.ndarray, true: np.ndarray, least: int = LEAST_JUDGED) -> Calibration:
    """The temperature for logits (m, L) of labels that exclude each other and the true one's index of each image (m,).

    Maximum likelihood over temperatures from 0.001 to 1000 (Guo et al. 2017), with Platt's smoothed targets, so that
    30 images of 30 right do not promise certainty. Raises BadInput below `least` images and for fewer than two labels.
    """
    if logits.ndim != 2 or true.shape != logits.shape[:1]:
        raise ValueError(f"logits (m, L) and labels (m,) are needed, not {logits.shape} and {true.shape}")
    _enough(len(logits), least)
    if logits.shape[1] < 2:
        raise BadInput("Give at least two labels: a softmax over one label always answers it with certainty.")
    m, labels = logits.shape
    if true.min() < 0 or true.max() >= labels:
        raise ValueError(f"a true label is an index from 0 to {labels - 1}")
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    rest = 1 / (m + 2)
    own = logits[np.arange(m), true].astype(np.float64)
    others = (logits.sum(axis=1, dtype=np.float64) - own) / (labels - 1)
    wanted = (1 - rest) * own + rest * others

    def loss(log_temperature: float) -> float:
        cold = np.exp(-log_temperature)
        return float((logsumexp(logits * cold, axis=1) - wanted * cold).sum())

    bounds = (np.log(COLDEST), np.log(HOTTEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x
    return Calibration(float(np.exp(found)), 0.0, m)


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """How often what was given with a confidence (m,) of 0..1 was right (m,) bool, in equal bins (Guo et al. 2017).

    A bin is without its lower edge and with its upper one. The expected calibration error is the mean over images of
    the distance between confidence and accuracy of their bin. Raises BadInput without an image.
    """
    _check(confidence, right)
    if not len(confidence):
        raise BadInput("A reliability diagram needs at least one image whose truth is known.")
    if not 1 <= bins <= MOST_BINS:
        raise BadInput(f"A reliability diagram has 1 to {MOST_BINS} bins, not {bins}.")
    if confidence.min() < 0 or confidence.max() > 1:
        raise ValueError("a confidence is from 0 to 1")
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], confidence, side="left")
    counts = np.bincount(place, minlength=bins)
    promised, came = (np.bincount(place, of, bins) for of in (confidence, right))
    ece = float(np.abs(promised - came).sum() / len(confidence))
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as said
        return Reliability(edges, promised / counts, came / counts, counts, ece)


def halves(ids: Sequence[str], labels: Sequence[str] | None = None) -> np.ndarray:
    """A fitted half (True) and a held-out one of different ids, whatever their order: (n,) bool.

    By a hash of the id, and every other one, so that the halves differ by at most one image, also within each of the
    labels where those are given.
    """
    of = [""] * len(ids) if labels is None else labels
    hashes = [hashlib.sha256(id.encode()).digest() for id in ids]
    order = sorted(range(len(ids)), key=lambda row: (of[row], hashes[row]))
    fitted = np.zeros(len(ids), dtype=bool)
    fitted[order[::2]] = True
    return fitted


def _beyond(low: float, high: float, prior: float | None) -> float:
    """The cut between two scores of which one at least is infinite."""
    least = low + MARGIN * max(1.0, abs(low)) if np.isfinite(low) else low
    most = high - MARGIN * max(1.0, abs(high)) if np.isfinite(high) else high
    if prior is not None:
        return float(min(max(prior, least), most))
    return float(most if np.isfinite(most) else least)


def _far(cut: float, prior: float | None) -> float:
    """How far a cut is from the prior; without one the lower cut is the nearer."""
    return cut if prior is None else abs(cut - prior)


def _nearest(scores: np.ndarray, among: np.ndarray, target: float, k: int) -> np.ndarray:
    """The k rows of a mask (n,) whose scores are nearest to a target, ties by the lower row."""
    rows = np.flatnonzero(among)
    return np.asarray(rows[np.argsort(np.abs(scores[rows] - target), kind="stable")[:k]])


def _enough(judged: int, least: int) -> None:
    if judged < least:
        missing = least - judged
        raise BadInput(
            f"Calibration needs {least} judged images, and {judged} are: judge {missing} more. "
            "A threshold follows from the first one."
        )


def _check(scores: np.ndarray, answers: np.ndarray) -> None:
    if scores.ndim != 1 or scores.shape != answers.shape or answers.dtype != bool:
        raise ValueError(f"scores (m,) and answers (m,) bool are needed, not {scores.shape} and {answers.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
