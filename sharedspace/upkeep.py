"""What a crash or a hand left in a home: found, and mended from the ledger."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sharedspace import images, limits
from sharedspace.errors import IndexUnavailable, Unreadable
from sharedspace.home import Home
from sharedspace.records import ImageRecord, Progress, Verified

SAMPLE = 200  # vectors of the index that are compared with the ledger's
CLOSE = 1e-4  # by which two copies of a vector may differ: Chroma scales its rows by itself


def verify(home: Home, number: int, on_progress: Callable[[Progress], None] = lambda progress: None) -> Verified:
    """Compare all that is kept of a collection with the ledger, and mend it; raises HomeInUse."""
    mended: list[str] = []
    problems: list[str] = []
    with home.owned():  # nobody else may be writing
        home.clear_incoming()
    _mend_snapshot(home, number, mended)
    _mend_pictures(home, number, mended, problems)
    _sweep(home, mended)
    rebuilt = False
    try:
        rebuilt = _mend_index(home, number, mended, on_progress)
    except IndexUnavailable as error:
        problems.append(str(error))
    return Verified(home.ledger.info(number).images, rebuilt, tuple(mended), tuple(problems))


def _mend_index(home: Home, number: int, mended: list[str], on_progress: Callable[[Progress], None]) -> bool:
    """Files, count, ids and metadata of the index, and a sample of its vectors, against the ledger."""
    with home.owned() as store:
        store.close()  # the files are looked at when it opens
        alive = {info.number for info in home.ledger.collections()}
        for other in store.numbers():
            if other not in alive:
                store.drop(other)
                mended.append("the index of a deleted collection was deleted")
        behind = store.revision(number) != home.ledger.info(number).revision
        wrong = home.compare_index(number)
        if not behind and not wrong and _vectors_differ(home, number):
            home.reindex(number, on_progress)
            mended.append("the index held other vectors than the ledger and was built anew")
            return True
    home.index(number, on_progress)
    if wrong:
        mended.append(f"the index lacked or misnamed {wrong:,} images and was brought up to date")
    elif behind:
        mended.append("the index did not show the ledger's last revision and was brought up to date")
    return bool(wrong or behind)


def _vectors_differ(home: Home, number: int) -> bool:
    snapshot = home.snapshot(number)
    rows = np.random.default_rng().permutation(len(snapshot.records))[:SAMPLE]
    with home.owned() as store:
        found = store.vectors(number, [snapshot.ids[row] for row in rows])
    return not all(
        snapshot.ids[row] in found and np.allclose(found[snapshot.ids[row]], snapshot.vectors[row], atol=CLOSE)
        for row in rows
    )


def _mend_snapshot(home: Home, number: int, mended: list[str]) -> None:
    ids, rows = home.ledger.matrix(number)
    snapshot = home.snapshot(number)
    if list(snapshot.ids) == ids and not np.array_equal(snapshot.vectors, rows):
        home.forget_snapshot(number)
        mended.append("the snapshot held other vectors than the ledger and was made anew")


def _mend_pictures(home: Home, number: int, mended: list[str], problems: list[str]) -> None:
    """Rows without a thumbnail: made from the kept original, or from the source while it is the same file."""
    bare = [
        record for record in home.ledger.records(number) if record.width and home.thumbnail(record.id) is None
    ]  # what came as a vector alone has no size, and no picture
    lost = [record for record in bare if not _remake(home, record)]
    if len(lost) < len(bare):
        mended.append(f"{len(bare) - len(lost):,} thumbnails were missing and were made anew")
    if lost:
        problems.append(
            f"{len(lost):,} images have no thumbnail, and their pictures are not where they were "
            f"({lost[0].path}): add them again from where they are now."
        )


def _remake(home: Home, record: ImageRecord) -> bool:
    for path in (home.original(record.id), Path(record.path), *map(Path, record.names)):
        data = None if path is None else _read(path)
        if data is None or images.fingerprint(data) != record.id:
            continue
        try:
            home.write("thumbs", record.id, images.thumbnail(images.decode(data, record.path).image))
        except Unreadable:
            continue
        return True
    return False


def _read(path: Path) -> bytes | None:
    """The bytes of a plain file of a size that a picture may have."""
    try:
        found = path.lstat()
        # The path is a text of whoever added the picture: a pipe would be waited for, a disk read to its end.
        plain = stat.S_ISREG(found.st_mode) and not limits.current().file(found.st_size)
        return path.read_bytes() if plain else None
    except (OSError, ValueError):
        return None


def _sweep(home: Home, mended: list[str]) -> None:
    """Files of images that no collection holds, and parts of files."""
    with home.owned():
        numbers = [info.number for info in home.ledger.collections()]
        held = {record.id for number in numbers for record in home.ledger.records(number)}
        held.update(id for number in numbers for id in home.ledger.removed(number))  # could be put back
        gone = home.sweep("thumbs", held.__contains__) + home.sweep("originals", held.__contains__)
    if gone:
        mended.append(f"{gone:,} files of pictures that no collection holds were deleted")
