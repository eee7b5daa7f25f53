"""One collection: its images, and the questions that can be asked of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from sharedspace import (
    chance,
    clusters,
    explain,
    filters,
    gap,
    images,
    naming,
    projection,
    quality,
    search,
    words,
    zeroshot,
)
from sharedspace.classifier import Classifier, from_document
from sharedspace.encoders import Encoder, clean
from sharedspace.encoders.own import OWN, OwnVectors
from sharedspace.errors import BadInput, EmptyCollection, ModelUnavailable, NotFound
from sharedspace.filters import Condition
from sharedspace.home import Home, Snapshot
from sharedspace.ingest import match
from sharedspace.ledger import CollectionInfo, require_same
from sharedspace.ledger.marks import HIDDEN, Kind
from sharedspace.questions import Part, of, plain, title
from sharedspace.records import (
    OTHER,
    Classification,
    Clustering,
    Drawing,
    Duplicates,
    Given,
    Hit,
    ImageRecord,
    Leaks,
    Meta,
    MetaValue,
    Mode,
    Pairs,
    Placement,
    Poor,
    Progress,
    SearchResult,
    SpaceMap,
    Strangers,
    Subset,
    Term,
)
from sharedspace.search import Word
from sharedspace.vectors import nearest_rows
from sharedspace.zeroshot import Label

AT_ONCE = 5000  # images whose neighbours are found within a second
SAVED = filters.SAVED
MANY = 500  # images whose ids are no longer written into a query
KEPT = 50  # neighbours of each image that are worked out at once, since trust, maps and duplicates all ask for some
CLASSES = 5000  # labels whose vectors are remembered for each set of templates
PROMPTS = 20_000  # whose vectors are held in memory: 41 MB of 512 dimensions
READ = 256  # texts that are embedded, or pictures that are looked at, between two reports
LOOKED_AT = 20_000  # pairs of alike images whose pictures are compared: a minute
VOCABULARY = "a photo of a {}"  # how a noun is put to the model when an image is described
Neighbours = tuple[np.ndarray, np.ndarray]
Method: TypeAlias = Literal["hdbscan", "kmeans", "map"]
T = TypeVar("T")
Reporter: TypeAlias = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why an image fits a text."""

    words: explain.WordReasons
    patches: explain.PatchReasons
    png: bytes  # the picture with the heat of its parts over it


