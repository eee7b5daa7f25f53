"""Tars: read once forward, packed or not, with caps; samples of WebDataset, and tables of img2dataset beside."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sharedspace import limits
from sharedspace.errors import Unreadable
from sharedspace.ingest import parquet
from sharedspace.ingest.items import LINK, NOT_REGULAR, Item, Source, as_text, is_candidate, refusal
from sharedspace.ingest.tables import TABLES, Beside, json_object, metadata, read_table_bytes, tables_reason, unreadable
from sharedspace.records import Meta, Rejected

HEADER = 2**20  # bytes that one header may ask for: names and attributes, no contents
STEP = 2**20
UNPACK = "unpack it and add the folder"
SIDE = 2**20  # bytes of what is said of one picture
SIDES = (".json", ".txt", ".cls")  # what stands beside a picture of the same key in WebDataset
DAMAGED = (
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    RecursionError,
    zlib.error,
    lzma.LZMAError,
)
PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


class _TooMuch(Unreadable):
    """A tar over the limits of an archive."""


class _Forward:
    """The bytes of a tar, read once and forward: what tarfile asks of a file, and no more than it may have.

    By itself tarfile reads a header's attributes into memory however large they say they are.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        with path.open("rb") as opened:
            head = opened.read(8)
        unpack = next((unpack for mark, unpack in PACKED.items() if head.startswith(mark)), None)
        self.packed = unpack is not None
        self._file: IO[bytes] = path.open("rb") if unpack is None else unpack(path, "rb")
        self._at = 0
        self.last = b""  # of what was read as a header
        self._most = limits.current()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def tell(self) -> int:
        """Where the next byte stands."""
        return self._at

    def read(self, size: int) -> bytes:
        """So many bytes of a header."""
        if not 0 <= size <= HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        self.last = self.take(size)
        return self.last

    def take(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        data = self._file.read(size)
        self._at += len(data)
        if self.packed and (reason := self._most.archive(0, self._at)):
            raise _TooMuch(self.name, f"{reason}: {UNPACK}")
        return data

    def skip_to(self, to: int) -> None:
        """Go forward; a size below zero would lead back, and round in a ring."""
        if to < self._at:
            raise tarfile.ReadError("an entry of a size below zero")
        if not self.packed:
            self._at = self._file.seek(to)
        while self._at < to and self.take(min(STEP, to - self._at)):
            pass


@dataclass
class _Sample:
    """What stands side by side in a tar under one key: pictures and what is said of them."""

    key: PurePosixPath
    pictures: list[tuple[PurePosixPath, bytes]] = field(default_factory=list)
    meta: Meta = field(default_factory=dict)
    problems: list[Rejected] = field(default_factory=list)

    def has_room(self, size: int) -> bool:
        """Whether one picture more may wait for what is yet said of all."""
        return limits.current().file(size + sum(len(data) for _, data in self.pictures)) is None


def is_tar(head: bytes, name: str) -> bool:
    """Whether the first 512 bytes of a file, or its name, are those of a tar, packed or not."""
    named = name.lower().endswith((".tar", ".tgz", ".tbz2", ".txz")) or ".tar." in PurePosixPath(name).name.lower()
    return named or head.startswith(tuple(PACKED)) or head[257:262] == b"ustar"


def count(one: Source) -> int | None:
    """How many members `walk` will come to; None where to know it were to unpack it all."""
    found = 0
    try:
        for info, file in _entries(one):
            if file.packed:
                return None
            found += not info.isdir() and is_candidate(PurePosixPath(as_text(info.name)))
    except Unreadable:
        found += 1
    return found


def walk(one: Source, table: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    """The pictures of a tar with their metadata, each refused member with its reason.

    Metadata is that of tables and class folders as everywhere, of KEY.json, KEY.txt (a caption) and KEY.cls (a label)
    next to a picture KEY.jpg, and of a Parquet file beside the tar with a column `key`.
    """
    try:
        beside, problems = _survey(one, table)
    except Unreadable as error:
        yield unreadable(error)
        return
    yield from problems
    keyed: dict[str, Meta] = {}
    try:
        keyed = _keyed(one.path.with_suffix(".parquet"), one)
    except Unreadable as error:
        yield unreadable(error)
    for found in _samples(one):
        if isinstance(found, Rejected):
            yield found
            continue
        for path, data in found.pictures:
            side = {**keyed.get(found.key.name, {}), **found.meta}
            meta = beside.of(path, label=not side)
            yield Item(one.within(str(path)), data, {**meta, **side} if beside.wanted else {**side, **meta})
        yield from found.problems if found.pictures else ()


def _survey(one: Source, table: Mapping[str, Meta] | None) -> tuple[Beside, list[Rejected]]:
    """A first pass, for what may stand behind the pictures that it concerns: tables and folders.

    Raises Unreadable for a tar over the limits. Damage is left for the second pass to tell.
    """
    most, entries, unpacked, told = limits.current(), 0, 0, 0
    folders: set[PurePosixPath] = set()
    tables: dict[PurePosixPath, bytes] = {}
    problems: list[Rejected] = []
    try:
        for info, file in _entries(one):
            path, entries, unpacked = PurePosixPath(as_text(info.name)), entries + 1, unpacked + info.size
            if reason := most.archive(entries, unpacked):
                raise _TooMuch(one.name, f"{reason}: {UNPACK}")
            if is_candidate(path) and not info.isdir() and len(folders) < 3:
                folders.add(path.parent)
            if path.name in TABLES and table is None and info.isreg():
                if reason := tables_reason(told + info.size):
                    problems.append(Rejected(one.within(str(path)), reason))
                else:
                    told += info.size
                    tables[path] = _contents(info, file)
    except _TooMuch:
        raise
    except Unreadable:
        pass
    beside = Beside(table, folders)
    for path in sorted(tables, key=lambda path: TABLES.index(path.name)):
        name = one.within(str(path))
        try:
            beside.add(path.parent, read_table_bytes(tables.pop(path), name, problems), name)
        except Unreadable as error:
            problems.append(unreadable(error))
    return beside, problems


def _keyed(beside: Path, one: Source) -> dict[str, Meta]:
    """The rows of img2dataset's Parquet file beside a tar, by key."""
    if not beside.is_file():
        return {}
    shown = str(PurePosixPath(one.name).with_suffix(".parquet"))
    found = parquet.columns(beside, shown)
    if "key" not in found.names:
        return {}
    if reason := limits.current().archive(found.rows, 0):
        raise Unreadable(shown, reason)
    return {str(row["key"]): metadata(row, "key") for row in parquet.rows(beside, shown)}


def _samples(one: Source) -> Iterator[_Sample | Rejected]:
    sample = _Sample(PurePosixPath())
    try:
        for info, file in _entries(one):
            path = PurePosixPath(as_text(info.name))
            key, _, end = path.name.partition(".")
            if path.parent / key != sample.key:
                yield sample
                sample = _Sample(path.parent / key)
            if f".{end.lower()}" in SIDES and info.isreg():
                _take_side(sample, f".{end.lower()}", one.within(str(path)), info, file)
            elif is_candidate(path) and not info.isdir():
                if reason := _refusal(info, path):
                    yield Rejected(one.within(str(path)), reason)
                    continue
                if not sample.has_room(info.size):
                    yield sample
                    sample = _Sample(sample.key, meta=sample.meta)
                sample.pictures.append((path, _contents(info, file)))
    except Unreadable as error:
        yield sample
        yield unreadable(error)
    else:
        yield sample


def _refusal(info: tarfile.TarInfo, path: PurePosixPath) -> str | None:
    if reason := refusal(path):
        return reason
    if info.issym() or info.islnk():
        return LINK
    if info.issparse():
        return "a sparse file: unpack the tar first"
    return limits.current().file(info.size) if info.isreg() else NOT_REGULAR


def _take_side(sample: _Sample, end: str, name: str, info: tarfile.TarInfo, file: _Forward) -> None:
    """What a small file says of the pictures of its key."""
    if info.size > SIDE:
        sample.problems.append(Rejected(name, f"more than {SIDE // 2**20} MB of metadata for one picture"))
        return
    text = _contents(info, file).decode("utf-8", "replace").strip()
    try:
        if end == ".json":
            sample.meta.update(metadata(json_object(text, name)))
        elif end == ".txt" and text:
            sample.meta["caption"] = text
        elif text:
            sample.meta["label"] = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text
    except Unreadable as error:
        sample.problems.append(unreadable(error))


def _contents(info: tarfile.TarInfo, file: _Forward) -> bytes:
    with _damage(file.name):
        file.skip_to(info.offset_data)
        data = file.take(info.size)
        if len(data) != info.size:
            raise tarfile.ReadError(f"{as_text(info.name)} ends after {len(data):,} of {info.size:,} bytes")
    return data


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Whatever is raised of a damaged tar becomes Unreadable."""
    try:
        yield
    except DAMAGED as error:
        raise Unreadable(name, f"the tar is damaged or cut short ({error})") from error


def _entries(one: Source) -> Iterator[tuple[tarfile.TarInfo, _Forward]]:
    """Each entry, with the file from which its contents can be read before the next; raises Unreadable for damage."""
    with _damage(one.name), closing(_Forward(one.path, one.name)) as file:
        archive = tarfile.TarFile(fileobj=file, encoding="utf-8", errors="replace")  # type: ignore[arg-type]
        info = archive.next()
        while info is not None:
            yield info, file
            file.skip_to(archive.offset)
            info = _next(archive, file)


def _next(archive: tarfile.TarFile, file: _Forward) -> tarfile.TarInfo | None:
    """The next header; None at the end mark. TarFile.next() takes a damaged header for the end too."""
    try:
        return tarfile.TarInfo.fromtarfile(archive)
    except tarfile.HeaderError as error:
        if file.last == bytes(tarfile.BLOCKSIZE):
            return None
        raise tarfile.ReadError(str(error) if file.last else "it has no end mark") from error
