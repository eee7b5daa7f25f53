"""Parquet files row by row: cells of their own types, pictures as bytes, vectors as arrays."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sharedspace.errors import Unreadable

VECTORS = ("vector", "embedding", "vectors", "embeddings")
ROWS = 1024  # that are read at a time; of pictures fewer
PICTURES = 8


@dataclass(frozen=True, slots=True)
class Columns:
    """What a Parquet file holds, by the names of its columns."""

    names: tuple[str, ...]
    rows: int
    vector: str | None  # lists of numbers
    dimension: int | None  # of the vectors; the commonest length where the file does not fix it
    picture: str | None  # bytes, or Hugging Face's {bytes, path}


@contextmanager
def _opened(given: Path | BinaryIO, name: str) -> Iterator[Any]:
    """The open file, from a path or from its bytes; whatever pyarrow raises of it becomes Unreadable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Read in pieces: a column of pictures may be larger than memory.
        with pq.ParquetFile(given, buffer_size=2**20, pre_buffer=False) as opened:
            yield opened
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(name, f"the Parquet file cannot be read ({_first_line(error)})") from error


def columns(given: Path | BinaryIO, name: str) -> Columns:
    """What is in a Parquet file; raises Unreadable."""
    with _opened(given, name) as opened:
        schema = opened.schema_arrow
        vector = next((column for column in VECTORS if column in schema.names and _is_vector(schema, column)), None)
        picture = next((field.name for field in schema if _is_picture(field.type)), None)
        dimension = None if vector is None else _dimension(opened, vector)
        return Columns(tuple(schema.names), opened.metadata.num_rows, vector, dimension, picture)


def rows(given: Path | BinaryIO, name: str, also: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries; raises Unreadable where the file is damaged.

    Columns of bytes and of vectors are left out but for those in `also`: a vector comes as a (d,) array or None,
    a picture as bytes or as {bytes, path}. Class labels of Hugging Face come as their names.
    """
    with _opened(given, name) as opened:
        schema = opened.schema_arrow
        heavy = {field.name for field in schema if _is_picture(field.type)}
        vectors = {column for column in VECTORS if column in schema.names and _is_vector(schema, column)}
        wanted = [column for column in schema.names if column in also or column not in heavy | vectors]
        labels = class_names(schema.metadata)
        at_once = PICTURES if heavy & set(also) else ROWS
        for batch in opened.iter_batches(at_once, columns=wanted, use_threads=False):
            cells = {column: _cells(batch.column(column), column in vectors, labels.get(column)) for column in wanted}
            for row in range(len(batch)):
                yield {column: values[row] for column, values in cells.items()}


def class_names(metadata: dict[bytes, bytes] | None) -> dict[str, dict[int, str]]:
    """The names of Hugging Face's class labels, by column and number, from a schema's metadata."""
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {
            column: dict(enumerate(map(str, feature["names"])))
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, LookupError, TypeError, AttributeError):  # anybody may have written it
        return {}


def _is_vector(schema: Any, column: str) -> bool:
    import pyarrow.types as kinds

    kind = schema.field(column).type
    listed = kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind)
    return bool(listed and (kinds.is_floating(kind.value_type) or kinds.is_integer(kind.value_type)))


def _is_picture(kind: Any) -> bool:
    import pyarrow.types as kinds

    if kinds.is_struct(kind):
        return "bytes" in {kind.field(i).name for i in range(kind.num_fields)}
    return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind))


def _dimension(opened: Any, column: str) -> int | None:
    fixed = getattr(opened.schema_arrow.field(column).type, "list_size", None)
    if fixed is not None:
        return int(fixed)
    for batch in opened.iter_batches(ROWS, columns=[column], use_threads=False):
        lengths = Counter(len(cell) for cell in batch.column(0) if cell.is_valid)
        return lengths.most_common(1)[0][0] if lengths else None
    return None


def _cells(column: Any, vectors: bool, labels: dict[int, str] | None) -> list[Any]:
    if vectors:
        return [_vector(cell) for cell in column]
    values: list[Any] = column.to_pylist()
    return [labels.get(value) for value in values] if labels else values  # -1: not known


def _vector(cell: Any) -> np.ndarray | None:
    if not cell.is_valid:
        return None
    return np.asarray(cell.values.to_numpy(zero_copy_only=False), dtype=np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