class Collection:
    """A named set of images in one space. Cheap to make: what it works out is remembered by the home."""

    def __init__(
        self, home: Home, number: int, snapshot: Snapshot | None = None, drawn: SpaceMap | None = None
    ) -> None:
        self._home = home
        self._number = number
        self._snapshot, self._map = snapshot, drawn  # of `pinned`

    def pinned(self, drawn: bool = False) -> Collection:
        """The collection of this moment: all its answers, and with `drawn` its map, are of one snapshot.

        While pictures are added, or another visitor removes some, rows of two answers would not be the same images.
        """
        snapshot, space_map = self.view() if drawn else (self.snapshot(), None)
        return Collection(self._home, self._number, snapshot, space_map)

    @property
    def info(self) -> CollectionInfo:
        """Name, space, count and revision, as they are now."""
        return self._home.ledger.info(self._number)

    @property
    def encoder(self) -> Encoder:
        """The model of the collection's space; raises ModelUnavailable when its files have changed since."""
        info = self.info
        if info.space.model.startswith(OWN):
            return OwnVectors(info.space)
        encoder = self._home.encoder(info.space.model)
        if encoder.space.fingerprint != info.space.fingerprint:
            raise ModelUnavailable(
                f"{info.name!r} was embedded by {info.space.describe()}, and the model of that name is now "
                f"{encoder.space.describe()}. Add its images again, into a new collection."
            )
        return encoder

    @property
    def now(self) -> Collection:
        """The collection as it is now, also where this one is pinned."""
        return Collection(self._home, self._number)

    def snapshot(self) -> Snapshot:
        """Records and vectors of the present revision, rows by id."""
        return self._home.snapshot(self._number) if self._snapshot is None else self._snapshot

    @property
    def edition(self) -> tuple[int, int, int]:
        """What any answer holds for: it changes with images, with given values, with tags (hidden images are out)."""
        return (*self.snapshot().edition, self._home.ledger.marks.tagging(self._number))

    def rows(self, ids: Container[str]) -> np.ndarray:
        """The rows of those of the ids that are in the collection, (m,) int."""
        wanted = frozenset(ids)
        return np.array([row for row, id in enumerate(self.snapshot().ids) if id in wanted], dtype=np.intp)

    def original(self, id: str) -> Path | None:
        """The file with an image's bytes, where they were kept (uploads)."""
        return self._home.original(id)

    def picture(self, record: ImageRecord) -> bytes:
        """The best that is here of an image: its bytes where they were kept, else its thumbnail; raises NotFound."""
        path = self._home.original(record.id) or self._home.thumbnail(record.id)
        if path is None:
            raise NotFound("picture", record.path)
        return path.read_bytes()

    def remove(self, ids: Sequence[str]) -> int:
        """Take images out; the count of those that were in. `put_back` undoes it."""
        return self._home.remove(self._number, ids)

    def put_back(self, ids: Sequence[str]) -> int:
        """Bring removed images back as they were; how many."""
        return self._home.put_back(self._number, ids)

    def removed(self) -> list[str]:
        """The ids of images that were taken out and can be put back."""
        return self._home.ledger.removed(self._number)

    def forget_removed(self) -> int:
        """Forget removed images for good, with their pictures; how many."""
        return self._home.forget_removed(self._number)

    # -- tags, given values, what is saved

    def tag(self, ids: Sequence[str], tag: str) -> list[str]:
        """Put a tag on images; the ids of those that did not have it. The tag "hidden" leaves them out of answers."""
        return self._home.ledger.marks.tag(self._number, ids, tag)

    def untag(self, ids: Sequence[str], tag: str) -> list[str]:
        """Take a tag off images; the ids of those that had it."""
        return self._home.ledger.marks.untag(self._number, ids, tag)

    def tags(self) -> dict[str, frozenset[str]]:
        """The tags of those images that have any, by id."""
        marks = self._home.ledger.marks
        of = (self.info.revision, marks.tagging(self._number))
        return self._home.derived(self._number, "tags", of, lambda: marks.tags(self._number))

    def give(self, field: str, values: Mapping[str, MetaValue | None]) -> dict[str, MetaValue | None]:
        """Give images values of a field, by id; None takes one back. Given fields are metadata from then on.

        What the images had before, which undoes it when given. Raises BadInput for a field that came with the files,
        and for what is no name of a field or no value. Where files bring that field later, the given values hold.
        """
        name = self._new_field(field)
        return self._home.ledger.marks.give(self._number, {name: values})[name]

    def give_table(self, data: bytes, name: str) -> Given:
        """Give images what a table says of them: a CSV, JSON lines or Parquet by the end of its name.

        A column names each row's image by path, file name or id; each other one becomes a given field. Left out are
        those of what came with the files. Raises Unreadable, and BadInput where no row or no column is left.
        """
        filed = self._home.filed(self._number)
        if not filed.records:
            raise EmptyCollection(self.info.name)
        told, unmatched = match(data, name, filed.records)
        columns = sorted(_fields(told.values()))
        theirs = {"width", "height", *self._filed_fields()} - set(self.given())
        values: dict[str, dict[str, MetaValue | None]] = {
            filters.new_field(column): {id: meta[column] for id, meta in told.items() if column in meta}
            for column in columns
            if column not in theirs
        }
        if not values:
            raise BadInput(f"{name} has no column that did not come with the files of {self.info.name!r}: add one.")
        self._home.ledger.marks.give(self._number, values)
        images = len(set().union(*values.values()))
        return Given(tuple(values), images, tuple(unmatched), tuple(column for column in columns if column in theirs))

    def given(self) -> list[str]:
        """The fields that were given here and did not come with the files, by name."""
        return self._home.ledger.marks.given_fields(self._number)

    def take_back(self, field: str) -> dict[str, MetaValue]:
        """Take back all values of a given field; those that were there, by id. Raises NotFound."""
        if field not in self.given():
            raise NotFound("given field", field, self.given())
        return self._home.ledger.marks.take_back(self._number, field)

    def judge(self, label: str, ids: Sequence[str], answer: bool | None) -> dict[str, MetaValue | None]:
        """Say of images whether they are of a label, or take that back; kept as the given field `judging(label)`.

        What was said before, which undoes it when given to that field.
        """
        return self.give(self.judging(label), dict.fromkeys(ids, answer))

    def judging(self, label: str) -> str:
        """The field with the judgements of a label."""
        return f"is {label}"

    def judged(self, labels: Sequence[str]) -> np.ndarray:
        """What was said of each image, (L, n) int8 in the order of the rows: 1 it is, 0 it is not, -1 nothing."""
        found = np.full((len(labels), len(self.snapshot().records)), -1, dtype=np.int8)
        given = set(self.given())
        for place, label in enumerate(labels):
            if self.judging(label) in given:
                values = self.column(self.judging(label)) if self.judging(label) in self.fields() else []
                said = [1 if value is True else 0 if value is False else -1 for value in values]
                found[place, : len(said)] = said
        return found

    def _new_field(self, field: str) -> str:
        name = filters.new_field(field)
        if name in self._filed_fields() and name not in self.given():
            raise BadInput(f"The field {name!r} came with the files of {self.info.name!r}: choose another name.")
        return name

    def _filed_fields(self) -> frozenset[str]:
        filed = self._home.filed(self._number)
        return self._home.derived(self._number, "filed fields", filed.revision, lambda: _fields(filed.metas))

    def save(self, kind: Kind, name: str, body: Mapping[str, object]) -> None:
        """Keep a query, view, label set or classifier, plain JSON values, under a name."""
        self._home.ledger.marks.save(self._number, kind, name, dict(body))

    def saved(self, kind: Kind) -> dict[str, dict[str, object]]:
        """What is kept of a kind, by name."""
        return self._home.ledger.marks.saved(self._number, kind)

    def forget(self, kind: Kind, name: str) -> None:
        """Let go of what is kept under a name."""
        self._home.ledger.marks.forget(self._number, kind, name)

    def save_query(self, name: str, parts: Sequence[Part]) -> None:
        """Keep a query under a name: it can be asked again, and is a column of z-scores."""
        self.terms(parts)  # what cannot be asked is not kept, nor what could not be read again
        of(plain(parts))
        self.save("query", name, {"parts": plain(parts)})

    def saved_query(self, name: str) -> tuple[Part, ...]:
        """A kept query; raises NotFound with the names there are."""
        return of(self._home.ledger.marks.one_saved(self._number, "query", name).get("parts"))

    def query_column(self, name: str) -> np.ndarray:
        """A kept query as a column: how many standard deviations each image is from the mean, (n,) float32."""
        return search.zscores(search.scores(self._filled().vectors, self.terms(self.saved_query(name))).total)

    # -- questions

    def embed(self, texts: Sequence[str], remember: bool = False) -> np.ndarray:
        """Texts in this collection's space, (n, d) float32 unit rows; raises BadInput for an empty one.

        `remember` keeps the vectors, so that texts of the map or of a label set need the model only once.
        """
        if not all(text.strip() for text in texts):
            raise BadInput("The text is empty: describe what to look for, in a word or a sentence.")
        space, ledger = self.info.space, self._home.ledger
        texts = [clean(text) for text in texts]
        known = ledger.texts(space, texts)
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        if fresh:
            rows = self.encoder.texts(fresh)
            known.update(zip(fresh, rows, strict=True))
            if remember:
                ledger.remember(space, fresh, rows)
        return np.stack([known[text] for text in texts]) if texts else np.empty((0, space.dimension), np.float32)

    def embed_picture(self, data: bytes, name: str) -> np.ndarray:
        """A picture, given as the bytes of a file, in this collection's space: (d,) float32 unit; raises Unreadable."""
        encoder = self.encoder
        return np.asarray(encoder.images([images.decode(data, name, encoder.side).image])[0])

    def terms(self, parts: Sequence[Part]) -> tuple[Term, ...]:
        """The vectors of a written query; raises BadInput and NotFound where it cannot be asked here."""
        return tuple(self._term(part) for part in parts)

    def _term(self, part: Part) -> Term:
        if not part.images and not part.vector:
            return Term("text", part.text, self.embed([part.text])[0], part.weight)
        if part.vector:
            vector = np.array(part.vector, dtype=np.float32)
            if len(vector) != self.info.space.dimension:
                raise BadInput(
                    f"{part.name or 'The picture'} was embedded by another model than this collection's: give it again."
                )
            return Term("image", part.name or "a picture", vector, part.weight)
        snapshot, rows = self.snapshot(), self.rows(part.images)
        if not len(rows):
            raise NotFound("image", part.name or part.images[0])
        name = part.name or (snapshot.paths[rows[0]] if len(rows) == 1 else f"{len(rows)} images")
        return Term("image", name, search.mean(snapshot.vectors, rows), part.weight)

    def like(self, ids: Sequence[str], name: str, weight: float = 1.0) -> Part:
        """Images of the collection as a part of a query: by their ids, many by their mean vector."""
        if len(ids) <= MANY:
            return Part(images=tuple(ids), name=name, weight=weight)
        snapshot, rows = self.snapshot(), self.rows(ids)
        mean = search.mean(snapshot.vectors, rows)  # raises BadInput where none is left
        return Part(vector=tuple(map(float, mean)), name=name, weight=weight)

    def search(
        self,
        text: str,
        k: int = 12,
        index: Literal["exact", "chroma"] = "exact",
        where: Sequence[Condition] = (),
    ) -> SearchResult:
        """The k images nearest to a text, best first.

        "exact" compares with every image; "chroma" asks the index, as other programs would, and knows no filters.
        """
        terms = self.terms([Part(text)])
        return self.ask(terms, k, where) if index == "exact" else self._ask_index(terms[0], k, where)

    def search_image(self, data: bytes, name: str = "the picture", k: int = 12) -> SearchResult:
        """The k images nearest to a picture given as the bytes of a file; raises Unreadable."""
        return self.ask([Term("image", name, self.embed_picture(data, name))], k)

    def similar(self, id: str, k: int = 12) -> SearchResult:
        """The k images nearest to one of the collection, that one first."""
        if id not in self.snapshot().ids:
            raise NotFound("image", id)
        return self.ask(self.terms([Part(images=(id,))]), k)

    def search_vector(
        self, query: str, vector: np.ndarray, k: int = 12, index: Literal["exact", "chroma"] = "exact"
    ) -> SearchResult:
        """The k images nearest to a unit vector (d,) of this space; `query` says what it stands for."""
        term = Term("image", query, vector)
        return self.ask([term], k) if index == "exact" else self._ask_index(term, k, ())

    def ask(
        self,
        terms: Sequence[Term],
        k: int = 12,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
        rate: float | None = chance.RATE,
    ) -> SearchResult:
        """The k best images for a query of any number of terms, exact, also under filters.

        `among` are ids to choose from. `rate` is the share of absent queries that may pass the no-match line; there is
        a line for a single text, and none where no rate is given.
        """
        if k < 1:
            raise BadInput(f"Ask for at least one result, not {k}.")
        snapshot = self._filled()
        scored = search.scores(snapshot.vectors, terms)
        alone = len(terms) == 1 and terms[0].kind == "text" and terms[0].weight > 0
        line = self._line(rate) if alone and rate is not None else None
        passed = self.mask(where, among)
        hits = search.rank(snapshot.records, scored, k, passed, line)
        searched = len(snapshot.records) if passed is None else int(passed.sum())
        return SearchResult(_named(terms), hits, line, tuple(terms), scored.total, searched)

    def _ask_index(self, term: Term, k: int, where: Sequence[Condition]) -> SearchResult:
        if k < 1:
            raise BadInput(f"Ask for at least one result, not {k}.")
        if where:
            raise BadInput("The index is asked without filters: leave out either.")
        snapshot = self._filled()
        scored = search.scores(snapshot.vectors, [term])
        line = self._line(chance.RATE) if term.kind == "text" else None
        passed = self.mask()
        shown = snapshot.records if passed is None else [snapshot.records[row] for row in np.flatnonzero(passed)]
        by_id = {record.id: record for record in shown}
        hidden = len(snapshot.records) - len(by_id)  # of which the index knows nothing
        found = self._home.index(self._number).query(self._number, term.vector, min(k + hidden, len(snapshot.records)))
        # Of images that are being added just now the index may know before the snapshot does.
        known = [(id, score) for id, score in found if id in by_id][:k]
        hits = tuple(
            Hit(id, by_id[id].path, score, rank, None if line is None else score >= line)
            for rank, (id, score) in enumerate(known, start=1)
        )
        return SearchResult(term.name, hits, line, (term,), scored.total, len(by_id))

    def mask(self, where: Sequence[Condition] = (), among: Container[str] | None = None) -> np.ndarray | None:
        """Which images pass the filters, (n,) bool; None where all do.

        Hidden images do not, unless a condition asks for their tag. A field `query:NAME` is a saved query's z-scores.
        """
        snapshot, tags = self.snapshot(), self.tags()
        plainly = tuple(one for one in where if not one.field.startswith(SAVED))
        now = (snapshot.edition, plainly, self._home.ledger.marks.tagging(self._number))
        passed = self._home.derived(self._number, "mask", now, lambda: _passed(snapshot, plainly, tags))
        for one in where:
            if one.field.startswith(SAVED):
                passed = passed & filters.numbers(self.query_column(one.field.removeprefix(SAVED).strip()), one)
        if among is not None:
            passed = passed & np.fromiter((id in among for id in snapshot.ids), dtype=bool, count=len(snapshot.ids))
        return None if passed.all() else passed

    def baseline(self) -> chance.Baseline:
        """What scores mean in this collection: those of captions that fit nothing in particular."""
        snapshot = self._filled()
        return self._home.derived(self._number, "baseline", snapshot.revision, lambda: self._baseline(snapshot))

    @property
    def has_baseline(self) -> bool:
        """Whether `baseline` answers within a second: the captions and nouns that it needs were embedded before."""
        last = [*words.neutral()[-1:], *(VOCABULARY.replace("{}", noun) for noun in self.vocabulary()[-1:])]
        return len(self._home.ledger.texts(self.info.space, last)) == len(last)

    def _line(self, rate: float) -> float | None:
        """The no-match line for a text; None where the model that the bank of captions needs is not on this machine."""
        try:
            return self.baseline().line(rate)
        except ModelUnavailable:
            return None

    def _baseline(self, snapshot: Snapshot) -> chance.Baseline:
        texts = [VOCABULARY.replace("{}", noun) for noun in self.vocabulary()]
        neutral = self.embed(words.neutral(), remember=True)
        return chance.baseline(snapshot.vectors, neutral, self.embed(texts, remember=True))

    def vocabulary(self) -> list[str]:
        """The shipped nouns that the model knows."""

        def known() -> list[str]:
            return [noun for noun in words.nouns() if not self.encoder.tokens(noun).unknown]

        return self._home.derived(self._number, "vocabulary", self.info.space, known)

    def describe(
        self, vector: np.ndarray, texts: Sequence[str] | None = None, k: int = 8, template: str = VOCABULARY
    ) -> tuple[Word, ...]:
        """The k of some texts that fit an image (d,) best; of the shipped nouns, where none are given."""
        names = self.vocabulary() if texts is None else list(texts)
        rows = self.embed([template.replace("{}", name) for name in names], remember=True)
        return search.describe(vector, names, rows, self.info.space.logit_scale, k)

    def why(self, record: ImageRecord, text: str) -> Why:
        """Which words of a text and which parts of an image make their score; raises NotFound, Unreadable."""
        encoder = self.encoder
        picture = images.decode(self.picture(record), record.path, encoder.side).image
        rows = self.rows({record.id})
        if not len(rows):
            raise NotFound("image", record.path)
        vector = self.snapshot().vectors[rows[0]]
        of_words = explain.words(encoder, clean(text), vector)
        of_patches = explain.patches(encoder, picture, of_words.vector)
        return Why(of_words, of_patches, images.heat_png(picture, of_patches.heat, of_patches.box))

    def classify(
        self,
        labels: Sequence[str | Label],
        templates: Sequence[str] = (zeroshot.TEMPLATE,),
        temperature: float = 1.0,
        truth: str | None = None,
        mode: Mode = "one",
        other: bool = False,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
        remember: bool = True,
    ) -> Classification:
        """Zero-shot labels of the images that pass the filters; `truth` names the metadata field with the right ones.

        one: the best label, and with `other` none of these where a neutral caption fits better than any. many: each
        label by itself. Without `remember` the prompts are not kept beyond this process.
        """
        named = zeroshot.check(labels, templates, mode, other)
        space, snapshot, passed = self.info.space, self._filled(), self.mask(where, among)
        zeroshot.sharpness(space.logit_scale, temperature)  # before the model is asked
        names = tuple(label.name for label in named)
        right = None if truth is None else _at(zeroshot.match_truth(self.column(truth), names, other), passed)
        cosines = _rows(snapshot.vectors, passed) @ self.classes(named, templates, remember).T
        neutral = _rows(self._neutral(snapshot), passed) if zeroshot.wants_neutral(space, mode, other) else None
        if other and neutral is not None:
            names, cosines = (*names, OTHER), np.column_stack([cosines, neutral])
        return Classification(
            ids=_at(snapshot.ids, passed),
            paths=_at(snapshot.paths, passed),
            labels=names,
            probabilities=zeroshot.probabilities(
                cosines, space.logit_scale, temperature, mode, space.logit_bias, neutral
            ),
            cosines=cosines,
            truth=right,
            mode=mode,
        )

    def classes(self, labels: Sequence[Label], templates: Sequence[str], remember: bool = True) -> np.ndarray:
        """The unit vector of each label, (L, d): of one label that changes, only its own prompts are looked up.

        `remember` keeps the prompts' vectors for later sessions; those of half-typed words nobody needs again.
        """
        known = self._known_classes(templates)
        found = {label: known.get(label) for label in labels}
        fresh = [label for label, row in found.items() if row is None]
        if fresh:
            rows = zeroshot.class_vectors(partial(self._prompts, remember=remember), fresh, templates)
            found.update(zip(fresh, rows, strict=True))
            for label in list(known)[: max(0, len(known) + len(fresh) - CLASSES)]:
                known.pop(label, None)
            known.update(zip(fresh, rows, strict=True))
        return np.stack([row for row in found.values() if row is not None])

    def _prompts(self, texts: Sequence[str], remember: bool) -> np.ndarray:
        """As `embed`; the latest are held in memory, since of a template that changes the others are asked for too."""
        known = self._known_prompts()
        found = {text: known.get(text) for text in texts}
        fresh = [text for text, row in found.items() if row is None]
        if fresh:
            rows = self.embed(fresh, remember)
            found.update(zip(fresh, rows, strict=True))
            for text in list(known)[: max(0, len(known) + len(fresh) - PROMPTS)]:
                known.pop(text, None)
            known.update(zip(fresh[-PROMPTS:], map(np.copy, rows[-PROMPTS:]), strict=True))  # no views of all rows
        return np.stack([row for row in (found[text] for text in texts) if row is not None])

    def _known_prompts(self) -> dict[str, np.ndarray]:
        of = self.info.space.fingerprint
        known: dict[str, np.ndarray] = self._home.derived(self._number, "prompts", of, dict, slots=1)
        return known

    def _known_classes(self, templates: Sequence[str]) -> dict[Label, np.ndarray]:
        of = (self.info.space.fingerprint, tuple(templates))
        known: dict[Label, np.ndarray] = self._home.derived(self._number, "classes", of, dict)
        return known

    def _neutral(self, snapshot: Snapshot) -> np.ndarray:
        """What stands for none of these beside the cosines of labels, (n,) float32."""

        def make() -> np.ndarray:
            return zeroshot.none(snapshot.vectors, self.embed(words.neutral(), remember=True))

        return self._home.derived(self._number, "neutral", snapshot.revision, make)

    def unread(self, labels: Sequence[str | Label], templates: Sequence[str], other: bool = False) -> list[str]:
        """The texts that `classify` would ask the model for: a large one takes time, which `read` tells."""
        known, held = self._known_classes(templates), self._known_prompts()
        fresh = [label for label in zeroshot.check(labels, templates, "one", True) if label not in known]
        texts = [text for label in fresh for text in zeroshot.prompts(label, templates) if text not in held]
        texts = list(dict.fromkeys(map(clean, [*texts, *(words.neutral() if other else [])])))
        read = self._home.ledger.texts(self.info.space, texts)
        return [text for text in texts if text not in read]

    def read(self, texts: Sequence[str], on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        """Have texts embedded and remembered, READ at a time; `on_progress` may end it, and what was done is kept."""
        for start in range(0, len(texts), READ):
            on_progress(Progress(start, len(texts), "texts"))
            self.embed(texts[start : start + READ], remember=True)
        on_progress(Progress(len(texts), len(texts), "texts"))

    def classifier(
        self,
        labels: Sequence[str | Label],
        templates: Sequence[str] = (zeroshot.TEMPLATE,),
        temperature: float = 1.0,
        mode: Mode = "one",
        other: bool = False,
    ) -> Classifier:
        """What `classify` does with these labels, apart from this collection: its rows are those of a linear head."""
        named = zeroshot.check(labels, templates, mode, other)
        space = self.info.space
        sharp = zeroshot.sharpness(space.logit_scale, temperature)
        rows = self.classes(named, templates)
        bank = self.embed(words.neutral() if zeroshot.wants_neutral(space, mode, other) else [], remember=True)
        zero = (space.logit_bias or 0.0) / temperature if mode == "many" else 0.0
        return Classifier(
            labels=tuple(label.name for label in named),
            weights=np.concatenate([rows, bank]) * sharp,
            bias=np.repeat([zero, zeroshot.ROUNDING * sharp], [len(rows), len(bank)]),
            label_of=np.minimum(np.arange(len(rows) + len(bank)), len(rows)),
            space=space,
            mode=mode,
            templates=tuple(templates),
            prompts=tuple(label.prompts for label in named),
        )

    def apply(
        self,
        classifier: Classifier,
        truth: str | None = None,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
    ) -> Classification:
        """The labels that a classifier gives to the images that pass the filters; raises SpaceMismatch."""
        space, snapshot, passed = self.info.space, self._filled(), self.mask(where, among)
        require_same(space, classifier.space)
        names, least = classifier.columns, classifier.thresholds
        other = len(names) > len(classifier.labels)
        right = None if truth is None else _at(zeroshot.match_truth(self.column(truth), names, other), passed)
        logits = classifier.logits(_rows(snapshot.vectors, passed))
        return Classification(
            ids=_at(snapshot.ids, passed),
            paths=_at(snapshot.paths, passed),
            labels=names,
            probabilities=classifier.probabilities_of(logits),
            cosines=logits[:, : len(names)] / space.logit_scale,
            truth=right,
            mode=classifier.mode,
            thresholds=None if least is None else np.append(least, np.zeros(int(other), np.float32)),
        )

    def save_labels(self, name: str, labels: Sequence[str | Label], templates: Sequence[str]) -> None:
        """Keep a label set with its templates under a name."""
        named = zeroshot.check(labels, templates, "one", True)
        self.save("labels", name, zeroshot.plain(named, templates))

    def saved_labels(self, name: str) -> tuple[tuple[Label, ...], tuple[str, ...]]:
        """A kept label set: labels and templates; raises NotFound with the names there are."""
        return zeroshot.of(self._home.ledger.marks.one_saved(self._number, "labels", name))

    def save_classifier(self, name: str, classifier: Classifier) -> None:
        """Keep a classifier of this space under a name; raises SpaceMismatch."""
        require_same(self.info.space, classifier.space)
        self.save("classifier", name, classifier.document())

    def saved_classifier(self, name: str) -> Classifier:
        """A kept classifier; raises NotFound with the names there are."""
        return from_document(self._home.ledger.marks.one_saved(self._number, "classifier", name))

    def cluster(
        self,
        method: Method = "hdbscan",
        k: int | None = None,
        min_size: int | None = None,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
        seed: int = 0,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Clustering:
        """Groups of the images that pass the filters; hidden ones do not. By the vectors, or by "map" on its points.

        `k` is for k-means, by the silhouette where none is given; `min_size` for the others. `on_progress` may end it.
        """
        snapshot = self._filled()
        rows = self._grouped(where, among)
        groups = self._grouping(method, rows, k, min_size, on_progress)(np.arange(len(rows)), seed)
        return Clustering(
            tuple(snapshot.ids[row] for row in rows), tuple(snapshot.paths[row] for row in rows), groups, method
        )

    def stability(
        self,
        method: Method = "hdbscan",
        k: int | None = None,
        min_size: int | None = None,
        where: Sequence[Condition] = (),
        among: Container[str] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> float:
        """How alike the groups are when worked out anew: mean adjusted Rand, 1 for equal, 0 for chance.

        Of k-means over 5 seeds; of the others, which have none, over 5 random parts of 90 % of the images.
        """
        rows = self._grouped(where, among)
        grouping = self._grouping(method, rows, k, min_size, on_progress)
        share = 1.0 if method == "kmeans" else clusters.SHARE

        def tell(done: int, runs: int) -> None:
            on_progress(Progress(done, runs, "runs"))

        return clusters.stability(len(rows), grouping, share, tell)

    def name_groups(self, clustering: Clustering, own_words: Sequence[str] = ()) -> Clustering:
        """Groups with their names, of the shipped nouns that the model knows and the words given; some stay mixed."""
        rows = self.rows(clustering.ids)
        if len(rows) != len(clustering.ids):
            raise BadInput("Some of the grouped images are no longer in the collection: look for groups again.")
        own = [clean(word) for word in own_words if word.strip()]
        words = list(dict.fromkeys([*own, *self.vocabulary()]))
        texts = self.embed([VOCABULARY.replace("{}", word) for word in words], remember=True)
        vectors = self.snapshot().vectors[rows]
        return replace(
            clustering, names=naming.names(vectors, clustering.labels, words, texts, self._line(chance.RATE))
        )

    def _grouped(self, where: Sequence[Condition], among: Container[str] | None) -> np.ndarray:
        """The rows that pass the filters; raises BadInput where none does."""
        passed = self.mask(where, among)
        rows = np.arange(len(self._filled().records)) if passed is None else np.flatnonzero(passed)
        if not len(rows):
            raise BadInput("No image passes the filters: take one away, there is nothing to group.")
        return rows

    def _grouping(
        self,
        method: Method,
        rows: np.ndarray,
        k: int | None,
        min_size: int | None,
        on_progress: Callable[[Progress], None],
    ) -> Callable[[np.ndarray, int], np.ndarray]:
        """What groups a part of those rows, for a seed."""
        if method == "map":
            snapshot, drawn = self.view()
            row = {id: place for place, id in enumerate(drawn.ids)}
            xy = drawn.xy[[row[self.snapshot().ids[one]] for one in rows]]
            return lambda part, seed: clusters.hdbscan_map(xy[part], min_size)
        vectors = self.snapshot().vectors[rows]
        if method == "kmeans":
            chosen = clusters.best_k(vectors)[0] if k is None else k
            return lambda part, seed: clusters.kmeans(vectors[part], chosen, seed)
        if method != "hdbscan":
            raise BadInput(f"There is no clustering method {method!r}: use hdbscan, kmeans or map.")
        near = self._near(self.snapshot(), clusters.NEAR, on_progress)

        def density(part: np.ndarray, seed: int) -> np.ndarray:
            kept = np.zeros(len(near[0]), dtype=bool)
            kept[rows[part]] = True
            return clusters.hdbscan(vectors[part], min_size, clusters.neighbours_among(near, kept))

        return density

    def fields(self) -> list[str]:
        """The names of the metadata fields, by name; among them "folder" where images lie in several."""
        snapshot = self.snapshot()

        def make() -> list[str]:
            folders = {filters.folder(record.path) for record in snapshot.records} - {None}
            return sorted(_fields(snapshot.metas) | ({filters.FOLDER} if len(folders) > 1 else set()))

        return self._home.derived(self._number, "fields", snapshot.edition, make)

    def column(self, field: str) -> list[MetaValue | None]:
        """One metadata field, or "folder", in the order of the rows; raises NotFound with the fields there are."""
        snapshot = self.snapshot()
        columns: dict[str, list[MetaValue | None]] = self._home.derived(self._number, "columns", snapshot.edition, dict)
        if field not in columns:
            found = filters.column(snapshot.records, field)
            if not found:
                raise NotFound("metadata field", field, self.fields())
            columns[field] = found
        return columns[field]

    # -- the messy set

    def alike(self, least: float = quality.LEAST, on_progress: Reporter = silent) -> Pairs:
        """All pairs of images from a cosine on, the strongest first, with the likeness of their pictures.

        Pictures are compared for the strongest LOOKED_AT pairs only. Kept on disk; hidden images are left out.
        """
        snapshot = self._filled()
        pack = self._home.stored(self._number, snapshot.revision, "pairs")
        if pack is None or float(pack["asked"]) > least:
            pack = self._pairs(snapshot, least, on_progress)
            self._home.store(self._number, snapshot.revision, "pairs", pack)
        found = Pairs(
            pack["a"], pack["b"], pack["cosine"], float(pack["least"]), bool(pack["cut"]), pack["likeness"]
        )
        shown = self.mask()
        return found if shown is None else found.where(shown[found.a] & shown[found.b])

    @property
    def has_alike(self) -> bool:
        """Whether `alike`, `duplicates` and `leaks` answer at once."""
        return self._home.stored(self._number, self.snapshot().revision, "pairs") is not None

    def _pairs(self, snapshot: Snapshot, least: float, on_progress: Reporter) -> dict[str, np.ndarray]:
        near = self._near(snapshot, projection.N_NEIGHBORS + 1, on_progress)
        tell = partial(_tell, on_progress, "pairs")
        found = quality.pairs(snapshot.vectors, least, near, on_block=tell)
        some = found.where(np.arange(len(found)) < LOOKED_AT)
        rows = np.unique(np.concatenate([some.a, some.b])).tolist()
        sketches = self._of_pictures(snapshot, rows, images.sketch, partial(_tell, on_progress, "pictures"))
        views = {row: None if one is None else quality.view(one) for row, one in zip(rows, sketches, strict=True)}
        likeness = np.full(len(found), -np.inf, dtype=np.float32)
        for place, (a, b) in enumerate(zip(some.a.tolist(), some.b.tolist(), strict=True)):
            one, other = views[a], views[b]
            likeness[place] = np.nan if one is None or other is None else quality.likeness(one, other)
            if place % READ == 0:
                on_progress(Progress(place, len(some), "pairs of pictures"))
        arrays = {"a": found.a, "b": found.b, "cosine": found.cosine, "likeness": likeness}
        return arrays | {"least": np.array(found.least), "cut": np.array(found.cut), "asked": np.array(least)}

    def _of_pictures(
        self, snapshot: Snapshot, rows: Sequence[int], work: Callable[[bytes, str], T], tell: Callable[[int, int], None]
    ) -> list[T | None]:
        """What is made of the thumbnails of some rows, by several threads; None where there is none."""

        def of(row: int) -> T | None:
            record = snapshot.records[row]
            path = self._home.thumbnail(record.id)
            return None if path is None else work(path.read_bytes(), record.path)

        made: list[T | None] = []
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            for start in range(0, len(rows), READ):  # between two of them it can be ended
                made += pool.map(of, rows[start : start + READ])
                tell(len(made), len(rows))
        return made

    def duplicates(
        self, threshold: float = quality.THRESHOLD, look: bool = True, on_progress: Reporter = silent
    ) -> Duplicates:
        """Groups of near duplicates, each with the one to keep: from a cosine on and, with `look`, the same picture.

        Of exact duplicates there is one image with several names. Hidden images are left out.
        """
        found = self.alike(min(threshold, quality.LEAST), on_progress)
        snapshot, shown = self._filled(), self.mask()
        kept = frozenset(
            id
            for id in {snapshot.ids[row] for row in np.unique(np.concatenate([found.a, found.b])).tolist()}
            if self._home.original(id) is not None
        )
        made = quality.duplicates(found, threshold, snapshot.records, kept, look)
        return made if shown is None else replace(made, exact=tuple(row for row in made.exact if shown[row]))

    def leaks(
        self,
        field: str,
        threshold: float = quality.THRESHOLD,
        look: bool = True,
        on_progress: Reporter = silent,
    ) -> Leaks:
        """Near duplicates whose images have two values of a field, such as those of a split."""
        values = self.column(field)
        found = self.duplicates(threshold, look, on_progress)
        several: list[int] = []
        if field == filters.FOLDER:  # of other fields one value is known for all names of the same bytes
            records = self.snapshot().records
            several = [
                row
                for row in found.exact
                if len({filters.folder(name) for name in (records[row].path, *records[row].names)}) > 1
            ]
        return quality.leaks(found.pairs, values, tuple(several))

    def outliers(self, k: int = quality.K, on_progress: Reporter = silent) -> Strangers:
        """How strange each image is that is not hidden, by its k-th neighbour and by how the set varies."""
        quality.check(k)
        snapshot, shown = self._filled(), self.mask()
        near = self._near(snapshot, k + 1, on_progress)

        def make() -> Strangers:
            if shown is None:
                return quality.outliers(snapshot.vectors, near[1], k)
            rows = np.flatnonzero(shown)
            cosines = quality.shown_cosines(snapshot.vectors, near, shown, k)
            return replace(quality.outliers(snapshot.vectors[rows], cosines, k), rows=rows)

        of_what = (snapshot.revision, self._home.ledger.marks.tagging(self._number), k)
        return self._home.derived(self._number, "outliers", of_what, make)

    def subset(self, n: int, kind: quality.Kind = "diverse", on_progress: Reporter = silent) -> Subset:
        """n images that stand for all that are not hidden: as different as can be, or typical; rows of the collection.

        `nearest` and `cosine` have one entry for each image that is not hidden, in their order.
        """
        snapshot, shown = self._filled(), self.mask()
        rows = np.arange(len(snapshot.records)) if shown is None else np.flatnonzero(shown)
        chosen = quality.subset(snapshot.vectors[rows], n, kind, partial(_tell, on_progress, "images"))
        return replace(chosen, rows=rows[chosen.rows])

    def looks(self, on_progress: Reporter = silent) -> tuple[Poor, ...]:
        """Blurred, dark, tiny and odd-shaped pictures, by their thumbnails; kept on disk, hidden images are in none."""
        snapshot = self._filled()
        pack = self._home.stored(self._number, snapshot.revision, "looks")
        if pack is None:
            tell = partial(_tell, on_progress, "pictures")
            seen = self._of_pictures(snapshot, range(len(snapshot.records)), images.looks, tell)
            pack = {
                name: np.array([np.nan if one is None else getattr(one, name) for one in seen], dtype=np.float32)
                for name in ("brightness", "contrast", "sharpness")
            }
            self._home.store(self._number, snapshot.revision, "looks", pack)
        return quality.poor(pack["brightness"], pack["sharpness"], snapshot.records, self.mask())

    @property
    def has_looks(self) -> bool:
        """Whether `looks` answers at once."""
        return self._home.stored(self._number, self.snapshot().revision, "looks") is not None

    # -- the map

    @property
    def is_drawn(self) -> bool:
        """Whether `map` answers at once."""
        return self._home.ledger.map_key(self._number) is not None

    def map(self) -> SpaceMap:
        """The frozen map: drawn on first need; images that came later are placed by their neighbours."""
        return self.view()[1]

    def view(self) -> tuple[Snapshot, SpaceMap]:
        """Images and map of one moment, row for row, also while an ingest goes on."""
        if self._snapshot is not None and self._map is not None:
            return self._snapshot, self._map
        snapshot, drawn = self._filled(), self._drawn()
        if drawn is not None and drawn.revision > snapshot.revision:  # another has drawn more than this one looks at
            snapshot = self._home.take_snapshot(self._number)
        if drawn is not None and drawn.ids == snapshot.ids:
            return snapshot, drawn
        if drawn is None or not set(drawn.ids) & set(snapshot.ids):
            return snapshot, self._draw(snapshot, Drawing())
        of_what = (drawn.key, snapshot.revision)
        present = self._home.derived(self._number, "view", of_what, lambda: self._extended(drawn, snapshot))
        return snapshot, present

    def _extended(self, drawn: SpaceMap, snapshot: Snapshot) -> SpaceMap:
        """A drawn map for the present images. It is kept where some have come: those that went may come back."""
        present = projection.extend(drawn, snapshot.ids, snapshot.vectors, snapshot.revision)
        come = not set(drawn.ids).issuperset(snapshot.ids)
        if come and self._home.ledger.map_key(self._number) == drawn.key:  # none was drawn anew meanwhile
            self._home.ledger.save_map(self._number, present)
        return present

    def _drawn(self) -> SpaceMap | None:
        ledger = self._home.ledger
        return self._home.derived(self._number, "map", ledger.map_key(self._number), lambda: ledger.map(self._number))

    def redraw(
        self, drawing: Drawing | None = None, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> SpaceMap:
        """Draw the map anew, with all present images; `on_progress` may end it while neighbours are looked for."""
        return self._draw(self._filled(), drawing or Drawing(), on_progress)

    def _draw(
        self, snapshot: Snapshot, drawing: Drawing, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> SpaceMap:
        projection.check(drawing)
        near = self._near(snapshot, drawing.n_neighbors, on_progress)
        drawn = projection.draw(snapshot.ids, snapshot.vectors, snapshot.revision, drawing, near)
        self._home.ledger.save_map(self._number, drawn)
        return drawn

    def neighbours(
        self, k: int = projection.N_NEIGHBORS, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> Neighbours:
        """Each image's nearest, itself first: rows and cosines, (n, k + 1) or more; exact, and kept on disk."""
        return self._near(self._filled(), k + 1, on_progress)

    @property
    def has_neighbours(self) -> bool:
        """Whether `neighbours` and `trust` answer at once."""
        snapshot = self.snapshot()
        return len(snapshot.records) <= AT_ONCE or self._kept_near(snapshot, projection.N_NEIGHBORS + 1) is not None

    def _near(
        self, snapshot: Snapshot, k: int, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> Neighbours:
        n = len(snapshot.records)
        kept = self._kept_near(snapshot, min(k, n))
        if kept is not None:
            return kept

        def tell(done: int, total: int) -> None:
            on_progress(Progress(done, total, "neighbours"))

        rows, cosines = nearest_rows(snapshot.vectors, max(k, min(KEPT, n)), on_block=tell)
        self._home.store(self._number, snapshot.revision, "near", {"rows": rows, "cosines": cosines})
        return rows, cosines

    def _kept_near(self, snapshot: Snapshot, k: int) -> Neighbours | None:
        pack = self._home.stored(self._number, snapshot.revision, "near")
        if pack is None or pack["rows"].shape[0] != len(snapshot.records) or pack["rows"].shape[1] < k:
            return None
        return pack["rows"], pack["cosines"]

    def trust(self) -> np.ndarray:
        """How far the map may be believed at each image: the share of its 15 neighbours that are drawn near, (n,)."""
        snapshot, drawn = self.view()
        near = self._near(snapshot, projection.N_NEIGHBORS + 1)[0]
        return self._home.derived(self._number, "trust", drawn.key, lambda: projection.trust(near, drawn.xy))

    def place(self, vector: np.ndarray) -> Placement:
        """Where a unit vector (d,) stands on the map, which does not move."""
        snapshot, drawn = self.view()
        return projection.place(snapshot.vectors @ vector, drawn.xy)

    def joint(self) -> gap.Joint:
        """Images and texts in one linear projection, with the gap between them."""
        snapshot, texts = self._filled(), self.anchors()
        of_what = (snapshot.revision, tuple(texts))

        def make() -> gap.Joint:
            bank = self.embed([*words.neutral(), *texts], remember=True)
            return gap.joint(snapshot.vectors, bank)

        return self._home.derived(self._number, "joint", of_what, make)

    def anchors(self) -> list[str]:
        """The texts kept on the map."""
        return self._home.ledger.anchors(self._number)

    def set_anchors(self, texts: Sequence[str]) -> None:
        """Replace the texts kept on the map."""
        kept = list(dict.fromkeys(clean(text) for text in texts if text.strip()))
        self.embed(kept, remember=True)
        self._home.ledger.set_anchors(self._number, kept)

    def _filled(self) -> Snapshot:
        snapshot = self.snapshot()
        if not snapshot.records:
            raise EmptyCollection(self.info.name)
        return snapshot


def _fields(metas: Iterable[Meta]) -> frozenset[str]:
    return frozenset().union(*metas)


def _passed(snapshot: Snapshot, where: Sequence[Condition], tags: Mapping[str, frozenset[str]]) -> np.ndarray:
    """Which images meet the conditions and are not hidden, (n,) bool."""
    passed = filters.mask(snapshot.records, where, tags) if where else np.ones(len(snapshot.records), dtype=bool)
    asked = any(one.field == filters.TAG and one.value.casefold() == HIDDEN for one in where)
    hidden = set() if asked else {id for id, own in tags.items() if HIDDEN in own}
    if hidden:
        passed &= np.fromiter((id not in hidden for id in snapshot.ids), dtype=bool, count=len(snapshot.ids))
    return passed


def _rows(array: np.ndarray, passed: np.ndarray | None) -> np.ndarray:
    return array if passed is None else array[passed]


def _at(values: Sequence[T], passed: np.ndarray | None) -> tuple[T, ...]:
    return tuple(values) if passed is None else tuple(values[row] for row in np.flatnonzero(passed).tolist())


def _tell(on_progress: Reporter, what: str, done: int, total: int) -> None:
    on_progress(Progress(done, total, what))


def _named(terms: Sequence[Term]) -> str:
    """The terms of a query in words."""
    return title([Part(name=term.name, weight=term.weight) for term in terms])
