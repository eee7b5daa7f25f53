"""Sources that are tables: of paths of pictures, of pictures themselves, of vectors of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sharedspace import limits
from sharedspace.errors import Unreadable
from sharedspace.ingest import npz, parquet
from sharedspace.ingest.items import OTHER, Item, Source, as_text, read_file
from sharedspace.ingest.tables import FILE_COLUMNS, file_column, metadata, text_rows, unreadable
from sharedspace.records import Meta, Rejected

NAMES = (*FILE_COLUMNS, "paths", "files", "id", "ids")  # of vectors, by preference
NO_VECTOR = "no vector of finite numbers that are not all zero"


def text_table(one: Source, given: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    """The pictures that a CSV or a file of JSON lines names, each with the other cells of its row."""
    try:
        with one.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            key = None
            for number, row in enumerate(text_rows(opened, one.name), start=1):
                if isinstance(row, Rejected):
                    yield row
                    continue
                try:
                    key = key or file_column(row, f"{one.name}, row {number}")
                except Unreadable as error:  # of JSON lines; the others name their columns once
                    yield unreadable(error)
                    continue
                yield _pictured(one, number, row.get(key), metadata(row, key), given)
    except Unreadable as error:
        yield unreadable(error)
    except OSError as error:
        yield Rejected(one.name, f"cannot be read ({error.strerror})")


def count_text_table(one: Source) -> int:
    """How many rows a CSV or a file of JSON lines has; 1 where it cannot be read, for the refusal."""
    try:
        with one.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            return sum(1 for _ in text_rows(opened, one.name))
    except (Unreadable, OSError):
        return 1


def parquet_table(one: Source, given: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    """The rows of a Parquet file as pictures, from bytes or paths, with vectors where it has them."""
    try:
        found = parquet.columns(one.path, one.name)
        if found.vector is not None:
            key = next((column for column in NAMES if column in found.names and column != found.picture), None)
        elif found.picture is not None:
            key = next((column for column in FILE_COLUMNS if column in found.names and column != found.picture), None)
        else:
            key = file_column(found.names, one.name)
        also = tuple(column for column in (found.vector, found.picture) if column is not None)
        for number, row in enumerate(parquet.rows(one.path, one.name, also), start=1):
            name = row.get(key) if key else None
            meta = metadata(row, *also, *([key] if key else []))
            picture = row.get(found.picture) if found.picture else None
            if found.vector is not None:
                yield _with_vector(one, number, name, meta, given, row[found.vector], found.dimension, picture)
            elif found.picture is not None:
                yield held(one, number, picture, meta, given, name)
            else:
                yield _pictured(one, number, name, meta, given)
    except Unreadable as error:
        yield unreadable(error)


def npz_table(one: Source, given: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    """The rows of an NPZ: a vector each, with the picture that its path names or none."""
    try:
        dimension = npz.shape(one.path, one.name)[1]
        for array in npz.objects(one.path, one.name):
            yield Rejected(
                one.within(as_text(array)), "an array of Python objects is not read: save it as text or numbers"
            )
        for number, row in enumerate(npz.rows(one.path, one.name), start=1):
            key = next((column for column in NAMES if column in row), None)
            meta = metadata(row, npz.VECTOR, *([key] if key else []))
            vector = row[npz.VECTOR]
            yield _with_vector(one, number, row.get(key) if key else None, meta, given, vector, dimension, None)
    except Unreadable as error:
        yield unreadable(error)


def _with_vector(
    one: Source,
    number: int,
    name: Any,
    meta: Meta,
    given: Mapping[str, Meta] | None,
    vector: np.ndarray | None,
    dimension: int | None,
    picture: Any,
) -> Item | Rejected:
    """A row with a vector; its picture's bytes where there is one, else none."""
    called = as_text(str(name)) if name is not None else one.within(str(number))
    if vector is None or not np.isfinite(vector).all() or not vector.any():
        return Rejected(called, NO_VECTOR)
    if len(vector) != dimension:
        return Rejected(called, f"its vector has {len(vector)} numbers, and the others {dimension}")
    if picture is not None:
        item = held(one, number, picture, meta, given, name)
    elif isinstance(name, str) and (path := _located(one, name)) is not None and path.is_file():
        item = read_file(path, _beside(one, name), _given(given, name, meta), follow=True)
    else:
        item = Item(called, b"", _given(given, called, meta))
    return item if isinstance(item, Rejected) else Item(item.name, item.data, item.meta, vector)


def held(
    one: Source, number: int, picture: Any, meta: Meta, given: Mapping[str, Meta] | None, name: Any = None
) -> Item | Rejected:
    """A picture that a row holds itself, as bytes or as Hugging Face's {bytes, path}."""
    data, path = (picture.get("bytes"), picture.get("path")) if isinstance(picture, dict) else (picture, None)
    called = str(name or path or number)
    if data is None and path:
        return _pictured(one, number, path, meta, given)
    if not isinstance(data, bytes):
        return Rejected(one.within(as_text(called)), "the row holds no picture")
    if reason := limits.current().file(len(data)):
        return Rejected(one.within(as_text(called)), reason)
    # Files of a dataset often have equal names; and the number finds the row again.
    shown = called if called == str(number) else f"{number}/{called}"
    return Item(one.within(as_text(shown)), data, _given(given, called, meta))


def _pictured(one: Source, number: int, cell: object, meta: Meta, given: Mapping[str, Meta] | None) -> Item | Rejected:
    """The picture that a row names by its path."""
    if not isinstance(cell, str) or not cell.strip():
        return Rejected(f"{one.name}, row {number}", "the row names no file")
    if cell.lower().startswith(("http://", "https://", "s3://", "gs://", "data:")):
        return Rejected(
            as_text(cell[:300]), "an address and not a file: fetch it first, nothing here goes to the network"
        )
    if reason := OTHER.get(PurePosixPath(cell).suffix.lower()):
        return Rejected(_beside(one, cell), reason)
    path = _located(one, cell)
    if path is None:
        return Rejected(_beside(one, cell), "names a file outside the folder of its table")
    return read_file(path, _beside(one, cell), _given(given, cell, meta), follow=True)


def _located(one: Source, cell: str) -> Path | None:
    """Where a path of a table leads: from the table's folder; None where it may not."""
    path = one.path.parent / cell
    try:
        inside = one.reach is None or path.resolve().is_relative_to(one.reach.resolve())
    except (OSError, ValueError, RuntimeError):  # a NUL, or links in a ring
        return None
    return path if inside else None


def _beside(one: Source, cell: str) -> str:
    """What a picture of a table is called: as from where the table is called."""
    return as_text(str(PurePosixPath(one.name).parent / cell))


def _given(given: Mapping[str, Meta] | None, name: str, meta: Meta) -> Meta:
    """A row's metadata under that of the table which the user gave."""
    path = PurePosixPath(name)
    return {**meta, **((given or {}).get(path.as_posix()) or (given or {}).get(path.name) or {})}
