"""The use cases: ingest pictures into a home and ask its collections. All faces go through here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Container
from pathlib import Path

from sharedspace import encoders, projection, samples, transfer, upkeep
from sharedspace.collection import Collection
from sharedspace.encoders import Encoder
from sharedspace.encoders.own import OWN, OwnVectors
from sharedspace.errors import (
    BadInput,
    Cancelled,
    IndexUnavailable,
    NotFound,
    SharedSpaceError,
)
from sharedspace.home import Home
from sharedspace.ingest import Source, count, own_dimension, source, walk
from sharedspace.intake import Intake
from sharedspace.ledger import CollectionInfo
from sharedspace.records import Exported, Imported, IngestResult, Meta, MetaValue, Progress, Verified

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

    def export_some(
        self,
        name: str,
        path: str | Path,
        ids: Container[str],
        columns: Mapping[str, Mapping[str, MetaValue]] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Exported:
        """Write some images of a collection: a table (.csv, .parquet, .npz), or a .zip of their pictures as files.

        `columns` are further ones of a table, by their name and the id of an image. Raises BadInput, Cancelled.
        """
        number = self._named(name).number
        return transfer.export_some(self.home, number, Path(path), ids, columns or {}, on_progress, cancelled)

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
        ids: Sequence[str] | None = None,
    ) -> Collection:
        """A new collection with the same images, metadata, tags, map, texts and saved things; embeds nothing.

        With `ids` only those images, their tags and given values, and the texts.
        Raises Cancelled, the copy then being there and its index behind: whoever asks that brings it up to date.
        """
        number = self._named(name).number
        chosen = None if ids is None else set(ids)
        return Collection(self.home, transfer.copy(self.home, number, new, _until(cancelled, on_progress), chosen))

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
