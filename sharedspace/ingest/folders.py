"""Folders with all folders in them, in a fixed order; links are told of and not followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from sharedspace import images
from sharedspace.errors import Unreadable
from sharedspace.ingest.items import LINK, NESTED, Item, Source, as_text, is_candidate, read_file, refusal
from sharedspace.ingest.tables import TABLES, Beside, read_table_file, unreadable
from sharedspace.records import Meta, Rejected

SHARDS = (".tar", ".tgz", ".zip", ".parquet", ".npz")  # a folder of these, and of no pictures, is a source of many


def walk(one: Source, table: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    """The pictures of a folder with their metadata, each refused file with its reason."""
    found = (PurePosixPath(path.relative_to(one.path)).parent for path in files(one.path) if isinstance(path, Path))
    beside, seen = Beside(table, found), set()
    for path in files(one.path):
        if isinstance(path, Rejected):
            yield Rejected(as_text(one.within(path.item)), path.reason)
            continue
        inner = PurePosixPath(path.relative_to(one.path).as_posix())
        name = one.within(inner.as_posix())
        for parent in inner.parents if beside.wanted else ():
            if parent not in seen:
                seen.add(parent)
                yield from _table(one, parent, beside)
        if reason := refusal(inner):
            yield Rejected(
                as_text(name), "an archive in the folder: give it by its own name" if reason == NESTED else reason
            )
        else:
            yield read_file(path, name, beside.of(inner))


def files(folder: Path, wanted: Callable[[PurePosixPath], bool] = is_candidate) -> Iterator[Path | Rejected]:
    """The wanted files in a folder and its folders by name; of what cannot be entered its path within, and the reason.

    Hidden files and folders are passed over.
    """
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        inner = path.relative_to(folder).as_posix()
        try:
            if path != folder and path.is_symlink() and path.is_dir():
                yield Rejected(inner, LINK)
            elif path.is_dir():
                shown = (entry for entry in path.iterdir() if not entry.name.startswith("."))
                waiting.extend(sorted(shown, reverse=True))
            elif wanted(PurePosixPath(path.name)):
                yield path
        except OSError as error:
            yield Rejected(inner, f"the folder cannot be read ({error.strerror})")


def _table(one: Source, folder: PurePosixPath, beside: Beside) -> Iterator[Rejected]:
    """Take up the table of one folder; what is yielded is why it, or a line of it, cannot be read."""
    for kind in TABLES:
        path = one.path / folder / kind
        if path.is_symlink() or not path.is_file():
            continue
        name = one.within((folder / kind).as_posix())
        try:
            bad: list[Rejected] = []
            beside.add(folder, read_table_file(path, name, bad), name)
            yield from bad
        except Unreadable as error:
            yield unreadable(error)


def shards(one: Source) -> list[Source]:
    """The archives and tables in a folder that holds them instead of pictures, by name; none where it holds pictures.

    Of a tar and a Parquet file of one name it is the tar: the other holds its metadata. What the tables name may not
    leave the folder: the user named the folder, and not the tables.
    """
    found: list[Path] = []
    for path in files(one.path, lambda path: path.suffix.lower() in images.SUFFIXES or path.suffix.lower() in SHARDS):
        if isinstance(path, Rejected) or path.name in TABLES:
            continue
        if path.suffix.lower() in images.SUFFIXES:
            return []
        if not path.is_symlink() and path.is_file():
            found.append(path)
    tars = {path.with_suffix("") for path in found if path.suffix.lower() == ".tar"}
    return [
        Source(path, one.within(as_text(path.relative_to(one.path).as_posix())), reach=one.path)
        for path in found
        if path.suffix.lower() != ".parquet" or path.with_suffix("") not in tars
    ]
