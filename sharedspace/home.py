"""A home on disk: ledger, index, thumbnails and snapshots kept in step, owned by one writing process at a time."""

from __future__ import annotations

import errno
import io
import logging
import os
import shutil
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import numpy as np

from sharedspace import encoders
from sharedspace.encoders import Encoder
from sharedspace.encoders.own import OWN
from sharedspace.errors import BadInput, Cancelled, HomeInUse, IndexUnavailable, NoSpace
from sharedspace.ledger import CollectionInfo, Ledger
from sharedspace.records import ImageRecord, Meta, MetaValue, Progress
from sharedspace.store import CHUNK, Embedded, Server, Store, parse_headers, plain

log = logging.getLogger("sharedspace")
T = TypeVar("T")

RESERVE = 64 * 10**6  # bytes of disk that stay free: SQLite and Chroma write more than is given to them
PAUSE = 10  # seconds until an index that failed is tried again by those who can do without it
SLOTS = 6  # of what is worked out of one collection under one name: visitors with other filters, two layouts
TURN = 0.002  # seconds in which another thread takes the lock: one that lets go and takes it again mostly keeps it


def default_path() -> Path:
    """$SHAREDSPACE_HOME, else the user's data folder."""
    import platformdirs

    given = os.environ.get("SHAREDSPACE_HOME")
    return Path(given) if given else Path(platformdirs.user_data_dir("sharedspace", appauthor=False))


@dataclass(frozen=True)
class Snapshot:
    """One revision of a collection, shared by every reader; rows by id."""

    revision: int
    records: tuple[ImageRecord, ...]
    vectors: np.ndarray  # (n, d) float32 unit rows, memory-mapped, read-only
    giving: int = 0  # of the values given to images that their metadata holds (`Marks.giving`)

    @property
    def edition(self) -> tuple[int, int]:
        """What answers of metadata hold for: they change also where images and vectors do not."""
        return self.revision, self.giving

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the order of the rows."""
        return tuple(record.id for record in self.records)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The sources as given, in the order of the rows."""
        return tuple(record.path for record in self.records)

    @property
    def metas(self) -> Iterator[Meta]:
        """The metadata, in the order of the rows."""
        return (record.meta for record in self.records)


@dataclass
class _Lacking:
    """What an index has yet to get until it shows a revision of the ledger."""

    ids: dict[str, None]  # in order
    revision: int


