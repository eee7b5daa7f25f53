"""Arithmetic of embeddings in plain numpy: unit rows, top-k, exact neighbours, softmax, sigmoid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BLOCK = 256  # rows of a block of cosines: 51 MB over 50,000 columns; larger and smaller ones were not quicker
GROUP = 64  # columns of which only the highest counts in the search for a threshold
MANY = 16  # times k: with more candidates than this a row is looked through alone


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, (..., d) float32; a zero row stays zero."""
    rows = np.asarray(rows, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), dtype=np.float32)


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Indices of the k highest scores of (n,), best first; ties by the lower index."""
    n = len(scores)
    if k >= n:
        return np.argsort(-scores, kind="stable")
    kth = np.partition(scores, n - k)[n - k]
    above = np.flatnonzero(scores > kth)
    equal = np.flatnonzero(scores == kth)[: k - len(above)]
    return np.concatenate([above[np.argsort(-scores[above], kind="stable")], equal])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, same shape, rows sum to 1."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x) of each, same shape; no logit is too large for it, and small results are exact too."""
    powers = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1, powers) / (1 + powers))


def nearest_rows(
    rows: np.ndarray, k: int, block: int = BLOCK, on_block: Callable[[int, int], None] = lambda done, n: None
) -> tuple[np.ndarray, np.ndarray]:
    """For each unit row its k nearest rows by cosine, itself first: ((n, k) int32, (n, k) float32 cosines).

    Exact, ties by the lower index, in blocks, so that no n × n matrix stands in memory. `on_block` is told how many
    of the n rows are done, and ends the work by raising.
    """
    return _nearest(rows, rows, k, block, on_block, own=True)


def nearest_to(queries: np.ndarray, rows: np.ndarray, k: int, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
    """For each unit query (q, d) its k nearest unit rows (n, d), best first: ((q, k) int32, (q, k) float32 cosines)."""
    return _nearest(queries, rows, k, block, lambda done, n: None, own=False)


def _nearest(
    queries: np.ndarray, rows: np.ndarray, k: int, block: int, on_block: Callable[[int, int], None], own: bool
) -> tuple[np.ndarray, np.ndarray]:
    n, k = len(queries), min(k, len(rows))
    indices = np.empty((n, k), dtype=np.int32)
    cosines = np.empty((n, k), dtype=np.float32)
    room = np.empty((min(block, n), len(rows)), dtype=np.float32)
    for start in range(0, n, block):
        part = queries[start : start + block]
        scores = np.matmul(part, rows.T, out=room[: len(part)])
        if own:  # before its duplicates
            scores[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        found = _best(scores, k)
        indices[start : start + block] = found
        cosines[start : start + block] = np.minimum(np.take_along_axis(scores, found, axis=1), 1)
        on_block(start + len(part), n)
    return indices, cosines


def _best(scores: np.ndarray, k: int) -> np.ndarray:
    """`top_k` of every row of (b, n): (b, k).

    The k-th highest of the maxima of groups of columns is no more than the k-th highest score, and close to it: what
    reaches it are few, and only those are sorted. A tenth of the time of a partition.
    """
    b, n = scores.shape
    group = max(1, min(GROUP, n // (4 * k)))
    groups = n // group  # at least k; the columns left over are candidates like all others
    highest = scores[:, : groups * group].reshape(b, group, groups).max(axis=1)
    threshold = np.partition(highest, groups - k, axis=1)[:, groups - k]
    at = np.flatnonzero(scores >= threshold[:, None])
    if len(at) > MANY * k * b:  # all but equal rows
        return np.stack([top_k(row, k) for row in scores])
    row, column = np.divmod(at, n)
    order = np.lexsort((-scores.ravel()[at], row))  # stable: equal scores stay by column
    first = np.searchsorted(row, np.arange(b))
    return np.asarray(column[order[first[:, None] + np.arange(k)]])
