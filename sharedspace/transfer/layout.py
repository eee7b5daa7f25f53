"""What stands in the zip of a collection, and how rows are cut into pieces that fit in memory.

manifest.json    version, name, space, counts, the texts kept on the map and how it was drawn, saved queries, views,
                 label sets and classifiers by kind and name, the sha256 of SHA256SUMS
SHA256SUMS       of every other member, as `sha256sum --check` reads it
vectors.npy      (n, d) float32 unit rows, by id
images.jsonl     one image a line, by id: id, path, names, width, height, meta; xy and late where it is on the map;
                 tags, and by field the values given to it here, where it has any
texts.npy        (m, d) float32: the vectors of the manifest's texts
thumbs/ID        the thumbnails that there are
originals/ID     the bytes of the pictures, where they were kept and asked for

Drawing, tags, given values, the space's logit bias and what was saved came later than the rest: where they are
missing there are none, and an earlier program reads all the others as before (a manifest above 4 MB it refuses as too
long). So the version is still 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np

from sharedspace import filters, questions
from sharedspace.errors import BadInput
from sharedspace.ingest.items import MOST_NAME
from sharedspace.ledger.marks import Kind, as_value, named
from sharedspace.records import Meta

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
MOST_MANIFEST = 16 * 2**20  # bytes: ids of 200,000 images in saved views; 27 times as much memory at the worst
MOST_LINE = 8 * 2**20  # bytes of one image's line
MOST_ENTRIES = 10**6  # members
PER_ENTRY = 160  # bytes of the zip's table of contents that a member takes at most
MOST_TEXT = MOST_NAME  # characters of a name or path
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_TAGS = 1000  # of one image: half a million rows of the ledger in a batch
MOST_GIVEN = 1000  # fields of one image, as many
MOST_SAVED = 1000  # of each kind: a page lists them all
MOST_BODY = 8 * 2**20  # bytes of one as JSON: a view may name 50,000 images twice, as selected and as searched within
MOST_LEVELS = 8  # of lists and objects in each other: a view has 4, and what reads it recurses
LONGEST_VECTOR = 1e6  # of a query: scores stay finite in float32


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


# -- what people put on a collection: each raises BadInput with what is wrong


def tags(found: Any) -> tuple[str, ...]:
    """The tags of an image, as they are kept."""
    if not isinstance(found, list) or len(found) > MOST_TAGS:
        raise BadInput(f"the tags of an image are a list of at most {MOST_TAGS:,}")
    for tag in found:
        _check_name(tag, "tag")
    return tuple(found)


def given(found: Any) -> Meta:
    """The values that were given to an image, by field, as they are kept."""
    if not isinstance(found, dict) or len(found) > MOST_GIVEN:
        raise BadInput(f"the values given to an image are a JSON object of at most {MOST_GIVEN:,} fields")
    for field, value in found.items():
        if filters.new_field(field) != field:
            raise BadInput(f"{field[:80]!r} is no name of a field as it is kept, on one line and without outer space")
        if as_value(field, value) is None:
            raise BadInput(f"{field[:80]!r} was given without a value")
    return found


def saved(found: Any, dimension: int) -> dict[Kind, dict[str, dict[str, Any]]]:
    """What was saved by kind and name, in a space of that dimension; other kinds are left out."""
    if not isinstance(found, dict):
        raise BadInput("what was saved is no JSON object")
    bodies: dict[Kind, dict[str, dict[str, Any]]] = {kind: found.get(kind, {}) for kind in KINDS}
    for kind, by_name in bodies.items():
        if not isinstance(by_name, dict) or len(by_name) > MOST_SAVED:
            raise BadInput(f"what was saved of kind {kind} is a JSON object of at most {MOST_SAVED:,} names")
        for name, body in by_name.items():
            _check_name(name, f"name of a saved {kind}")
            try:
                _check_body(kind, body, dimension)
            except (BadInput, OverflowError) as error:  # of an integer that is no float
                raise BadInput(f"the saved {kind} {name!r}: {str(error).removesuffix('.')}") from error
    return bodies


def _check_name(text: Any, what: str) -> None:
    if not isinstance(text, str):
        raise BadInput(f"a {what} is a text, not {type(text).__name__}")
    if named(text, what) != text:
        raise BadInput(f"{text[:80]!r} is no {what} as it is kept, on one line and without outer space")


def _check_body(kind: Kind, body: Any, dimension: int) -> None:
    if not isinstance(body, dict) or not _is_within(body, MOST_LEVELS):
        raise BadInput(f"it is not a JSON object of at most {MOST_LEVELS} levels")
    try:
        size = len(json.dumps(body, ensure_ascii=False, allow_nan=False).encode())
    except ValueError as error:
        raise BadInput(f"it holds what cannot be stored ({error})") from error
    if size > MOST_BODY:
        raise BadInput(f"it has {size:,} bytes, over the limit of {MOST_BODY:,}")
    if kind == "query" or (kind == "view" and "parts" in body):
        for part in questions.of(body.get("parts")):
            if part.vector and (len(part.vector) != dimension or math.hypot(*part.vector) > LONGEST_VECTOR):
                raise BadInput(f"a picture of a query has {dimension} numbers of ordinary size")


def _is_within(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is None or (levels > 0 and all(_is_within(one, levels - 1) for one in inner))
