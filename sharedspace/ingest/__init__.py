"""From sources (folders, files, archives, tables, datasets) to pictures with metadata, each refusal with its reason."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal

from sharedspace import images
from sharedspace.errors import BadInput, Unreadable
from sharedspace.ingest import folders, hub, lists, npz, parquet, tars, zips
from sharedspace.ingest.items import MOST_META, MOST_NAME, NESTED, OTHER, Item, Source, as_text, read_file
from sharedspace.ingest.matching import match
from sharedspace.ingest.tables import FILE_COLUMNS, TABLES, characters, read_table, read_table_file
from sharedspace.records import Meta, Rejected

__all__ = [
    "FILE_COLUMNS",
    "TABLES",
    "Item",
    "Source",
    "count",
    "match",
    "own_dimension",
    "read_table",
    "read_table_file",
    "source",
    "walk",
]

Kind = Literal["folder", "dataset", "zip", "tar", "npz", "parquet", "table", "file"]


def source(given: str | Path | Source) -> Source:
    """A source from a path, or from `hf:` and the name of a dataset; raises BadInput when there is nothing there."""
    if isinstance(given, str) and given.startswith(hub.PREFIX):
        hub.check(given)
        return Source(Path(), as_text(given), dataset=given.removeprefix(hub.PREFIX))
    found = given if isinstance(given, Source) else Source(Path(given), str(given))
    found = replace(found, name=as_text(found.name))
    if not found.dataset and not os.path.exists(found.path):
        raise BadInput(f"{found.name}: there is no such file or folder.")
    return found


def _kind(one: Source) -> Kind:
    """What a source is, by its first bytes, or by the end of its name where these do not tell."""
    if one.dataset:
        return "dataset"
    if one.path.is_dir():
        return "dataset" if hub.is_saved(one.path) else "folder"
    if not one.path.is_file():
        return "file"  # to open a named pipe would wait for ever; to read it as a file is refused
    suffix = PurePosixPath(one.name).suffix.lower()
    head = _head(one.path)
    if head.startswith(b"PK") or suffix in (".zip", ".npz"):
        return "npz" if suffix == ".npz" else "zip"
    if head.startswith(b"PAR1") or suffix == ".parquet":
        return "parquet"
    if suffix in images.SUFFIXES or not head:
        return "file"
    if suffix in (".csv", ".tsv", ".jsonl"):
        return "table"
    return "tar" if tars.is_tar(head, one.name) else "file"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(512)
    except OSError:
        return b""  # the walk will tell


def _parts(sources: Iterable[Source]) -> Iterator[tuple[Kind, Source]]:
    """The sources by kind, a folder of archives as these."""
    for one in sources:
        kind = _kind(one)
        shards = folders.shards(one) if kind == "folder" else []
        if shards:
            yield from ((_kind(shard), shard) for shard in shards)
        elif kind == "dataset" and not one.dataset:
            yield kind, replace(one, reach=one.path)
        else:
            yield kind, one


def count(sources: Iterable[Source]) -> int | None:
    """How many files `walk` will come to; None where to know it were to read it all."""
    total = 0
    for kind, one in _parts(sources):
        found = _count(kind, one)
        if found is None:
            return None
        total += found
    return total


def _count(kind: Kind, one: Source) -> int | None:
    try:
        match kind:
            case "folder":
                return sum(1 for _ in folders.files(one.path))
            case "zip":
                return zips.count(one)
            case "tar":
                return tars.count(one)
            case "npz":
                return npz.shape(one.path, one.name)[0]
            case "parquet":
                return parquet.columns(one.path, one.name).rows
            case "table":
                return lists.count_text_table(one)
            case "dataset":
                return None
            case "file":
                return 1
    except Unreadable:
        return 1  # the refusal


def walk(sources: Iterable[Source], table: Mapping[str, Meta] | None = None) -> Iterator[Item | Rejected]:
    """Each file or row of the sources in a fixed order: its bytes and metadata, or why it cannot be taken.

    Metadata comes from `table` (by file name), else from what stands beside the pictures: a labels.csv, metadata.csv,
    metadata.jsonl or metadata.parquet, the other cells of a row, or class folders. At most one file's bytes are held
    at a time, in a tar those of one sample. Raises BadInput for a dataset that cannot be loaded.
    """
    for found in _walk(sources, table):
        yield from _bounded(found)


def _bounded(found: Item | Rejected) -> Iterator[Item | Rejected]:
    """What was found, with no more text than an export of it may hold; what is left out is told."""
    name = found.name if isinstance(found, Item) else found.item
    short = name if len(name) <= MOST_NAME else f"{name[:300]}…"
    if isinstance(found, Rejected):
        yield replace(found, item=short)
    elif name != short:
        yield Rejected(short, f"its name of {len(name):,} characters is over the limit of {MOST_NAME:,}")
    elif (length := characters(found.meta)) > MOST_META:
        yield Rejected(
            name, f"its metadata is left out: {length:,} characters are over the limit of {MOST_META:,} for one picture"
        )
        yield replace(found, meta={})
    else:
        yield found


def _walk(sources: Iterable[Source], table: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    for kind, one in _parts(sources):
        match kind:
            case "folder":
                yield from folders.walk(one, table)
            case "zip":
                yield from zips.walk(one, table)
            case "tar":
                yield from tars.walk(one, table)
            case "npz":
                yield from lists.npz_table(one, table)
            case "parquet":
                yield from lists.parquet_table(one, table)
            case "table":
                yield from lists.text_table(one, table)
            case "dataset":
                yield from hub.walk(one, table)
            case "file":
                yield _file(one, table)


def _file(one: Source, table: Mapping[str, Meta] | None) -> Item | Rejected:
    path = PurePosixPath(one.name)
    reason = OTHER.get(path.suffix.lower())
    if reason is not None and one.path.is_file():
        return Rejected(one.name, "no archive that is read here: unpack it first" if reason == NESTED else reason)
    return read_file(one.path, one.name, dict((table or {}).get(path.name, {})))


def own_dimension(sources: Iterable[Source]) -> int | None:
    """The dimension of the vectors that the sources bring, None where they bring none.

    Raises BadInput where only some bring vectors, or of different dimensions.
    """
    found: dict[int | None, str] = {}
    for kind, one in _parts(sources):
        try:
            if kind == "npz":
                found.setdefault(npz.shape(one.path, one.name)[1], one.name)
            elif kind == "parquet":
                found.setdefault(parquet.columns(one.path, one.name).dimension, one.name)
            else:
                found.setdefault(None, one.name)
        except Unreadable:
            continue  # it brings nothing, and the walk tells why
    if len(found) > 1:
        told = [f"{as_text(name)} brings {_told(dimension)}" for dimension, name in found.items()]
        raise BadInput(f"{', '.join(told)}: add sources with vectors of one dimension by themselves.")
    return next(iter(found), None)


def _told(dimension: int | None) -> str:
    return "no vectors" if dimension is None else f"vectors of {dimension} numbers"
