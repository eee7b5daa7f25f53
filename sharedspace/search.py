"""From vectors of a query to scores, from scores to hits, and from an image to words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.records import Hit, ImageRecord, Term
from sharedspace.vectors import softmax, top_k, unit

CONSTANT = 1e-6  # cosines whose standard deviation is no more than this differ by the rounding of float32 only


@dataclass(frozen=True, slots=True)
class Scores:
    """How every image of a collection answers a query."""

    total: np.ndarray  # (n,) float32: of one term its cosine (minus it below 0); of several the sum of their parts
    parts: np.ndarray  # (n, t) float32, each term's weight times its z-score, in their order; of one term (n, 0)


@dataclass(frozen=True, slots=True)
class Word:
    """A text that an image was compared with."""

    text: str
    score: float  # cosine, -1..1
    share: float  # softmax at the model's logit scale over all the texts that were compared, 0..1


def scores(vectors: np.ndarray, terms: Sequence[Term]) -> Scores:
    """What each of the unit rows (n, d) scores for a query of terms.

    A term alone gives its cosine, whatever its weight; minus it where the weight is below 0. Several are mixed fairly:
    the cosines of each become z-scores over all rows, so that a term weighs what its weight says and not what the
    spread of its cosines does, which differs between texts and pictures. Two such terms of equal weight correlate
    equally with their sum. Filters come after, in `rank`, and so never change a score.
    Raises BadInput where there is no term, all weights are 0, or one is not finite.
    """
    _check(terms)
    if len(terms) == 1:
        cosines = vectors @ terms[0].vector  # (n,)
        return Scores(cosines if terms[0].weight > 0 else -cosines, np.empty((len(vectors), 0), dtype=np.float32))
    parts = np.stack([term.vector for term in terms]) @ vectors.T  # (t, n): one pass over the rows for all terms
    for term, row in zip(terms, parts, strict=True):
        row[:] = np.float32(term.weight) * zscores(row)
    return Scores(parts.sum(axis=0), parts.T)


def _check(terms: Sequence[Term]) -> None:
    for term in terms:
        if not np.isfinite(term.weight):
            raise BadInput(f"The weight of {term.name!r} must be a number, not {term.weight}.")
    if not any(term.weight for term in terms):
        raise BadInput("A query needs at least one text or picture whose weight is not 0.")


def zscores(column: np.ndarray) -> np.ndarray:
    """A column (n,) in standard deviations from its mean, float32; all 0 where it is constant up to rounding."""
    if not len(column):
        return np.empty(0, dtype=np.float32)
    mean, deviation = column.mean(dtype=np.float64), column.std(dtype=np.float64)
    if deviation <= CONSTANT:
        return np.zeros(len(column), dtype=np.float32)
    return np.asarray((column - np.float32(mean)) / np.float32(deviation), dtype=np.float32)


def rank(
    records: Sequence[ImageRecord],
    scored: Scores,
    k: int,
    where: np.ndarray | None = None,
    line: float | None = None,
) -> tuple[Hit, ...]:
    """The k best of the images that pass `where` (n,) bool, best first, of equal ones the lower row; exact.

    A hit is matched where its score is not under the line.
    """
    if where is None:
        rows = top_k(scored.total, k)
    else:
        passed = np.flatnonzero(where)
        rows = passed[top_k(scored.total[where], k)]
    hits = zip(rows.tolist(), scored.total[rows].tolist(), scored.parts[rows].tolist(), strict=True)
    return tuple(
        Hit(
            id=records[row].id,
            path=records[row].path,
            score=score,
            rank=place,
            matched=None if line is None else score >= line,
            parts=tuple(parts),
        )
        for place, (row, score, parts) in enumerate(hits, start=1)
    )


def contrast(vectors: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How much nearer each unit row (n, d) is to the unit vector a (d,) than to b: (n,) float32, -2..2.

    The plain difference of the cosines, 0 where both are equally near: the line between two phrases, or two pictures.
    Of a phrase and a picture, whose cosines differ anyway, `scores` with the weights 1 and -1 gives the fair one.
    """
    return np.asarray(vectors @ (a - b), dtype=np.float32)


def describe(
    image: np.ndarray, texts: Sequence[str], vectors: np.ndarray, logit_scale: float, k: int
) -> tuple[Word, ...]:
    """The k texts nearest to the unit vector (d,) of an image, or of a mean of images, best first.

    `vectors` (m, d) are the unit rows of the texts. Raises BadInput where there is no text.
    """
    if not len(texts):
        raise BadInput("There are no texts to describe the picture with: give some labels, or put texts on the map.")
    cosines = vectors @ image  # (m,)
    shares = softmax(cosines.astype(np.float64) * logit_scale)
    best = zip(texts, cosines.tolist(), shares.tolist(), strict=True)
    words = [Word(*one) for one in best]
    return tuple(words[row] for row in top_k(cosines, k))


def mean(vectors: np.ndarray, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """The direction of some of the unit rows (n, d) together, (d,) float32, unit: a query for more like these.

    It is zero where they cancel out. Raises BadInput where there is none.
    """
    if not len(rows):
        raise BadInput("Select at least one image to ask for more like it.")
    return unit(vectors[np.asarray(rows)].mean(axis=0, dtype=np.float64))
