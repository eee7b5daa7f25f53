"""Where texts and images really are: the modality gap, on a linear projection of both, and two words as axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharedspace.errors import BadInput

NOTHING = 1e-6  # of unit vectors in float32: what is shorter has no direction


@dataclass(frozen=True, slots=True)
class Joint:
    """A frozen linear projection of images and texts, and the size of the gap between them."""

    origin: np.ndarray  # (d,) float32, midway between the two means
    axes: np.ndarray  # (d, 2) float32, orthonormal columns; one is 0 where there is nothing to show
    images: np.ndarray  # (n, 2) float32, x below 0 on the images' side
    texts: np.ndarray  # (m, 2) float32
    gap: float  # distance of the two means, 0..2
    image_image: float | None  # mean cosine of two different images; None of one alone
    text_text: float | None
    image_text: float
    separable: float  # 0..1, mean of the shares of images and of texts on their side of x = 0
    shown: float  # 0..1, share of the variance of all vectors that the plane shows

    def place(self, vectors: np.ndarray) -> np.ndarray:
        """Where unit vectors (k, d) stand, (k, 2) float32."""
        return np.asarray((vectors - self.origin) @ self.axes, dtype=np.float32)


def joint(images: np.ndarray, texts: np.ndarray) -> Joint:
    """Images (n, d) and texts (m, d), unit rows, on the plane that shows the modality gap (Liang et al. 2022).

    x runs from the mean of the images to that of the texts; y is the first principal component of what is left
    without that direction, each kind about its own mean. No random start, and the greatest component of y is
    positive: the same rows give the same plane. Raises BadInput without an image or without a text.
    """
    if len(images) == 0 or len(texts) == 0:
        raise BadInput("The gap between images and texts is that of their means: it needs at least one of each.")
    of_images, of_texts = _mean(images), _mean(texts)
    across = of_texts - of_images
    gap = float(np.linalg.norm(across))
    x = across / gap if gap > NOTHING else np.zeros_like(across)
    axes = np.stack([x, _first_component(images - of_images, texts - of_texts, x)], axis=1)
    origin = (of_images + of_texts) / 2
    at_images, at_texts = (images - origin) @ axes, (texts - origin) @ axes
    return Joint(
        origin=origin,
        axes=axes,
        images=at_images,
        texts=at_texts,
        gap=gap,
        image_image=_mean_cosine(images),
        text_text=_mean_cosine(texts),
        image_text=float(of_images @ of_texts),
        separable=float((at_images[:, 0] < 0).mean() + (at_texts[:, 0] > 0).mean()) / 2,
        shown=_share(np.concatenate([at_images, at_texts]), np.concatenate([images, texts])),
    )


def word_axes(images: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines of unit images (n, d) with two unit words (d,): (n, 2) float32, x with a, y with b.

    Zero-shot classification between the two says a where x > y: the line x = y is its decision.
    """
    return np.asarray(images @ np.stack([a, b], axis=1), dtype=np.float32)


def _mean(rows: np.ndarray) -> np.ndarray:
    """(d,) float32, summed in float64."""
    return np.asarray(rows.mean(axis=0, dtype=np.float64), dtype=np.float32)


def _first_component(images: np.ndarray, texts: np.ndarray, without: np.ndarray) -> np.ndarray:
    """The direction (d,) of most variance of both centred kinds together that is at right angles to a unit one."""
    scatter = (images.T @ images + texts.T @ texts).astype(np.float64)
    without = without.astype(np.float64)
    across = np.eye(len(without)) - np.outer(without, without)
    values, vectors = np.linalg.eigh(across @ scatter @ across)  # ascending
    y = vectors[:, -1]
    if values[-1] <= NOTHING**2 * (len(images) + len(texts)):
        y[:] = 0
    return np.asarray(y * np.sign(y[np.abs(y).argmax()]), dtype=np.float32)


def _mean_cosine(rows: np.ndarray) -> float | None:
    """The mean cosine of two different unit rows, by the length of their sum; None of one row alone."""
    n = len(rows)
    total = rows.sum(axis=0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1))) if n > 1 else None


def _share(places: np.ndarray, rows: np.ndarray) -> float:
    """The variance of places over that of the rows; 1 where the rows are all equal."""
    parts = [float(((all_of - _mean(all_of)) ** 2).sum(dtype=np.float64)) for all_of in (places, rows)]
    return parts[0] / parts[1] if parts[1] > 0 else 1.0
