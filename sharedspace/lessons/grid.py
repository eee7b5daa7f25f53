"""Lesson 4: a batch of N pictures and their captions as a grid of N x N cosines, and its loss worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.vectors import softmax

LEAST, MOST = 2, 16  # pictures of a batch that can still be looked at one by one


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One half of InfoNCE: for each picture which caption is its own, or for each caption which picture."""

    probabilities: np.ndarray  # (N, N) float64, pictures as rows; by row the rows sum to 1, by column the columns
    losses: np.ndarray  # (N,) -ln of the diagonal

    @property
    def loss(self) -> float:
        """The mean over the batch."""
        return float(self.losses.mean())

    @property
    def hardest(self) -> int:
        """The place whose loss is the greatest."""
        return int(self.losses.argmax())


def by_row(cosines: np.ndarray, scale: float) -> Side:
    """For each picture of a grid (N, N), pictures as rows: the softmax over the captions; raises BadInput."""
    _check(cosines)
    logits = scale * cosines.astype(np.float64)
    return Side(softmax(logits), -_log_softmax(logits).diagonal())


def by_column(cosines: np.ndarray, scale: float) -> Side:
    """For each caption: the softmax over the pictures; columns sum to 1. Raises BadInput."""
    side = by_row(cosines.T, scale)
    return Side(side.probabilities.T, side.losses)


def info_nce(cosines: np.ndarray, scale: float) -> float:
    """CLIP's loss (Radford et al. 2021): the mean of both sides; ln N of a model that only guesses."""
    return (by_row(cosines, scale).loss + by_column(cosines, scale).loss) / 2


def sigmoid_loss(cosines: np.ndarray, scale: float, bias: float) -> float:
    """SigLIP's loss (Zhai et al. 2023): of each of the N x N pairs alone, whether it belongs together; summed, over N.

    A pair with the logit x = scale * cosine + bias costs ln(1 + e^-x) on the diagonal, else ln(1 + e^x).
    """
    _check(cosines)
    logits = scale * cosines.astype(np.float64) + bias
    signs = 2 * np.eye(len(cosines)) - 1
    return float(np.logaddexp(0, -signs * logits).sum() / len(cosines))


def guessing(n: int) -> float:
    """The InfoNCE loss of a model to which all n are equal: -ln(1 / n) = ln n."""
    return log(n)


def floor(captions: list[str] | tuple[str, ...]) -> float:
    """The least InfoNCE that vectors of these captions can reach: where m are the same, each has at best 1 / m.

    Equal captions have equal vectors, so that the grid has equal columns; each of the m rows, and of the m columns,
    then costs ln m or more on average, and the captions that are alone can cost nothing.
    """
    return sum(log(captions.count(caption)) for caption in captions) / len(captions)


def over_scales(cosines: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """InfoNCE of a grid at each logit scale, (len(scales),) float64; at scale 0 it is ln N whatever the cosines."""
    return np.array([info_nce(cosines, float(scale)) for scale in scales])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    highest = logits.max(axis=1, keepdims=True)
    return np.asarray(logits - highest - np.log(np.exp(logits - highest).sum(axis=1, keepdims=True)))


def _check(cosines: np.ndarray) -> None:
    if cosines.ndim != 2 or cosines.shape[0] != cosines.shape[1] or len(cosines) < LEAST:
        raise BadInput(f"A grid has as many pictures as captions, {LEAST} or more; this one is {cosines.shape}.")


def each_its_own(scores: np.ndarray) -> list[int]:
    """For each row in turn the column (n, m) of the highest score that no row before it has; once all are had, any."""
    chosen: list[int] = []
    for row in scores:
        order = np.argsort(-row, kind="stable").tolist()
        chosen.append(next((place for place in order if place not in chosen), order[0]))
    return chosen
