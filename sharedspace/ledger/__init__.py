"""The one durable truth: images, vectors, metadata, spaces, maps, anchors, tags. Owns sqlite3."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace.errors import BadInput, NotFound, SpaceMismatch
from sharedspace.ledger.database import Database
from sharedspace.ledger.marks import Marks
from sharedspace.records import Drawing, ImageRecord, Space, SpaceMap

NAMES = 100  # further names of one image that are kept: an empty picture may have thousands
INFO = (
    "SELECT c.number, c.name, c.revision, c.images,"
    " s.fingerprint, s.model, s.dimension, s.logit_scale, s.logit_bias"
    " FROM collections c JOIN spaces s ON s.fingerprint = c.space"
)


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A named set of images in one space."""

    number: int
    name: str
    space: Space
    images: int
    revision: int


def require_same(have: Space, given: Space) -> None:
    """Raises SpaceMismatch unless both are the space of one model, whatever its name."""
    if have.fingerprint != given.fingerprint:
        raise SpaceMismatch(have.describe(), given.describe())


class Ledger(Database):
    """Images, vectors, spaces, maps; every method is one transaction and safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.marks = Marks(self)  # what people put on images: tags, values; what they saved

    # -- collections

    def collections(self) -> list[CollectionInfo]:
        """All collections, by name."""
        return [_info(row) for row in self.read(f"{INFO} ORDER BY c.name COLLATE NOCASE")]

    def info(self, number: int) -> CollectionInfo:
        """One collection; raises NotFound."""
        rows = self.read(f"{INFO} WHERE c.number = ?", number)
        if not rows:
            raise NotFound("collection", f"number {number}", [info.name for info in self.collections()])
        return _info(rows[0])

    def ensure(self, name: str, space: Space) -> int:
        """The number of the collection of that name, made if needed; raises SpaceMismatch for another space."""
        _check_name(name)
        with self.write() as db:
            db.execute(
                # A model's folder may have moved: the fingerprint is what counts, the last name what loads.
                "INSERT INTO spaces VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET model = excluded.model,"
                " logit_bias = coalesce(excluded.logit_bias, logit_bias)",
                (space.fingerprint, space.model, space.dimension, space.logit_scale, space.logit_bias),
            )
            db.execute("INSERT OR IGNORE INTO collections (name, space) VALUES (?, ?)", (name, space.fingerprint))
            found = _info(db.execute(f"{INFO} WHERE c.name = ?", (name,)).fetchone())
        require_same(found.space, space)
        return found.number

    def rename(self, number: int, new: str) -> None:
        """Give a collection another name; raises BadInput when it is taken or empty."""
        _check_name(new)
        try:
            with self.write() as db:
                db.execute("UPDATE collections SET name = ? WHERE number = ?", (new, number))
        except sqlite3.IntegrityError as error:
            raise BadInput(f"There is a collection named {new!r} already: choose another name.") from error

    def delete(self, number: int) -> None:
        """Forget a collection; vectors stay, so that adding its images again embeds nothing."""
        with self.write() as db:
            db.execute("DELETE FROM collections WHERE number = ?", (number,))

    def spaces(self, model: str) -> list[Space]:
        """The spaces of a model's name, oldest first."""
        query = "SELECT fingerprint, model, dimension, logit_scale, logit_bias FROM spaces WHERE model = ?"
        return [Space(*row) for row in self.read(f"{query} ORDER BY rowid", model)]

    def forget_space(self, space: Space) -> None:
        """Forget the vectors of a space, unless a collection lives in it."""
        with self.write() as db:
            if not db.execute("SELECT 1 FROM collections WHERE space = ?", (space.fingerprint,)).fetchone():
                for table in ("vectors", "texts"):
                    db.execute(f"DELETE FROM {table} WHERE space = ?", (space.fingerprint,))

    # -- images

    def add(self, number: int, records: Sequence[ImageRecord], vectors: np.ndarray) -> tuple[list[str], list[str]]:
        """Put images with their vectors (n, d) into a collection, all or none: (new ids, ids with new metadata).

        An image that is there already gets its metadata merged, keeps its first path, and takes another as a name.
        """
        vectors = np.ascontiguousarray(vectors, dtype="<f4")
        new, changed = [], []
        with self.write() as db:
            space, dimension = db.execute(
                "SELECT s.fingerprint, s.dimension FROM collections c JOIN spaces s ON s.fingerprint = c.space"
                " WHERE c.number = ?",
                (number,),
            ).fetchone()
            if vectors.shape != (len(records), dimension):
                raise BadInput(f"{len(records)} images of dimension {dimension} need as many vectors: {vectors.shape}.")
            for record, row in zip(records, vectors, strict=True):
                db.execute("INSERT OR IGNORE INTO images VALUES (?, ?, ?)", (record.id, record.width, record.height))
                db.execute("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", (space, record.id, row.tobytes()))
                member = (number, record.id, record.path)
                insert = "INSERT OR IGNORE INTO members (collection, image, path, meta) VALUES (?, ?, ?, '{}')"
                if db.execute(insert, member).rowcount:
                    new.append(record.id)
                    db.execute("DELETE FROM removed WHERE collection = ? AND image = ?", member[:2])
                if _merge(db, number, record) and record.id not in new[-1:]:
                    changed.append(record.id)
            _touch(db, number, bool(new or changed), len(new))
        return new, changed

    def remove(self, number: int, ids: Iterable[str]) -> int:
        """Take images out of a collection, to be put back or forgotten; the count of those that were in it."""
        keep = "INSERT OR REPLACE INTO removed SELECT collection, image, path, meta, names FROM members"
        delete = "DELETE FROM members"
        one = " WHERE collection = ? AND image = ?"
        removed = 0
        with self.write() as db:
            for id in ids:
                db.execute(keep + one, (number, id))
                removed += db.execute(delete + one, (number, id)).rowcount
            _touch(db, number, removed > 0, -removed)
        return removed

    def put_back(self, number: int, ids: Iterable[str]) -> list[str]:
        """Bring removed images back as they were; the ids of those that were not in the collection."""
        take = (
            "INSERT OR IGNORE INTO members SELECT collection, image, path, meta, names FROM removed"
            " WHERE collection = ? AND image = ?"
        )
        with self.write() as db:
            back = [id for id in ids if db.execute(take, (number, id)).rowcount]
            for id in back:
                db.execute("DELETE FROM removed WHERE collection = ? AND image = ?", (number, id))
            _touch(db, number, bool(back), len(back))
        return back

    def removed(self, number: int) -> list[str]:
        """The ids of images that were taken out and can be put back, by id."""
        return [id for (id,) in self.read("SELECT image FROM removed WHERE collection = ? ORDER BY image", number)]

    def forget_removed(self, number: int) -> list[str]:
        """Forget removed images for good; their ids."""
        ids = self.removed(number)
        with self.write() as db:
            db.execute("DELETE FROM removed WHERE collection = ?", (number,))
        return ids

    @contextmanager
    def one_view(self) -> Iterator[Ledger]:
        """A ledger to read from, all of one moment; neither writers nor other readers wait for it."""
        view = object.__new__(Ledger)
        view._path, view._lock = self._path, threading.RLock()
        with self.readable():
            view._db = self._connect()
            try:
                view._db.execute("BEGIN")
                yield view
            finally:
                view._db.close()

    def records(self, number: int) -> list[ImageRecord]:
        """The images of a collection, by id."""
        rows = self.read(
            "SELECT i.id, m.path, i.width, i.height, m.meta, m.names FROM members m JOIN images i ON i.id = m.image"
            " WHERE m.collection = ? ORDER BY i.id",
            number,
        )
        return [_record(row) for row in rows]

    def some_records(self, number: int, ids: Sequence[str]) -> list[ImageRecord]:
        """Those images of a collection, by id."""
        query = (
            "SELECT i.id, m.path, i.width, i.height, m.meta, m.names FROM members m JOIN images i ON i.id = m.image"
            " WHERE m.collection = ? AND m.image = ?"
        )
        with self._lock:
            return [_record(row) for id in sorted(ids) for row in self.read(query, number, id)]

    def matrix(self, number: int) -> tuple[list[str], np.ndarray]:
        """Ids and vectors (n, d) float32 of a collection, by id."""
        rows = self.read(
            "SELECT v.image, v.vector FROM members m JOIN collections c ON c.number = m.collection"
            " JOIN vectors v ON v.space = c.space AND v.image = m.image WHERE m.collection = ? ORDER BY v.image",
            number,
        )
        dimension = self.read(
            "SELECT s.dimension FROM collections c JOIN spaces s ON s.fingerprint = c.space WHERE c.number = ?", number
        )[0][0]
        vectors = np.frombuffer(b"".join(vector for _, vector in rows), dtype="<f4").reshape(-1, dimension)
        return [id for id, _ in rows], vectors

    def vectors(self, space: Space, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """Those of the ids that were embedded in a space before, with their vectors (d,) float32."""
        return self._vectors("SELECT image, vector FROM vectors WHERE space = ? AND image", space, ids)

    def without_collection(self, ids: Iterable[str]) -> list[str]:
        """Those of the ids that are images which no collection holds, nor could have back."""
        query = (
            "SELECT 1 FROM images WHERE id = ? AND NOT EXISTS (SELECT 1 FROM members WHERE image = images.id)"
            " AND NOT EXISTS (SELECT 1 FROM removed WHERE image = images.id)"
        )
        return [id for id in ids if self.read(query, id)]

    def texts(self, space: Space, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Those of the texts that are remembered in a space, with their vectors (d,) float32."""
        return self._vectors("SELECT text, vector FROM texts WHERE space = ? AND text", space, texts)

    def remember(self, space: Space, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Keep the vectors (n, d) of texts that will be asked for again."""
        rows = np.ascontiguousarray(vectors, dtype="<f4")
        with self.write() as db:
            db.executemany(
                "INSERT OR IGNORE INTO texts VALUES (?, ?, ?)",
                [(space.fingerprint, text, row.tobytes()) for text, row in zip(texts, rows, strict=True)],
            )

    def _vectors(self, query: str, space: Space, keys: Sequence[str]) -> dict[str, np.ndarray]:
        return {key: np.frombuffer(vector, dtype="<f4") for key, vector in self._some(query, space, keys)}

    def _some(self, query: str, space: Space, keys: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            yield from self.read(f"{query} IN ({','.join('?' * len(some))})", space.fingerprint, *some)

    def sizes(self, space: Space, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Width and height in pixels, upright, of those of the ids that were embedded in a space before."""
        query = (
            "SELECT i.id, i.width, i.height FROM vectors v JOIN images i ON i.id = v.image"
            " WHERE v.space = ? AND v.image"
        )
        return {id: (width, height) for id, width, height in self._some(query, space, ids)}

    # -- maps and anchors

    def save_map(self, number: int, space_map: SpaceMap) -> None:
        """Keep the drawn map of a collection in place of the one before; raises NotFound."""
        row = (
            number,
            space_map.key,
            json.dumps(space_map.ids),
            np.ascontiguousarray(space_map.xy, dtype="<f4").tobytes(),
            space_map.revision,
            json.dumps(space_map.late),
            json.dumps(asdict(space_map.drawing)),
        )
        try:
            with self.write() as db:
                db.execute("INSERT OR REPLACE INTO maps VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise NotFound("collection", f"number {number}") from error

    def map(self, number: int) -> SpaceMap | None:
        """The drawn map of a collection, if there is one."""
        rows = self.read("SELECT key, ids, xy, revision, late, drawing FROM maps WHERE collection = ?", number)
        if not rows:
            return None
        key, ids, xy, revision, late, drawing = rows[0]
        points = np.frombuffer(xy, dtype="<f4").reshape(-1, 2)
        return SpaceMap(
            key, tuple(json.loads(ids)), points, revision, tuple(json.loads(late)), Drawing(**json.loads(drawing))
        )

    def map_key(self, number: int) -> str | None:
        """The key of the drawn map of a collection, if there is one: quick to ask, also of a large map."""
        rows = self.read("SELECT key FROM maps WHERE collection = ?", number)
        return str(rows[0][0]) if rows else None

    def find_map(self, key: str) -> SpaceMap | None:
        """A drawn map by its key."""
        rows = self.read("SELECT collection FROM maps WHERE key = ?", key)
        return self.map(rows[0][0]) if rows else None

    def anchors(self, number: int) -> list[str]:
        """The texts kept on a collection's map; raises NotFound."""
        rows = self.read("SELECT anchors FROM collections WHERE number = ?", number)
        if not rows:
            raise NotFound("collection", f"number {number}")
        return list(json.loads(rows[0][0]))

    def set_anchors(self, number: int, texts: Sequence[str]) -> None:
        """Replace the texts kept on a collection's map."""
        with self.write() as db:
            db.execute("UPDATE collections SET anchors = ? WHERE number = ?", (json.dumps(list(texts)), number))


def _check_name(name: str) -> None:
    if not name.strip():
        raise BadInput("A collection needs a name.")
    if name != name.encode("utf-8", "replace").decode("utf-8"):
        raise BadInput(f"The name {name!r} is not text that can be stored: choose another.")


def _merge(db: sqlite3.Connection, number: int, record: ImageRecord) -> bool:
    """Put the metadata and names of an image to those that its row has; whether that changed it."""
    path, meta, names = db.execute(
        "SELECT path, meta, names FROM members WHERE collection = ? AND image = ?", (number, record.id)
    ).fetchone()
    merged = json.dumps({**json.loads(meta), **record.meta}, allow_nan=False) if record.meta else meta
    called = [name for name in (record.path, *record.names) if name != path]
    both = json.dumps(list(dict.fromkeys([*json.loads(names), *called]))[:NAMES]) if called else names
    if (merged, both) == (meta, names):
        return False
    db.execute(
        "UPDATE members SET meta = ?, names = ? WHERE collection = ? AND image = ?", (merged, both, number, record.id)
    )
    return True


def _touch(db: sqlite3.Connection, number: int, changed: bool, more: int) -> None:
    if changed:
        db.execute(
            "UPDATE collections SET revision = revision + 1, images = images + ? WHERE number = ?", (more, number)
        )


def _record(row: tuple[Any, ...]) -> ImageRecord:
    id, path, width, height, meta, names = row
    return ImageRecord(id, path, width, height, json.loads(meta), () if names == "[]" else tuple(json.loads(names)))


def _info(row: tuple[Any, ...]) -> CollectionInfo:
    number, name, revision, images, *space = row
    return CollectionInfo(number, name, Space(*space), images, revision)
