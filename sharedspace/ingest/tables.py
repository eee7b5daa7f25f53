"""Metadata of pictures: tables by file name, in CSV, JSON lines or Parquet, and class folders."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from sharedspace import limits
from sharedspace.errors import Unreadable
from sharedspace.ingest import parquet
from sharedspace.ingest.items import as_text
from sharedspace.records import Meta, MetaValue, Rejected

TABLES = ("labels.csv", "metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE_COLUMNS = ("file", "file_name", "filename", "path", "image", "image_path", "filepath")
NUMBER = re.compile(r"\s*[-+]?(0|[1-9]\d*|(?=\.\d))(\.\d*)?(e[-+]?\d+)?\s*", re.ASCII | re.IGNORECASE)  # 007 is a name
TRUTHS = {"true": True, "false": False}
EXACT = 2**53  # from here on JSON and floats round
LINE = 2**20  # characters of one row
PER_ROW = 64  # bytes that a row of a table takes in memory beside its text, at least
Row = dict[str, Any]

csv.field_size_limit(LINE)  # of the process: a row has its own limit, so that no cell ends a table


class _Lines:
    """The lines of a text one by one. One that is too long raises csv.Error, and the next comes after it all the same.

    csv.Reader goes on after an error too, and asks for more lines only within quotes.
    """

    def __init__(self, opened: TextIO) -> None:
        self._opened = opened
        self._room = LINE
        self.number = 0  # of the last line
        self.ended = False

    def begin(self) -> int:
        """A row begins: the number of its first line."""
        self._room = LINE
        return self.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._opened.readline(self._room + 1)
        self.ended = not line
        if self.ended:
            raise StopIteration
        self.number += 1
        if len(line) > self._room:
            while line and not line.endswith(("\n", "\r")):
                line = self._opened.readline(LINE)
            raise csv.Error(f"the row is over the limit of {LINE:,} characters")
        self._room -= len(line)
        return line


def tables_reason(size: int) -> str | None:
    """Why no further table of one source is read, that has so many bytes with those before, or None."""
    reason = limits.current().file(size)
    return reason and f"with the tables before it {reason}"


def read_table(text: str, name: str, bad: list[Rejected] | None = None) -> dict[str, Meta]:
    """A table with a column of file names as metadata by file; raises Unreadable.

    CSV, whose columns of numbers or of true and false become such; JSON lines where `name` ends in .jsonl.
    Lines that cannot be read are added to `bad`; where none is given the first raises Unreadable.
    """
    opened = io.StringIO(text.removeprefix("\ufeff"), newline="")
    return _by_file(text_rows(opened, name), name, bad)


def read_table_file(path: Path, name: str, bad: list[Rejected] | None = None) -> dict[str, Meta]:
    """A table from a file of any of the three kinds, by the end of its name; `bad` as for `read_table`."""
    try:
        if reason := limits.current().file(path.stat().st_size):
            raise Unreadable(name, reason)
        if name.lower().endswith(".parquet"):
            return _by_file(parquet.rows(path, name), name, bad)
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            return _by_file(text_rows(opened, name), name, bad)
    except OSError as error:
        raise Unreadable(name, f"cannot be read ({error.strerror})") from error


def read_table_bytes(data: bytes, name: str, bad: list[Rejected] | None = None) -> dict[str, Meta]:
    """A table from the bytes of a file of any of the three kinds, by the end of its name; `bad` as above."""
    if name.lower().endswith(".parquet"):
        return _by_file(parquet.rows(io.BytesIO(data), name), name, bad)
    return read_table(data.decode("utf-8", "replace"), name, bad)


def _by_file(rows: Iterable[Row | Rejected], name: str, bad: list[Rejected] | None) -> dict[str, Meta]:
    table: dict[str, Meta] = {}
    key, size, most = None, 0, limits.current()
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Rejected):
            if bad is None:
                raise Unreadable(row.item, row.reason)
            bad.append(row)
            continue
        try:
            key = key or file_column(row, f"{name}, row {number}" if bad is not None else name)
        except Unreadable as error:
            if bad is None or not name.lower().endswith(".jsonl"):  # the others name their columns once
                raise
            bad.append(unreadable(error))
            continue
        if given := row.get(key):
            meta = metadata(row, key)
            size += PER_ROW + len(str(given)) + characters(meta)
            if reason := most.file(size):
                raise Unreadable(name, f"its rows take more memory than a table may: {reason}")
            table[PurePosixPath(str(given)).as_posix()] = meta
    return table


def characters(meta: Meta) -> int:
    """How long metadata is as text, without its numbers."""
    return sum(len(column) + (len(value) if isinstance(value, str) else 0) for column, value in meta.items())


def file_column(columns: Iterable[str], name: str, keys: Sequence[str] = FILE_COLUMNS) -> str:
    """The column of file names among those of a table; raises Unreadable."""
    given = set(columns)
    for column in keys:
        if column in given:
            return column
    raise Unreadable(name, f"a table of metadata needs a column named {' or '.join(map(repr, keys))}")


def metadata(row: Mapping[str, object], *without: str) -> Meta:
    """A row as metadata, of its own types, without some columns and without what is empty."""
    told = {column: as_value(value) for column, value in row.items() if column and column not in without}
    return {as_text(column): value for column, value in told.items() if value is not None}


def as_value(value: object) -> MetaValue | None:
    """One cell as metadata: numbers and booleans stay such, lists become JSON; None for what is empty or no text."""
    if isinstance(value, int):  # a boolean is one, and stays one
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, list | dict) and value:
        return as_text(json.dumps(value, ensure_ascii=False, default=str))
    return as_text(value) or None if isinstance(value, str) else None


def text_rows(opened: TextIO, name: str, keys: Sequence[str] = FILE_COLUMNS) -> Iterator[Row | Rejected]:
    """Rows of JSON lines or of a CSV, by the end of the name, each that cannot be read with its line and the reason.

    A CSV has to have one of the columns `keys`.
    """
    return jsonl_rows(opened, name) if name.lower().endswith(".jsonl") else csv_rows(opened, name, keys)


def csv_rows(opened: TextIO, name: str, keys: Sequence[str] = FILE_COLUMNS) -> Iterator[Row | Rejected]:
    """Rows of a CSV (of commas, semicolons or tabs), read twice: first for the kind of each column."""
    kinds: dict[str, type] = {}
    for row in _texts(opened, name, keys):
        for column, value in row.items() if isinstance(row, dict) else ():
            if value:
                kinds[column] = _kind(value, kinds.get(column))
    for row in _texts(opened, name, keys):
        if isinstance(row, Rejected):
            yield row
        else:
            yield {column: _typed(value, kinds[column]) if value else None for column, value in row.items()}


def _texts(opened: TextIO, name: str, keys: Sequence[str]) -> Iterator[dict[str, str] | Rejected]:
    try:
        for delimiter in (";", "\t", ","):  # the comma last: its header is what a table without the column is told by
            opened.seek(0)
            lines = _Lines(opened)
            rows = csv.reader(lines, delimiter=delimiter)
            columns = next(rows, [])
            if set(columns) & set(keys):
                break
    except csv.Error as error:
        raise Unreadable(name, f"the table cannot be read ({error})") from error
    file_column(columns, name, keys)
    while True:
        number = lines.begin()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Rejected(as_text(f"{name}, line {number}"), f"cannot be read ({error})")
            continue
        if lines.ended:  # which is asked for within quotes only
            yield Rejected(
                as_text(f"{name}, line {number}"), "a quote is opened there and never closed: the table ends"
            )
            return
        if cells:
            yield {**dict.fromkeys(columns, ""), **dict(zip(columns, cells, strict=False))}


def _kind(value: str, before: type | None) -> type:
    """The narrowest kind of a column that holds `value` beside values of the kind `before`."""
    if before in (None, bool) and value.lower() in TRUTHS:
        return bool
    if before in (None, int, float) and NUMBER.fullmatch(value):
        for kind in (int, float) if before is not float else (float,):
            try:
                if abs(kind(value)) < EXACT:  # inf, nan and what JSON would round stay text
                    return kind
            except ValueError:
                continue
    return str


def _typed(value: str, kind: type) -> MetaValue:
    if kind is bool:
        return TRUTHS[value.lower()]
    return kind(value)  # type: ignore[no-any-return]


def jsonl_rows(opened: TextIO, name: str) -> Iterator[Row | Rejected]:
    """Rows of JSON lines, each an object."""
    lines = _Lines(opened)
    while True:
        where = f"{name}, line {lines.begin()}"
        try:
            line = next(lines)
            if line.strip():
                yield json_object(line, where)
        except StopIteration:
            return
        except csv.Error as error:
            yield Rejected(as_text(where), f"cannot be read ({error})")
        except Unreadable as error:
            yield unreadable(error)


def json_object(text: str, name: str) -> Row:
    """A JSON object; raises Unreadable for anything else."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(name, f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise Unreadable(name, "JSON, but not an object of named values")
    return row


