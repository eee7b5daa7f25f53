"""Tables about pictures that are in a collection: which row speaks of which image."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from sharedspace import limits
from sharedspace.errors import BadInput, Unreadable
from sharedspace.ingest import parquet
from sharedspace.ingest.items import as_text
from sharedspace.ingest.tables import FILE_COLUMNS, PER_ROW, Row, characters, file_column, metadata, text_rows
from sharedspace.records import ImageRecord, Meta, Rejected

ID = "id"
KEYS = (*FILE_COLUMNS, ID)
SEVERAL = ""  # stands where an id would, for a name of more than one image
Told = tuple[str, str, Meta]  # the id that a row has, its file name, and all else


def match(data: bytes, name: str, records: Sequence[ImageRecord]) -> tuple[dict[str, Meta], list[Rejected]]:
    """What a table (CSV, JSON lines, Parquet, by the end of its name) says of images, by id; and of which rows not.

    A row names its image by id, or as `ingest --meta` has it by a file name, with as many of its folders as are
    given; of two that name the same the later counts. Raises Unreadable, and BadInput where no row names an image.
    """
    refused: list[Rejected] = []
    rows = list(_told(_rows(data, name), name, refused))
    whole, ends = _by_name(records, {_plain(file).count("/") for _, file, _ in rows})
    known = {record.id for record in records}
    found: dict[str, Meta] = {}
    for own, file, meta in rows:
        called = _plain(file)
        id = own if own in known else whole.get(called, ends.get(called))
        if id:
            found[id] = {**found.get(id, {}), **meta}
        else:
            reason = (
                "several images have that name: give more of the path" if id == SEVERAL else "no image of that name"
            )
            refused.append(Rejected(as_text(file or own), reason))
    if not found:
        first = f"; its first row names {rows[0][1] or rows[0][0]!r}" if rows else ""
        raise BadInput(
            f"{name} names no image of this collection: a column {', '.join(KEYS[:-1])} or {ID} has to hold each "
            f"image's path, file name or id, such as {records[0].path!r}{first}."
        )
    return found, refused


def _rows(data: bytes, name: str) -> Iterator[Row | Rejected]:
    if reason := limits.current().file(len(data)):
        raise Unreadable(name, reason)
    if name.lower().endswith(".parquet"):
        return iter(parquet.rows(io.BytesIO(data), name))
    text = data.decode("utf-8-sig", "replace")
    return text_rows(io.StringIO(text, newline=""), name, KEYS)


def _told(rows: Iterable[Row | Rejected], name: str, refused: list[Rejected]) -> Iterator[Told]:
    key, size, most = "", 0, limits.current()
    for row in rows:
        if isinstance(row, Rejected):
            refused.append(row)
            continue
        key = key or file_column(row, name, KEYS)
        own, file = str(row.get(ID) or ""), str(row.get(key) or "")
        if own or file:
            meta = metadata(row, *KEYS)
            size += PER_ROW + len(own) + len(file) + characters(meta)
            if reason := most.file(size):
                raise Unreadable(name, f"its rows take more memory than a table may: {reason}")
            yield own, file if key != ID else "", meta


def _by_name(records: Sequence[ImageRecord], depths: set[int]) -> tuple[dict[str, str], dict[str, str]]:
    """Ids by whole path, and by its end with so many folders; SEVERAL for what more than one image is called."""
    whole: dict[str, str] = {}
    ends: dict[str, str] = {}
    for record in records:
        for path in (record.path, *record.names):
            plain = _plain(path)
            parts = plain.split("/")
            _note(whole, plain, record.id)
            for depth in depths:
                if depth < len(parts):
                    _note(ends, "/".join(parts[-depth - 1 :]), record.id)
    return whole, ends


def _note(table: dict[str, str], name: str, id: str) -> None:
    table[name] = id if table.get(name, id) == id else SEVERAL


def _plain(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).as_posix()
