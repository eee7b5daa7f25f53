"""Frozen records that cross the borders between modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

MetaValue: TypeAlias = str | int | float | bool
Meta: TypeAlias = dict[str, MetaValue]
Mode: TypeAlias = Literal["one", "many"]  # an image gets the best label, or each that fits by itself
OTHER = "none of these"  # the class of images that none of the given labels fits


@dataclass(frozen=True, slots=True)
class Space:
    """The joint text-image space of one model."""

    fingerprint: str  # hash over weights, preprocessing and tokenizer: equal only for the same model
    model: str  # the name under which it is loaded: "pocket", "clip-ViT-B-32", a folder
    dimension: int  # d, the length of its vectors
    logit_scale: float  # the model's own factor on cosines before the softmax (CLIP: at most 100)
    logit_bias: float | None = None  # what a sigmoid model adds to them (SigLIP); None where the model has a softmax

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
class Given:
    """What a table gave to images."""

    fields: tuple[str, ...]  # by name
    images: int  # that have a value from it now
    unmatched: tuple[Rejected, ...]  # rows that name no image, or more than one, or cannot be read
    left_out: tuple[str, ...] = ()  # columns of what came with the files, or that no field can be called
    before: Mapping[str, Mapping[str, MetaValue | None]] = field(
        default_factory=dict, compare=False
    )  # by field and id, as it was


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
    """Labels of images of a collection, one row an image."""

    ids: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[str, ...]  # the last is OTHER where that is a class too
    probabilities: np.ndarray  # (n, L) float32; one: rows sum to 1, over the given labels only; many: each by itself
    cosines: np.ndarray  # (n, L) float32; of a classifier that was not made of words, logits over the model's scale
    truth: tuple[str | None, ...] | None = None  # per image, None where unknown
    mode: Mode = "one"
    thresholds: np.ndarray | None = None  # (L,) least probability with which an image gets the label

    @property
    def best(self) -> np.ndarray:
        """Index of the label with the highest cosine, (n,) int; of equal ones the first."""
        return np.asarray(self.cosines.argmax(axis=1))

    @property
    def called(self) -> np.ndarray:
        """Which labels an image gets, (n, L) bool.

        one: the best, many: each that is likelier than not; where there are thresholds, if it reaches its own.
        """
        least = np.asarray(0.5 if self.mode == "many" else 0) if self.thresholds is None else self.thresholds
        called = np.asarray(self.probabilities >= least)
        return called if self.mode == "many" else called & (np.arange(len(self.labels)) == self.best[:, None])

    @property
    def answers(self) -> tuple[tuple[str, ...], ...]:
        """The labels that each image gets, the likeliest first."""
        found: list[list[tuple[float, str]]] = [[] for _ in self.ids]
        for row, column in np.argwhere(self.called).tolist():
            found[row].append((-float(self.cosines[row, column]), self.labels[column]))
        return tuple(tuple(label for _, label in sorted(one, key=lambda pair: pair[0])) for one in found)


@dataclass(frozen=True, slots=True)
class Report:
    """A classification against the truth, over the images whose true value is among the labels."""

    labels: tuple[str, ...]
    n: int  # those images
    top1: float | None  # share whose true label is the best; None where there are none
    top5: float | None  # and whose is among the best five, or all where there are fewer
    mean_recall: float | None  # over the labels that occur
    recall: np.ndarray  # (L,) share of a label's images that get it; NaN where it has none
    precision: np.ndarray  # (L,) share of those of them that get a label which truly have it; NaN where none does
    confusion: np.ndarray  # (L, L) counts; rows the true label, columns the best
    others: dict[str, int]  # how many images have a true value that is no label, the most frequent first
    unknown: int  # and how many none at all


@dataclass(frozen=True, slots=True)
class Name:
    """What a group of images is called, or that no word says it."""

    group: int
    word: str | None  # None: mixed
    score: float = 0.5  # how often an image of the group fits the word, or the best one, better than one outside
    matched: float = 0.0  # share of the group's images that match it
    runners_up: tuple[str, ...] = ()  # the next best words; of a mixed group the best ones
    reason: str = ""  # of a mixed group


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far groups are those of a column of metadata."""

    rand: float  # adjusted Rand index (Hubert and Arabie 1985), 1 for the same groups, 0 for chance; noise is a group
    purity: float  # share of the grouped images that have the commonest value of their group; 0 where none is grouped
    n: int  # images that have a value