class Home:
    """The files of a home and the models in memory. Safe to share between threads.

    `chroma_url` puts the index on a Chroma server, else $SHAREDSPACE_CHROMA_URL, else it lies in the home;
    `chroma_headers` are sent with each request, else those of $SHAREDSPACE_CHROMA_HEADERS, one a line.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        load: Callable[[str], Encoder] = encoders.load,
        chroma_url: str | None = None,
        chroma_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.path = Path(path) if path is not None else default_path()
        self._opened = time.time()
        self.new = not (self.path / "ledger.sqlite3").exists()
        self.path.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(self.path / "ledger.sqlite3")
        self._store = Store(self._place(chroma_url, chroma_headers))
        self._load = load
        self._encoders: dict[str, Encoder] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self._growing: set[int] = set()  # collections
        self._unwanted: set[str] = set()  # ids whose files may have to go
        self._asked: set[int] = set()  # collections whose snapshot was read since it was last refreshed
        self._taking: dict[int, threading.Lock] = {}  # by collection
        # By collection and name: what was worked out, each with what it was worked out of, the latest first.
        self._derived: dict[tuple[int, str], list[tuple[object, Any]]] = {}
        self._deriving: dict[tuple[int, str], threading.RLock] = {}
        self._stored: dict[tuple[int, str], tuple[int, dict[str, np.ndarray]]] = {}  # with their revision
        self._due: dict[int, float] = {}  # by collection: when it may be refreshed, seconds of time.monotonic
        self._loading: dict[str, threading.Lock] = {}
        self._writing = threading.RLock()
        self._filing = threading.Lock()
        self._claim: IO[str] | None = None
        self._closed = False
        self._url = ""  # where this process answers people
        self._lacking: dict[int, _Lacking] = {}  # by collection
        self._index_down = -float(PAUSE)  # when the index last failed, seconds of time.monotonic

    def _place(self, url: str | None, headers: Mapping[str, str] | None) -> Embedded | Server:
        url = os.environ.get("SHAREDSPACE_CHROMA_URL") if url is None else url
        if not url:
            return Embedded(self.path / "chroma")
        if headers is None:
            headers = parse_headers(os.environ.get("SHAREDSPACE_CHROMA_HEADERS", "").splitlines())
        name = self.path / "name"  # by which collections of several homes are told apart on one server
        if not name.is_file():
            _replace(name, uuid.uuid4().hex[:12].encode())
        return Server(url, headers, f"sharedspace-{name.read_text(encoding='ascii')}-")

    def close(self) -> None:
        """Let go of the files, and of the home; work on the index ends between two steps."""
        with self._writing:
            self._closed = True
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
        """The file of an image's thumbnail."""
        return self._found("thumbs", id)

    def original(self, id: str) -> Path | None:
        """The file with an image's bytes, where they were kept (uploads)."""
        return self._found("originals", id)

    def write(self, kind: Literal["thumbs", "originals"], id: str, data: bytes) -> None:
        """Keep a file under an image's id; whole or not at all. Raises NoSpace."""
        path = self._path(kind, id)
        with self._filing:
            if self._found(kind, id) is not None:
                path.touch()  # wanted anew: whoever clears up what an earlier process left must not take it
                return
        _replace(path, data, lasting=kind == "originals")

    def sweep(self, kind: Literal["thumbs", "originals"], keep: Callable[[str], bool]) -> int:
        """Delete the files of images that `keep` does not know, and parts of files; how many.

        Only what an earlier process left: the files of a batch stand before the ledger knows their images. So nothing
        goes while pictures are added, which may be wanted again.
        """
        gone = 0
        if self._growing:
            return gone
        for path in (self.path / kind).glob("*/*"):
            if path.suffix == ".part" or not keep(path.name):
                with self._filing, suppress(FileNotFoundError):  # a part that has just become whole
                    if path.stat().st_mtime < self._opened:
                        path.unlink()
                        gone += 1
        return gone

    def check_room(self, nbytes: int) -> None:
        """Raises NoSpace unless the disk holds a batch of `nbytes` in all its forms, and the index a second time."""
        needed = 3 * nbytes + RESERVE + self._store.place.size()
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise NoSpace(self.path, free, needed)

    def _found(self, kind: str, id: str) -> Path | None:
        path = self._path(kind, id)
        # A power cut may leave an empty file where a whole one was promised.
        return path if path.is_file() and path.stat().st_size else None

    def _path(self, kind: str, id: str) -> Path:
        if len(id) != 64 or not set(id) <= set("0123456789abcdef"):
            raise BadInput(f"{id!r} is not the id of an image.")
        return self.path / kind / id[:2] / id

    def incoming(self) -> Path:
        """A new folder for uploads on their way in."""
        folder = self.path / "incoming" / uuid.uuid4().hex
        with full_disk(folder):
            folder.mkdir(parents=True)
        return folder

    def clear_incoming(self) -> None:
        """Delete uploads and half snapshots that an earlier process left when it was stopped; raises HomeInUse."""
        with self.owned():
            for folder in (self.path / "incoming").glob("*"):
                if folder.stat().st_mtime < self._opened:
                    shutil.rmtree(folder, ignore_errors=True)
            for part in (self.path / "snapshots").glob("*.part"):
                with suppress(OSError):
                    if part.stat().st_mtime < self._opened:
                        part.unlink()

    # -- snapshots

    def snapshot(self, number: int) -> Snapshot:
        """The present revision of a collection, the values given to its images among their metadata.

        While it is `growing`, images and vectors of a moment ago: nobody waits for new ones.
        """
        return self._with_given(number, self.filed(number))

    def take_snapshot(self, number: int) -> Snapshot:
        """The present revision of a collection, also while it is growing."""
        return self._with_given(number, self._take(number))

    def _with_given(self, number: int, filed: Snapshot) -> Snapshot:
        giving = self.ledger.marks.giving(number)
        if not giving:
            return filed

        def make() -> Snapshot:
            return _merged(filed, self.ledger.marks.given(number), giving)

        return self.derived(number, "given", (filed.revision, giving), make, slots=1)

    def filed(self, number: int) -> Snapshot:
        """A snapshot with the metadata of files and tables alone.

        Its matrix is memory-mapped from a file made on first need.
        """
        found = self._snapshots.get(number)
        self._asked.add(number)
        waits = number in self._growing and found is not None and found.records  # an empty one helps nobody
        if found is not None and (waits or found.revision == self.ledger.info(number).revision):
            return found
        return self._take(number)

    def _take(self, number: int) -> Snapshot:
        with self._taking.setdefault(number, threading.Lock()):  # who comes second finds what the first has made
            found = self._snapshots.get(number)
            if found is None or found.revision != self.ledger.info(number).revision:
                with self.ledger.one_view() as view:
                    info = view.info(number)
                    found = Snapshot(info.revision, tuple(view.records(number)), self._matrix(info, view))
                self._snapshots[number] = found
            return found

    @contextmanager
    def growing(self, number: int) -> Iterator[None]:
        """Within, batches are added to a collection, and `refresh` is called between them."""
        with self._writing:
            self._growing.add(number)
        try:
            yield
        finally:
            with self._writing:
                self._growing.discard(number)
                self._forget_pictures(())
            if number in self._snapshots and number in self._asked:  # whoever reads it does not wait
                self.snapshot(number)

    def refresh(self, number: int) -> None:
        """Let the readers of a growing collection see what was added; takes a tenth of the time at most."""
        if number in self._asked and time.monotonic() >= self._due.get(number, 0.0):
            self._asked.discard(number)
            start = time.monotonic()
            self.take_snapshot(number)
            end = time.monotonic()
            self._due[number] = end + 10 * (end - start)

    def _matrix(self, info: CollectionInfo, view: Ledger) -> np.ndarray:
        if info.images == 0:
            return np.empty((0, info.space.dimension), dtype=np.float32)
        folder = self.path / "snapshots"
        path = folder / f"{info.number}-{info.revision}.npy"
        found = _mapped(path, (info.images, info.space.dimension))
        if found is not None:
            return found
        rows = view.matrix(info.number)[1]
        try:
            _replace(path, rows)
        except NoSpace as error:
            log.warning("%s Until then the vectors are kept in memory.", error)
            rows.flags.writeable = False
            return rows
        for other in folder.glob(f"{info.number}-*.np?"):
            if int(other.stem.split("-")[1]) < info.revision:
                with suppress(OSError):  # Windows keeps what a reader has mapped
                    other.unlink()
        written = _mapped(path, rows.shape)
        return rows if written is None else written  # a reader of a later revision may have deleted it already

    def forget_snapshot(self, number: int) -> None:
        """Delete the matrix of a collection; the next reader makes it anew."""
        self._snapshots.pop(number, None)
        for kept in (self._derived, self._stored):
            for key in [key for key in list(kept) if key[0] == number]:
                kept.pop(key, None)
        for path in (self.path / "snapshots").glob(f"{number}-*.np?"):
            with suppress(OSError):
                path.unlink()

    def derived(self, number: int, name: str, of: object, make: Callable[[], T], slots: int = SLOTS) -> T:
        """What `make` works out of `of`, remembered under a name for the latest few; never worked out twice at once."""
        with self._deriving.setdefault((number, name), threading.RLock()):
            kept = self._derived.setdefault((number, name), [])
            for place, (known, value) in enumerate(kept):
                if known == of:
                    kept.insert(0, kept.pop(place))
                    found: T = value
                    return found
            made = make()
            kept.insert(0, (of, made))
            del kept[slots:]
            return made

    def stored(self, number: int, revision: int, name: str) -> dict[str, np.ndarray] | None:
        """Arrays that were kept beside the matrix of a revision; None where there are none."""
        kept = self._stored.get((number, name))
        if kept is not None and kept[0] == revision:
            return kept[1]
        try:
            with np.load(self._beside(number, revision, name)) as pack:
                found = dict(pack)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None
        self._stored[number, name] = (revision, found)
        return found

    def store(self, number: int, revision: int, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays beside the matrix of a revision, until the next one; a full disk keeps them in memory only."""
        self._stored[number, name] = (revision, arrays)
        packed = io.BytesIO()
        np.savez(packed, **arrays)  # type: ignore[arg-type]
        try:
            _replace(self._beside(number, revision, name), packed.getvalue())
        except NoSpace as error:
            log.warning("%s Until then they are worked out anew at each start.", error)

    def _beside(self, number: int, revision: int, name: str) -> Path:
        return self.path / "snapshots" / f"{number}-{revision}-{name}.npz"

    # -- writing: the ledger first, then the index, by one process at a time

    def record(self, number: int, records: Sequence[ImageRecord], vectors: np.ndarray) -> int:
        """Make images with vectors (n, d) durable in the ledger, then show them in the index; the count of new ones.

        An index that cannot be had just now does not stop it: it is brought up to date later.
        """
        with self.owned() as store:
            before = self.ledger.info(number).revision
            new, changed = self.ledger.add(number, records, vectors)
            if new or changed:
                self._follow(store, number, before, put=[*new, *changed])
        return len(new)

    def remove(self, number: int, ids: Sequence[str]) -> int:
        """Take images out of a collection, to be put back or forgotten; the count of those that were in it."""
        with self.owned() as store:
            before = self.ledger.info(number).revision
            removed = self.ledger.remove(number, ids)
            if removed:
                self._follow(store, number, before, gone=ids)
        return removed

    def put_back(self, number: int, ids: Sequence[str]) -> int:
        """Bring removed images back as they were; how many."""
        with self.owned() as store:
            before = self.ledger.info(number).revision
            back = self.ledger.put_back(number, ids)
            if back:
                self._follow(store, number, before, put=back)
        return len(back)

    def forget_removed(self, number: int) -> int:
        """Forget removed images for good, with their pictures; how many."""
        with self.owned():
            ids = self.ledger.forget_removed(number)
            self._forget_pictures(ids)
        return len(ids)

    def delete(self, number: int) -> None:
        """Forget a collection and its pictures; vectors stay, so that its images need not be embedded again."""
        with self.owned() as store:
            ids = [*(record.id for record in self.ledger.records(number)), *self.ledger.removed(number)]
            space = self.ledger.info(number).space
            self.ledger.delete(number)
            if space.model.startswith(OWN):  # nothing can make these vectors again, right or wrong
                self.ledger.forget_space(space)
            self._lacking.pop(number, None)
            try:
                store.drop(number)
            except IndexUnavailable as error:  # its number is never given again; upkeep sweeps
                self._put_off(number, error)
            self._forget_pictures(ids)
            self.forget_snapshot(number)

    def _forget_pictures(self, ids: Sequence[str]) -> None:
        """Delete the files of those images that no collection holds any more.

        Not while pictures are added: theirs may be the same, and stand before the ledger knows of them.
        """
        self._unwanted.update(ids)
        if self._growing:
            return
        for id in self.ledger.without_collection(self._unwanted):
            for path in (self.thumbnail(id), self.original(id)):
                if path is not None:
                    path.unlink(missing_ok=True)
        self._unwanted.clear()

    # -- the index: what it lacks of the ledger is known, or found by comparing, and put in by and by

    def index(self, number: int, on_progress: Callable[[Progress], None] = lambda progress: None) -> Store:
        """The vector index, brought up to date first; raises IndexUnavailable.

        Others write and read between two steps of CHUNK images.
        """
        most = 0
        while True:
            with self.owned() as store:
                if number not in self._lacking and store.revision(number) == self.ledger.info(number).revision:
                    return store
                try:
                    left = self._step(store, number, CHUNK)
                except IndexUnavailable:
                    self._lacking.pop(number, None)  # what it has by now is found by comparing
                    raise
            most = max(most, left + CHUNK)
            on_progress(Progress(most - left, most, "index"))
            time.sleep(TURN)

    def reindex(self, number: int, on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        """Build a collection's index anew from the ledger."""
        with self.owned() as store:
            store.drop(number)
            self._lacking.pop(number, None)
        self.index(number, on_progress)

    def compare_index(self, number: int) -> int:
        """Look at every image in the index, whatever revision it claims: how many it lacks or shows wrongly."""
        with self.owned() as store:
            wrong = self._compare(store, number)
            return len({*self._lacking[number].ids, *wrong})

    def _follow(
        self, store: Store, number: int, before: int, put: Sequence[str] = (), gone: Sequence[str] = ()
    ) -> None:
        """Take a change of the ledger over into the index, and some of what the index lacked besides.

        So an ingest after a crash is held up by no more than CHUNK images a batch.
        """
        if time.monotonic() - self._index_down < PAUSE:
            self._lacking.pop(number, None)  # what is missed now is found by comparing
            return
        try:
            lacking = self._lacking.get(number)
            if lacking is None and store.revision(number) == before:
                lacking = self._lacking[number] = _Lacking({}, before)
            if lacking is not None and lacking.revision == before:
                if gone:
                    store.remove(number, gone)
                lacking.ids.update(dict.fromkeys(put))
                lacking.revision = self.ledger.info(number).revision
            self._step(store, number, max(CHUNK, len(put)))
        except IndexUnavailable as error:
            self._put_off(number, error)

    def _put_off(self, number: int, error: IndexUnavailable) -> None:
        self._lacking.pop(number, None)
        self._index_down = time.monotonic()
        log.warning("%s", error)

    def _step(self, store: Store, number: int, limit: int) -> int:
        """Put in at most `limit` of the images that the index lacks; how many it still lacks."""
        info = self.ledger.info(number)
        if number not in self._lacking or self._lacking[number].revision != info.revision:
            self._compare(store, number)
            if len(self._lacking[number].ids) > limit:
                log.warning(
                    "The index of %r lacks %d of %d images and is brought up to date; exact search answers meanwhile.",
                    info.name,
                    len(self._lacking[number].ids),
                    info.images,
                )
        lacking = self._lacking[number]
        some = list(islice(lacking.ids, limit))
        records = self.ledger.some_records(number, some)
        if records:
            vectors = self.ledger.vectors(info.space, [record.id for record in records])
            store.add(number, records, np.stack([vectors[record.id] for record in records]))
        for id in some:
            del lacking.ids[id]
        if not lacking.ids:
            store.mark(number, lacking.revision)
            del self._lacking[number]
        return len(lacking.ids)

    def _compare(self, store: Store, number: int) -> list[str]:
        """Find out what the index lacks; the ids that it showed wrongly, and that were taken out."""
        with self.ledger.one_view() as view:
            revision = view.info(number).revision
            wanted = {record.id: plain(record) for record in view.records(number)}
        shown = store.shown(number)
        wrong = [id for id, meta in shown.items() if wanted.get(id) != meta]
        store.remove(number, wrong)
        self._lacking[number] = _Lacking(
            dict.fromkeys(id for id, meta in wanted.items() if shown.get(id) != meta), revision
        )
        return wrong

    # -- one process

    def announce(self, url: str) -> None:
        """Say where this process answers people, to whoever finds the home in use."""
        with self._writing:
            self._url = url
            if self._claim is not None:
                _sign(self._claim, url)

    @contextmanager
    def owned(self) -> Iterator[Store]:
        """The index, for this thread of the one process that may write; raises HomeInUse.

        Two processes that write to one Chroma folder ruin it without a word, so the claim is kept until `close`.
        What changes the ledger alone (names, anchors, maps) needs no claim: SQLite lets several processes write in
        turn. Nor does reading: snapshots are files that are replaced whole.
        """
        with self._writing:
            if self._closed:
                raise Cancelled(f"{self.path} was closed.")
            if self._claim is None:
                self._claim = _claim(self.path / "lock")
                _sign(self._claim, self._url)
            yield self._store


def _merged(filed: Snapshot, given: Mapping[str, Mapping[str, MetaValue]], giving: int) -> Snapshot:
    """A snapshot whose records have the given values too; one that a file has for the same field gives way."""
    more: dict[str, Meta] = {}
    for field, values in given.items():
        for id, value in values.items():
            more.setdefault(id, {})[field] = value
    records = tuple(  # `replace` would take twice as long, and 50,000 images wait for it
        ImageRecord(one.id, one.path, one.width, one.height, {**one.meta, **more[one.id]}, one.names)
        if one.id in more
        else one
        for one in filed.records
    )
    return Snapshot(filed.revision, records, filed.vectors, giving)


def _claim(path: Path) -> IO[str]:
    opened = path.open("a+", encoding="utf-8")
    try:
        _lock(opened)
    except OSError as error:
        opened.seek(0)
        holder, url = [*opened.read().splitlines(), "", ""][:2]
        opened.close()
        way = f"use {url}" if url else "close that one, do this in it"
        raise HomeInUse(
            f"{path.parent} is being written to by another Shared Space (process {holder or 'unknown'}): "
            f"{way}, or work in another home (--home). Other programs can share an index on a Chroma server "
            "(--chroma-url)."
        ) from error
    return opened


def _sign(opened: IO[str], url: str) -> None:
    """Write into the lock file who holds it, and where it answers."""
    opened.truncate(0)
    opened.write(f"{os.getpid()}, {Path(sys.argv[0]).name or 'python'}\n{url}")
    opened.flush()


def _lock(opened: IO[str]) -> None:
    if os.name == "nt":
        import msvcrt

        # A byte far behind the text: Windows would forbid others to read what is locked.
        opened.seek(2**20)
        msvcrt.locking(opened.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _replace(path: Path, data: bytes | np.ndarray, lasting: bool = False) -> None:
    """Write a file, an array as .npy, in a folder made if needed; whole or not at all. Raises NoSpace.

    `lasting`: it survives a power cut from then on; nothing can make it again.
    """
    part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    with full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as opened:
                if isinstance(data, bytes):
                    opened.write(data)
                else:
                    np.save(opened, data)
                if lasting:
                    opened.flush()
                    os.fsync(opened.fileno())
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Raises NoSpace where writing within finds the disk of a path full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        there = next(folder for folder in path.absolute().parents if folder.is_dir())
        raise NoSpace(there, shutil.disk_usage(there).free) from error


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The array of a file, memory-mapped; None where the file is not there, cut short, or of another shape."""
    try:
        matrix: np.ndarray = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return matrix if matrix.shape == shape and matrix.dtype == np.float32 else None
