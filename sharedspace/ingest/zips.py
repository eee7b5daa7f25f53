"""Zips: members read in memory one at a time and with a cap, never unpacked to a path that the archive names."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import cast

from sharedspace import limits
from sharedspace.errors import Unreadable
from sharedspace.ingest.items import LINK, Item, Source, is_candidate, refusal
from sharedspace.ingest.tables import TABLES, Beside, read_table_bytes, unreadable
from sharedspace.records import Meta, Rejected

# What zipfile raises on damage; of impossible offsets a ValueError.
DAMAGED = (zipfile.BadZipFile, OSError, EOFError, ValueError, struct.error, zlib.error, lzma.LZMAError)
ENTRY = b"PK\x01\x02"  # begins each entry of the table of contents: 46 bytes, then a name, an extra field, a comment
PER_ENTRY = 1024  # bytes of the table of contents that an entry may take, on average
IS_UTF8 = 0x800  # a flag of a name
SHARED = "shares its bytes with another entry, as in a bomb"


class _Bare(io.BufferedReader):
    """The file of a zip, whose table of contents is counted, and no name of which claims to be UTF-8.

    zipfile reads the table whole, whatever its size, and gives up on an archive for one name that claims it and is not.
    """

    def __init__(self, path: Path, most: limits.Limits) -> None:
        super().__init__(io.FileIO(path))
        self._most = most
        self.has_contents = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.has_contents and size is not None and size > self._most.entries * PER_ENTRY:
            raise Unreadable("", self._most.archive(self._most.entries + 1, 0) or "")
        data = super().read(size)
        if not self.has_contents and data.startswith(ENTRY):
            return _without_flags(data, self._most)
        if self.has_contents and size == 30 and data.startswith(b"PK\x03\x04"):  # what stands before a member
            return data[:6] + _unflagged(data, 6) + data[8:]
        return data


def _without_flags(contents: bytes, most: limits.Limits) -> bytes:
    """A table of contents of which no name claims to be UTF-8; raises Unreadable for too many entries."""
    bare, at, entries = bytearray(contents), 0, 0
    while contents[at : at + 4] == ENTRY and at + 46 <= len(contents):
        entries += 1
        if reason := most.archive(entries, 0):
            raise Unreadable("", reason)
        bare[at + 8 : at + 10] = _unflagged(contents, at + 8)
        at += 46 + sum(struct.unpack_from("<HHH", contents, at + 28))  # name, extra field, comment
    return bytes(bare)


def _unflagged(data: bytes, at: int) -> bytes:
    return struct.pack("<H", struct.unpack_from("<H", data, at)[0] & ~IS_UTF8)


@contextmanager
def opened(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    """The open zip; raises Unreadable with the reason."""
    try:
        file = _Bare(path, limits.current())
    except OSError as error:
        raise Unreadable(name, f"cannot be read ({error.strerror})") from error
    with file:
        try:
            archive = zipfile.ZipFile(file)
        except Unreadable as error:
            raise Unreadable(name, f"{error.reason}: unpack it and add the folder") from error
        except (*DAMAGED, NotImplementedError) as error:
            raise Unreadable(name, f"the zip cannot be read ({error})") from error
        file.has_contents = True
        with archive:
            yield archive


def count(one: Source) -> int:
    """How many members `walk` will come to; 1 where the zip cannot be read, for the refusal."""
    try:
        with opened(one.path, one.name) as archive:
            return sum(is_candidate(path) for _, path in _files(archive))
    except Unreadable:
        return 1


def walk(one: Source, table: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    """The pictures of a zip with their metadata, each refused member with its reason."""
    try:
        with opened(one.path, one.name) as archive:
            yield from _members(archive, one, table)
    except Unreadable as error:
        yield unreadable(error)


def _members(archive: zipfile.ZipFile, one: Source, table: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    named = _files(archive)
    members = [(info, path) for info, path in named if is_candidate(path)]
    unpacked = sum(info.file_size for info, path in members if refusal(path) is None)
    if reason := limits.current().archive(0, unpacked):
        yield Rejected(one.name, f"{reason}: unpack it and add the folder")
        return
    beside = Beside(table, (path.parent for _, path in members))
    if beside.wanted:
        yield from _tables(archive, one, named, beside)
    shared = _overlapping(archive)
    for info, path in members:
        name = one.within(_name(info))
        if reason := refusal(path) or (SHARED if info.header_offset in shared else None):
            yield Rejected(name, reason)
        else:
            yield _member(archive, info, name, beside.of(path))


def _tables(
    archive: zipfile.ZipFile, one: Source, named: list[tuple[zipfile.ZipInfo, PurePosixPath]], beside: Beside
) -> Iterator[Rejected]:
    """Take up the tables of a zip; what is yielded is why one, or a line of one, cannot be read."""
    for kind in TABLES:
        for info, path in named:
            if path.name != kind:
                continue
            item = _member(archive, info, one.within(path.as_posix()), {})
            if isinstance(item, Rejected):
                yield item
                continue
            try:
                bad: list[Rejected] = []
                beside.add(path.parent, read_table_bytes(item.data, item.name, bad), item.name)
                yield from bad
            except Unreadable as error:
                yield unreadable(error)


def _files(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The members that are no folders; `is_dir()` fails on a name that is empty."""
    return [(info, PurePosixPath(_name(info))) for info in archive.infolist() if not info.filename.endswith("/")]


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name: in UTF-8 where its bytes are that, whatever they claim; else as old zips have it."""
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _overlapping(archive: zipfile.ZipFile) -> set[int]:
    """The offsets of members that share bytes with another: thousands of them can be one bomb many times."""
    shared: set[int] = set()
    end = last = 0
    for info in sorted(archive.infolist(), key=lambda info: (info.header_offset, info.compress_size)):
        if info.header_offset < end:
            shared.update((last, info.header_offset))
        size = info.header_offset + 30 + len(info.orig_filename) + info.compress_size
        end, last = max(end, size), info.header_offset if size >= end else last
    return shared


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, meta: Meta) -> Item | Rejected:
    if reason := limits.current().file(info.file_size):
        return Rejected(name, reason)
    if stat.S_ISLNK(info.external_attr >> 16):
        return Rejected(name, LINK)
    try:
        with archive.open(info) as opened:
            return Item(name, _read(cast(zipfile.ZipExtFile, opened), info), meta)
    except NotImplementedError as error:  # a RuntimeError too, so before it
        return Rejected(name, f"cannot be unpacked ({error})")
    except RuntimeError:
        return Rejected(name, "encrypted: unpack the zip with its password first")
    except DAMAGED as error:
        return Rejected(name, f"damaged in the zip ({error})")


def _read(opened: zipfile.ZipExtFile, info: zipfile.ZipInfo) -> bytes:
    """All bytes of a member, never more than it declares, nor much more on the way to them."""
    step = 2**16
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks at once what it has read, 4 kB at least, and bzip2 makes a million bytes of one.
        step = opened.MIN_READ_SIZE = 32
    return b"".join(iter(lambda: opened.read(step), b""))
