"""A home on disk: ledger, index, thumbnails and snapshots kept in step, owned by one writing process at a time."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

from sharedspace import encoders
from sharedspace.encoders import Encoder
from sharedspace.errors import BadInput, HomeInUse
from sharedspace.ledger import CollectionInfo, Ledger
from sharedspace.records import ImageRecord
from sharedspace.store import Store


def default_path() -> Path:
    """$SHAREDSPACE_HOME, else the user's data folder."""
    import platformdirs

    given = os.environ.get("SHAREDSPACE_HOME")
    return Path(given) if given else Path(platformdirs.user_data_dir("sharedspace", appauthor=False))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One revision of a collection, shared by every reader; rows by id."""

    revision: int
    records: tuple[ImageRecord, ...]
    vectors: np.ndarray  # (n, d) float32 unit rows, memory-mapped, read-only

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the order of the rows."""
        return tuple(record.id for record in self.records)

    @property
    def paths(self) -> tuple[str, ...]:
        """The sources as given, in the order of the rows."""
        return tuple(record.path for record in self.records)


class Home:
    """The files of a home and the models in memory. Safe to share between threads."""

    def __init__(self, path: str | Path | None = None, load: Callable[[str], Encoder] = encoders.load) -> None:
        self.path = Path(path) if path is not None else default_path()
        self._opened = time.time()
        self.new = not (self.path / "ledger.sqlite3").exists()
        self.path.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(self.path / "ledger.sqlite3")
        self._store = Store(self.path / "chroma")
        self._load = load
        self._encoders: dict[str, Encoder] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._writing = threading.RLock()
        self._claim: IO[str] | None = None

    def close(self) -> None:
        """Let go of the files, and of the home."""
        with self._writing:
            self._store.close()
            self.ledger.close()
            if self._claim is not None:
                self._claim.close()
                self._claim = None

    def encoder(self, model: str) -> Encoder:
        """A model by name, loaded once."""
        with self._loading.setdefault(model, threading.Lock()):
            if model not in self._encoders:
                self._encoders[model] = self._load(model)
            return self._encoders[model]

    # -- files by the id of an image

    def thumbnail(self, id: str) -> Path | None:
        """The file of an image's thumbnail (WebP)."""
        return self._found("thumbs", id)

    def original(self, id: str) -> Path | None:
        """The file with an image's bytes, where they were kept (uploads)."""
        return self._found("originals", id)

    def write(self, kind: Literal["thumbs", "originals"], id: str, data: bytes) -> None:
        """Keep a file under an image's id; whole or not at all."""
        path = self._path(kind, id)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, data)

    def _found(self, kind: str, id: str) -> Path | None:
        path = self._path(kind, id)
        return path if path.is_file() else None

    def _path(self, kind: str, id: str) -> Path:
        if len(id) != 64 or not set(id) <= set("0123456789abcdef"):
            raise BadInput(f"{id!r} is not the id of an image.")
        return self.path / kind / id[:2] / id

    def incoming(self) -> Path:
        """A new folder for uploads on their way in."""
        folder = self.path / "incoming" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def clear_incoming(self) -> None:
        """Delete uploads that an earlier process left behind when it was stopped; raises HomeInUse."""
        with self.owned():
            for folder in (self.path / "incoming").glob("*"):
                if folder.stat().st_mtime < self._opened:
                    shutil.rmtree(folder, ignore_errors=True)

    # -- snapshots

    def snapshot(self, number: int) -> Snapshot:
        """The present revision of a collection; its matrix is memory-mapped from a file made on first need."""
        found = self._snapshots.get(number)
        if found is None or found.revision != self.ledger.info(number).revision:
            with self.ledger.one_view():
                info = self.ledger.info(number)
                found = Snapshot(info.revision, tuple(self.ledger.records(number)), self._matrix(info))
            self._snapshots[number] = found
        return found

    def _matrix(self, info: CollectionInfo) -> np.ndarray:
        if info.images == 0:
            return np.empty((0, info.space.dimension), dtype=np.float32)
        folder = self.path / "snapshots"
        path = folder / f"{info.number}-{info.revision}.npy"
        if not path.is_file():
            folder.mkdir(exist_ok=True)
            _replace(path, _npy(self.ledger.matrix(info.number)[1]))
            for other in folder.glob(f"{info.number}-*.npy"):
                if int(other.stem.split("-")[1]) < info.revision:
                    with suppress(OSError):  # Windows keeps what a reader has mapped
                        other.unlink()
        matrix: np.ndarray = np.load(path, mmap_mode="r")
        return matrix

    # -- writing: the ledger first, then the index, by one process at a time

    def record(self, number: int, records: Sequence[ImageRecord], vectors: np.ndarray) -> int:
        """Make images with vectors (n, d) durable in the ledger, then show them in the index; the count of new ones."""
        with self.owned() as store:
            before = self.ledger.info(number)
            new, changed = self.ledger.add(number, records, vectors)
            touched = {*new, *changed}
            if touched:
                shown = store.revision(number)
                if shown == before.revision or (shown is None and before.images == 0):
                    row = {record.id: row for row, record in enumerate(records)}
                    kept = self.ledger.some_records(number, list(touched))  # with the first path and all metadata
                    rows = vectors[[row[record.id] for record in kept]]
                    store.add(number, kept, rows, self.ledger.info(number).revision)
                else:
                    self.reindex(number)
        return len(new)

    def remove(self, number: int, ids: Sequence[str]) -> int:
        """Take images out of a collection; the count of those that were in it."""
        with self.owned() as store:
            before = self.ledger.info(number).revision
            removed = self.ledger.remove(number, ids)
            if removed and store.revision(number) == before:
                store.remove(number, ids, self.ledger.info(number).revision)
            self._forget_pictures(ids)
        return removed

    def delete(self, number: int) -> None:
        """Forget a collection and its pictures; vectors stay, so that its images need not be embedded again."""
        with self.owned() as store:
            ids = [record.id for record in self.ledger.records(number)]
            self.ledger.delete(number)
            store.drop(number)
            self._forget_pictures(ids)
            for snapshot in (self.path / "snapshots").glob(f"{number}-*.npy"):
                with suppress(OSError):
                    snapshot.unlink()

    def _forget_pictures(self, ids: Sequence[str]) -> None:
        """Delete the files of those images that no collection holds any more."""
        for id in self.ledger.without_collection(ids):
            for path in (self.thumbnail(id), self.original(id)):
                if path is not None:
                    path.unlink(missing_ok=True)

    def index(self, number: int) -> Store:
        """The vector index, built anew first where it does not show the ledger's present revision."""
        with self.owned() as store:
            if store.revision(number) != self.ledger.info(number).revision:
                self.reindex(number)
            return store

    def reindex(self, number: int) -> None:
        """Build a collection's index anew from the ledger."""
        with self.owned() as store:
            snapshot = self.snapshot(number)
            store.rebuild(number, snapshot.records, snapshot.vectors, snapshot.revision)

    @contextmanager
    def owned(self) -> Iterator[Store]:
        """The index, for this thread of the one process that may write; raises HomeInUse.

        Two processes that write to one Chroma folder ruin it without a word, so the claim is kept until `close`.
        """
        with self._writing:
            if self._claim is None:
                self._claim = _claim(self.path / "lock")
            yield self._store


def _claim(path: Path) -> IO[str]:
    opened = path.open("a+", encoding="utf-8")
    try:
        _lock(opened)
    except OSError as error:
        opened.seek(0)
        holder = opened.read().strip() or "unknown"
        opened.close()
        raise HomeInUse(
            f"{path.parent} is being written to by another Shared Space (process {holder}): "
            "close that one, do this in it, or work in another home (--home)."
        ) from error
    opened.truncate(0)
    opened.write(str(os.getpid()))
    opened.flush()
    return opened


def _lock(opened: IO[str]) -> None:
    if os.name == "nt":
        import msvcrt

        # A byte far behind the text: Windows would forbid others to read what is locked.
        opened.seek(2**20)
        msvcrt.locking(opened.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _replace(path: Path, data: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    part.write_bytes(data)
    part.replace(path)


def _npy(array: np.ndarray) -> bytes:
    import io

    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()
