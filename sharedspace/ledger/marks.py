"""What people put on a collection: tags and values on its images, and what they saved under a name."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sharedspace.errors import BadInput, NotFound
from sharedspace.ledger.database import Database
from sharedspace.records import MetaValue

HIDDEN = "hidden"  # the tag of images that are left out of map, search and galleries
LONGEST = 80  # characters of a tag or a name
LONGEST_VALUE = 4000  # characters of a text that is given to an image
LARGEST = 2**63  # an integer that other programs take stands below
Kind = Literal["query", "view", "labels", "classifier"]


class Marks:
    """Tags, given values and saved things of all collections; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tag(self, number: int, ids: Iterable[str], tag: str) -> list[str]:
        """Put a tag on images of a collection; the ids of those that did not have it. Raises BadInput."""
        tag = named(tag, "tag")
        insert = (
            "INSERT OR IGNORE INTO tags SELECT collection, image, ? FROM members WHERE collection = ? AND image = ?"
        )
        with self._database.write() as db:
            fresh = [id for id in ids if db.execute(insert, (tag, number, id)).rowcount]
            _touch(db, number)
        return fresh

    def untag(self, number: int, ids: Iterable[str], tag: str) -> list[str]:
        """Take a tag off images of a collection; the ids of those that had it."""
        delete = "DELETE FROM tags WHERE tag = ? AND collection = ? AND image = ?"
        with self._database.write() as db:
            gone = [id for id in ids if db.execute(delete, (tag, number, id)).rowcount]
            _touch(db, number)
        return gone

    def tagging(self, number: int) -> int:
        """A number that grows with every change of a collection's tags; raises NotFound."""
        rows = self._database.read("SELECT tagging FROM collections WHERE number = ?", number)
        if not rows:
            raise NotFound("collection", f"number {number}")
        return int(rows[0][0])

    def tags(self, number: int) -> dict[str, frozenset[str]]:
        """The tags of those images of a collection that have any, by id."""
        rows = self._database.read(
            "SELECT t.image, t.tag FROM tags t JOIN members m ON m.collection = t.collection AND m.image = t.image"
            " WHERE t.collection = ?",
            number,
        )
        found: dict[str, set[str]] = {}
        for id, tag in rows:
            found.setdefault(id, set()).add(tag)
        return {id: frozenset(tags) for id, tags in found.items()}

    def give(
        self, number: int, values: Mapping[str, Mapping[str, MetaValue | None]]
    ) -> dict[str, dict[str, MetaValue | None]]:
        """Give images of a collection values, by field and id; None and the empty text take one back.

        The values that they had before, which undo it when given. Raises BadInput.
        """
        rows = {field: {id: as_value(field, value) for id, value in own.items()} for field, own in values.items()}
        delete = "DELETE FROM given WHERE collection = ? AND field = ? AND image = ?"
        changes = 0
        before: dict[str, dict[str, MetaValue | None]] = {}
        with self._database.write() as db:
            for field, own in rows.items():
                had = _values(db.execute(f"{GIVEN} AND field = ?", (number, field))).get(field, {})
                before[field] = {id: had.get(id) for id in own}
                kept = [(field, value, number, id) for id, value in own.items() if value is not None]
                gone = [(number, field, id) for id, value in own.items() if value is None]
                changes += db.executemany(INSERT, kept).rowcount if kept else 0
                changes += db.executemany(delete, gone).rowcount if gone else 0
            if changes:
                _given(db, number)
        return before

    def giving(self, number: int) -> int:
        """A number that grows with every change of the values given in a collection; 0 where none ever was."""
        rows = self._database.read("SELECT giving FROM collections WHERE number = ?", number)
        if not rows:
            raise NotFound("collection", f"number {number}")
        return int(rows[0][0])

    def given(self, number: int) -> dict[str, dict[str, MetaValue]]:
        """The values given in a collection, by field and id, also those of images that were taken out of it."""
        return _values(self._database.read(GIVEN, number))

    def given_fields(self, number: int) -> list[str]:
        """The fields of the values given in a collection, by name."""
        query = "SELECT DISTINCT field FROM given WHERE collection = ? ORDER BY field"
        return [field for (field,) in self._database.read(query, number)]

    def take_back(self, number: int, field: str) -> dict[str, MetaValue]:
        """Take back all values of a field; those that were there, by id."""
        with self._database.write() as db:
            had = _values(db.execute(f"{GIVEN} AND field = ?", (number, field))).get(field, {})
            if db.execute("DELETE FROM given WHERE collection = ? AND field = ?", (number, field)).rowcount:
                _given(db, number)
        return had

    def save(self, number: int, kind: Kind, name: str, body: dict[str, Any]) -> None:
        """Keep plain JSON values under a name, in place of what had that name."""
        row = (number, kind, named(name, "name"), json.dumps(body, allow_nan=False))
        try:
            with self._database.write() as db:
                db.execute("INSERT OR REPLACE INTO saved VALUES (?, ?, ?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise NotFound("collection", f"number {number}") from error

    def saved(self, number: int, kind: Kind) -> dict[str, dict[str, Any]]:
        """What is kept of a kind, by name."""
        query = "SELECT name, body FROM saved WHERE collection = ? AND kind = ? ORDER BY name COLLATE NOCASE"
        return {name: json.loads(body) for name, body in self._database.read(query, number, kind)}

    def one_saved(self, number: int, kind: Kind, name: str) -> dict[str, Any]:
        """What is kept under a name; raises NotFound with the names there are."""
        query = "SELECT body FROM saved WHERE collection = ? AND kind = ? AND name = ?"
        rows = self._database.read(query, number, kind, name)
        if not rows:
            raise NotFound(f"saved {kind}", name, list(self.saved(number, kind)))
        found: dict[str, Any] = json.loads(rows[0][0])
        return found

    def forget(self, number: int, kind: Kind, name: str) -> None:
        """Let go of what is kept under a name."""
        with self._database.write() as db:
            db.execute("DELETE FROM saved WHERE collection = ? AND kind = ? AND name = ?", (number, kind, name))

    def put_tags(self, number: int, tags: Mapping[str, Iterable[str]]) -> None:
        """Put further tags on images, by their id, which may come into the collection later. Raises BadInput."""
        rows = [(named(tag, "tag"), number, id) for id, own in tags.items() for tag in own]
        insert = (
            "INSERT OR IGNORE INTO tags SELECT c.number, i.id, ? FROM collections c, images i"
            " WHERE c.number = ? AND i.id = ?"
        )
        with self._database.write() as db:
            if db.executemany(insert, rows).rowcount > 0:
                _touch(db, number)

    def put_given(self, number: int, given: Mapping[str, Mapping[str, MetaValue]]) -> None:
        """Give images values, by field and id, where they have none; they may come into the collection later."""
        rows = [
            (field, as_value(field, value), number, id) for field, own in given.items() for id, value in own.items()
        ]
        insert = (
            "INSERT OR IGNORE INTO given SELECT c.number, ?, i.id, ? FROM collections c, images i"
            " WHERE c.number = ? AND i.id = ?"
        )
        with self._database.write() as db:
            if rows and db.executemany(insert, rows).rowcount > 0:
                _given(db, number)

    def save_new(self, number: int, saved: Mapping[Kind, Mapping[str, dict[str, Any]]]) -> None:
        """Keep plain JSON values by kind and name; what is kept under such a name already stays. Raises BadInput."""
        rows = [
            (number, kind, named(name, "name"), json.dumps(body, allow_nan=False))
            for kind, bodies in saved.items()
            for name, body in bodies.items()
        ]
        try:
            with self._database.write() as db:
                db.executemany("INSERT OR IGNORE INTO saved VALUES (?, ?, ?, ?)", rows)
        except sqlite3.IntegrityError as error:
            raise NotFound("collection", f"number {number}") from error


GIVEN = "SELECT field, image, value FROM given WHERE collection = ?"
INSERT = (  # not for an image that never was in the collection
    "INSERT INTO given SELECT collection, ?1, image, ?2 FROM"
    " (SELECT collection, image FROM members UNION ALL SELECT collection, image FROM removed)"
    " WHERE collection = ?3 AND image = ?4"
    " ON CONFLICT DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value"
)


def _values(rows: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, MetaValue]]:
    """Rows of field, image and JSON, by the first two."""
    found: dict[str, dict[str, MetaValue]] = {}
    read: dict[str, MetaValue] = {}  # by JSON: a label is mostly that of many images
    for field, id, written in rows:
        if written not in read:
            read[written] = json.loads(written)
        found.setdefault(field, {})[id] = read[written]
    return found


