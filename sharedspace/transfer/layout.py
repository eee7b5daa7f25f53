"""What stands in the zip of a collection, and how rows are cut into pieces that fit in memory.

manifest.json    version, name, space, counts, the texts kept on the map, the sha256 of SHA256SUMS
SHA256SUMS       of every other member, as `sha256sum --check` reads it
vectors.npy      (n, d) float32 unit rows, by id
images.jsonl     one image a line, by id: id, path, names, width, height, meta; xy and late where it is on the map
texts.npy        (m, d) float32: the vectors of the manifest's texts
thumbs/ID        the thumbnails that there are
originals/ID     the bytes of the pictures, where they were kept and asked for
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sharedspace.ingest.items import MOST_NAME

KIND = "sharedspace collection"
VERSION = 1
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
VECTORS, IMAGES, TEXTS = "vectors.npy", "images.jsonl", "texts.npy"
SINGLE = (MANIFEST, SUMS, VECTORS, IMAGES, TEXTS)
THUMBS, ORIGINALS = "thumbs/", "originals/"
BATCH = 500  # images that are in memory together at most
LINES = 8 * 2**20  # bytes of the lines of those
# What an import takes, and an export therefore never exceeds. An image may have 100 names, and metadata of several
# ingests; a character is up to 12 bytes.
MOST_MANIFEST = 4 * 2**20  # bytes
MOST_LINE = 8 * 2**20  # bytes of one image's line
MOST_ENTRIES = 10**6  # members
PER_ENTRY = 160  # bytes of the zip's table of contents that a member takes at most
MOST_TEXT = MOST_NAME  # characters of a name or path


def batches(count: int) -> Iterator[slice]:
    """The rows 0 to count in pieces of BATCH."""
    return (slice(start, min(start + BATCH, count)) for start in range(0, count, BATCH))


def npy(rows: np.ndarray) -> Iterator[bytes]:
    """The pieces of a .npy file of rows (n, d) as float32."""
    yield header("<f4", rows.shape)
    for some in batches(len(rows)):
        yield np.ascontiguousarray(rows[some], dtype="<f4").tobytes()


def header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """The head of a .npy file of an array."""
    import io

    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue()
