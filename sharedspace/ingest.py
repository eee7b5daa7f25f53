"""From sources (files, folders, zips) to pictures with metadata, one at a time, each refusal with its reason."""

from __future__ import annotations

import csv
import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sharedspace import images
from sharedspace.errors import BadInput, Unreadable
from sharedspace.records import Meta, MetaValue, Rejected

TABLES = ("labels.csv", "metadata.csv")
FILE_COLUMNS = ("file", "file_name", "filename", "path", "image")
NUMBER = re.compile(r"\s*[-+]?(0|[1-9]\d*|(?=\.\d))(\.\d*)?(e[-+]?\d+)?\s*", re.ASCII | re.IGNORECASE)  # 007 is a name
MAX_ENTRIES = 100_000  # of one zip
MAX_UNPACKED = 8 * 2**30  # bytes of one zip, as it declares them
# What zipfile raises on damage; of impossible offsets and of names that are no UTF-8 a ValueError.
DAMAGED = (zipfile.BadZipFile, OSError, EOFError, ValueError, struct.error, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read pictures from; `name` is what is shown, and only ever text."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """The bytes of one file that may be a picture."""

    name: str
    data: bytes
    meta: Meta


def source(given: str | Path | Source) -> Source:
    """A source from a path; raises BadInput when there is nothing there."""
    found = given if isinstance(given, Source) else Source(Path(given), str(given))
    if not found.path.exists():
        raise BadInput(f"{found.name}: there is no such file or folder.")
    return found


def count(sources: Iterable[Source]) -> int:
    """How many files `walk` will come to."""
    total = 0
    for one in sources:
        if one.path.is_dir():
            total += sum(1 for _ in _files(one.path))
        elif _is_zip(one.path):
            try:
                with zipfile.ZipFile(one.path) as archive:
                    total += sum(_is_picture_name(info.filename) for info in archive.infolist())
            except (*DAMAGED, NotImplementedError):
                total += 1
        else:
            total += 1
    return total


def _is_zip(path: Path) -> bool:
    return path.is_file() and zipfile.is_zipfile(path)  # to open a named pipe would wait for ever


def walk(sources: Iterable[Source], table: Mapping[str, Meta] | None = None) -> Iterator[Item | Rejected]:
    """Each file of the sources in a fixed order: its bytes and metadata, or why it cannot be taken.

    Metadata comes from `table` (by file name), else from a labels.csv or metadata.csv beside the pictures.
    """
    for one in sources:
        if one.path.is_dir():
            yield from _folder(one, table)
        elif _is_zip(one.path):
            yield from _zip(one, table)
        else:
            yield _file(one.path, one.name, (table or {}).get(PurePosixPath(one.name).name, {}))


def read_table(text: str, name: str) -> dict[str, Meta]:
    """A CSV with a column of file names as metadata by file; a column of numbers becomes numbers."""
    try:
        rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline="")))
    except csv.Error as error:
        raise Unreadable(name, f"the table cannot be read ({error})") from error
    columns = list(rows[0]) if rows else []
    key = next((column for column in FILE_COLUMNS if column in columns), None)
    if key is None:
        raise Unreadable(name, f"a table of metadata needs a column named {' or '.join(map(repr, FILE_COLUMNS))}")
    kinds = {column: _kind([row[column] for row in rows]) for column in columns if column and column != key}
    return {
        PurePosixPath(row[key]).as_posix(): {
            column: kind(row[column]) for column, kind in kinds.items() if row[column] not in (None, "")
        }
        for row in rows
        if row[key]
    }


def _kind(values: Sequence[str | None]) -> type[int] | type[float] | type[str]:
    given = [value for value in values if value]
    if not all(NUMBER.fullmatch(value) for value in given):
        return str
    for kind in (int, float):
        try:
            numbers = [kind(value) for value in given]
        except ValueError:
            continue
        if given and all(abs(number) < 2**53 for number in numbers):  # inf, nan and what JSON would round stay text
            return kind
    return str


def _folder(one: Source, table: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    tables: dict[Path, Mapping[str, Meta]] = {}
    for path in _files(one.path):
        inner = path.relative_to(one.path)
        meta: Mapping[str, MetaValue] = {}
        if table is not None:
            meta = table.get(inner.as_posix()) or table.get(path.name) or {}
        else:
            for parent in path.parents:
                if parent not in tables:
                    tables[parent] = {}
                    try:
                        tables[parent] = _table_beside(parent, f"{one.name.rstrip('/')}/{parent.relative_to(one.path)}")
                    except Unreadable as error:
                        yield Rejected(error.item, error.reason)
                meta = tables[parent].get(path.relative_to(parent).as_posix(), meta)
                if meta or parent == one.path:
                    break
        yield _file(path, f"{one.name.rstrip('/')}/{inner.as_posix()}", dict(meta))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in images.SUFFIXES and not hidden and not path.is_dir():
            yield path


def _table_beside(folder: Path, shown: str) -> dict[str, Meta]:
    for name in TABLES:
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
            return read_table(text, (PurePosixPath(shown) / name).as_posix())
    return {}


def _file(path: Path, name: str, meta: Meta) -> Item | Rejected:
    name = name.encode("utf-8", "replace").decode("utf-8")  # a file name need not be Unicode; what is stored must
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return Rejected(name, "not a regular file (links and devices are not followed)")
        if found.st_size > images.MAX_BYTES:
            return Rejected(name, f"{found.st_size / 2**20:.0f} MB is over the limit of {images.MAX_BYTES // 2**20} MB")
        return Item(name, path.read_bytes(), meta)
    except OSError as error:
        return Rejected(name, f"cannot be read ({error.strerror})")


def _zip(one: Source, table: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    try:
        archive = zipfile.ZipFile(one.path)
    except (*DAMAGED, NotImplementedError) as error:
        yield Rejected(one.name, f"the zip cannot be read ({error})")
        return
    with archive:
        members = [info for info in archive.infolist() if _is_picture_name(info.filename)]
        unpacked = sum(info.file_size for info in members)
        if len(members) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
            yield Rejected(
                one.name,
                f"{len(members)} pictures of {unpacked / 2**30:.1f} GB are over the limits of "
                f"{MAX_ENTRIES} and {MAX_UNPACKED // 2**30} GB: unpack it and add the folder",
            )
            return
        inside: dict[str, Meta] = {}
        if table is None:
            for found in _tables_inside(archive, one.name):
                if isinstance(found, Rejected):
                    yield found
                else:
                    inside.update(found)
        for info in members:
            name = PurePosixPath(info.filename)
            if table is None:
                meta = inside.get(name.as_posix(), {})
            else:
                meta = table.get(name.as_posix()) or table.get(name.name) or {}
            yield _member(archive, info, f"{one.name}/{info.filename}", dict(meta))


def _tables_inside(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Meta] | Rejected]:
    """The tables of a zip, keyed by the path of the picture from the zip's root, or why one cannot be read."""
    for info in archive.infolist():
        path = PurePosixPath(info.filename)
        if path.name in TABLES and info.file_size <= images.MAX_BYTES:
            item = _member(archive, info, f"{name}/{info.filename}", {})
            if isinstance(item, Rejected):
                yield item
                continue
            try:
                found = read_table(item.data.decode("utf-8", "replace"), item.name)
            except Unreadable as error:
                yield Rejected(error.item, error.reason)
                continue
            yield {(path.parent / file).as_posix(): meta for file, meta in found.items()}


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, meta: Meta) -> Item | Rejected:
    if info.file_size > images.MAX_BYTES:
        return Rejected(name, f"{info.file_size / 2**20:.0f} MB is over the limit of {images.MAX_BYTES // 2**20} MB")
    try:
        return Item(name, archive.read(info), meta)  # in memory, never to a path that the archive names
    except NotImplementedError as error:  # a RuntimeError too, so before it
        return Rejected(name, f"cannot be unpacked ({error})")
    except RuntimeError:
        return Rejected(name, "encrypted: unpack the zip with its password first")
    except DAMAGED as error:
        return Rejected(name, f"damaged in the zip ({error})")


def _is_picture_name(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts if part != "..")
    return path.suffix.lower() in images.SUFFIXES and not hidden


def decode(item: Item) -> images.Picture | Rejected:
    """The picture of an item, or why there is none."""
    try:
        return images.decode(item.data, item.name)
    except Unreadable as error:
        return Rejected(error.item, error.reason)
