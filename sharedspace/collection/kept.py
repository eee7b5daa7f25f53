"""What is kept of a collection."""

from __future__ import annotations

import re
from collections.abc import Collection as Container
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from sharedspace import filters
from sharedspace.encoders import Encoder
from sharedspace.encoders.own import OWN, OwnVectors
from sharedspace.errors import BadInput, EmptyCollection, ModelUnavailable, NotFound
from sharedspace.home import Home, Snapshot
from sharedspace.ingest import match
from sharedspace.ledger import CollectionInfo
from sharedspace.ledger.marks import LONGEST, Kind
from sharedspace.records import Given, ImageRecord, Meta, MetaValue, SpaceMap


class Kept:
    """A collection as it is kept: its images, what was said of them, and what was saved under a name."""

    def __init__(
        self, home: Home, number: int, snapshot: Snapshot | None = None, drawn: SpaceMap | None = None
    ) -> None:
        self._home = home
        self._number = number
        self._snapshot, self._map = snapshot, drawn  # of `pinned`

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
    def now(self) -> Self:
        """The collection as it is now, also where this one is pinned."""
        return type(self)(self._home, self._number)

    def snapshot(self) -> Snapshot:
        """Records and vectors of the present revision, rows by id."""
        return self._home.snapshot(self._number) if self._snapshot is None else self._snapshot

    def _filled(self) -> Snapshot:
        snapshot = self.snapshot()
        if not snapshot.records:
            raise EmptyCollection(self.info.name)
        return snapshot

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

    def thumbnail(self, id: str) -> Path | None:
        """The file with an image's thumbnail; None where the collection came as vectors alone."""
        return self._home.thumbnail(id)

    def picture(self, record: ImageRecord) -> bytes:
        """The best that is here of an image: its bytes where they were kept, else its thumbnail; raises NotFound."""
        path = self._home.original(record.id) or self._home.thumbnail(record.id)
        if path is None:
            raise NotFound("picture", record.path)
        return path.read_bytes()

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
            column: {id: meta[column] for id, meta in told.items() if column in meta}
            for column in columns
            if column not in theirs and filters.can_be(column)
        }
        if not values:
            for column in columns:
                if column not in theirs:
                    filters.new_field(column)  # raises, and says why
            raise BadInput(f"{name} has no column that did not come with the files of {self.info.name!r}: add one.")
        before = self._home.ledger.marks.give(self._number, values)
        images = len(set().union(*values.values()))
        left_out = tuple(column for column in columns if column not in values)
        return Given(tuple(values), images, tuple(unmatched), left_out, before)

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
        """The field with the judgements of a label: as a field can be called."""
        return " ".join(f"is {re.sub('[=<>~]', '-', label)}"[:LONGEST].split())

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


def _fields(metas: Iterable[Meta]) -> frozenset[str]:
    return frozenset().union(*metas)
