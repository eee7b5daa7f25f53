"""What people put on a collection: tags on its images, and queries and views under a name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sharedspace.errors import BadInput, NotFound
from sharedspace.ledger.database import Database

HIDDEN = "hidden"  # the tag of images that are left out of map, search and galleries
LONGEST = 80  # characters of a tag or a name
Kind = Literal["query", "view"]


class Marks:
    """Tags and saved things of all collections; every method is one transaction."""

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
        known = self.saved(number, kind)
        if name not in known:
            raise NotFound(f"saved {kind}", name, list(known))
        return known[name]

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
