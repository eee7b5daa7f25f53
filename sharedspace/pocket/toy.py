"""A CLIP that is small enough to learn while one looks on: 32 captions, drawings of 32 x 32 pixels, two encoders.

N pictures or captions of a batch, D dimensions of the space that they share, L words of a caption.
"""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, logsigmoid, normalize

from sharedspace.errors import BadInput
from sharedspace.pocket.paint import draw
from sharedspace.pocket.vocabulary import SETTINGS
from sharedspace.pocket.world import Scene

Loss = Literal["InfoNCE", "sigmoid"]

KINDS = ("fish", "tree", "mushroom", "car", "boat", "house", "cup", "umbrella")
COLOURS = ("red", "yellow", "green", "blue")
CAPTIONS = tuple(f"a {colour} {kind}" for kind in KINDS for colour in COLOURS)  # the classes
WORDS = ("a", *COLOURS, *KINDS)  # the whole vocabulary; the number of a word is its place here
L, D, PIXELS = 3, 32, 32
TRAINING, HELD_OUT = 96, 8  # drawings of each caption
FIRST_HELD_OUT = 1_000_000  # their numbers, which are seeds: no drawing is of both

# ---- the world --------------------------------------------------------------------------------------


@cache
def drawings(per_caption: int, first: int) -> NDArray[np.uint8]:
    """(32, per_caption, 32, 32, 3) drawings of each caption, numbered from `first`; 1.5 s for 3,000 on one core.

    A caption says nothing of size and surroundings: those take turns.
    """
    drawn = np.empty((len(CAPTIONS), per_caption, PIXELS, PIXELS, 3), np.uint8)
    for row, caption in enumerate(CAPTIONS):
        _, colour, kind = caption.split()
        for column in range(per_caption):
            number = first + row * per_caption + column
            size, setting = ("medium", "big")[number // len(SETTINGS) % 2], SETTINGS[number % len(SETTINGS)]
            drawn[row, column] = np.asarray(draw(Scene(kind, colour, setting, size, seed=number), PIXELS))
    return drawn


def held_out() -> NDArray[np.uint8]:
    """(256, 32, 32, 3) drawings that no training sees, eight of each caption in the order of the captions."""
    return drawings(HELD_OUT, FIRST_HELD_OUT).reshape(-1, PIXELS, PIXELS, 3)


def pixels(drawn: NDArray[np.uint8]) -> Tensor:
    """Drawings (N, 32, 32, 3) as numbers from -1 to 1, (N, 3, 32, 32)."""
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 127.5 - 1


def tokens(captions: Sequence[str]) -> Tensor:
    """Captions of equally many words, 1 to L, as the numbers of their words, (N, words); raises BadInput."""
    rows = [caption.lower().split() for caption in captions]
    unknown = sorted({word for row in rows for word in row} - set(WORDS))
    if unknown:
        raise BadInput(f"The toy does not know {', '.join(unknown)}. Its words are: {', '.join(WORDS)}.")
    if not all(1 <= len(row) <= L and len(row) == len(rows[0]) for row in rows):
        raise BadInput(f"A caption of the toy has 1 to {L} words, such as “{CAPTIONS[0]}”.")
    return torch.tensor([[WORDS.index(word) for word in row] for row in rows])


# ---- the model --------------------------------------------------------------------------------------


class Reader(nn.Module):
    """The text encoder: one transformer layer over the words of a caption."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(len(WORDS), D), nn.Embedding(L, D)
        self.before, self.between = nn.LayerNorm(D), nn.LayerNorm(D)
        self.query_key_value, self.mix = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.think = nn.Sequential(nn.Linear(D, 2 * D), nn.GELU(), nn.Linear(2 * D, D))
        self.project = nn.Linear(D, D)

    def forward(self, words: Tensor) -> Tensor:
        """(N, L) numbers of words to (N, D)."""
        x = self.word(words) + self.place.weight[: words.shape[1]]  # (N, L, D)
        query, key, value = self.query_key_value(self.before(x)).chunk(3, dim=2)
        attention = (query @ key.transpose(1, 2) / math.sqrt(D)).softmax(dim=2)  # (N, L, L)
        x = x + self.mix(attention @ value)
        x = x + self.think(self.between(x))
        return self.project(x.mean(dim=1))  # type: ignore[no-any-return]  # torch types modules as Any


class ToyCLIP(nn.Module):
    """Two encoders into one space, and the numbers that make logits of cosines."""

    def __init__(self, seed: int, scale: float, bias: float) -> None:
        super().__init__()
        self.see = nn.Sequential(
            *(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.GELU()),  # (N, 16, 16, 16)
            *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.GELU()),  # (N, 32, 8, 8)
            *(nn.Conv2d(32, 48, 3, stride=2, padding=1), nn.GELU()),  # (N, 48, 4, 4)
            *(nn.Flatten(), nn.Linear(48 * 4 * 4, D)),  # (N, D)
        )
        self.read = Reader()
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))  # learnt as a logarithm, so that it stays above 0
        self.bias = nn.Parameter(torch.tensor(bias))
        self._begin(torch.Generator().manual_seed(seed))

    def _begin(self, chance: torch.Generator) -> None:
        """Random weights out of one generator of our own: the global one is shared by all threads."""
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                reach = part.weight[0].numel() ** -0.5
                for weight in part.parameters():
                    nn.init.uniform_(weight, -reach, reach, generator=chance)
        # Words that weigh less than their places: all captions begin close together, as those of a large CLIP do.
        nn.init.normal_(self.read.word.weight, std=0.1, generator=chance)
        nn.init.normal_(self.read.place.weight, std=1.0, generator=chance)

    def images(self, pictures: Tensor) -> Tensor:
        """(N, 3, 32, 32) to unit vectors (N, D)."""
        return normalize(self.see(pictures), dim=1)

    def texts(self, words: Tensor) -> Tensor:
        """(N, L) to unit vectors (N, D)."""
        return normalize(self.read(words), dim=1)


# ---- the two losses ---------------------------------------------------------------------------------


def info_nce(cosines: Tensor, matches: Tensor, scale: Tensor) -> Tensor:
    """CLIP's loss (Radford et al. 2021): which caption belongs to a picture, and which picture to a caption?

    `cosines` (N, N) of pictures with captions, `matches` (N, N) 1 where they belong together. Two softmax, over rows
    and over columns; at first all logits of a row are about equal, each has 1/N, and the loss is -ln(1/N) = ln N.
    """
    logits = scale * cosines
    right = matches / matches.sum(dim=1, keepdim=True)  # (N, N) rows sum to 1: a caption may be there twice
    return (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2


def sigmoid_loss(cosines: Tensor, matches: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """SigLIP's loss (Zhai et al. 2023): of each pair alone, does it belong together? Summed, over N."""
    logits = scale * cosines + bias
    return -logsigmoid(logits * (2 * matches - 1)).sum() / len(cosines)


# ---- the training -----------------------------------------------------------------------------------


class Trainer:
    """A toy from random weights, and how it learns from batches of `batch` pictures with their captions.

    The logit scale begins as in the papers: at 1 / 0.07 for InfoNCE, at 10 for the sigmoid, whose bias begins at
    `bias` (-10 there). The same arguments give the same numbers, on one machine with one number of threads.
    """

    def __init__(
        self, batch: int = 32, rate: float = 0.002, loss: Loss = "InfoNCE", seed: int = 0, bias: float = -10.0
    ) -> None:
        self.batch, self.loss = batch, loss
        self.model = ToyCLIP(seed, 1 / 0.07 if loss == "InfoNCE" else 10.0, bias if loss == "sigmoid" else 0.0)
        self.pictures = drawings(TRAINING, 0)
        self.words = tokens(CAPTIONS)  # (32, L)
        self.classes = np.empty(0, np.intp)  # (N,) of the last batch, and its pictures (N, 32, 32, 3)
        self.shown = np.empty((0, PIXELS, PIXELS, 3), np.uint8)
        self._chance = np.random.default_rng(seed)
        self._optimiser = torch.optim.Adam(self.model.parameters(), lr=rate)

    def step(self) -> float:
        """Draw a batch, and move all weights a little down the slope of its loss; gives the loss before."""
        self._next_batch()
        images = self.model.images(pixels(self.shown))  # (N, D)
        texts = self.model.texts(self.words[self.classes])  # (N, D)
        cosines = images @ texts.T  # (N, N)
        matches = torch.from_numpy(self.classes[:, None] == self.classes).float()  # up to 32, the diagonal
        scale = self.model.log_scale.exp()
        if self.loss == "InfoNCE":
            loss = info_nce(cosines, matches, scale)
        else:
            loss = sigmoid_loss(cosines, matches, scale, self.model.bias)
        self._optimiser.zero_grad()
        torch.autograd.backward(loss)
        self._optimiser.step()
        with torch.no_grad():
            self.model.log_scale.clamp_(0, math.log(100))  # CLIP's bound: above it training becomes unstable
        return loss.item()

    def _next_batch(self) -> None:
        """One picture of each of `batch` captions; of more than there are captions, each comes equally often."""
        rounds = [self._chance.permutation(len(CAPTIONS)) for _ in range(math.ceil(self.batch / len(CAPTIONS)))]
        self.classes = np.concatenate(rounds)[: self.batch]
        self.shown = self.pictures[self.classes, self._chance.integers(TRAINING, size=self.batch)]

    @torch.no_grad()
    def vectors(self, captions: Sequence[str] = CAPTIONS) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Unit vectors of the held-out pictures (256, D) and of captions (N, D), as the toy now sees them."""
        images, texts = self.model.images(pixels(held_out())), self.model.texts(tokens(captions))
        return images.numpy(), texts.numpy()


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch compute on this thread alone: a toy gains nothing from more, and others need the cores."""
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # sets the number of a thread that is new to torch, which would undo the limit
    with threadpool_limits(1, "openmp"):
        yield


def strip(drawn: NDArray[np.uint8], enlarged: int = 3) -> bytes:
    """Drawings (N, 32, 32, 3) side by side, as a PNG."""
    row = np.concatenate(list(np.pad(drawn, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=255)), axis=1)
    picture = Image.fromarray(row).resize((row.shape[1] * enlarged, PIXELS * enlarged), Image.Resampling.NEAREST)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()
