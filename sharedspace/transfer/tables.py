"""A collection as one table for other programs: Parquet, NPZ or CSV, written in pieces. Owns pyarrow, with ingest.

Each metadata field is a column of its name, or of `meta.` and its name where that means something else to
`ingest`, which reads these tables as pictures with vectors of one's own.
A column keeps its type where all values are of one (whole numbers and fractions together are fractions), else it
is text.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from sharedspace import answers
from sharedspace.errors import BadInput
from sharedspace.home import Snapshot
from sharedspace.ingest import FILE_COLUMNS
from sharedspace.ledger import CollectionInfo
from sharedspace.records import ImageRecord, MetaValue
from sharedspace.transfer import layout

RESERVED = frozenset(
    {*FILE_COLUMNS, "files", "paths", "id", "ids", "width", "height", "space"}
    | {"vector", "vectors", "embedding", "embeddings"}
)
LARGEST = 2**63  # what does not fit 64 bits is written as text
MOST_TEXTS = 4 * 2**30  # bytes of one array of texts in the memory of who reads it


@dataclass(frozen=True, slots=True)
class Column:
    """A metadata field as a column."""

    field: str
    name: str
    kind: type[bool] | type[int] | type[float] | type[str]
    full: bool  # every image has a value

    def value(self, record: ImageRecord) -> MetaValue | None:
        """The value of an image, of the column's kind; None where it has none."""
        value = record.meta.get(self.field)
        if value is None or isinstance(value, self.kind):
            return _text(value) if isinstance(value, str) else value
        return self.kind(value)


def columns(records: Sequence[ImageRecord], unfit: str = "") -> list[Column]:
    """The metadata fields by name, as columns; `unfit` characters become underscores."""
    kinds: dict[str, set[type]] = {}
    values: dict[str, int] = {}
    for record in records:
        for field, value in record.meta.items():
            wide = isinstance(value, int) and not -LARGEST <= value < LARGEST
            kinds.setdefault(field, set()).add(str if wide else type(value))
            values[field] = values.get(field, 0) + 1
    taken, found = set(RESERVED), []
    for field in sorted(kinds):
        name = "".join("_" if char in unfit else char for char in _text(field))
        while name in taken or name in kinds.keys() - {field}:
            name = f"meta.{name}"
        taken.add(name)
        found.append(Column(field, name, _kind(kinds[field]), values[field] == len(records)))
    return found


def _kind(kinds: set[type]) -> type[bool] | type[int] | type[float] | type[str]:
    if kinds == {int, float}:
        return float
    return next(iter(kinds)) if len(kinds) == 1 else str


def write_csv(part: Path, info: CollectionInfo, snapshot: Snapshot, step: Callable[[int], None]) -> None:
    """Columns id, path, width, height and the metadata; no vectors. No cell is a formula to a spreadsheet."""
    ours = ("id", "path", "width", "height")
    more = columns(snapshot.records)
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow([*ours, *(answers.cell(column.name) for column in more)])
        for some in layout.batches(len(snapshot.records)):
            for record in snapshot.records[some]:
                row = [record.id, record.path, record.width, record.height, *(one.value(record) for one in more)]
                table.writerow(["" if value is None else answers.cell(value) for value in row])
            step(some.stop)


def write_parquet(part: Path, info: CollectionInfo, snapshot: Snapshot, step: Callable[[int], None]) -> None:
    """Columns id, path, width, height, vector (a list of d float32) and the metadata; the space in the schema."""
    import pyarrow as pa
    from pyarrow import parquet

    ours = ("id", "path", "width", "height", "vector")
    more = columns(snapshot.records)
    vector = pa.list_(pa.float32(), info.space.dimension)
    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    known = [pa.string(), pa.string(), pa.int64(), pa.int64(), vector]
    fields = [*zip(ours, known, strict=True), *((column.name, types[column.kind]) for column in more)]
    schema = pa.schema(fields, metadata={"sharedspace": _space(info)})
    with parquet.ParquetWriter(part, schema) as writer:
        for some in layout.batches(len(snapshot.records)):
            records = snapshot.records[some]
            rows = np.ascontiguousarray(snapshot.vectors[some], dtype=np.float32)
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), type=vector)
            plain = [[getattr(record, name) for record in records] for name in ours[:-1]]
            values = [[column.value(record) for record in records] for column in more]
            arrays = [*map(pa.array, plain), vectors, *map(pa.array, values, (types[one.kind] for one in more))]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            step(some.stop)


def write_npz(part: Path, info: CollectionInfo, snapshot: Snapshot, step: Callable[[int], None]) -> None:
    """Arrays vectors (n, d) float32, ids, paths, each metadata field (n,), and `space`, a text of JSON.

    NumPy has no missing value: a number is then NaN, anything else, as text, the empty one.
    Raises BadInput for texts so long that such arrays would not fit a reader's memory.
    """
    count, records = len(snapshot.records), snapshot.records
    with zipfile.ZipFile(part, "w") as archive:
        with _array(archive, "vectors", "<f4", snapshot.vectors.shape) as out:
            for some in layout.batches(count):
                out.write(np.ascontiguousarray(snapshot.vectors[some], dtype="<f4").tobytes())
                step(some.stop)
        _texts(archive, "ids", [record.id for record in records])
        _texts(archive, "paths", [_text(record.path) for record in records])
        _texts(archive, "space", [_space(info)], shape=())
        for column in columns(records, unfit="/\\\0"):
            values = [column.value(record) for record in records]
            if column.kind is str or (column.kind is bool and not column.full):
                _texts(archive, column.name, ["" if value is None else str(value) for value in values])
            else:
                kind = column.kind if column.full else float  # a gap turns whole numbers into floats: NaN is one
                array = np.array([np.nan if value is None else value for value in values], dtype=kind)
                with _array(archive, column.name, array.dtype.str, array.shape) as out:
                    out.write(array.tobytes())


def _texts(archive: zipfile.ZipFile, name: str, texts: Sequence[str], shape: tuple[int, ...] | None = None) -> None:
    """An array of texts, each as wide as the longest; one after the other, since together they may not fit."""
    width = 4 * max(1, *map(len, texts))  # bytes
    if width * len(texts) > MOST_TEXTS:
        raise BadInput(
            f"{name!r} holds texts of up to {width // 4:,} characters: too long for NumPy's arrays. "
            "Export as .parquet, or the whole collection as .zip."
        )
    with _array(archive, name, f"<U{width // 4}", (len(texts),) if shape is None else shape) as out:
        for text in texts:
            out.write(text.encode("utf-32-le").ljust(width, b"\0"))


@contextmanager
def _array(archive: zipfile.ZipFile, name: str, dtype: str, shape: tuple[int, ...]) -> Iterator[IO[bytes]]:
    member = zipfile.ZipInfo(f"{name}.npy")  # of 1980: the same content gives the same bytes
    member.compress_type = zipfile.ZIP_STORED if dtype == "<f4" else zipfile.ZIP_DEFLATED
    with archive.open(member, "w", force_zip64=True) as out:
        out.write(layout.header(dtype, shape))
        yield out


def _space(info: CollectionInfo) -> str:
    scale = {"logit_scale": info.space.logit_scale, "logit_bias": info.space.logit_bias}
    return json.dumps({**answers.collection(info.name, info.space, info.images), **scale})


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # other programs take no lone surrogates
