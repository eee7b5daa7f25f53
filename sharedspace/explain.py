"""Why a picture fits a text: which of the words, and which parts of the picture."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sharedspace.encoders import Encoder
from sharedspace.errors import BadInput

if TYPE_CHECKING:
    from PIL import Image

METHOD = "occlusion sensitivity (Zeiler and Fergus 2014)"
CELLS = 8  # a side of the heat map
WINDOW = 2  # cells a side that are hidden at once
MOST = 20  # texts compared with the whole one: with all 75 words that a CLIP can read it would take 2.4 s, not 0.6
BATCH = 13  # pictures that one core encodes together
BICUBIC = 3  # as Pillow counts its filters
PLACES = (("upper left", "top", "upper right"), ("left", "middle", "right"), ("lower left", "bottom", "lower right"))


@dataclass(frozen=True, slots=True)
class WordReason:
    """One word of a text, as typed; of a long text some words that stand together."""

    word: str
    change: float  # cosine of the whole text minus that without it: above 0 it speaks for the picture


@dataclass(frozen=True, slots=True)
class WordReasons:
    """What each word of a text does to its score with a picture."""

    score: float  # cosine of the whole text, -1..1
    words: tuple[WordReason, ...]  # those that the model reads, in their order
    unread: int  # words behind them, over the model's limit
    vector: np.ndarray  # (d,) float32, unit: of the whole text

    @property
    def shares(self) -> tuple[float, ...]:
        """Of all that speaks for the picture the part of each word, 0..1; 0 for words that do not."""
        total = sum(max(one.change, 0.0) for one in self.words)
        return tuple(max(one.change, 0.0) / total if total else 0.0 for one in self.words)


@dataclass(frozen=True, slots=True)
class PatchReasons:
    """What each part of a picture does to its score with a text."""

    score: float  # cosine of the whole picture, -1..1
    heat: np.ndarray  # (CELLS, CELLS) float32, rows from the top: how much the score falls when that part is hidden
    box: tuple[float, float, float, float]  # where the map lies: left, top, right, bottom, 0..1 of the picture's sides

    @property
    def where(self) -> str | None:
        """The hottest place in words, such as "upper left"; None where hiding no part lowers the score."""
        if self.heat.max() <= 0:
            return None
        row, column = np.unravel_index(self.heat.argmax(), self.heat.shape)
        left, top, right, bottom = self.box
        x = left + (right - left) * (column + 0.5) / self.heat.shape[1]
        y = top + (bottom - top) * (row + 0.5) / self.heat.shape[0]
        return PLACES[int(3 * y)][int(3 * x)]


def words(encoder: Encoder, text: str, image_vector: np.ndarray) -> WordReasons:
    """How the cosine of a text to a picture's unit vector (d,) changes when each of its words is left out.

    Words are what stands between spaces. Without its only word a text is empty, and a model has a vector for that too.
    Words over the model's limit are left out of all this; of more than MOST several are left out together.
    """
    typed = text.split()
    if not typed:
        raise BadInput("There is no text to explain: give at least one word.")
    read = typed[: _read(encoder, typed)]
    step = -(-len(read) // MOST)
    starts = range(0, len(read), step)
    rest = [" ".join(read[:at] + read[at + step :]) for at in starts]
    vectors = encoder.texts([" ".join(read), *rest])
    score, *without = (vectors @ image_vector).tolist()
    reasons = [
        WordReason(" ".join(read[at : at + step]), score - other) for at, other in zip(starts, without, strict=True)
    ]
    return WordReasons(score, tuple(reasons), len(typed) - len(read), vectors[0])


def _read(encoder: Encoder, typed: Sequence[str]) -> int:
    """How many of the words a model reads, the last of them perhaps not to its end."""

    def cut(n: int) -> bool:
        return encoder.tokens(" ".join(typed[:n])).cut > 0

    whole = bisect_left(range(1, len(typed) + 1), 1, key=cut)
    tokens = encoder.tokens(" ".join(typed[:whole]))
    return whole + (whole < len(typed) and len(tokens.pieces) < tokens.limit)


def patches(encoder: Encoder, picture: Image.Image, text_vector: np.ndarray) -> PatchReasons:
    """How much the cosine of an upright picture to a text's unit vector (d,) falls when a part of it is hidden.

    Occlusion sensitivity (Zeiler and Fergus 2014): a window of a quarter of the side, in the mean colour of what the
    model sees, goes over that in steps of an eighth; a cell has the mean of the windows over it. 50 pictures are
    encoded. Only what the model sees is looked at: of most models the middle square, the margins beside it never.
    """
    square, box = _seen(encoder, picture)
    edges = np.rint(np.linspace(0, encoder.side, CELLS + 1)).astype(int).tolist()
    corners = [(row, column) for row in range(CELLS - WINDOW + 1) for column in range(CELLS - WINDOW + 1)]
    mean = tuple(np.rint(np.asarray(square).mean(axis=(0, 1))).astype(int).tolist())
    prepared = [encoder.prepare(square)]
    for row, column in corners:
        hidden = square.copy()
        hidden.paste(mean, (edges[column], edges[row], edges[column + WINDOW], edges[row + WINDOW]))
        prepared.append(encoder.prepare(hidden))
    score, *left = (_encode(encoder, prepared) @ text_vector).tolist()
    heat, windows = np.zeros((2, CELLS, CELLS), dtype=np.float32)
    for (row, column), other in zip(corners, left, strict=True):
        heat[row : row + WINDOW, column : column + WINDOW] += score - other
        windows[row : row + WINDOW, column : column + WINDOW] += 1
    return PatchReasons(score, heat / windows, box)


def _seen(encoder: Encoder, picture: Image.Image) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """What the model sees of a picture as a square of its side, and its box in parts of the picture's sides."""
    width, height = picture.size
    across, down = min(1.0, height / width), min(1.0, width / height)
    middle = (1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2
    read, found = encoder.prepare(picture), []
    for box in (middle, (0.0, 0.0, 1.0, 1.0)):
        pixels = box[0] * width, box[1] * height, box[2] * width, box[3] * height
        square = picture.convert("RGB").resize((encoder.side, encoder.side), BICUBIC, pixels, reducing_gap=6.0)
        off = float(np.abs(encoder.prepare(square).astype(np.float32) - read).mean())
        found.append((off, square, box))
    # Most models cut the middle out, others take the whole: of the right one they read what they read of the picture.
    _, square, box = min(found, key=lambda one: one[0])
    return square, box


def _encode(encoder: Encoder, prepared: Sequence[np.ndarray]) -> np.ndarray:
    """(n, d) unit rows."""
    # Cores that share a batch wait for each other: on a busy machine ten times as long as a batch each takes.
    batches = [prepared[at : at + BATCH] for at in range(0, len(prepared), BATCH)]
    with encoder.workers() as pool:
        return np.concatenate(list(pool.map(encoder.encode, batches)))
