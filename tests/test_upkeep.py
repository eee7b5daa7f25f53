"""`collections verify`: each thing that a crash or a hand leaves is found, named and mended."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from drawn import png

from sharedspace.testing import load_fake
from sharedspace.workspace import Workspace


@pytest.fixture
def filled(tmp_path: Path, pictures: Path) -> Iterator[Workspace]:
    """A home whose files are an hour old, opened now."""
    first = Workspace(tmp_path / "home", load=load_fake)
    first.ingest("plain", [pictures], "fake")
    first.verify("plain")
    first.close()
    age(tmp_path / "home")
    opened = Workspace(tmp_path / "home", load=load_fake)
    yield opened
    opened.close()


def age(folder: Path) -> None:
    hour_ago = time.time() - 3600
    for path in folder.rglob("*"):
        os.utime(path, (hour_ago, hour_ago))


def thumbs(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (workspace.home.path / "thumbs").glob("*/*")}


def mended(workspace: Workspace) -> tuple[str, ...]:
    """What was mended; and then nothing is left to mend."""
    found = workspace.verify("plain")
    assert found.problems == ()
    again = workspace.verify("plain")
    assert (again.rebuilt, again.mended, again.problems) == (False, (), ())
    return found.mended


def test_a_home_in_order_is_left_as_it_is(filled: Workspace):
    before = thumbs(filled)
    assert mended(filled) == ()

    assert thumbs(filled) == before
    assert len(before) == 6


def test_thumbnails_are_made_anew_from_the_picture_where_it_still_is(filled: Workspace):
    before = thumbs(filled)
    for path in list((filled.home.path / "thumbs").glob("*/*"))[:4]:
        path.unlink()

    assert mended(filled) == ("4 thumbnails were missing and were made anew",)
    assert thumbs(filled) == before


def test_thumbnails_are_made_anew_from_the_kept_bytes_though_the_picture_is_gone(filled: Workspace, pictures: Path):
    filled.ingest("plain", [pictures], "fake", keep=True)
    before = thumbs(filled)
    shutil.rmtree(pictures)
    shutil.rmtree(filled.home.path / "thumbs")

    assert mended(filled) == ("6 thumbnails were missing and were made anew",)
    assert thumbs(filled) == before


def test_a_picture_that_is_now_another_makes_no_thumbnail_and_is_told(filled: Workspace, pictures: Path):
    (red,) = [record for record in filled.collection("plain").snapshot().records if record.path.endswith("red.png")]
    filled.home.thumbnail(red.id).unlink()
    for other in (png("blue"), b"", None):
        (pictures / "red.png").unlink(missing_ok=True)
        if other is not None:
            (pictures / "red.png").write_bytes(other)
        found = filled.verify("plain")
        assert found.problems == (
            f"1 images have no thumbnail, and their pictures are not where they were ({pictures / 'red.png'}): "
            "add them again from where they are now.",
        )
        assert filled.home.thumbnail(red.id) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_a_picture_is_not_waited_for(filled: Workspace, pictures: Path):
    shutil.rmtree(filled.home.path / "thumbs")
    for picture in pictures.iterdir():
        picture.unlink()
        os.mkfifo(picture)

    assert "6 images have no thumbnail" in filled.verify("plain").problems[0]


def test_files_without_an_image_and_parts_of_files_that_an_earlier_process_left_are_deleted(filled: Workspace):
    before = thumbs(filled)
    left = [
        filled.home.path / "thumbs" / "aa" / ("a" * 64),
        filled.home.path / "originals" / "bb" / ("b" * 64),
        filled.home.path / "thumbs" / "cc" / ("c" * 64 + ".1-2.part"),
        filled.home.path / "snapshots" / "1-1.1-2.part",
        filled.home.path / "incoming" / "upload" / "picture.png",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left")
    age(filled.home.path)

    assert mended(filled) == ("3 files of pictures that no collection holds were deleted",)
    assert not any(path.exists() for path in left)
    assert thumbs(filled) == before


def test_the_files_of_a_batch_that_is_on_its_way_are_left_alone(filled: Workspace):
    """They stand before the ledger knows their images; also those that an earlier, stopped ingest had written."""
    old, new = "d" * 64, "e" * 64
    filled.home.write("thumbs", old, b"from before")
    age(filled.home.path / "thumbs")
    filled.home.write("thumbs", new, b"now")
    filled.home.write("thumbs", old, b"wanted anew")

    assert mended(filled) == ()
    assert {old, new} <= thumbs(filled).keys()


@pytest.mark.parametrize("damage", ["lost", "too many", "other metadata", "gone"])
def test_an_index_that_claims_the_right_revision_is_compared_image_by_image(filled: Workspace, damage: str):
    collection = filled.collection("plain")
    snapshot, number = collection.snapshot(), collection.info.number
    with filled.home.owned() as store:
        match damage:
            case "lost":
                store.remove(number, snapshot.ids[:2])
            case "too many":
                extra = type(snapshot.records[0])("f" * 64, "x.png", 1, 1)
                store.add(number, [extra], snapshot.vectors[:1])
            case "other metadata":
                store._find(number).update(ids=[snapshot.ids[0]], metadatas=[{"path": "elsewhere.png"}])
            case _:
                store.drop(number)
        if damage != "gone":
            assert store.revision(number) == snapshot.revision
    found = filled.verify("plain")

    assert found.rebuilt
    assert "and was brought up to date" in found.mended[0]
    with filled.home.owned() as store:
        assert {id: meta["path"] for id, meta in store.shown(number).items()} == {
            record.id: record.path for record in snapshot.records
        }
    assert mended(filled) == ()


def test_an_index_that_holds_other_vectors_is_built_anew(filled: Workspace):
    collection = filled.collection("plain")
    snapshot, number = collection.snapshot(), collection.info.number
    with filled.home.owned() as store:
        store._find(number).update(ids=list(snapshot.ids), embeddings=snapshot.vectors[::-1].copy())

    assert mended(filled) == ("the index held other vectors than the ledger and was built anew",)
    best = collection.search_vector("q", snapshot.vectors[2], 1, index="chroma").hits[0]
    assert best.id == snapshot.ids[2]


def test_a_snapshot_that_holds_other_vectors_is_made_anew(filled: Workspace):
    (path,) = (filled.home.path / "snapshots").glob("*.npy")
    right = np.load(path)
    np.save(path, right[::-1])

    assert mended(filled) == ("the snapshot held other vectors than the ledger and was made anew",)
    assert np.array_equal(filled.collection("plain").snapshot().vectors, right)


def test_the_index_of_a_deleted_collection_is_deleted(filled: Workspace, pictures: Path):
    filled.ingest("other", [pictures], "fake")
    filled.home.ledger.delete(filled.collection("other").info.number)  # a kill before the index was dropped

    assert mended(filled) == ("the index of a deleted collection was deleted",)
    with filled.home.owned() as store:
        assert store.numbers() == [filled.collection("plain").info.number]


def test_an_index_that_cannot_be_had_is_told_and_the_rest_is_mended(tmp_path: Path, pictures: Path, filled: Workspace):
    filled.close()
    shutil.rmtree(filled.home.path / "thumbs")
    away = Workspace(filled.home.path, load_fake, "http://127.0.0.1:9")
    found = away.verify("plain")
    away.close()

    assert found.mended == ("6 thumbnails were missing and were made anew",)
    assert found.problems[0].startswith("No Chroma server answers at http://127.0.0.1:9")
