"""Lesson 5: labels as a classifier: rates by template, a label in other words, and one label more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharedspace.doctor import TemplateGain
from sharedspace.lessons.rates import Rate
from sharedspace.zeroshot import probabilities


@dataclass(frozen=True, slots=True, eq=False)
class Rewording:
    """What becomes of n images when one label is put in other words."""

    before: Rate  # right answers; of images without a known answer none
    after: Rate
    gained: np.ndarray  # rows that become right
    lost: np.ndarray  # rows that were right
    changed: np.ndarray  # rows whose answer changes, right or wrong


def rates(gain: TemplateGain) -> tuple[tuple[Rate, ...], Rate]:
    """Of each template, and of all together, how many images are right; without truth, agree with all together."""
    return tuple(Rate(round(share * gain.n), gain.n) for share in gain.alone.tolist()), Rate(
        round(gain.ensemble * gain.n), gain.n
    )


def flips(images: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Which of n images T templates, as unit class vectors (T, L, d), do not all give the same label: (n,) bool."""
    answers = np.stack([(images @ rows.T).argmax(axis=1) for rows in vectors])  # (T, n)
    return np.asarray((answers != answers[0]).any(axis=0))


def reworded(images: np.ndarray, words: np.ndarray, truth: np.ndarray, label: int, vector: np.ndarray) -> Rewording:
    """The unit images (n, d) classified by unit class vectors (L, d), and again with one label's replaced by `vector`.

    truth is (n,) int, -1 where unknown; right and wrong are counted where it is known.
    """
    scores = images @ words.T
    before = scores.argmax(axis=1)
    scores[:, label] = images @ vector
    after = scores.argmax(axis=1)
    known = truth >= 0
    was, now = known & (before == truth), known & (after == truth)
    n = int(known.sum())
    return Rewording(
        Rate(int(was.sum()), n),
        Rate(int(now.sum()), n),
        np.flatnonzero(now & ~was),
        np.flatnonzero(was & ~now),
        np.flatnonzero(before != after),
    )


def with_one_more(cosines: np.ndarray, extra: float, logit_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (L,) of labels by their cosines with one picture, and (L + 1,) with one label more, the last.

    A softmax is over what it is given: each old probability is multiplied by 1 less the new label's.
    """
    more = np.append(cosines, extra)[None].astype(np.float64)
    return probabilities(more[:, :-1], logit_scale)[0], probabilities(more, logit_scale)[0]
