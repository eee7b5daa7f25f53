"""Damage to Chroma's files is found before Chroma opens them; what is whole is never called damaged."""

import os
import pickle
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from drawn import unit_rows

from sharedspace.records import ImageRecord
from sharedspace.store import Embedded, Store, soundness

D = 16
ROWS = unit_rows(2600, D)
RECORDS = [ImageRecord(f"{row:064x}", f"{row}.png", 1, 1) for row in range(len(ROWS))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Chroma's whose index was written twice, with deleted vectors, and with rows that are only logged."""
    folder = tmp_path_factory.mktemp("whole") / "chroma"
    store = Store(Embedded(folder))
    store.add(1, RECORDS[:1500], ROWS[:1500])
    store.remove(1, [record.id for record in RECORDS[:300]])
    store.add(1, RECORDS[1500:], ROWS[1500:])
    store.remove(1, [record.id for record in RECORDS[400:420]])
    store.add(2, RECORDS[:10], ROWS[:10])
    store.mark(1, 7)
    store.close()
    assert len(list(folder.glob("*/index_metadata.pickle"))) == 1
    return folder


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "chroma"))


def segment(folder: Path) -> Path:
    return next(folder.glob("*/index_metadata.pickle")).parent


def reasons(folder: Path) -> list[str]:
    return [damage.reason for damage in soundness.damages(folder, "collection-")]


def test_a_whole_index_is_sound_and_so_is_none(copied: Path, tmp_path: Path):
    for folder in (copied, tmp_path / "nothing here"):
        assert soundness.database_problem(folder) is None
        assert soundness.damages(folder, "collection-") == []
        assert soundness.orphans(folder) == []


def patched(name: str, at: int, data: bytes) -> Callable[[Path], None]:
    def patch(folder: Path) -> None:
        with (folder / name).open("r+b") as opened:
            opened.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
            opened.write(data)

    return patch


def resized(name: str, by: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size + by)


