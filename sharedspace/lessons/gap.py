"""Lesson 6: what changes when the two islands of the space are pushed together, and what the logit scale does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.lessons.retrieval import Recall, recall, spaced
from sharedspace.vectors import softmax

AMOUNTS = tuple(round(0.1 * step, 1) for step in range(11))
NEAREST = 10  # neighbours that are looked at in a list of pictures and texts
COMPARED = 400  # images whose distances to each other are compared
LEAST = 3  # images, and texts: fewer have no shape about their mean


@dataclass(frozen=True, slots=True)
class At:
    """The space where each modality's mean is taken away by an amount, 0 (raw) to 1 (centred)."""

    amount: float
    gap: float  # distance of the two means
    image_text: float  # mean cosine of an image and a text, any
    pair: float | None  # and of an image and its own caption; None where texts are no captions
    texts_near: float  # share of texts among the nearest of an image, in one list of images and texts
    texts_expected: float  # that share if kind did not matter: texts / (all but the image itself)
    recall: tuple[Recall, ...]  # caption to image; empty where texts are no captions
    moved: float  # greatest change of a distance between two images, against raw


@dataclass(frozen=True, slots=True)
class Sure:
    """The same cosines as probabilities, at one logit scale."""

    scale: float
    top: float  # mean over images of the highest probability
    same_order: int  # images whose texts rank as by cosine
    n: int  # images


def shifted(
    images: np.ndarray, texts: np.ndarray, amount: float, renormalise: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, d) and texts (m, d) less `amount` times the mean of their kind, in float64 (Liang et al. 2022).

    A shift of all images leaves each distance among them. Their lengths then differ; `renormalise` sets them to 1
    again, which does change distances.
    """
    both = []
    for rows in (images, texts):
        exact = rows.astype(np.float64)
        moved = exact - amount * exact.mean(axis=0)
        both.append(_unit(moved) if renormalise else moved)
    return both[0], both[1]


def measure(images: np.ndarray, texts: np.ndarray, amount: float, pairs: bool, renormalise: bool = False) -> At:
    """What holds of unit images and texts shifted by an amount; with `pairs` text i is the caption of image i.

    Neighbours and recall are by cosine, as in a search. Raises BadInput for fewer than three of either kind.
    """
    if min(len(images), len(texts)) < LEAST:
        raise BadInput(f"The gap is looked at with {LEAST} pictures and {LEAST} texts at least.")
    moved_images, moved_texts = shifted(images, texts, amount, renormalise)
    some = spaced(len(images), COMPARED)
    unit_images, unit_texts = _unit(moved_images), _unit(moved_texts)
    near, expected = _texts_near(unit_images, unit_texts)
    ks = [k for k in (1, 5) if k < len(images)]
    return At(
        amount=amount,
        gap=float(np.linalg.norm(moved_images.mean(axis=0) - moved_texts.mean(axis=0))),
        image_text=float(unit_images.mean(axis=0) @ unit_texts.mean(axis=0)),
        pair=float((unit_images * unit_texts).sum(axis=1).mean()) if pairs else None,
        texts_near=near,
        texts_expected=expected,
        recall=recall(unit_texts, unit_images, ks) if pairs else (),
        moved=float(np.abs(_distances(moved_images[some]) - _distances(images[some].astype(np.float64))).max()),
    )


def sweep(
    images: np.ndarray,
    texts: np.ndarray,
    pairs: bool,
    renormalise: bool = False,
    amounts: Sequence[float] = AMOUNTS,
) -> tuple[At, ...]:
    """`measure` at each amount."""
    return tuple(measure(images, texts, amount, pairs, renormalise) for amount in amounts)


def sureness(cosines: np.ndarray, scales: Sequence[float]) -> tuple[Sure, ...]:
    """What the softmax over texts makes of cosines (n, m) at each logit scale, which is 1 / temperature.

    A positive factor moves no text past another; how far the best is ahead in probability is the factor's doing.
    """
    exact = cosines.astype(np.float64)
    order = np.argsort(-exact, axis=1, kind="stable")
    found = []
    for scale in scales:
        probabilities = softmax(exact * scale)
        same = (np.argsort(-probabilities, axis=1, kind="stable") == order).all(axis=1)
        found.append(Sure(float(scale), float(probabilities.max(axis=1).mean()), int(same.sum()), len(exact)))
    return tuple(found)


def lead(cosines: np.ndarray) -> float:
    """The median over images of how far the best text's cosine is ahead of the second, of (n, m) with m over 1."""
    two = -np.partition(-cosines, 1, axis=1)[:, :2]
    return float(np.median(two[:, 0] - two[:, 1]))


def _unit(rows: np.ndarray) -> np.ndarray:
    """Unit rows in float64; a zero row stays zero."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1))


def _distances(rows: np.ndarray) -> np.ndarray:
    """(n, n) distances in float64."""
    squares = (rows**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0)))


def _texts_near(images: np.ndarray, texts: np.ndarray) -> tuple[float, float]:
    """The share of texts among the nearest of an image, itself left out, and the one to expect by their number."""
    n, others = len(images), len(images) + len(texts) - 1
    scores = images @ np.concatenate([images, texts]).T
    scores[np.arange(n), np.arange(n)] = -np.inf
    k = min(NEAREST, others)
    nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return float((nearest >= n).mean()), len(texts) / others
