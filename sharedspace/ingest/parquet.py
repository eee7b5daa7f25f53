"""Parquet files row by row: cells of their own types, pictures as bytes, vectors as arrays."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sharedspace import limits
from sharedspace.errors import Unreadable

VECTORS = ("vector", "embedding", "vectors", "embeddings")
ROWS = 1024  # that are read at a time at most; of pictures fewer
PICTURES = 8
AT_ONCE = 32 * 2**20  # bytes that the rows read at a time may take
BOMB = 100  # times its packed size: pictures, words and vectors are not packed so tightly
MOST_NUMBERS = 2**16  # of one vector


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
        # Texts within lists stay as few as they are stored: in one cell there may be one of them thousands of times.
        schema = pq.read_metadata(given).schema
        leaves = (schema.column(at) for at in range(len(schema)))
        listed = [leaf.path for leaf in leaves if leaf.max_repetition_level and leaf.physical_type == "BYTE_ARRAY"]
        with pq.ParquetFile(given, buffer_size=2**20, pre_buffer=False, read_dictionary=listed) as opened:
            yield opened
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(name, f"the Parquet file cannot be read ({_first_line(error)})") from error


def columns(given: Path | BinaryIO, name: str) -> Columns:
    """What is in a Parquet file; raises Unreadable."""
    with _opened(given, name) as opened:
        schema = opened.schema_arrow
        vector = next((column for column in VECTORS if column in schema.names and _is_vector(schema, column)), None)
        picture = next((field.name for field in schema if _is_picture(field.type)), None)
        dimension = None if vector is None else _dimension(opened, vector, name)
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
        at_once = min(PICTURES if heavy & set(also) else ROWS, _fitting(opened, set(wanted), name))
        for batch in opened.iter_batches(at_once, columns=wanted, use_threads=False):
            for column in wanted:
                nested = batch.column(column).type.num_fields > 0
                if nested and (reason := limits.current().file(_text_bytes(batch.column(column)))):
                    raise Unreadable(name, f"packed like a bomb: in a few cells {reason}")
            cells = {column: _cells(batch.column(column), column in vectors, labels.get(column)) for column in wanted}
            for row in range(len(batch)):
                yield {column: values[row] for column, values in cells.items()}


def _fitting(opened: Any, wanted: set[str], name: str) -> int:
    """How many rows fit into AT_ONCE, if each were as large as all that its column packs: a dictionary packs so.

    Raises Unreadable for a bomb: more than one file may hold, out of next to nothing.
    """
    worst, most = 1, limits.current()
    for number in range(opened.num_row_groups):
        group, row = opened.metadata.row_group(number), 0
        for at in range(group.num_columns):
            chunk, leaf = group.column(at), opened.schema.column(at)
            if leaf.path.split(".")[0] not in wanted:
                continue
            unpacked = max(chunk.total_uncompressed_size, 8 * chunk.num_values if leaf.max_repetition_level else 0)
            if (reason := most.file(unpacked)) and unpacked > BOMB * chunk.total_compressed_size:
                raise Unreadable(name, f"packed like a bomb: in one column {reason}")
            if leaf.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"):
                row += chunk.total_uncompressed_size
            elif leaf.max_repetition_level:
                row += 8 * math.ceil(chunk.num_values / max(1, group.num_rows))
        worst = max(worst, row)
    return max(1, AT_ONCE // worst)


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


def _dimension(opened: Any, column: str, name: str) -> int | None:
    found = getattr(opened.schema_arrow.field(column).type, "list_size", None)
    if found is None:
        at_once = min(ROWS, _fitting(opened, {column}, name))
        batch = next(opened.iter_batches(at_once, columns=[column], use_threads=False), None)
        lengths = Counter(len(cell) for cell in (() if batch is None else batch.column(0)) if cell.is_valid)
        found = lengths.most_common(1)[0][0] if lengths else None
    if found is not None and found > MOST_NUMBERS:
        raise Unreadable(name, f"vectors of {found:,} numbers are over the limit of {MOST_NUMBERS:,}")
    return found


def _text_bytes(column: Any) -> int:
    """How long all texts within lists are, each as often as it is there."""
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    if kinds.is_dictionary(column.type):
        return pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices)).as_py() or 0
    if kinds.is_struct(column.type):
        return sum(map(_text_bytes, column.flatten()))
    if kinds.is_list(column.type) or kinds.is_large_list(column.type):
        return _text_bytes(column.flatten())
    if kinds.is_map(column.type):
        return _text_bytes(column.keys) + _text_bytes(column.items)
    return 0


def _cells(column: Any, vectors: bool, labels: dict[int, str] | None) -> list[Any]:
    if vectors:
        return [_vector(cell) for cell in column]
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):  # one of them
        values = [_value(cell) for cell in column]
    return [labels.get(value) for value in values] if labels else values  # -1: not known


def _value(cell: Any) -> Any:
    """A cell as Python has it, as text where it has none: days after the year 9999, words that are not UTF-8."""
    try:
        return cell.as_py()
    except UnicodeDecodeError:  # of a cell with parts in it nothing is taken
        return cell.as_buffer().to_pybytes().decode("utf-8", "replace") if hasattr(cell, "as_buffer") else None
    except (ValueError, OverflowError):
        return str(cell.cast("string"))


def _vector(cell: Any) -> np.ndarray | None:
    if not cell.is_valid:
        return None
    return np.asarray(cell.values.to_numpy(zero_copy_only=False), dtype=np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