def pickled(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        read = pickle.loads((folder / "index_metadata.pickle").read_bytes())
        change(read)
        with (folder / "index_metadata.pickle").open("wb") as opened:
            pickler = pickle.Pickler(opened, protocol=3)
            pickler.fast = True  # without back references, as Chroma writes
            pickler.dump(read)

    return rewrite


def without_first(read: dict) -> None:
    id, label = next(iter(read["id_to_label"].items()))
    del read["id_to_label"][id], read["label_to_id"][label]


def swapped(read: dict) -> None:
    """One id stands for another's vector in one of the two tables."""
    first, second = list(read["id_to_label"])[:2]
    labels = read["id_to_label"]
    labels[first], labels[second] = labels[second], labels[first]


STRIDE = 4 * 65 + 4 * D + 8  # bytes of an element: its 64 links, its vector, its label
DAMAGE = {
    "header cut short": (resized("header.bin", -4), "header.bin has 96 bytes"),
    "header of a larger index": (patched("header.bin", 20, struct.pack("<Q", 2040)), "size that 2040 vectors have"),
    "header of another dimension": (patched("header.bin", 36, struct.pack("<Q", 200)), "header.bin contradicts itself"),
    "entry point out of range": (patched("header.bin", 56, struct.pack("<I", 10**6)), "header.bin contradicts itself"),
    "vectors cut short": (resized("data_level0.bin", -STRIDE), "data_level0.bin is not of the size"),
    "lengths cut short": (resized("length.bin", -4), "length.bin is not of the size"),
    "links of terabytes": (resized("link_lists.bin", 2**42), "link_lists.bin is not of a size"),
    "links cut short": (resized("link_lists.bin", -4), "link_lists.bin ends too early"),
    "links too long": (resized("link_lists.bin", 132), "link_lists.bin ends too late"),
    "links of garbage": (patched("link_lists.bin", 0, b"\x99\x99\x99\x99"), "link_lists.bin holds an impossible list"),
    "link to nowhere": (
        patched("data_level0.bin", 4, b"\xff\xff\xff\x7f"),
        "data_level0.bin links to what is not there",
    ),
    "more links than room": (patched("data_level0.bin", 0, b"\xff\x00"), "data_level0.bin links to what is not there"),
    "vector of no number": (patched("data_level0.bin", 4 * 65, b"\x00\x00\xc0\x7f"), "holds what is no vector"),
    "a label twice": (patched("data_level0.bin", STRIDE - 8, struct.pack("<Q", 2)), "names other vectors"),
    "pickle cut short": (resized("index_metadata.pickle", -100), "index_metadata.pickle cannot be read"),
    "pickle gone": (lambda folder: (folder / "index_metadata.pickle").unlink(), "index_metadata.pickle is missing"),
    "pickle that lost an id": (pickled(without_first), "names other vectors"),
    "pickle whose tables differ": (pickled(swapped), "index_metadata.pickle contradicts itself"),
    "folder gone": (shutil.rmtree, "its files are gone"),
    "a file gone": (lambda folder: (folder / "length.bin").unlink(), "length.bin is missing"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_each_damage_is_found_with_its_reason(copied: Path, damage: Callable[[Path], None], reason: str):
    damage(segment(copied))
    (found,) = reasons(copied)
    assert reason in found


@pytest.mark.parametrize("name", ["links of terabytes", "pickle cut short", "folder gone"])
def test_a_damaged_index_is_dropped_at_the_next_opening_and_the_other_collection_stays(copied: Path, name: str):
    DAMAGE[name][0](segment(copied))
    store = Store(Embedded(copied))

    assert store.revision(1) is None
    assert len(store.query(2, ROWS[3], 10)) == 10
    store.add(1, RECORDS[:20], ROWS[:20])
    assert store.query(1, ROWS[3], 1)[0][0] == RECORDS[3].id
    store.close()


def database(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as db, db:
        assert db.execute(statement, values).rowcount > 0


def test_ids_whose_vectors_are_nowhere_are_found(copied: Path):
    database(copied, "DELETE FROM embeddings_queue WHERE seq_id > (SELECT max(seq_id) - 300 FROM embeddings_queue)")

    assert reasons(copied) == ["the ids of its vectors are not those of its metadata"]


def test_an_index_ahead_of_the_log_is_found_since_it_would_skip_what_comes(copied: Path):
    database(copied, "UPDATE max_seq_id SET seq_id = 10000 WHERE segment_id = ?", segment(copied).name)

    assert reasons(copied) == ["it claims to be ahead of the log"]


def test_damage_to_a_collection_of_somebody_else_is_left_to_them(copied: Path):
    database(copied, "UPDATE collections SET name = 'theirs' WHERE name = 'collection-1'")
    (segment(copied) / "length.bin").unlink()

    assert reasons(copied) == []


@pytest.mark.parametrize("how", ["text", "torn"])
def test_a_database_that_cannot_be_read_is_found_and_everything_is_thrown_away(copied: Path, how: str):
    file = copied / "chroma.sqlite3"
    if how == "text":
        file.write_bytes(b"not a database at all" * 1000)
    else:
        data = bytearray(file.read_bytes())
        data[4096 * 4 : 4096 * 40] = os.urandom(4096 * 36)
        file.write_bytes(data)
    assert soundness.database_problem(copied)

    store = Store(Embedded(copied))
    assert store.numbers() == []
    store.close()


def test_the_journal_of_a_killed_process_is_rolled_back_and_not_refused(copied: Path):
    """As SQLite leaves it when it is killed in a transaction that had begun to write the file."""
    file = copied / "chroma.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA cache_spill = 1")
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM embeddings_queue")
        db.execute("DELETE FROM embeddings")
        killed = Path(shutil.copytree(copied, copied.parent / "killed"))
        db.execute("ROLLBACK")
    assert (killed / "chroma.sqlite3-journal").stat().st_size

    assert soundness.database_problem(killed) is None
    assert soundness.damages(killed, "collection-") == []


def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(copied: Path, tmp_path: Path):
    class Bomb:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "ran"),)

    (segment(copied) / "index_metadata.pickle").write_bytes(pickle.dumps(Bomb()))

    assert "cannot be read" in reasons(copied)[0]
    assert not (tmp_path / "ran").exists()


def test_the_folder_of_a_deleted_collection_is_an_orphan_and_goes_at_the_next_opening(copied: Path):
    left = copied / "11111111-2222-3333-4444-555555555555"
    shutil.copytree(segment(copied), left)
    assert soundness.orphans(copied) == [left]

    store = Store(Embedded(copied))
    assert store.revision(1) == 7
    assert not left.exists()
    assert segment(copied).exists()
    store.close()


def test_random_bytes_anywhere_are_an_answer_and_never_an_exception(copied: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    for trial in range(40):
        folder = Path(shutil.copytree(copied, tmp_path / f"trial-{trial}"))
        file = segment(folder) / soundness.FILES[trial % len(soundness.FILES)]
        data = bytearray(file.read_bytes())
        at = int(rng.integers(len(data)))
        data[at : at + 64] = rng.bytes(min(64, len(data) - at))
        file.write_bytes(data[: int(rng.integers(1, len(data)))] if trial % 3 == 0 else data)
        soundness.damages(folder, "collection-")
        shutil.rmtree(folder)


def test_numbers_that_ask_for_gigabytes_are_refused_before_they_are_asked_for(copied: Path):
    """Python's own unpickler would: one wrong byte of a memo's index is enough."""
    (segment(copied) / "index_metadata.pickle").write_bytes(b"\x80\x03Nr\xff\xff\xff\x7f.")

    assert "cannot be read" in reasons(copied)[0]