@dataclass(frozen=True, slots=True)
class Clustering:
    """Groups of images of a collection."""

    ids: tuple[str, ...]  # those that were asked for: hidden ones are none of them
    paths: tuple[str, ...]
    labels: np.ndarray  # (n,) int, -1 is noise; 0 is the largest group
    method: str
    names: tuple[Name, ...] = ()  # by number, where they were asked for


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


# ---- a messy set


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of alike images, the strongest first, each once."""

    a: np.ndarray  # (m,) int, rows
    b: np.ndarray  # (m,) int, rows, a < b
    cosine: np.ndarray  # (m,) float32
    least: float  # cosine from which all pairs are here
    cut: bool = False  # whether `least` is more than was asked for, since there were more than MOST
    # (m,) float32, of the pictures: see `quality.likeness`; NaN where there are none, -inf where none were compared
    likeness: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.a)

    def where(self, kept: np.ndarray) -> Pairs:
        """Those of a mask (m,) bool, or of places (p,) int in rising order."""
        likeness = None if self.likeness is None else self.likeness[kept]
        return replace(self, a=self.a[kept], b=self.b[kept], cosine=self.cosine[kept], likeness=likeness)


@dataclass(frozen=True, slots=True)
class Group:
    """Near duplicates of each other."""

    rows: tuple[int, ...]  # the one to keep first
    reason: str  # why that one
    cosines: tuple[float, float]  # the least and the greatest of its pairs


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Images of a collection that are alike."""

    groups: tuple[Group, ...]  # the largest first
    pairs: Pairs  # that made them
    alike: int  # pairs from the same cosine on whose pictures are not the same, and made none
    unseen: int  # such pairs whose pictures were not compared, since there are too many; they made none either
    exact: tuple[int, ...]  # rows of images that came under several names, with the same bytes
    threshold: float


@dataclass(frozen=True, slots=True)
class Count:
    """How much is alike from a cosine on."""

    threshold: float
    pairs: int
    groups: int
    images: int  # in any of the groups


@dataclass(frozen=True, slots=True)
class Leak:
    """Near duplicates that stand in two parts of a split."""

    values: tuple[str, str]  # the two parts, in alphabetical order
    pairs: int
    images: tuple[int, int]  # of each part, that have one in the other


@dataclass(frozen=True, slots=True)
class Leaks:
    """What stands in several parts of a split at once."""

    pairs: Pairs  # near duplicates whose images are in two parts
    between: tuple[Leak, ...]  # how many for each two parts, the most first
    several: tuple[int, ...]  # rows of images whose same bytes lie in several parts


@dataclass(frozen=True, slots=True)
class Strangers:
    """How strange each image of a set is, row for row."""

    rows: np.ndarray  # (n,) int, of the collection
    distance: np.ndarray  # (n,) float32, 1 - cosine to the k-th neighbour: 0 on a copy of it
    spread: np.ndarray  # (n,) float32, Mahalanobis distance from the mean of the set: about sqrt(d) for an ordinary one
    score: np.ndarray  # (n,) float32, distance times the square of spread: orders, and means nothing else
    percentile: np.ndarray  # (n,) float32, share of the other images that are less strange, 0 to 100
    k: int

    @property
    def order(self) -> np.ndarray:
        """Places in `rows`, the strangest first, (n,) int."""
        return np.argsort(-self.score, kind="stable")


@dataclass(frozen=True, slots=True)
class Subset:
    """Chosen images, and how well they stand for all."""

    rows: np.ndarray  # (m,) int: diverse ones in the order of their choice, typical ones by the size of their group
    nearest: np.ndarray  # (n,) int: for each image the place in `rows` of the chosen one that is nearest
    cosine: np.ndarray  # (n,) float32: and its cosine

    @property
    def worst(self) -> float:
        """The cosine of the image that is farthest from all chosen ones."""
        return float(self.cosine.min())


@dataclass(frozen=True, slots=True)
class Poor:
    """Which pictures look poor in one way, and by what measure."""

    flaw: str
    measure: np.ndarray  # (n,) float32: sharpness, brightness, pixels of the shorter side, longer over shorter
    found: np.ndarray  # (n,) bool
    order: np.ndarray  # those rows, the worst first
