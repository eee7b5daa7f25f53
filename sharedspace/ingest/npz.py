"""NPZ files of vectors row by row, so that no array has to fit into memory; never a pickle."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from sharedspace import limits
from sharedspace.errors import Unreadable
from sharedspace.ingest.zips import DAMAGED, opened

VECTORS = ("vectors", "embeddings", "vector", "embedding")
VECTOR = ""  # the key of a row's vector: no array can be called so
MOST = 100  # arrays
ROWS = 1024  # that are read at a time at most
AT_ONCE = 8 * 2**20  # bytes that the rows read at a time may take
MOST_NUMBERS = 2**16  # of one vector


class _Array:
    """One array of an NPZ, read forward in blocks of rows."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name = file, name
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise Unreadable(name, f"an array of format {version[0]}.{version[1]} is not read")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        self.shape, self.by_columns, self.kind = read(file)
        if min(self.shape, default=0) < 0:
            raise Unreadable(name, f"an array of the shape {self.shape}")
        self._whole: np.ndarray | None = None
        self._row = 0

    def take(self, rows: int) -> np.ndarray:
        """The next rows, (rows, ...)."""
        self._row += rows
        if self.by_columns and len(self.shape) > 1:  # its rows stand apart: only the whole gives one
            if self._whole is None:
                if reason := limits.current().file(math.prod(self.shape) * self.kind.itemsize):
                    raise Unreadable(self.name, f"it stands by columns, and as a whole {reason}: save it by rows")
                self._whole = self._read(math.prod(self.shape)).reshape(self.shape, order="F")
            return self._whole[self._row - rows : self._row]
        return self._read(rows * math.prod(self.shape[1:])).reshape(rows, *self.shape[1:])

    def _read(self, numbers: int) -> np.ndarray:
        size = numbers * self.kind.itemsize
        data = self.file.read(size)
        if len(data) != size:
            raise Unreadable(self.name, "cut short")
        return np.frombuffer(data, self.kind)


def shape(path: Path, name: str) -> tuple[int, int]:
    """Count and dimension of the vectors, (n, d); raises Unreadable."""
    with ExitStack() as stack:
        rows, dimension = _arrays(path, name, stack)[VECTOR].shape
        return rows, dimension


def objects(path: Path, name: str) -> list[str]:
    """The arrays of Python objects, which only a pickle would give and which are not read; raises Unreadable."""
    with ExitStack() as stack:
        return [key for key, array in _all(path, name, stack).items() if array.kind.hasobject]


def rows(path: Path, name: str) -> Iterator[dict[str, Any]]:
    """Each row: its vector (d,) float32 under VECTOR, and the cells of all arrays of one dimension and equal length."""
    with ExitStack() as stack:
        arrays = _arrays(path, name, stack)
        n = arrays[VECTOR].shape[0]
        try:
            row = sum(math.prod(array.shape[1:]) * array.kind.itemsize for array in arrays.values())
            at_once = max(1, min(ROWS, AT_ONCE // row))
            for start in range(0, n, at_once):
                blocks = {key: array.take(min(at_once, n - start)) for key, array in arrays.items()}
                cells = {key: _cells(block) for key, block in blocks.items() if key != VECTOR}
                with np.errstate(over="ignore"):  # what is too large for 32 bits becomes inf, and is refused as such
                    vectors = blocks[VECTOR].astype(np.float32)
                for row, vector in enumerate(vectors):
                    yield {VECTOR: vector, **{key: values[row] for key, values in cells.items()}}
        except (*DAMAGED, NotImplementedError, RuntimeError) as error:
            raise Unreadable(name, f"damaged ({error})") from error


def _arrays(path: Path, name: str, stack: ExitStack) -> dict[str, _Array]:
    """The vectors under VECTOR and all arrays that go with them, open at their first row."""
    found = _all(path, name, stack)
    chosen = next((key for key in VECTORS if key in found), "")
    if not chosen or len(found[chosen].shape) != 2 or found[chosen].kind.kind not in "fiu":
        raise Unreadable(name, "an NPZ of vectors needs an array named 'vectors' or 'embeddings', (n, d) of numbers")
    vectors = found.pop(chosen)
    if not 0 < vectors.shape[1] <= MOST_NUMBERS:
        raise Unreadable(name, f"vectors of {vectors.shape[1]:,} numbers: 1 to {MOST_NUMBERS:,} is the limit")
    beside = {key: array for key, array in found.items() if array.shape == vectors.shape[:1] and _is_read(array.kind)}
    return {**beside, VECTOR: vectors}


def _all(path: Path, name: str, stack: ExitStack) -> dict[str, _Array]:
    try:
        archive = stack.enter_context(opened(path, name))
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")][:MOST]
        if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in members):
            # Of 4 kB, which zipfile reads at least, bzip2 makes gigabytes.
            raise Unreadable(name, "it is packed in another way than NumPy has: save it with numpy.savez_compressed")
        keys = [info.filename.removesuffix(".npy") for info in members]
        return {
            key: _Array(stack.enter_context(archive.open(info)), f"{name}/{key}")
            for key, info in zip(keys, members, strict=True)
        }
    except (*DAMAGED, NotImplementedError, RuntimeError) as error:
        raise Unreadable(name, f"the NPZ cannot be read ({error})") from error


def _is_read(kind: np.dtype[Any]) -> bool:
    return kind.kind in "biufUSM" and kind.itemsize <= 2**16  # objects would need a pickle, which is code


def _cells(block: np.ndarray) -> list[Any]:
    if block.dtype.kind == "M":
        return [None if np.isnat(value) else str(value) for value in block]
    if block.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in block.tolist()]
    return list(block.tolist())
