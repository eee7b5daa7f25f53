"""The use cases: ingest pictures into a home and ask its collections. All faces go through here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from sharedspace import clusters, encoders, images, projection, samples, search, transfer, upkeep, zeroshot
from sharedspace.encoders import Encoder, clean
from sharedspace.encoders.own import OWN, OwnVectors
from sharedspace.errors import (
    BadInput,
    Cancelled,
    EmptyCollection,
    IndexUnavailable,
    ModelUnavailable,
    NotFound,
    SharedSpaceError,
)
from sharedspace.home import Home, Snapshot
from sharedspace.ingest import Source, count, own_dimension, source, walk
from sharedspace.intake import Intake
from sharedspace.ledger import CollectionInfo
from sharedspace.records import (
    Classification,
    Clustering,
    Exported,
    Hit,
    Imported,
    IngestResult,
    Meta,
    Placement,
    Progress,
    SearchResult,
    SpaceMap,
    Verified,
)

SAMPLE = "sample"
log = logging.getLogger("sharedspace")
SourceLike = str | Path | Source


class Workspace:
    """A home and what can be done in it; `chroma_url` puts its index on a Chroma server."""

    def __init__(
        self,
        home: str | Path | None = None,
        load: Callable[[str], Encoder] = encoders.load,
        chroma_url: str | None = None,
        chroma_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.home = Home(home, load, chroma_url, chroma_headers)

    def close(self) -> None:
        """Let go of the home."""
        self.home.close()

    def collections(self) -> list[CollectionInfo]:
        """All collections, by name."""
        return self.home.ledger.collections()

    def collection(self, name: str) -> Collection:
        """One collection; raises NotFound with the names there are."""
        return Collection(self.home, self._named(name).number)

    def rename(self, name: str, new: str) -> None:
        """Give a collection another name."""
        self.home.ledger.rename(self._named(name).number, new)

    def delete(self, name: str) -> None:
        """Forget a collection. Its vectors are kept, so that adding its images again embeds nothing."""
        self.home.delete(self._named(name).number)

    def export(
        self,
        name: str,
        path: str | Path,
        originals: bool = False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Exported:
        """Write a collection to a .zip, which `import_` reads, or as a table: .parquet, .npz or .csv.

        `originals` puts the bytes of the pictures into the zip, where they were kept. Raises BadInput, Cancelled.
        """
        return transfer.export(self.home, self._named(name).number, Path(path), originals, on_progress, cancelled)

    def import_(
        self,
        path: str | Path,
        name: str | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Imported:
        """Read an exported .zip into a collection, its own name where None is given; one that is there takes it in.

        All is checked before anything is written. Raises Unreadable, SpaceMismatch, Cancelled.
        """
        return transfer.import_(self.home, Path(path), name, on_progress, cancelled)

    def copy(
        self,
        name: str,
        new: str,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Collection:
        """A new collection with the same images, metadata, map and texts; embeds nothing.

        Raises Cancelled, the copy then being there and its index behind: whoever asks that brings it up to date.
        """
        number = self._named(name).number
        return Collection(self.home, transfer.copy(self.home, number, new, _until(cancelled, on_progress)))

    def verify(
        self,
        name: str,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Verified:
        """Compare all that is kept of a collection with the ledger, and mend what a crash or a hand left.

        Raises Cancelled; what was mended until then stays so.
        """
        return upkeep.verify(self.home, self._named(name).number, _until(cancelled, on_progress))

    def _is_sample(self, info: CollectionInfo) -> bool:
        records = self.home.ledger.records(info.number)
        return bool(records) and all(record.path.startswith("sample_data/") for record in records)

    def _named(self, name: str) -> CollectionInfo:
        everything = self.collections()
        for info in everything:
            if info.name == name:
                return info
        raise NotFound("collection", name, [info.name for info in everything])

    def ingest(
        self,
        name: str,
        sources: Sequence[SourceLike],
        model: str = "pocket",
        table: Mapping[str, Meta] | None = None,
        keep: bool = False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> IngestResult:
        """Add pictures to a collection, made if it is not there; what cannot be taken is told, the rest goes on.

        `table` is metadata by file name; `keep` keeps the original bytes. What `on_progress` was told is durable,
        so that a stopped ingest is completed by running it again.
        Raises BadInput for a source that is not there, SpaceMismatch for a collection of another model,
        NoSpace where the disk is full.
        """
        given = [source(one) for one in sources]
        encoder = self._encoder_of(name, model, given)
        with self.home.owned():
            number = self.home.ledger.ensure(name, encoder.space)
        try:
            with self.home.growing(number):
                intake = Intake(self.home, number, encoder, keep)
                result = intake.run(walk(given, table), count(given), on_progress, cancelled)
        except SharedSpaceError:
            if not self.home.ledger.info(number).revision:  # made for this, and nothing came of it
                self.home.delete(number)
            raise
        if not result.cancelled:
            try:
                self.home.index(number, on_progress)  # what it lacked from before, if a crash left it behind
            except IndexUnavailable as error:
                log.warning("%s", error)
        return result

    def _encoder_of(self, name: str, model: str, given: Sequence[Source]) -> Encoder:
        """The model that embeds the sources, or whose space the vectors are of that they bring."""
        dimension = own_dimension(given)
        if not model.startswith(OWN):
            encoder = self.home.encoder(model)
            if dimension in (None, encoder.space.dimension):
                return encoder
            raise BadInput(
                f"The vectors have {dimension} numbers and those of {model} have {encoder.space.dimension}: name the "
                f"model that made them, or keep them as a space of their own with a model name such as {OWN}mine."
            )
        if dimension is None:
            raise BadInput(f"{model!r} is for sources that bring vectors, and these bring none: name a model.")
        spaces = [info.space for info in self.collections() if info.name == name] + self.home.ledger.spaces(model)
        known = [space for space in spaces if (space.model, space.dimension) == (model, dimension)]
        return OwnVectors(known[0]) if known else OwnVectors.new(model, dimension)

    def add_sample(self, name: str = SAMPLE) -> Collection:
        """The sample collection, made from its shipped vectors and map without loading a model.

        A collection of that name stays as it is, but for the sample set of an earlier pocket: that is made anew.
        """
        sample = samples.load()
        for info in self.collections():
            if info.name != name:
                continue
            if info.space.fingerprint == sample.space.fingerprint or not self._is_sample(info):
                return Collection(self.home, info.number)
            self.delete(name)
        number = self.home.ledger.ensure(name, sample.space)
        for record, file in zip(sample.records, sample.files, strict=True):
            self.home.write("thumbs", record.id, file.read_bytes())
        self.home.ledger.add(number, sample.records, sample.vectors)
        collection = Collection(self.home, number)
        ids = [record.id for record in sample.records]
        self.home.ledger.save_map(number, projection.named(ids, sample.xy, collection.info.revision))
        self.home.ledger.remember(sample.space, sample.anchors, sample.anchor_vectors)
        self.home.ledger.set_anchors(number, sample.anchors)
        return collection


def _until(cancelled: Callable[[], bool], on_progress: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """A way to tell progress that ends the work when it is cancelled."""

    def tell(progress: Progress) -> None:
        on_progress(progress)
        if cancelled():
            raise Cancelled("Stopped; what was done is kept.")

    return tell


class Collection:
    """A named set of images in one space, and the questions that can be asked of it."""

    def __init__(self, home: Home, number: int) -> None:
        self._home = home
        self._number = number

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

    def snapshot(self) -> Snapshot:
        """Records and vectors of the present revision, rows by id."""
        return self._home.snapshot(self._number)

    def original(self, id: str) -> Path | None:
        """The file with an image's bytes, where they were kept (uploads)."""
        return self._home.original(id)

    def remove(self, ids: Sequence[str]) -> int:
        """Take images out; the count of those that were in."""
        return self._home.remove(self._number, ids)

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

    def search(self, text: str, k: int = 12, index: Literal["exact", "chroma"] = "exact") -> SearchResult:
        """The k images nearest to a text, best first.

        "exact" compares with every image; "chroma" asks the index, as other programs would.
        """
        return self.search_vector(text, self.embed([text])[0], k, index)

    def search_image(self, data: bytes, name: str = "the picture", k: int = 12) -> SearchResult:
        """The k images nearest to a picture given as the bytes of a file; raises Unreadable."""
        encoder = self.encoder
        picture = images.decode(data, name, encoder.side)
        return self.search_vector(name, encoder.images([picture.image])[0], k)

    def similar(self, id: str, k: int = 12) -> SearchResult:
        """The k images nearest to one of the collection, that one first."""
        snapshot = self.snapshot()
        if id not in snapshot.ids:
            raise NotFound("image", id)
        row = snapshot.ids.index(id)
        return self.search_vector(snapshot.records[row].path, snapshot.vectors[row], k)

    def search_vector(
        self, query: str, vector: np.ndarray, k: int = 12, index: Literal["exact", "chroma"] = "exact"
    ) -> SearchResult:
        """The k images nearest to a unit vector (d,) of this space; `query` says what it stands for."""
        if k < 1:
            raise BadInput(f"Ask for at least one result, not {k}.")
        snapshot = self._filled()
        if index == "exact":
            return SearchResult(query, search.rank(snapshot.records, snapshot.vectors, vector, k), None, vector)
        by_id = {record.id: record for record in snapshot.records}
        found = self._home.index(self._number).query(self._number, vector, min(k, len(by_id)))
        # Of images that are being added just now the index may know before the snapshot does.
        known = [(id, score) for id, score in found if id in by_id]
        hits = tuple(Hit(id, by_id[id].path, score, rank, None) for rank, (id, score) in enumerate(known, start=1))
        return SearchResult(query, hits, None, vector)

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
        return sorted({field for record in self.snapshot().records for field in record.meta})

    def column(self, field: str) -> list[str | int | float | bool | None]:
        """One metadata field, in the order of the rows; raises NotFound with the fields there are."""
        if field not in self.fields():
            raise NotFound("metadata field", field, self.fields())
        return [record.meta.get(field) for record in self.snapshot().records]

    # -- the map

    @property
    def is_drawn(self) -> bool:
        """Whether `map` answers at once."""
        return self._home.ledger.map(self._number) is not None

    def map(self) -> SpaceMap:
        """The frozen map: drawn on first need; images that came later are placed by their neighbours."""
        return self.view()[1]

    def view(self) -> tuple[Snapshot, SpaceMap]:
        """Images and map of one moment, row for row, also while an ingest goes on."""
        snapshot, drawn = self._filled(), self._home.ledger.map(self._number)
        if drawn is not None and drawn.revision > snapshot.revision:  # another has drawn more than this one looks at
            snapshot = self._home.take_snapshot(self._number)
        if drawn is not None and drawn.ids == snapshot.ids:
            return snapshot, drawn
        if drawn is None or not set(drawn.ids) & set(snapshot.ids):
            present = projection.draw(snapshot.ids, snapshot.vectors, snapshot.revision)
        else:
            present = projection.extend(drawn, snapshot.ids, snapshot.vectors, snapshot.revision)
        self._home.ledger.save_map(self._number, present)
        return snapshot, present

    def redraw(self, seed: int = 0) -> SpaceMap:
        """Draw the map anew, with all present images."""
        snapshot = self._filled()
        drawn = projection.draw(snapshot.ids, snapshot.vectors, snapshot.revision, seed)
        self._home.ledger.save_map(self._number, drawn)
        return drawn

    def place(self, vector: np.ndarray) -> Placement:
        """Where a unit vector (d,) stands on the map, which does not move."""
        snapshot, drawn = self.view()
        return projection.place(snapshot.vectors, drawn.xy, vector)

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
