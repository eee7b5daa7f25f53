"""Arithmetic of embeddings in plain numpy: unit rows, top-k, softmax, truth tables."""

from __future__ import annotations

import numpy as np


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
    # every score above the k-th largest is in; of those equal to it the first few
    kth = np.partition(scores, n - k)[n - k]
    candidates = np.flatnonzero(scores >= kth)
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, same shape, rows sum to 1."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def nearest_rows(rows: np.ndarray, k: int, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """For each unit row its k nearest rows by cosine, itself first: ((n, k) int, (n, k) float32 cosines).

    Exact, in blocks, so that no n × n matrix stands in memory.
    """
    n = len(rows)
    k = min(k, n)
    indices = np.empty((n, k), dtype=np.int64)
    cosines = np.empty((n, k), dtype=np.float32)
    for start in range(0, n, block):
        part = rows[start : start + block] @ rows.T  # (b, n)
        own = np.arange(start, start + len(part))
        part[np.arange(len(part)), own] = np.inf  # a duplicate must not push a row from its own first place
        best = np.argpartition(-part, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(part, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        indices[start : start + block] = best
        found = np.take_along_axis(part, best, axis=1)
        found[:, 0] = 1.0
        cosines[start : start + block] = found
    return indices, cosines
