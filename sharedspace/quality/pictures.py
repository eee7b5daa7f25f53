"""The pictures themselves: whether two show the same, and which look poor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharedspace.records import ImageRecord, Poor

PART = 0.75  # of the first picture's sides that is looked for in the second
SCALES = (1.0, 1.09, 1.18, 0.92, 0.85)  # of the second picture, at which a first place is looked for
COARSE = 32  # pixels of a side at which it is
HOPE = 0.5  # correlation at the first place under which two pictures are not the same: of planted copies all have 0.7
STEPS = 8  # of the alignment
SMOOTH, GROUND = 0.7, 8.0  # pixels of a sketch: finer than the one is noise, coarser than the other is lighting
FLAT = 1.0  # grey levels, of 255: a part with less is plain, and says nothing


@dataclass(frozen=True, slots=True)
class _View:
    """What is compared of a sketch: detail without lighting."""

    fine: np.ndarray  # (s, s) float32
    slopes: tuple[np.ndarray, np.ndarray]  # of it, down and across
    coarse: tuple[np.ndarray, ...]  # (t, t) float32 for each of SCALES


def view(sketch: np.ndarray) -> _View:
    """A sketch (s, s) in grey, prepared for `likeness`."""
    from scipy.ndimage import gaussian_filter, zoom

    grey = sketch.astype(np.float32)
    detail = grey - gaussian_filter(grey, GROUND)
    fine = gaussian_filter(detail, SMOOTH)
    down, across = np.gradient(fine)
    half = gaussian_filter(detail, 0.5 * len(grey) / COARSE)
    sizes = [round(COARSE * scale) for scale in SCALES]
    coarse = tuple(zoom(half, size / len(grey), order=1, grid_mode=True, mode="nearest") for size in sizes)
    return _View(fine, (down, across), coarse)


def likeness(one: _View, other: _View) -> float:
    """The correlation of two pictures laid over each other as well as can be, -1 to 1; NaN where one is plain.

    The middle of one is looked for in the other, shifted and scaled: by trying, then by least squares that allow for
    other lighting (Lucas and Kanade 1981; the correlation of Evangelidis and Psarakis 2008). Neither turned nor
    mirrored copies are found, nor such as have lost more than a quarter of a side.
    """
    size = len(one.fine)
    part = round(PART * size)
    edge = (size - part) // 2
    wanted = one.fine[edge : edge + part, edge : edge + part].ravel()
    if wanted.std() < FLAT or other.fine.std() < FLAT:
        return float("nan")
    offsets = np.arange(part) - (part - 1) / 2
    grid = np.stack([axis.ravel() for axis in np.meshgrid(offsets, offsets, indexing="ij")])  # (2, p)
    fit, first, middle = _first_place(one, other, size)
    if fit < HOPE:
        return fit
    scale = np.array([first, first])  # down and across: both pictures were squeezed into squares
    best = -1.0
    for _ in range(STEPS):
        at = middle[:, None] + scale[:, None] * grid
        inside = ((at >= 0) & (at <= size - 1)).all(axis=0)
        if inside.mean() < 0.8:  # it has run out of the picture
            break
        seen, slopes = _sampled(other, at[:, inside])
        best = max(best, _correlation(wanted[inside], seen))
        stretch = slopes * grid[:, inside]  # how it changes with the scales down and across
        system = np.stack([seen, np.ones_like(seen), *stretch, *slopes], axis=1)
        gain, _, *moves = np.linalg.lstsq(system.T @ system, system.T @ wanted[inside], rcond=None)[0]
        if abs(gain) < 1e-3:
            break
        scale = scale + np.clip(np.array(moves[:2]) / gain, -0.05, 0.05)
        shift = np.clip(np.array(moves[2:]) / gain, -2, 2)
        middle = middle + shift
        if np.abs(shift).max() < 0.02:
            break
    return best


def _first_place(one: _View, other: _View, size: int) -> tuple[float, float, np.ndarray]:
    """How well the middle of one fits the other at best, at which scale, and with its middle where (down, across)."""
    part = round(PART * COARSE)
    edge = (COARSE - part) // 2
    wanted = one.coarse[0][edge : edge + part, edge : edge + part].ravel()
    wanted = (wanted - wanted.mean()) / max(float(wanted.std()) * wanted.size, 1e-6)
    found = (-1.0, 1.0, np.zeros(2))
    for coarse in other.coarse:
        windows = np.lib.stride_tricks.sliding_window_view(coarse, (part, part))
        across = windows.shape[1]
        rows = windows.reshape(-1, part * part)
        spread = np.maximum(rows.std(axis=1), 1e-6)
        fits = (rows @ wanted) / spread
        best = int(fits.argmax())
        if fits[best] > found[0]:
            corner = np.array(divmod(best, across), dtype=np.float64)
            middle = (corner + part / 2) * size / len(coarse) - 0.5
            found = (float(fits[best]), COARSE / len(coarse), middle)
    return found


def _sampled(picture: _View, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture and its slopes (2, p) between its pixels, at places (2, p)."""
    from scipy.ndimage import map_coordinates

    seen, down, across = (map_coordinates(part, at, order=1) for part in (picture.fine, *picture.slopes))
    return seen, np.stack([down, across])


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))


# ---- poor pictures ----------------------------------------------------------------------------------

FAR = 3.5  # robust standard deviations from the median of the set (Iglewicz and Hoaglin 1993)
BLURRED = 0.7, 0.8  # sharpness under which a picture is blurred in any set; and under which it can be in its set
DARK = 0.12, 0.35  # brightness, likewise
TINY = 64, 112  # pixels of the shorter side, likewise; most models read 224, and see twice that magnified
ODD = 3.0, 1.6  # times the longer side is the shorter, over which likewise
FLAWS = ("blurred", "dark", "tiny", "odd-shaped")


def poor(
    brightness: np.ndarray, sharpness: np.ndarray, records: Sequence[ImageRecord], shown: np.ndarray | None = None
) -> tuple[Poor, ...]:
    """The pictures with each of FLAWS among those of a mask (n,) bool, by measures (n,), NaN where there is no picture.

    A picture has a flaw where its measure is beyond an absolute bound, or far from the median of the set (FAR, on a
    logarithmic scale) and beyond a milder bound: in a set of night scenes the night is no flaw.
    """
    sides = np.array([(record.width, record.height) for record in records], dtype=np.float32).reshape(-1, 2)
    shape = sides.max(axis=1) / np.maximum(sides.min(axis=1), 1)
    given = (sharpness, BLURRED, -1), (brightness, DARK, -1), (sides.min(axis=1), TINY, -1), (shape, ODD, 1)
    made = []
    for flaw, (measure, (always, perhaps), sign) in zip(FLAWS, given, strict=True):
        beyond = sign * measure > sign * always
        found = beyond | ((sign * measure > sign * perhaps) & (sign * _far(measure) > FAR))
        found &= True if shown is None else shown
        rows = np.flatnonzero(found)
        made.append(Poor(flaw, measure, found, rows[np.argsort(-sign * measure[rows], kind="stable")]))
    return tuple(made)


def _far(measure: np.ndarray) -> np.ndarray:
    """How many robust standard deviations the logarithm of each measure is from the median, (n,); NaN stays."""
    values = np.log(np.maximum(measure, 1e-6))
    known = values[np.isfinite(values)]
    if not len(known):
        return np.asarray(values)
    middle = np.median(known)
    spread = max(1.4826 * float(np.median(np.abs(known - middle))), 0.05)  # where nearly all are alike
    return np.asarray((values - middle) / spread)
