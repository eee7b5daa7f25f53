"""Ledger, index and snapshots stay in step, whatever was lost; one process writes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from drawn import unit_rows

from sharedspace.errors import BadInput, HomeInUse, ModelUnavailable
from sharedspace.home import Home, default_path
from sharedspace.records import ImageRecord, Space
from sharedspace.testing import FakeEncoder, load_fake

SPACE = Space("ffff", "one", 4, 100.0)
ROWS = unit_rows(40, 4, seed=5)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path / "home", load=load_fake)
    yield opened
    opened.close()


def record(row: int, path: str = "", **meta: str | int | float | bool) -> ImageRecord:
    return ImageRecord(f"{row:064x}", path or f"{row}.png", 1, 1, meta)


def put(home: Home, number: int, *rows: int, path: str = "", **meta: str | int | float | bool) -> int:
    return home.record(number, [record(row, path, **meta) for row in rows], ROWS[list(rows)])


def straight(home: Home, number: int, *rows: int) -> None:
    """What a process leaves that ends between the ledger's transaction and the index."""
    home.ledger.add(number, [record(row) for row in rows], ROWS[list(rows)])


def shown(home: Home, number: int) -> dict[str, dict]:
    """What other programs see in the index: metadata by id."""
    with home.owned() as store:
        found = store._find(number)
        got = {"ids": [], "metadatas": []} if found is None else found.get(include=["metadatas"])
    return dict(zip(got["ids"], got["metadatas"], strict=True))


def expected(home: Home, number: int) -> dict[str, dict]:
    return {one.id: {"path": one.path, **one.meta} for one in home.ledger.records(number)}


def test_index_and_snapshot_equal_the_ledger_under_random_changes(home: Home):
    rng = np.random.default_rng(0)
    numbers = [home.ledger.ensure(name, SPACE) for name in ("first", "second")]
    for step in range(60):
        number = numbers[rng.integers(2)]
        rows = [int(row) for row in rng.choice(40, rng.integers(1, 8), replace=False)]
        match rng.integers(10):
            case 0:
                home.delete(number)
                numbers[numbers.index(number)] = number = home.ledger.ensure(f"again {step}", SPACE)
            case 1 | 2 | 3:
                home.remove(number, [record(row).id for row in rows])
            case 4:
                put(home, number, *rows, path=f"other name {step}", note=f"step {step}", n=step)
            case 5:
                straight(home, number, *rows)
                home.index(number)
            case _:
                put(home, number, *rows)

        snapshot = home.snapshot(number)
        held = sorted(expected(home, number))
        assert list(snapshot.ids) == held
        assert np.array_equal(snapshot.vectors, ROWS[[int(id, 16) for id in held]])
        home.index(number)
        assert shown(home, number) == expected(home, number)
        if held:
            query = unit_rows(1, 4, seed=step)[0]
            order = np.argsort(-(snapshot.vectors @ query))[:5]
            found = home.index(number).query(number, query, min(5, len(held)))
            assert [id for id, _ in found] == [held[row] for row in order]


def test_a_second_name_of_an_image_does_not_change_the_path_that_the_index_shows(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, path="first.png", who="me")
    put(home, number, 1, path="second.png", mood="good")

    assert expected(home, number)[record(1).id] == {"path": "first.png", "who": "me", "mood": "good"}
    assert shown(home, number) == expected(home, number)


def test_chromas_folder_can_be_deleted_and_everything_still_answers(tmp_path: Path):
    with closing(Home(tmp_path, load=load_fake)) as first:
        number = first.ledger.ensure("first", SPACE)
        put(first, number, 1, 2, 3, who="me")
    shutil.rmtree(tmp_path / "chroma")

    with closing(Home(tmp_path, load=load_fake)) as again:
        assert len(again.snapshot(number).ids) == 3
        assert len(again.index(number).query(number, ROWS[2], 3)) == 3
        assert shown(again, number) == expected(again, number)


def test_a_damaged_index_is_built_anew(tmp_path: Path):
    with closing(Home(tmp_path, load=load_fake)) as first:
        number = first.ledger.ensure("first", SPACE)
        put(first, number, 1, 2, 3)
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"not a database at all" * 1000)

    with closing(Home(tmp_path, load=load_fake)) as again:
        assert [id for id, _ in again.index(number).query(number, ROWS[2], 1)] == [record(2).id]
        put(again, number, 4)
        assert shown(again, number) == expected(again, number)


def test_an_index_left_behind_by_one_revision_is_brought_up_to_date_when_asked(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2)
    straight(home, number, 3)
    assert len(shown(home, number)) == 2

    assert [id for id, _ in home.index(number).query(number, ROWS[3], 1)] == [record(3).id]
    assert shown(home, number) == expected(home, number)


def test_an_index_left_behind_is_brought_up_to_date_by_the_next_batch(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2)
    straight(home, number, 3)
    put(home, number, 4)

    assert shown(home, number) == expected(home, number)


def test_an_index_left_behind_is_not_called_up_to_date_by_a_removal(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2)
    straight(home, number, 3)
    home.remove(number, [record(1).id])

    home.index(number)
    assert shown(home, number) == expected(home, number)


