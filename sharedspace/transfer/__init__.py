"""Whole collections on their way: out into a file, in from one, and into a copy."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from sharedspace import images, projection
from sharedspace.errors import BadInput, Cancelled, EmptyCollection, IndexUnavailable, NoSpace
from sharedspace.home import Home, Snapshot
from sharedspace.ledger import require_same
from sharedspace.records import Exported, ImageRecord, Imported, MetaValue, Progress, Space
from sharedspace.transfer import layout, pack, pictures, tables
from sharedspace.transfer.unpack import Archive, Batch, Manifest, Point

log = logging.getLogger("sharedspace")

TABLES = {".parquet": tables.write_parquet, ".npz": tables.write_npz, ".csv": tables.write_csv}
ZIP = ".zip"

OnProgress = Callable[[Progress], None]
AskCancelled = Callable[[], bool]


def export(
    home: Home, number: int, path: Path, originals: bool, on_progress: OnProgress, cancelled: AskCancelled
) -> Exported:
    """Write a collection to a file, in the format that its name ends in; whole or not at all.

    Raises BadInput where it cannot be written, EmptyCollection, and Cancelled, after which nothing is there.
    """
    ending = path.suffix.lower()
    if ending != ZIP and ending not in TABLES:
        raise BadInput(f"{path} cannot be written: its name has to end in {' or '.join([ZIP, *TABLES])}.")
    if originals and ending != ZIP:
        raise BadInput(f"{path} cannot hold originals: only a {ZIP} can.")
    snapshot = home.filed(number) if ending == ZIP else home.snapshot(number)
    total = len(snapshot.records)
    info = replace(home.ledger.info(number), images=total)  # an ingest may just have added more
    if total == 0:
        raise EmptyCollection(info.name)

    def step(done: int) -> None:
        if cancelled():
            raise Cancelled(f"The export was stopped: {path} was not written.")
        on_progress(Progress(done, total))

    thumbs = kept = 0
    with _whole(path) as part:
        if ending == ZIP:
            thumbs, kept = pack.write(part, home, info, snapshot, originals, step)
        else:
            TABLES[ending](part, info, snapshot, step)
    return Exported(str(path), ending[1:], total, path.stat().st_size, thumbs, kept)


def export_some(
    home: Home,
    number: int,
    path: Path,
    ids: Collection[str],
    columns: Mapping[str, Mapping[str, MetaValue]],
    on_progress: OnProgress,
    cancelled: AskCancelled,
) -> Exported:
    """Write some images of a collection: a table, with further `columns` by image id, or a .zip of their pictures.

    Raises BadInput where it cannot be written or holds nothing, and Cancelled, after which nothing is there.
    """
    ending, snapshot = path.suffix.lower(), home.snapshot(number)
    if ending != ZIP and ending not in TABLES:
        raise BadInput(f"{path} cannot be written: its name has to end in {' or '.join([ZIP, *TABLES])}.")
    rows = [row for row, id in enumerate(snapshot.ids) if id in ids]
    if not rows:
        raise BadInput("None of these images is in the collection any more: select others.")
    records = tuple(_with(snapshot.records[row], columns) for row in rows)
    some = Snapshot(snapshot.revision, records, snapshot.vectors[rows])
    info = replace(home.ledger.info(number), images=len(rows))

    def step(done: int) -> None:
        if cancelled():
            raise Cancelled(f"The export was stopped: {path} was not written.")
        on_progress(Progress(done, len(rows)))

    thumbs = kept = 0
    with _whole(path) as part:
        if ending == ZIP:
            thumbs, kept = pictures.write(part, home, records, step)
        else:
            TABLES[ending](part, info, some, step)
    return Exported(str(path), ending[1:], len(rows), path.stat().st_size, thumbs, kept)


def _with(record: ImageRecord, columns: Mapping[str, Mapping[str, MetaValue]]) -> ImageRecord:
    """An image with further columns; one that has a value of that name keeps it."""
    more = {name: values[record.id] for name, values in columns.items() if record.id in values}
    return replace(record, meta={**more, **record.meta})


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file beside, which takes the place of `path` when it is complete and on disk."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NoSpace(path.parent, shutil.disk_usage(path.parent).free) from error
        raise BadInput(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            part.unlink()


def import_(home: Home, path: Path, name: str | None, on_progress: OnProgress, cancelled: AskCancelled) -> Imported:
    """Read an exported collection into one of that name (its own where None is given), made if it is not there.

    Everything is checked before anything is written; then each batch is durable before the next begins, so that
    an import that was stopped is completed by running it again. What the home has already stays as it is:
    vectors, thumbnails and originals by their id, what is saved by its name, a value given to an image, and the map of
    a collection that holds other images too, as it was drawn. Tags are merged: an image then has those of here and
    those that came; so are given values, one of here before one that came.
    Raises Unreadable for a file that is damaged or not ours, SpaceMismatch for a collection of another model,
    and Cancelled, after which the batches that were taken are there.
    """
    if path.suffix.lower() in TABLES:
        raise BadInput(f"{path} is a table: `ingest` takes pictures and vectors from one, `import` reads a {ZIP}.")
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file.")
    with closing(Archive(path)) as archive:
        manifest = archive.manifest
        name = manifest.name if name is None else name
        with home.owned():  # who may not write hears it before the long look
            space = _local(home, name, manifest.space)
        done, total = 0, 2 * manifest.images  # each is looked at, then taken

        def told(batches: Iterator[Batch]) -> Iterator[Batch]:
            nonlocal done
            for batch in batches:
                if cancelled():
                    raise Cancelled(f"The import of {path} was stopped: run it again to complete it.")
                yield batch
                done += len(batch.records)
                on_progress(Progress(done, total))

        points = _look(home, archive, told(archive.batches()))
        number = _begin(home, archive, name, space)
        added = _take(home, archive, number, told(archive.batches()))
        _keep_map(home, number, points, manifest, added)
    return Imported(name, manifest.images, added, manifest.images - added, space)


def _local(home: Home, name: str, given: Space) -> Space:
    """The space under the name by which its model is loaded here; raises SpaceMismatch."""
    known = home.ledger.collections()
    for info in known:
        if info.name == name:
            require_same(info.space, given)
    for info in known:
        if info.space.fingerprint == given.fingerprint:
            _require_dimension(info.space, given)
            return info.space
    return given


def _begin(home: Home, archive: Archive, name: str, space: Space) -> int:
    """The collection that takes it in, with the texts of the map: its number."""
    texts, manifest = archive.texts(), archive.manifest
    with home.owned():
        number = home.ledger.ensure(name, space)
        try:
            _require_dimension(home.ledger.info(number).space, space)  # of a space that no collection was left of
        except BadInput:
            home.delete(number)
            raise
        home.ledger.remember(space, manifest.texts, texts)
        anchors = dict.fromkeys([*home.ledger.anchors(number), *manifest.anchors])
        home.ledger.set_anchors(number, list(anchors))
        home.ledger.marks.save_new(number, manifest.saved)
    return number


def _require_dimension(have: Space, given: Space) -> None:
    if have.dimension != given.dimension:
        raise BadInput(
            f"What is to be imported says that vectors of {have.model} have {given.dimension} numbers, "
            f"and here they have {have.dimension}: it is not what that model gave."
        )


def _look(home: Home, archive: Archive, batches: Iterator[Batch]) -> list[Point]:
    """Check all that will be taken; the points of the map."""
    points: list[Point] = []
    for batch in batches:
        for record in batch.records:
            if home.thumbnail(record.id) is None:
                archive.picture(layout.THUMBS, record.id)
            if home.original(record.id) is None:
                archive.picture(layout.ORIGINALS, record.id)
        points += batch.points
    return points


def _take(home: Home, archive: Archive, number: int, batches: Iterator[Batch]) -> int:
    """Bring in pictures, then the images that they belong to; how many were new."""
    added = 0
    with home.growing(number):
        for batch in batches:
            home.check_room(archive.size(batch))
            for record in batch.records:
                if home.thumbnail(record.id) is None and (picture := archive.picture(layout.THUMBS, record.id)):
                    home.write("thumbs", record.id, images.thumbnail(picture.image))  # never a stranger's bytes
                if home.original(record.id) is None and (data := archive.data(layout.ORIGINALS, record.id)):
                    home.write("originals", record.id, data)
            added += home.record(number, batch.records, batch.vectors)
            home.ledger.marks.put_tags(number, batch.tags)
            home.ledger.marks.put_given(number, batch.given)
            home.refresh(number)
    return added


def _keep_map(home: Home, number: int, points: list[Point], manifest: Manifest, added: int) -> None:
    """Keep the map that came, where there is none, or one of a part that was drawn while the import went on."""
    info = home.ledger.info(number)
    completed = added > 0 and info.images == manifest.images
    if points and (completed or home.ledger.map(number) is None):
        xy = np.array([point.xy for point in points], dtype=np.float32)
        late = [point.id for point in points if point.late]
        ids = [point.id for point in points]
        home.ledger.save_map(number, projection.named(ids, xy, info.revision, late, manifest.drawing))


def copy(home: Home, number: int, new: str, on_progress: OnProgress, ids: Collection[str] | None = None) -> int:
    """A collection of its own with the same images, metadata, tags, map, texts and saved things: its number.

    It embeds nothing. With `ids` only those images with their tags and given values, and the texts: what a map shows
    apart, one of its own shows better, and what was saved may name other images.
    Raises BadInput where there is one of that name.
    """
    with home.owned():
        info, snapshot = home.ledger.info(number), home.filed(number)
        for other in home.ledger.collections():  # an empty one may be left of a copy that was cut off
            if other.name == new and (other.images or other.space != info.space or other.number == number):
                raise BadInput(f"There is a collection named {new!r} already: choose another name.")
        made = home.ledger.ensure(new, info.space)
        rows = [row for row, id in enumerate(snapshot.ids) if ids is None or id in ids]
        _copy_marks(home, number, made, {snapshot.ids[row] for row in rows}, whole=ids is None)
        # Last the images, all at once: a copy that has any has everything.
        home.ledger.add(made, [snapshot.records[row] for row in rows], snapshot.vectors[rows])
    try:
        home.index(made, on_progress)
    except IndexUnavailable as error:  # the copy is there; whoever asks the index brings it up to date
        log.warning("%s", error)
    return made


def _copy_marks(home: Home, number: int, made: int, ids: Collection[str], whole: bool) -> None:
    """Texts, and what was put on those images, into another collection; of a `whole` one also saved things and map."""
    ledger = home.ledger
    ledger.set_anchors(made, ledger.anchors(number))
    tags = ledger.marks.tags(number)
    ledger.marks.put_tags(made, {id: own for id, own in tags.items() if id in ids})
    given = ledger.marks.given(number).items()
    ledger.marks.put_given(
        made, {field: {id: value for id, value in of_field.items() if id in ids} for field, of_field in given}
    )
    if not whole:
        return
    ledger.marks.save_new(made, {kind: ledger.marks.saved(number, kind) for kind in layout.KINDS})
    drawn = ledger.map(number)
    if drawn is not None:
        ledger.save_map(made, replace(drawn, revision=ledger.info(made).revision))
