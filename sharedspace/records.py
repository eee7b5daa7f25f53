"""Frozen records that cross the borders between modules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

MetaValue: TypeAlias = str | int | float | bool
Meta: TypeAlias = dict[str, MetaValue]


@dataclass(frozen=True, slots=True)
class Space:
    """The joint text-image space of one model."""

    fingerprint: str  # hash over weights, preprocessing and tokenizer: equal only for the same model
    model: str  # the name under which it is loaded: "pocket", "clip-ViT-B-32", a folder
    dimension: int  # d, the length of its vectors
    logit_scale: float  # the model's own factor on cosines before the softmax (CLIP: at most 100)

    def describe(self) -> str:
        """Model, dimension and the beginning of the fingerprint, for people."""
        return f"{self.model} ({self.dimension}-d, {self.fingerprint[:8]})"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One row of the table of known models."""

    name: str
    family: str
    modalities: str
    dimension: int
    licence: str
    note: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the model sees of a text."""

    pieces: tuple[str, ...]  # as cut to the limit, special tokens left out
    limit: int  # how many pieces the model takes
    cut: int  # how many pieces were cut off at the end
    unknown: tuple[str, ...]  # words that the model has no token for


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a collection."""

    id: str  # sha256 of the file's bytes, 64 hex digits
    path: str  # the source as given at ingest; never opened again
    width: int  # pixels, upright
    height: int
    meta: Meta = field(default_factory=dict)
    names: tuple[str, ...] = ()  # what else the same bytes were called


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that was not taken, and why."""

    item: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job is."""

    done: int
    total: int | None  # None while it is not known
    note: str = ""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of an ingest."""

    added: int
    already_there: int
    rejected: tuple[Rejected, ...]
    seconds: float
    cancelled: bool = False
    precision: str = ""  # what the model multiplied in: float32 or bfloat16

    @property
    def images_per_second(self) -> float:
        """Rate over the images that were embedded."""
        return self.added / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written of a collection."""

    out: str  # the file
    format: str  # zip, parquet, npz or csv
    images: int
    bytes: int
    thumbs: int  # of a zip: thumbnails in it
    originals: int  # and pictures as they were given


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import."""

    name: str  # of the collection that has it now
    images: int  # in the file
    added: int
    already_there: int
    space: Space


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at all files of a collection found."""

    images: int
    rebuilt: bool  # whether the vector index did not agree with the ledger
    mended: tuple[str, ...]  # one sentence each
    problems: tuple[str, ...]  # what could not be mended, and the way out


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query: a text, or a picture."""

    kind: Literal["text", "image"]
    name: str  # the words as typed, or what the picture is called
    vector: np.ndarray  # (d,) float32, unit
    weight: float = 1.0  # below 0: away from it


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result."""

    id: str
    path: str
    score: float  # of one term its cosine, -1..1; of several the weighted sum of their z-scores
    rank: int  # 1 is best
    matched: bool | None  # score at or above the no-match line; None where there is no line
    parts: tuple[float, ...] = ()  # what each term gave to the score, in their order; of one term empty


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of one query, best first."""

    query: str  # in words
    hits: tuple[Hit, ...]
    no_match_line: float | None  # score under which a hit is not better than chance; None where it is not known
    terms: tuple[Term, ...]
    scores: np.ndarray  # (n,) float32, of all images of the collection in the order of its rows, filters or not
    searched: int  # how many images passed the filters

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @property
    def matched(self) -> int:
        """How many of the hits do not stand under the line."""
        return sum(hit.matched is not False for hit in self.hits)


@dataclass(frozen=True, slots=True)
class Classification:
    """Zero-shot labels of all images of a collection, one row an image."""

    ids: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: np.ndarray  # (n, L) float32, rows sum to 1: over the given labels only
    cosines: np.ndarray  # (n, L) float32
    truth: tuple[str | None, ...] | None = None  # per image, None where unknown

    @property
    def best(self) -> np.ndarray:
        """Index of the most probable label, (n,) int."""
        return np.asarray(self.probabilities.argmax(axis=1))


@dataclass(frozen=True, slots=True)
class Clustering:
    """Groups of the images of a collection."""

    ids: tuple[str, ...]
    paths: tuple[str, ...]
    labels: np.ndarray  # (n,) int, -1 is noise; 0 is the largest group
    method: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a map is drawn: UMAP's knobs, at the field's defaults."""

    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SpaceMap:
    """The frozen 2-D projection of a collection."""

    key: str  # names the drawn map: a hash of ids and coordinates
    ids: tuple[str, ...]
    xy: np.ndarray  # (n, 2) float32, map units
    revision: int  # of the collection that it shows
    late: tuple[str, ...] = ()  # those of the ids that came after the drawing and stand by their neighbours
    drawing: Drawing = Drawing()

    @property
    def placed(self) -> int:
        """How many images came after the drawing."""
        return len(self.late)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a text or image stands on a map that was drawn without it."""

    xy: tuple[float, float]
    neighbours: tuple[int, ...]  # rows of the map, nearest first
    spread: float  # weighted root mean square distance of the neighbours from xy, map units
    scattered: bool = False  # whether they lie so far apart that the place between them says little
