"""Whether Chroma can open its files: read with numpy and sqlite3, before Chroma does.

A process that is killed while Chroma writes a vector index leaves files that disagree, since they are patched in
place. Opening such files ends the process without a traceback, or asks for terabytes of memory. What is looked at
here is the layout of Chroma 1.5 (hnswlib's, with lengths and a pickle beside it); tests hold it against real kills.
"""

from __future__ import annotations

import io
import pickle
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

DATABASE = "chroma.sqlite3"
FILES = ("header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
HEADER = struct.Struct("<iQQQQQQiIQQQdQ")
# What the unpickler raises over bytes that Chroma did not write.
UNREADABLE = (pickle.UnpicklingError, struct.error, EOFError, ValueError, LookupError, TypeError, AttributeError)
ADD, UPDATE, UPSERT, DELETE = range(4)  # operations of the log


@dataclass(frozen=True, slots=True)
class Damage:
    """A collection whose vector index cannot be opened."""

    collection: str  # its name in Chroma
    folder: str  # of its vector index, under Chroma's
    reason: str


class _Torn(Exception):
    """The files of one index disagree."""


def database_problem(folder: Path) -> str | None:
    """Why Chroma's database cannot be opened; None when it can."""
    file = folder / DATABASE
    if not file.is_file():
        return None
    with file.open("rb") as opened:
        if opened.read(16) not in (b"", b"SQLite format 3\0"):
            return "it is no database"
    try:
        # Not read-only: a journal that a killed process left must be rolled back, as Chroma would.
        with closing(sqlite3.connect(file, timeout=30)) as db:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else str(found)


def damages(folder: Path, prefix: str) -> list[Damage]:
    """The collections, of those whose names begin with `prefix`, whose vector index cannot be opened.

    Everything that Chroma would read is read, about 0.1 s at 50,000 vectors of 512 dimensions.
    """
    if not (folder / DATABASE).is_file():
        return []
    found = []
    with closing(sqlite3.connect(folder / DATABASE, timeout=30)) as db:
        if not _has_tables(db):
            return []
        rows = db.execute(
            "SELECT c.name, c.id, c.dimension, s.id FROM collections c JOIN segments s ON s.collection = c.id"
            " WHERE s.scope = 'VECTOR' AND substr(c.name, 1, ?) = ?",
            (len(prefix), prefix),
        ).fetchall()
        for name, collection, dimension, segment in rows:
            try:
                _check(db, folder / segment, collection, dimension, segment)
            except _Torn as error:
                found.append(Damage(name, segment, str(error)))
    return found


def orphans(folder: Path) -> list[Path]:
    """Folders of vector indexes that no collection has: Chroma leaves them behind when it deletes one."""
    known: set[str] = set()
    if (folder / DATABASE).is_file():
        with closing(sqlite3.connect(folder / DATABASE, timeout=30)) as db:
            if _has_tables(db):
                known = {id for (id,) in db.execute("SELECT id FROM segments")}
    return [path.parent for path in folder.glob("*/header.bin") if path.parent.name not in known]


def _has_tables(db: sqlite3.Connection) -> bool:
    """False where Chroma was ended while it made its database: it makes the rest when it opens it."""
    wanted = ("collections", "segments", "max_seq_id", "embeddings", "embeddings_queue")
    found = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return found.issuperset(wanted)


def _check(db: sqlite3.Connection, files: Path, collection: str, dimension: int | None, segment: str) -> None:
    """Raises _Torn when the files of one vector index disagree with one another or with the database."""
    persisted = _max_seq(db, segment)
    if not (files / "index_metadata.pickle").is_file():
        if persisted is not None:
            raise _Torn("its files are gone" if not files.is_dir() else "index_metadata.pickle is missing")
        return  # never written whole: Chroma begins anew, from the log
    missing = [name for name in FILES if not (files / name).is_file()]
    if missing:
        raise _Torn(f"{missing[0]} is missing")
    labels = _labels(files / "index_metadata.pickle")
    layout = _structure(files, dimension)
    others = "SELECT id FROM segments WHERE collection = ? AND scope = 'METADATA'"
    (metadata,) = (id for (id,) in db.execute(others, (collection,)))
    newest = db.execute("SELECT max(seq_id) FROM embeddings_queue").fetchone()[0] or 0
    if (persisted or 0) > max(newest, _max_seq(db, metadata) or 0):
        raise _Torn("it claims to be ahead of the log")
    _contents(files / "data_level0.bin", layout, set(labels.values()))
    _against_log(db, collection, set(labels), persisted or 0, metadata)


def _max_seq(db: sqlite3.Connection, segment: str) -> int | None:
    row = db.execute("SELECT seq_id FROM max_seq_id WHERE segment_id = ?", (segment,)).fetchone()
    return None if row is None else int.from_bytes(row[0], "big") if isinstance(row[0], bytes) else int(row[0])


class _Plain(pickle._Unpickler):
    """Reads dicts, texts and integers, as Chroma writes them.

    Whatever else the bytes may say is refused: it could run something, or ask for gigabytes.
    """

    dispatch: ClassVar = {
        code[0]: pickle._Unpickler.dispatch[code[0]]
        for code in (
            pickle.PROTO,
            pickle.EMPTY_DICT,
            pickle.MARK,
            pickle.BINUNICODE,
            pickle.BININT,
            pickle.BININT1,
            pickle.BININT2,
            pickle.NONE,
            pickle.SETITEM,
            pickle.SETITEMS,
            pickle.STOP,
        )
    }


def _labels(file: Path) -> dict[str, int]:
    """Which place in the index each id has."""
    try:
        read = _Plain(io.BytesIO(file.read_bytes())).load()
        labels, ids = read["id_to_label"], read["label_to_id"]
        agree = len(labels) == len(ids) and all(ids.get(label) == id for id, label in labels.items())
    except UNREADABLE as error:
        raise _Torn(f"{file.name} cannot be read ({type(error).__name__})") from error
    if not agree:
        raise _Torn(f"{file.name} contradicts itself")
    return dict(labels)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How hnswlib lays out the elements of data_level0.bin, in bytes."""

    count: int
    stride: int
    label: int
    data: int


def _structure(files: Path, dimension: int | None) -> _Layout:
    """Sizes of the files against the header, and the upper links, which hnswlib follows without a look."""
    raw = (files / "header.bin").read_bytes()
    if len(raw) != HEADER.size:
        raise _Torn(f"header.bin has {len(raw)} bytes")
    version, _, room, count, stride, label, data, levels, entry, max_m, max_m0, *_ = HEADER.unpack(raw)
    width = (label - data) // 4
    whole = version == 1 and count <= room and stride == label + 8 and data == 4 * max_m0 + 4 and 0 <= levels < 64
    if not whole or (dimension is not None and width != dimension) or (count and entry >= count):
        raise _Torn("header.bin contradicts itself")
    for name, size in (("data_level0.bin", count * stride), ("length.bin", count * 4)):
        if (files / name).stat().st_size != size:
            raise _Torn(f"{name} is not of the size that {count} vectors have")
    _upper_links(files / "link_lists.bin", count, levels, max_m)
    return _Layout(count, stride, label, data)


def _upper_links(file: Path, count: int, levels: int, most: int) -> None:
    """The lists of the upper levels: for each element its size in bytes, then one list a level."""
    one = 4 + 4 * most  # bytes of one list: how many, and their places
    size = file.stat().st_size
    if not 4 * count <= size <= 4 * count + levels * one * count or size % 4:  # it may claim terabytes
        raise _Torn("link_lists.bin is not of a size that its vectors have")
    words = np.fromfile(file, dtype="<u4")
    at = 0
    starts: list[int] = []
    for _ in range(count):
        if at >= len(words):
            raise _Torn("link_lists.bin ends too early")
        own = int(words[at])
        if own % one or own > levels * one:
            raise _Torn("link_lists.bin holds an impossible list")
        starts.extend(range(at + 1, at + 1 + own // 4, one // 4))
        at += 1 + own // 4
    if at != len(words):
        raise _Torn("link_lists.bin ends too late" if at < len(words) else "link_lists.bin ends too early")
    lists = words[np.asarray(starts, dtype=np.int64)[:, None] + np.arange(one // 4)]  # (lists, 1 + most)
    _neighbours(lists[:, 0] & 0xFFFF, lists[:, 1:], count, "link_lists.bin")


def _neighbours(sizes: np.ndarray, places: np.ndarray, count: int, name: str) -> None:
    """Lists (n,) long with places (n, most): none longer than it may be, each place one of the `count`."""
    used = np.arange(places.shape[1]) < sizes[:, None]
    if (sizes > places.shape[1]).any() or (places >= count)[used].any():
        raise _Torn(f"{name} links to what is not there")


def _contents(file: Path, layout: _Layout, labels: set[int]) -> None:
    """Vectors finite, links within range, and the labels of what is not deleted those of the ids."""
    elements = np.memmap(file, dtype=np.uint8, mode="r", shape=(layout.count, layout.stride)) if layout.count else None
    alive: list[int] = []
    every: set[int] = set()
    for start in range(0, layout.count, 4096):
        part = np.asarray(elements[start : start + 4096])  # type: ignore[index]
        head = part[:, : layout.data].copy().view("<u4")  # (b, 1 + most): how many and flags, places
        _neighbours(head[:, 0] & 0xFFFF, head[:, 1:], layout.count, file.name)
        if not np.isfinite(part[:, layout.data : layout.label].copy().view("<f4")).all():
            raise _Torn(f"{file.name} holds what is no vector")
        own = part[:, layout.label :].copy().view("<u8")[:, 0]
        every.update(own.tolist())
        alive.extend(own[(part[:, 2] & 1) == 0].tolist())  # the third byte marks the deleted
    if len(every) != layout.count or len(alive) != len(labels) or set(alive) != labels:
        raise _Torn(f"{file.name} names other vectors than index_metadata.pickle")


def _against_log(db: sqlite3.Connection, collection: str, ids: set[str], persisted: int, metadata: str) -> None:
    """The ids of the vectors and those of the metadata must be the same once the log is played to both."""
    rows = db.execute("SELECT embedding_id FROM embeddings WHERE segment_id = ?", (metadata,))
    both = ((ids, persisted), ({id for (id,) in rows}, _max_seq(db, metadata) or 0))
    log = "SELECT id, operation FROM embeddings_queue WHERE substr(topic, ?) = ? AND seq_id > ? ORDER BY seq_id"
    for known, since in both:
        for id, operation in db.execute(log, (-len(collection), collection, since)):
            if operation in (ADD, UPSERT):
                known.add(id)
            elif operation == DELETE:
                known.discard(id)
    if both[0][0] != both[1][0]:
        raise _Torn("the ids of its vectors are not those of its metadata")