def as_value(field: str, value: MetaValue | None) -> str | None:
    """A value as it is kept, JSON; None for none and for an empty text. Raises BadInput for what is no value."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode("utf-8")
        if len(value) > LONGEST_VALUE:
            raise BadInput(f"A text of {field!r} has {len(value):,} characters: at most {LONGEST_VALUE:,} are kept.")
    elif not isinstance(value, int | float):
        raise BadInput(f"A value of {field!r} is neither a text nor a number nor yes or no, but {value!r:.80}.")
    elif (isinstance(value, int) and abs(value) >= LARGEST) or not math.isfinite(value):
        raise BadInput(f"A value of {field!r} is {value}: give a number of ordinary size.")
    return json.dumps(value)


def _given(db: sqlite3.Connection, number: int) -> None:
    db.execute("UPDATE collections SET giving = giving + 1 WHERE number = ?", (number,))


def _touch(db: sqlite3.Connection, number: int) -> None:
    db.execute("UPDATE collections SET tagging = tagging + 1 WHERE number = ?", (number,))


def named(text: str, what: str) -> str:
    """A tag or name as it is kept: on one line, without outer space; raises BadInput where none is left."""
    name = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    if not name:
        raise BadInput(f"The {what} is empty: type a word or two.")
    if len(name) > LONGEST:
        raise BadInput(f"The {what} has {len(name)} characters: at most {LONGEST} can be kept.")
    return name