def test_images_removed_behind_the_index_do_not_come_back_with_the_next_batch(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2)
    home.ledger.remove(number, [record(1).id, record(2).id])
    put(home, number, 3)

    home.index(number)
    assert shown(home, number).keys() == {record(3).id}


def test_a_snapshot_is_shared_until_the_collection_changes(home: Home):
    number = home.ledger.ensure("first", SPACE)
    empty = home.snapshot(number)
    assert empty.vectors.shape == (0, 4)
    put(home, number, 2, 1)
    first = home.snapshot(number)
    assert home.snapshot(number) is first
    assert not first.vectors.flags.writeable
    put(home, number, 3)
    second = home.snapshot(number)

    assert (first.ids, len(second.ids)) == ((record(1).id, record(2).id), 3)
    assert np.array_equal(first.vectors, ROWS[[1, 2]])  # whoever still reads it reads what it was
    assert len(list((home.path / "snapshots").glob("*.npy"))) == 1


def test_a_snapshots_rows_belong_to_its_records_though_another_process_writes_meanwhile(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 5, 6)
    other = Home(home.path, load=load_fake)
    read = home.ledger.records

    def records_then_a_write(asked: int) -> list[ImageRecord]:
        found = read(asked)
        if len(found) == 2:
            straight(other, number, 1)
        return found

    monkeypatch.setattr(home.ledger, "records", records_then_a_write)
    snapshot = home.snapshot(number)
    other.close()
    assert home.ledger.info(number).images == 3
    assert np.array_equal(snapshot.vectors, ROWS[[int(id, 16) for id in snapshot.ids]])


def test_the_snapshots_folder_can_be_deleted(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2)
    home.snapshot(number)
    shutil.rmtree(home.path / "snapshots")

    with closing(Home(home.path, load=load_fake)) as again:
        assert np.array_equal(again.snapshot(number).vectors, ROWS[[1, 2]])


def test_files_are_kept_by_id_and_a_part_is_never_seen(home: Home):
    id = record(7).id
    assert home.thumbnail(id) is None
    home.write("thumbs", id, b"small")
    home.write("thumbs", id, b"not again")
    home.write("originals", id, b"large")

    kept = home.thumbnail(id)
    assert kept is not None
    assert kept.read_bytes() == b"small"
    assert home.original(id).read_bytes() == b"large"
    assert len([path for path in home.path.rglob("*") if path.suffix == ".part"]) == 0


@pytest.mark.parametrize("id", ["", "../../etc/passwd", "a" * 63, "A" * 64, "/" + "a" * 63, "a" * 64 + "\n", "é" * 64])
def test_what_is_no_id_never_becomes_a_path(home: Home, id: str):
    with pytest.raises(BadInput, match="is not the id of an image"):
        home.thumbnail(id)
    with pytest.raises(BadInput, match="is not the id of an image"):
        home.write("originals", id, b"")


def test_the_default_home_is_the_one_of_the_environment_else_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SHAREDSPACE_HOME", str(tmp_path / "mine"))
    assert default_path() == tmp_path / "mine"
    monkeypatch.delenv("SHAREDSPACE_HOME")
    assert "sharedspace" in default_path().name


def test_a_model_is_loaded_once_and_one_that_failed_is_tried_again(tmp_path: Path):
    asked = []

    def load(name: str) -> FakeEncoder:
        asked.append(name)
        if len(asked) == 1:
            raise ModelUnavailable("no network")
        return FakeEncoder(name)

    with closing(Home(tmp_path, load=load)) as home:
        with pytest.raises(ModelUnavailable, match="no network"):
            home.encoder("m")
        assert home.encoder("m") is home.encoder("m")
    assert asked == ["m", "m"]


HOLD = """
import sys
from sharedspace.home import Home
home = Home(sys.argv[1])
with home.owned():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """Another process that owns tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_with_the_process_that_holds_the_home(tmp_path: Path, held: subprocess.Popen):
    with closing(Home(tmp_path, load=load_fake)) as home:
        number = home.ledger.ensure("first", SPACE)
        for write in (
            lambda: put(home, number, 1),
            lambda: home.remove(number, []),
            lambda: home.delete(number),
            lambda: home.index(number),
        ):
            with pytest.raises(HomeInUse, match=rf"\(process {held.pid}\): close that one"):
                write()
        assert home.ledger.info(number).images == 0


def test_a_reader_is_let_in_beside_a_writer_and_leaves_it_its_claim(tmp_path: Path, held: subprocess.Popen):
    with closing(Home(tmp_path, load=load_fake)) as reader:
        assert reader.ledger.collections() == []
    assert (tmp_path / "lock").read_text() == str(held.pid)


def test_a_home_is_free_again_when_its_writer_was_killed(tmp_path: Path, held: subprocess.Popen):
    held.kill()
    held.wait()

    with closing(Home(tmp_path, load=load_fake)) as home:
        put(home, home.ledger.ensure("first", SPACE), 1)
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_closed_home_lets_the_next_one_of_the_same_process_write(tmp_path: Path):
    for row in (1, 2):
        with closing(Home(tmp_path, load=load_fake)) as home:
            put(home, home.ledger.ensure("first", SPACE), row)

            assert home.ledger.info(1).images == row
