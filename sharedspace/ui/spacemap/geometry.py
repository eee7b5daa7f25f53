"""Arrays of the map: the binary that the browser fetches, and the points inside a lasso. Numpy only."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np


def pack(xy: np.ndarray) -> bytes:
    """Coordinates (n, 2) as the browser reads them: little-endian uint32 n, then n float32 pairs."""
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise ValueError(f"coordinates must have shape (n, 2), not {xy.shape}")
    if not np.isfinite(xy).all():
        raise ValueError("coordinates must be finite")
    return struct.pack("<I", len(xy)) + np.ascontiguousarray(xy, dtype="<f4").tobytes()


def inside(polygon: Sequence[tuple[float, float]], xy: np.ndarray) -> np.ndarray:
    """Which points (n, 2) lie inside the polygon, by the even-odd rule: (n,) bool.

    Sorted by y, the points that an edge can concern are one slice, so the cost hardly grows with the vertices.
    The arithmetic is that of `Grid.eachWithin` in geometry.js, so both find the same points.
    """
    x, y = np.asarray(xy, dtype=np.float32).astype(np.float64).T
    order = np.argsort(y)
    xs, ys = x[order], y[order]
    odd = np.zeros(len(order), dtype=bool)
    ring = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        span = slice(*np.searchsorted(ys, [min(y1, y2), max(y1, y2)]))
        if span.start < span.stop:
            odd[span] ^= xs[span] < (x2 - x1) * (ys[span] - y1) / (y2 - y1) + x1
    result = np.empty_like(odd)
    result[order] = odd
    return result
