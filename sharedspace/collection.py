"""One collection: its images, and the questions that can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Container
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from sharedspace import chance, clusters, explain, filters, gap, images, projection, search, words, zeroshot
from sharedspace.encoders import Encoder, clean
from sharedspace.encoders.own import OWN, OwnVectors
from sharedspace.errors import BadInput, EmptyCollection, ModelUnavailable, NotFound
from sharedspace.filters import Condition
from sharedspace.home import Home, Snapshot
from sharedspace.ledger import CollectionInfo
from sharedspace.ledger.marks import HIDDEN, Kind
from sharedspace.questions import Part, of, plain, title
from sharedspace.records import (
    Classification,
    Clustering,
    Drawing,
    Hit,
    ImageRecord,
    MetaValue,
    Placement,
    Progress,
    SearchResult,
    SpaceMap,
    Term,
)
from sharedspace.search import Word
from sharedspace.vectors import nearest_rows

AT_ONCE = 5000  # images whose neighbours are found within a second
SAVED = "query:"  # before the name of a saved query, where it stands for a field
MANY = 500  # images whose ids are no longer written into a query
KEPT = 50  # neighbours of each image that are worked out at once, since trust, maps and duplicates all ask for some
VOCABULARY = "a photo of a {}"  # how a noun is put to the model when an image is described
Neighbours = tuple[np.ndarray, np.ndarray]


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

    # -- tags, saved queries, saved views

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

    def save(self, kind: Kind, name: str, body: Mapping[str, object]) -> None:
        """Keep a query or view under a name."""
        self._home.ledger.marks.save(self._number, kind, name, dict(body))

    def saved(self, kind: Kind) -> dict[str, dict[str, object]]:
        """Kept queries or views, by name."""
        return self._home.ledger.marks.saved(self._number, kind)

    def forget(self, kind: Kind, name: str) -> None:
        """Let go of a kept query or view."""
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
        now = (snapshot.revision, plainly, self._home.ledger.marks.tagging(self._number))
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
        labels: Sequence[str],
        templates: Sequence[str] = (zeroshot.TEMPLATE,),
        temperature: float = 1.0,
        truth: str | None = None,
    ) -> Classification:
        """Zero-shot labels of all images; `truth` names the metadata field with the right ones."""
        zeroshot.check(labels, templates)
        snapshot = self._filled()
        right = None if truth is None else zeroshot.match_truth(self.column(truth), labels)
        rows = zeroshot.class_vectors(partial(self.embed, remember=True), labels, templates)
        cosines = snapshot.vectors @ rows.T
        return Classification(
            ids=snapshot.ids,
            paths=snapshot.paths,
            labels=tuple(labels),
            probabilities=zeroshot.probabilities(cosines, self.info.space.logit_scale, temperature),
            cosines=cosines,
            truth=right,
        )

    def cluster(
        self, method: Literal["hdbscan", "kmeans"] = "hdbscan", k: int = 8, min_size: int | None = None
    ) -> Clustering:
        """Groups of the images, on their vectors; `k` is for k-means, `min_size` for HDBSCAN."""
        snapshot = self._filled()
        if method == "hdbscan":
            groups = clusters.hdbscan(snapshot.vectors, min_size)
        elif method == "kmeans":
            groups = clusters.kmeans(snapshot.vectors, k)
        else:
            raise BadInput(f"There is no clustering method {method!r}: use hdbscan or kmeans.")
        return Clustering(snapshot.ids, snapshot.paths, groups, method)

    def fields(self) -> list[str]:
        """The names of the metadata fields, by name."""
        snapshot = self.snapshot()
        return self._home.derived(
            self._number,
            "fields",
            snapshot.revision,
            lambda: sorted({field for record in snapshot.records for field in record.meta}),
        )

    def column(self, field: str) -> list[MetaValue | None]:
        """One metadata field, in the order of the rows; raises NotFound with the fields there are."""
        if field not in self.fields():
            raise NotFound("metadata field", field, self.fields())
        snapshot = self.snapshot()
        columns: dict[str, list[MetaValue | None]] = self._home.derived(
            self._number, "columns", snapshot.revision, dict
        )
        if field not in columns:
            columns[field] = [record.meta.get(field) for record in snapshot.records]
        return columns[field]

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


def _passed(snapshot: Snapshot, where: Sequence[Condition], tags: Mapping[str, frozenset[str]]) -> np.ndarray:
    """Which images meet the conditions and are not hidden, (n,) bool."""
    passed = filters.mask(snapshot.records, where, tags) if where else np.ones(len(snapshot.records), dtype=bool)
    asked = any(one.field == filters.TAG and one.value.casefold() == HIDDEN for one in where)
    hidden = set() if asked else {id for id, own in tags.items() if HIDDEN in own}
    if hidden:
        passed &= np.fromiter((id not in hidden for id in snapshot.ids), dtype=bool, count=len(snapshot.ids))
    return passed


def _named(terms: Sequence[Term]) -> str:
    """The terms of a query in words."""
    return title([Part(name=term.name, weight=term.weight) for term in terms])