class Beside:
    """The metadata of one source's pictures, by their path within it.

    From the table given by the user; else from the nearest of those that stand beside or above the picture; where
    none stands, and pictures lie in two folders or more, the name of the picture's folder is its `label`.
    """

    def __init__(self, given: Mapping[str, Meta] | None, folders: Iterable[PurePosixPath]) -> None:
        self._given = given
        self._tables: dict[PurePosixPath, dict[str, Meta]] = {}
        self._size = 0
        named: set[PurePosixPath] = set()
        for folder in folders:
            named.update([folder] if is_class(folder) else [])
            if len(named) == 2:
                break
        self._classes = len(named) == 2

    @property
    def wanted(self) -> bool:
        """Whether tables beside the pictures are to be read."""
        return self._given is None

    def add(self, folder: PurePosixPath, table: dict[str, Meta], name: str) -> None:
        """A table that stands in a folder of the source; raises Unreadable where all hold more than one may."""
        self._size += sum(PER_ROW + len(file) + characters(meta) for file, meta in table.items())
        if reason := tables_reason(self._size):
            raise Unreadable(name, reason)
        self._tables.setdefault(folder, table)

    def of(self, path: PurePosixPath, label: bool = True) -> Meta:
        """The metadata of one picture; its folder as label only where `label` is true."""
        if self._given is not None:
            return dict(self._given.get(path.as_posix()) or self._given.get(path.name) or {})
        for parent in path.parents:
            table = self._tables.get(parent)
            if table and (meta := table.get(path.relative_to(parent).as_posix())):
                return dict(meta)
        told = any(parent in self._tables for parent in path.parents)
        if label and self._classes and is_class(path.parent) and not told:
            return {"label": as_text(path.parent.name)}
        return {}


def is_class(folder: PurePosixPath) -> bool:
    """Whether a folder within a source can name a class."""
    return bool(folder.name) and not folder.is_absolute() and ".." not in folder.parts


def unreadable(error: Unreadable) -> Rejected:
    """An error of one file as what is told of it."""
    return Rejected(as_text(error.item), error.reason)
