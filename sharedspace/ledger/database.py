"""The SQLite file under the ledger: opened, brought up to date, read and written in transactions."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sharedspace.errors import NoSpace, SharedSpaceError, StoreDamaged
from sharedspace.ledger.schema import STEPS, VERSION


class Database:
    """One SQLite file, safe to use from any thread. Raises StoreDamaged, NoSpace."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self.readable():
            self._db = self._connect()
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # what is acknowledged survives a power cut
            self._db.execute("PRAGMA foreign_keys = ON")
        self._prepare()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=30)

    def close(self) -> None:
        """Close the file; the file is of no use afterwards."""
        with self._lock:
            self._db.close()

    def _prepare(self) -> None:
        with self.write() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise StoreDamaged(f"{self._path} was written by a newer version of Shared Space: update the program.")
            for statement in STEPS.get(version, "").split(";\n"):
                if statement.strip():
                    db.execute(statement)
            if version != VERSION:  # not for nothing: a full disk can still be read
                db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or nothing."""
        with self._lock, self.readable():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # of a full disk SQLite has ended it by itself
                    self._db.execute("ROLLBACK")
                raise

    def read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._lock, self.readable():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Errors of SQLite within as errors of ours."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a mistake of the caller, not of the file
        except sqlite3.DatabaseError as error:
            code, free = getattr(error, "sqlite_errorcode", 0) & 0xFF, shutil.disk_usage(self._path.parent).free
            if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and free < 2**20):
                raise NoSpace(self._path.parent, free) from error
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise StoreDamaged(f"{self._path} cannot be read as a ledger of Shared Space: {error}.") from error
            raise SharedSpaceError(f"{self._path} cannot be used just now: {error}.") from error
