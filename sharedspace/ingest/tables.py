"""Metadata of pictures: tables by file name, in CSV, JSON lines or Parquet, and class folders."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
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
Row = dict[str, Any]


def read_table(text: str, name: str) -> dict[str, Meta]:
    """A table with a column of file names as metadata by file; raises Unreadable.

    CSV, whose columns of numbers or of true and false become such; JSON lines where `name` ends in .jsonl.
    """
    opened = io.StringIO(text.lstrip("\ufeff"), newline="")
    return _by_file(jsonl_rows(opened, name) if name.lower().endswith(".jsonl") else csv_rows(opened, name), name)


def read_table_file(path: Path, name: str) -> dict[str, Meta]:
    """A table from a file of any of the three kinds, by the end of its name; raises Unreadable."""
    try:
        if reason := limits.current().file(path.stat().st_size):
            raise Unreadable(name, reason)
        if name.lower().endswith(".parquet"):
            return _by_file(parquet.rows(path, name), name)
        return read_table(path.read_text(encoding="utf-8", errors="replace"), name)
    except OSError as error:
        raise Unreadable(name, f"cannot be read ({error.strerror})") from error


def read_table_bytes(data: bytes, name: str) -> dict[str, Meta]:
    """A table from the bytes of a file of any of the three kinds, by the end of its name; raises Unreadable."""
    if name.lower().endswith(".parquet"):
        return _by_file(parquet.rows(io.BytesIO(data), name), name)
    return read_table(data.decode("utf-8", "replace"), name)


def _by_file(rows: Iterable[Row], name: str) -> dict[str, Meta]:
    table: dict[str, Meta] = {}
    key = None
    for row in rows:
        key = key or file_column(row, name)
        if given := row.get(key):
            table[PurePosixPath(str(given)).as_posix()] = metadata(row, key)
    return table


def file_column(columns: Iterable[str], name: str) -> str:
    """The column of file names among those of a table; raises Unreadable."""
    given = set(columns)
    for column in FILE_COLUMNS:
        if column in given:
            return column
    raise Unreadable(name, f"a table of metadata needs a column named {' or '.join(map(repr, FILE_COLUMNS))}")


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


def csv_rows(opened: TextIO, name: str) -> Iterator[Row]:
    """Rows of a CSV (of commas, semicolons or tabs), read twice: first for the kind of each column."""
    kinds: dict[str, type] = {}
    try:
        for row in _texts(opened, name):
            for column, value in row.items():
                if value:
                    kinds[column] = _kind(value, kinds.get(column))
        for row in _texts(opened, name):
            yield {column: _typed(value, kinds[column]) if value else None for column, value in row.items()}
    except csv.Error as error:
        raise Unreadable(name, f"the table cannot be read ({error})") from error


def _texts(opened: TextIO, name: str) -> Iterator[dict[str, str]]:
    for delimiter in (";", "\t", ","):  # the comma last: its header is what a table without the column is told by
        opened.seek(0)
        lines = csv.reader(opened, delimiter=delimiter)
        columns = [column.lstrip("\ufeff") for column in next(lines, [])]
        if set(columns) & set(FILE_COLUMNS):
            break
    file_column(columns, name)
    for cells in lines:
        yield {column: cell for column, cell in zip(columns, cells, strict=False) if column}


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


def jsonl_rows(opened: Iterable[str], name: str) -> Iterator[Row]:
    """Rows of JSON lines, each an object; raises Unreadable with the line's number."""
    for number, line in enumerate(opened, start=1):
        if not line.strip():
            continue
        yield json_object(line, f"{name}, line {number}")


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

    def add(self, folder: PurePosixPath, table: dict[str, Meta]) -> None:
        """A table that stands in a folder of the source."""
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
