"""Texts and pictures as questions to a collection."""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sharedspace import chance, explain, filters, images, search, words
from sharedspace.collection.kept import Kept
from sharedspace.encoders import clean
from sharedspace.errors import BadInput, ModelUnavailable, NotFound
from sharedspace.filters import Condition
from sharedspace.home import Snapshot
from sharedspace.ledger.marks import HIDDEN
from sharedspace.questions import Part, of, plain, title
from sharedspace.records import Hit, ImageRecord, SearchResult, Term
from sharedspace.search import Word

SAVED = filters.SAVED
MANY = 500  # images whose ids are no longer written into a query
VOCABULARY = "a photo of a {}"  # how a noun is put to the model when an image is described


@dataclass(frozen=True, slots=True)
class Why:
    """Why an image fits a text."""

    words: explain.WordReasons
    patches: explain.PatchReasons
    png: bytes  # the picture with the heat of its parts over it


class Asked(Kept):
    """A collection that answers queries, and says what its answers mean."""

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
        # The number first: a tag that is set in between is then under a number that is asked for no more.
        tagging, snapshot, tags = self._home.ledger.marks.tagging(self._number), self.snapshot(), self.tags()
        plainly = tuple(one for one in where if not one.field.startswith(SAVED))
        now = (snapshot.edition, plainly, tagging)
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
