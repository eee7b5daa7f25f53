"""Lesson 7: the vectors of two models of equal dimension, and what becomes of a search that mixes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from sharedspace.errors import BadInput
from sharedspace.lessons.retrieval import KS, Recall, recall
from sharedspace.records import Space

SEED = 0  # of the turned axes


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """n queries and the n images that they are after, by two models: all (n, d) unit rows, in one order."""

    space: Space  # of the model that asks
    other: Space  # of the one that made the index
    queries: np.ndarray
    images: np.ndarray
    other_queries: np.ndarray
    other_images: np.ndarray

    def __post_init__(self) -> None:
        shapes = {rows.shape for rows in (self.queries, self.images, self.other_queries, self.other_images)}
        if len(shapes) != 1:
            raise BadInput(f"Two models are compared on the same images, in equal dimension: {sorted(shapes)}.")


@dataclass(frozen=True, slots=True, eq=False)
class Mixing:
    """How often queries find their image, with one model and with two."""

    alone: tuple[Recall, ...]
    other_alone: tuple[Recall, ...]
    mixed: tuple[Recall, ...]  # queries of one model, index of the other
    own_cosines: np.ndarray  # (n,) of each query with its image, in one model
    mixed_cosines: np.ndarray  # (n,) and across the two


def measure(pair: Pair) -> Mixing:
    """Recall at 1, 5 and 10 (those under n) within either model and across, and the cosines of what belongs together.

    Nothing fails across: the dimensions agree, so that the arithmetic goes through.
    """
    ks = [k for k in KS if k < len(pair.queries)]
    if not ks:
        raise BadInput("Recall needs two images at least: of one, every query finds it.")
    return Mixing(
        alone=recall(pair.queries, pair.images, ks),
        other_alone=recall(pair.other_queries, pair.other_images, ks),
        mixed=recall(pair.queries, pair.other_images, ks),
        own_cosines=(pair.queries * pair.images).sum(axis=1),
        mixed_cosines=(pair.queries * pair.other_images).sum(axis=1),
    )


def axes(dimension: int, seed: int = SEED) -> np.ndarray:
    """A random turn of all axes, (d, d) orthogonal, even over all turns and mirrorings (Mezzadri 2007)."""
    gaussian = np.random.default_rng(seed).standard_normal((dimension, dimension))
    q, r = np.linalg.qr(gaussian)
    return np.asarray(q * np.sign(np.diagonal(r)), dtype=np.float32)


def turned(space: Space, queries: np.ndarray, images: np.ndarray, seed: int = SEED) -> Pair:
    """A model beside itself in other axes: all its cosines are the same, and no coordinate means what it did.

    The loss that a model is trained by sees cosines alone, so nothing fixes its axes.
    """
    turn = axes(space.dimension, seed)
    digest = hashlib.sha256(space.fingerprint.encode() + turn.tobytes()).hexdigest()[:16]
    other = replace(space, fingerprint=digest, model=f"{space.model}, axes turned")
    return Pair(space, other, queries, images, queries @ turn, images @ turn)
