"""Ledger, index and snapshots stay in step, whatever was lost; one process writes."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chroma import ChromaServer
from drawn import unit_rows

from sharedspace.errors import BadInput, Cancelled, HomeInUse, IndexUnavailable, ModelUnavailable, NoSpace
from sharedspace.home import Home, default_path
from sharedspace.ledger import Ledger
from sharedspace.records import ImageRecord, Progress, Space
from sharedspace.store import CHUNK
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
        return dict(store.shown(number))


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
    read = Ledger.records

    def records_then_a_write(ledger: Ledger, asked: int) -> list[ImageRecord]:
        found = read(ledger, asked)
        if len(found) == 2:
            straight(other, number, 1)
        return found

    monkeypatch.setattr(Ledger, "records", records_then_a_write)
    snapshot = home.snapshot(number)
    other.close()
    assert home.ledger.info(number).images == 3
    assert np.array_equal(snapshot.vectors, ROWS[[int(id, 16) for id in snapshot.ids]])


def test_given_values_are_in_a_snapshots_metadata_and_its_matrix_is_the_same(home: Home):
    number = home.ledger.ensure("one", SPACE)
    put(home, number, 0, 1, 2, label="file")
    filed = home.snapshot(number)
    assert home.filed(number) is filed  # nothing given: nothing made
    assert filed.edition == (1, 0)
    ids = filed.ids

    home.ledger.marks.give(number, {"note": {ids[0]: "mine", ids[2]: 3}, "label": {ids[1]: "given"}})
    merged = home.snapshot(number)
    assert [one.meta for one in merged.records] == [
        {"label": "file", "note": "mine"},
        {"label": "given"},
        {"label": "file", "note": 3},
    ]
    assert [replace(one, meta={}) for one in merged.records] == [replace(one, meta={}) for one in filed.records]
    assert merged.vectors is filed.vectors
    assert merged.edition == (1, 1)
    assert home.snapshot(number) is merged
    assert home.filed(number) is filed
    assert [one.meta for one in filed.records] == [{"label": "file"}] * 3
    assert expected(home, number) == shown(home, number)  # the index is of the files alone

    put(home, number, 3)
    assert [one.meta for one in home.snapshot(number).records][1:] == [
        {"label": "given"},
        {"label": "file", "note": 3},
        {},
    ]
    home.ledger.marks.take_back(number, "note")
    home.ledger.marks.take_back(number, "label")
    assert home.snapshot(number).records == home.filed(number).records
    home.forget_snapshot(number)
    assert home.snapshot(number).records == home.filed(number).records


def test_while_a_collection_grows_what_is_given_is_seen_at_once_and_new_images_later(home: Home):
    number = home.ledger.ensure("one", SPACE)
    put(home, number, 0)
    home.snapshot(number)
    with home.growing(number):
        put(home, number, 1)
        home.ledger.marks.give(number, {"note": {record(0).id: "a", record(1).id: "b"}})
        assert [one.meta for one in home.snapshot(number).records] == [{"note": "a"}]
        assert [one.meta for one in home.take_snapshot(number).records] == [{"note": "a"}, {"note": "b"}]
    assert [one.meta for one in home.snapshot(number).records] == [{"note": "a"}, {"note": "b"}]


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
            with pytest.raises(HomeInUse, match=rf"\(process {held.pid}, -c\): close that one"):
                write()
        assert home.ledger.info(number).images == 0


def test_a_reader_is_let_in_beside_a_writer_and_leaves_it_its_claim(tmp_path: Path, held: subprocess.Popen):
    with closing(Home(tmp_path, load=load_fake)) as reader:
        assert reader.ledger.collections() == []
    assert (tmp_path / "lock").read_text().startswith(f"{held.pid}, ")


def test_a_home_is_free_again_when_its_writer_was_killed(tmp_path: Path, held: subprocess.Popen):
    held.kill()
    held.wait()

    with closing(Home(tmp_path, load=load_fake)) as home:
        put(home, home.ledger.ensure("first", SPACE), 1)
        assert (tmp_path / "lock").read_text().startswith(f"{os.getpid()}, ")


def test_a_closed_home_lets_the_next_one_of_the_same_process_write(tmp_path: Path):
    for row in (1, 2):
        with closing(Home(tmp_path, load=load_fake)) as home:
            put(home, home.ledger.ensure("first", SPACE), row)

            assert home.ledger.info(1).images == row


# -- an index that is behind


def test_an_ingest_after_a_crash_is_held_up_by_one_chunk_a_batch_and_the_rest_is_put_in_when_asked(home: Home):
    rows = unit_rows(3 * CHUNK, 4)
    number = home.ledger.ensure("first", SPACE)
    home.ledger.add(number, [record(row) for row in range(len(rows) - 1)], rows[:-1])
    home.record(number, [record(len(rows) - 1)], rows[-1:])
    assert 0 < len(shown(home, number)) <= CHUNK

    events: list[Progress] = []
    assert home.index(number, events.append).query(number, rows[7], 1)[0][0] == record(7).id
    assert shown(home, number) == expected(home, number)
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert events[-1].done == events[-1].total


def test_an_interrupted_rebuild_goes_on_where_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    rows = unit_rows(4 * CHUNK, 4)
    with closing(Home(tmp_path, load=load_fake)) as first:
        number = first.ledger.ensure("first", SPACE)
        first.ledger.add(number, [record(row) for row in range(len(rows))], rows)
        with pytest.raises(KeyboardInterrupt):
            first.index(number, interrupted_at(2 * CHUNK))
        assert len(shown(first, number)) == 2 * CHUNK

    caplog.clear()
    with closing(Home(tmp_path, load=load_fake)) as again:
        again.index(number)
        assert f"lacks {2 * CHUNK} of {4 * CHUNK} images and is brought up to date; exact search answers" in caplog.text
        assert shown(again, number) == expected(again, number)


def interrupted_at(done: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.done >= done:
            raise KeyboardInterrupt

    return report


def test_while_the_index_is_built_others_read_and_write_between_its_steps(home: Home):
    rows = unit_rows(4 * CHUNK, 4)
    number = home.ledger.ensure("first", SPACE)
    home.ledger.add(number, [record(row) for row in range(len(rows))], rows)
    half, go = threading.Event(), threading.Event()

    def wait(progress: Progress) -> None:
        half.set()
        assert go.wait(30)

    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(home.index, number, wait)
        assert half.wait(30)
        assert len(home.snapshot(number).vectors) == len(rows)
        fresh = ImageRecord("e" * 64, "fresh.png", 1, 1, {"note": "while it was built"})
        assert home.record(number, [fresh], unit_rows(1, 4, seed=1)) == 1
        home.record(number, [record(len(rows) - 1, note="changed meanwhile")], rows[-1:])
        home.remove(number, [record(0).id, record(len(rows) - 2).id])
        go.set()
        building.result()
    assert shown(home, number) == expected(home, number)
    assert len(expected(home, number)) == len(rows) - 1


def test_a_home_that_is_closed_ends_the_work_on_its_index_between_two_steps(tmp_path: Path):
    rows = unit_rows(3 * CHUNK, 4)
    with closing(Home(tmp_path, load=load_fake)) as home:
        number = home.ledger.ensure("first", SPACE)
        home.ledger.add(number, [record(row) for row in range(len(rows))], rows)
        with pytest.raises(Cancelled, match=f"{tmp_path} was closed"):
            home.index(number, lambda progress: home.close())
    with closing(Home(tmp_path, load=load_fake)) as again:  # nothing holds it
        assert len(shown(again, number)) == CHUNK


def test_what_somebody_else_adds_while_the_index_is_built_is_not_missed(home: Home):
    rows = unit_rows(3 * CHUNK, 4)
    number = home.ledger.ensure("first", SPACE)
    home.ledger.add(number, [record(row) for row in range(2 * CHUNK)], rows[: 2 * CHUNK])
    late = [record(row) for row in range(2 * CHUNK, 3 * CHUNK)]

    home.index(number, lambda progress: home.ledger.add(number, late, rows[2 * CHUNK :]))
    assert shown(home, number) == expected(home, number)
    assert len(shown(home, number)) == 3 * CHUNK


def test_metadata_that_the_index_missed_is_found_by_comparing(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2, mood="bad")
    home.ledger.add(number, [record(1, mood="good", n=2)], ROWS[[1]])
    home.index(number)

    assert shown(home, number)[record(1).id] == {"path": "1.png", "mood": "good", "n": 2}
    assert shown(home, number) == expected(home, number)


def test_an_image_that_came_again_without_its_metadata_has_none_in_the_index(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2, mood="bad")
    home.ledger.remove(number, [record(1).id])
    straight(home, number, 1)
    home.index(number)

    assert shown(home, number)[record(1).id] == {"path": "1.png"}


def test_a_batch_need_not_wait_for_the_whole_index(home: Home):
    rows = unit_rows(10 * CHUNK, 4)
    number = home.ledger.ensure("first", SPACE)
    home.ledger.add(number, [record(row) for row in range(len(rows))], rows)
    other, begun, recorded_at = home.ledger.ensure("other", SPACE), threading.Event(), []
    steps: list[Progress] = []

    def write() -> None:
        assert begun.wait(30)
        put(home, other, 1)
        recorded_at.append(len(steps))

    def report(progress: Progress) -> None:
        steps.append(progress)
        begun.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        home.index(number, report)
        writing.result()
    assert recorded_at[0] < len(steps) == 10


# -- a server


def test_two_homes_share_a_server_and_neither_sees_the_other(tmp_path: Path, chroma_server: ChromaServer):
    url = chroma_server.url
    with (
        closing(Home(tmp_path / "a", load_fake, url)) as one,
        closing(Home(tmp_path / "b", load_fake, url, {"X-Key": "1"})) as other,
    ):
        for home, row in ((one, 1), (other, 2)):
            put(home, home.ledger.ensure("first", SPACE), row)
        assert list(shown(one, 1)) == [record(1).id]
        assert list(shown(other, 1)) == [record(2).id]
        one.delete(1)
        assert list(shown(other, 1)) == [record(2).id]
        assert not (one.path / "chroma").exists()
    with closing(Home(tmp_path / "b", load_fake, url)) as again:
        assert list(shown(again, 1)) == [record(2).id]


def test_the_servers_address_can_come_from_the_environment(tmp_path: Path, monkeypatch, chroma_server: ChromaServer):
    monkeypatch.setenv("SHAREDSPACE_CHROMA_URL", chroma_server.url)
    monkeypatch.setenv("SHAREDSPACE_CHROMA_HEADERS", "Authorization: Bearer x\nX-Key: 1")
    with closing(Home(tmp_path, load_fake)) as home:
        put(home, home.ledger.ensure("first", SPACE), 1)
        assert not (tmp_path / "chroma").exists()
        with home.owned() as store:
            assert store.numbers() == [1]
            assert store.place._headers == {"Authorization": "Bearer x", "X-Key": "1"}


def test_while_the_server_is_gone_the_ingest_goes_on_and_the_index_follows_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    server = ChromaServer(tmp_path / "server")
    server.start()
    with closing(Home(tmp_path / "home", load_fake, server.url)) as home:
        number = home.ledger.ensure("first", SPACE)
        put(home, number, 1)
        server.kill()
        for row in (2, 3, 4):
            assert put(home, number, row) == 1
        home.remove(number, [record(1).id])
        assert len(home.snapshot(number).ids) == 3
        assert sum("cannot be used just now" in line or "No Chroma server" in line for line in caplog.messages) == 1
        with pytest.raises(IndexUnavailable, match="No Chroma server answers"):
            home.index(number)

        server.start()
        monkeypatch.setattr("sharedspace.home.PAUSE", 0)
        put(home, number, 5)
        assert shown(home, number) == expected(home, number)
        assert len(shown(home, number)) == 4
    server.kill()


def test_a_collection_can_be_deleted_while_the_server_is_gone(tmp_path: Path):
    server = ChromaServer(tmp_path / "server")
    with closing(Home(tmp_path / "home", load_fake, server.url)) as home:
        number = home.ledger.ensure("first", SPACE)
        put(home, number, 1)
        home.delete(number)

        assert home.ledger.collections() == []


# -- snapshots and files


@pytest.mark.parametrize("damage", ["cut short", "empty", "of another shape", "of another type", "not an array"])
def test_a_snapshot_that_is_not_whole_is_made_anew(tmp_path: Path, damage: str):
    with closing(Home(tmp_path, load=load_fake)) as first:
        number = first.ledger.ensure("first", SPACE)
        put(first, number, 1, 2, 3)
        first.snapshot(number)
    (path,) = (tmp_path / "snapshots").glob("*.npy")
    match damage:
        case "cut short":
            os.truncate(path, path.stat().st_size - 4)
        case "empty":
            path.write_bytes(b"")
        case "of another shape":
            np.save(path, np.zeros((2, 4), np.float32))
        case "of another type":
            np.save(path, np.zeros((3, 4), np.float64))
        case _:
            path.write_bytes(b"\x80\x04cos\nsystem\n")

    with closing(Home(tmp_path, load=load_fake)) as again:
        assert np.array_equal(again.snapshot(number).vectors, ROWS[[1, 2, 3]])
        assert np.array_equal(np.load(path), ROWS[[1, 2, 3]])


def test_the_columns_of_a_snapshot_are_made_once(home: Home):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2)
    snapshot = home.snapshot(number)

    assert snapshot.ids is snapshot.ids
    assert snapshot.paths is snapshot.paths
    assert snapshot.paths == ("1.png", "2.png")


def test_an_empty_file_that_a_power_cut_left_is_none_and_is_written_anew(home: Home):
    home.write("thumbs", record(7).id, b"small")
    path = home.thumbnail(record(7).id)
    path.write_bytes(b"")
    assert home.thumbnail(record(7).id) is None

    home.write("thumbs", record(7).id, b"again")
    assert home.thumbnail(record(7).id).read_bytes() == b"again"


# -- a full disk


def test_a_batch_is_refused_before_it_begins_when_the_disk_is_nearly_full(home: Home, monkeypatch):
    put(home, home.ledger.ensure("first", SPACE), 1)
    index = sum(path.stat().st_size for path in (home.path / "chroma").rglob("*"))
    usage = shutil.disk_usage(home.path)
    needed = 3 * 10**6 + 64 * 10**6 + index
    for free, enough in ((needed - index, False), (needed + 10**6, True)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage._replace(free=free))
        if enough:
            home.check_room(10**6)
            continue
        with pytest.raises(
            NoSpace, match=r"67 MB are free, 67 MB are needed. What was done is kept: free some"
        ) as full:
            home.check_room(10**6)
        assert str(home.path) in str(full.value)
        assert full.value.free < full.value.needed


def full_disk(path: Path) -> Path:
    """What this thread writes next to a file, before it takes its name, meets a disk without room: a real one."""
    part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.symlink_to("/dev/full")
    return part


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_disk_that_fills_up_in_the_middle_is_one_sentence_and_leaves_no_part(home: Home):
    path = home.path / "thumbs" / record(7).id[:2] / record(7).id
    part = full_disk(path)
    with pytest.raises(NoSpace, match=r"is too full: .* MB are free. What was done is kept"):
        home.write("thumbs", record(7).id, b"small")
    assert not part.is_symlink()
    assert home.thumbnail(record(7).id) is None

    home.write("thumbs", record(7).id, b"small")  # there is room again
    assert home.thumbnail(record(7).id).read_bytes() == b"small"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_on_a_full_disk_search_goes_on_with_vectors_in_memory(home: Home, caplog: pytest.LogCaptureFixture):
    number = home.ledger.ensure("first", SPACE)
    put(home, number, 1, 2)
    full_disk(home.path / "snapshots" / f"{number}-1.npy")
    snapshot = home.snapshot(number)

    assert np.array_equal(snapshot.vectors, ROWS[[1, 2]])
    assert not snapshot.vectors.flags.writeable
    assert "Until then the vectors are kept in memory" in caplog.text


# -- who holds the home


def test_a_running_app_is_named_with_its_address(tmp_path: Path):
    for before in (True, False):
        with closing(Home(tmp_path, load=load_fake)) as app, closing(Home(tmp_path, load=load_fake)) as other:
            number = app.ledger.ensure("first", SPACE)
            if before:
                app.announce("http://localhost:8501")
            put(app, number, 1)
            app.announce("http://localhost:8501")
            with pytest.raises(
                HomeInUse, match=rf"\(process {os.getpid()}, .+\): use http://localhost:8501, or work in"
            ):
                other.index(number)
            with pytest.raises(HomeInUse, match=r"share an index on a Chroma server \(--chroma-url\)"):
                other.index(number)


def test_nothing_is_swept_while_pictures_are_added(home: Home):
    number = home.ledger.ensure("first", SPACE)
    home.write("thumbs", "a" * 64, b"of an earlier process")
    os.utime(home.thumbnail("a" * 64), (0, 0))
    with home.growing(number):
        assert home.sweep("thumbs", lambda id: False) == 0
    assert home.sweep("thumbs", lambda id: False) == 1
