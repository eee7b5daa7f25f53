"""What a cosine between text and image means: the line under which chance reaches too, percentiles, usual bands."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from sharedspace.errors import BadInput

RATE = 0.05  # of texts without a match that pass the line
SAMPLED = 1024  # images, evenly spaced, from which typical levels are taken
BLOCK = 4096  # images whose cosines stand in memory at once
STEPS = 1000  # of stored quantiles: a percentile is good to 0.1
ROUNDING = 1e-5  # of a cosine: a text in another batch, a product of other shape
LEAST_WORDS = 16  # below, a vocabulary says too little about what words usually score
TO_SIGMA = 1.4826  # median absolute deviation to the standard deviation of a normal distribution


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How the words of a vocabulary score in one collection."""

    level: float  # median over words of a word's median cosine: most words are not to be seen in most images
    spread: float  # standard deviation of those medians over words, by their median absolute deviation
    matching: tuple[float, float]  # 5th and 95th percentile over images of the image's best word


@dataclass(frozen=True, slots=True)
class Baseline:
    """What texts score that match nothing, in one collection and one space; for text queries only."""

    reached: np.ndarray  # (m,) ascending: the highest cosine of each neutral caption
    reach: float  # median over neutral captions of their highest cosine over their median one
    quantiles: np.ndarray  # (STEPS + 1,) of the cosines of all text-image pairs
    vocabulary: Vocabulary | None  # None where the model knows too few of the words

    def line(self, rate: float = RATE) -> float:
        """The cosine at and above which an image matches a text query; infinite where the bank is too small for `rate`.

        Half-way from `chance` to where the best words of images begin, if that is higher; falls as `rate` rises.
        """
        floor = self.chance(rate)
        if self.vocabulary is None:
            return floor
        return max(floor, (floor + self.vocabulary.matching[0]) / 2)

    def chance(self, rate: float = RATE) -> float:
        """The cosine that at most `rate` of texts without a match reach, if they are like neutral captions or words.

        The higher of two lines, each at half the rate since no query is quite like a bank: the split-conformal
        quantile (Papadopoulos et al. 2002; Vovk et al. 2005) of what each neutral caption reaches at best, and the
        normal quantile of what vocabulary words score typically, by median and absolute deviation, so that words
        which are to be seen do not move it, plus the neutral captions' reach.
        """
        if not 0 < rate < 1:
            raise BadInput(f"The rate of false matches must be between 0 and 1, not {rate}.")
        m = len(self.reached)
        place = int(np.ceil((m + 1) * (1 - rate / 2)))  # 1-based, in ascending order
        # What a neutral caption reaches is not a match, also when the same text comes again and is rounded otherwise.
        captions = float(self.reached[place - 1]) + ROUNDING if place <= m else float("inf")
        if self.vocabulary is None:
            return captions
        above = NormalDist().inv_cdf(1 - rate / 2)
        return max(captions, self.vocabulary.level + above * self.vocabulary.spread + self.reach)

    def pair_percentile(self, score: float) -> float:
        """Share of text-image pairs of this collection below a cosine, 0 to 100 in steps of 0.1."""
        below = int(np.searchsorted(self.quantiles, score, side="left"))
        return min(below, STEPS) * 100 / STEPS

    @property
    def band(self) -> tuple[float, float]:
        """5th and 95th percentile of the cosines of all text-image pairs: the usual band of the model here."""
        low, high = self.quantiles[[STEPS * 5 // 100, STEPS * 95 // 100]]
        return float(low), float(high)


def baseline(vectors: np.ndarray, bank: np.ndarray, vocabulary: np.ndarray) -> Baseline:
    """The baseline of unit vectors: images (n, d), neutral captions (m, d), words that the model knows (w, d).

    Exact for the neutral captions' best; typical levels are from 1024 images. n and m must be at least 1, w may be 0.
    """
    if not len(vectors) or not len(bank):
        raise ValueError("a baseline needs at least one image and one neutral caption")
    best = np.max([(bank @ vectors[at : at + BLOCK].T).max(axis=1) for at in range(0, len(vectors), BLOCK)], axis=0)
    rows = np.linspace(0, len(vectors) - 1, min(len(vectors), SAMPLED)).round().astype(np.int64)
    sample = vectors[rows].T  # (d, s)
    captions = bank @ sample  # (m, s)
    words = vocabulary @ sample  # (w, s)
    pairs = np.concatenate([captions.ravel(), words.ravel()])
    return Baseline(
        reached=np.sort(best),
        reach=float(np.median(best - np.median(captions, axis=1))),
        quantiles=np.quantile(pairs, np.linspace(0, 1, STEPS + 1)),
        vocabulary=_vocabulary(words) if len(vocabulary) >= LEAST_WORDS else None,
    )


def _vocabulary(cosines: np.ndarray) -> Vocabulary:
    medians = np.median(cosines, axis=1)  # (w,)
    level = float(np.median(medians))
    spread = TO_SIGMA * float(np.median(np.abs(medians - level)))
    low, high = np.quantile(cosines.max(axis=0), [0.05, 0.95])
    return Vocabulary(level, spread, (float(low), float(high)))


def percentile(scores: np.ndarray, score: float) -> float:
    """Share of the images, by their scores (n,) for one query, that score below: 0 to 100."""
    return float(np.mean(scores < score) * 100)
