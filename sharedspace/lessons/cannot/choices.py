"""Answers by the highest cosine, and whether two ways of asking about the same pictures differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np

from sharedspace.encoders import Encoder
from sharedspace.lessons.rates import Rate

ROUNDING = 1e-5  # of a cosine: equal texts in another batch
SEED = 0  # of lots
SURE = 0.05  # of a comparison: how often chance alone would give as much
Standing = Literal["above chance", "at chance", "below chance"]


@dataclass(frozen=True, slots=True)
class Paired:
    """Two ways on the same n pictures: on how many only the one, or only the other, was right."""

    only_first: int
    only_second: int

    @property
    def p(self) -> float:
        """How often chance alone has the first right that much more, one-sided: the exact test of McNemar (1947)."""
        m = self.only_first + self.only_second
        return float(sum(comb(m, k) for k in range(self.only_first, m + 1)) / 2**m)

    @property
    def first_is_better(self) -> bool:
        """Whether the first is right more often than the second, by more than chance at 5 %."""
        return self.p < SURE


def paired(first: np.ndarray, second: np.ndarray) -> Paired:
    """Two right-or-wrong (n,) bool of the same pictures."""
    return Paired(int((first & ~second).sum()), int((second & ~first).sum()))


def standing(rate: Rate, chance: float) -> Standing:
    """Where the 95 % interval of a rate lies; at chance where it holds chance."""
    if rate.holds(chance):
        return "at chance"
    return "above chance" if rate.share > chance else "below chance"


def best(cosines: np.ndarray, seed: int = SEED) -> np.ndarray:
    """The place of the highest of each row (n, c), (n,) int; among equal ones, up to ROUNDING, a lot decides.

    A model that has no token for two words gives them one vector: the first of them must not always win.
    """
    lots = np.random.default_rng(seed).random(cosines.shape)
    equal = cosines >= cosines.max(axis=1, keepdims=True) - ROUNDING
    return np.asarray(np.where(equal, lots, -1.0).argmax(axis=1))


def rate(right: np.ndarray) -> Rate:
    """Right-or-wrong (n,) bool as a rate."""
    return Rate(int(right.sum()), len(right))


def unknown(encoder: Encoder, texts: Sequence[str]) -> tuple[str, ...]:
    """The words of some texts that the model has no token for, each once."""
    return tuple(dict.fromkeys(word for text in texts for word in encoder.tokens(text).unknown))
