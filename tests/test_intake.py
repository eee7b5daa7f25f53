"""Batches on their way in: bounded, in order, and only so many at a time."""

import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from drawn import encoded, shades
from PIL import Image

from sharedspace import intake
from sharedspace.home import Home
from sharedspace.ingest import Item
from sharedspace.intake import AHEAD, BYTES, FILES, FIRST, Intake, batches
from sharedspace.records import Progress, Rejected
from sharedspace.testing import FakeEncoder, load_fake


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path / "home", load_fake)
    yield opened
    opened.close()


def test_batches_keep_the_order_and_are_bounded_in_files_and_bytes():
    sizes = [1] * 40 + [BYTES // 3] * 5 + [2 * BYTES] + [1] * 3
    files = [Item(str(row), bytes(size), {}) for row, size in enumerate(sizes)]
    files.insert(7, Rejected("no picture", "why"))
    found = list(batches(files, lambda: FILES))

    assert [file for batch in found for file in batch] == files
    assert max(map(len, found)) == FILES
    for batch in found:
        held = [len(file.data) for file in batch if isinstance(file, Item)]
        assert sum(held[:-1]) < BYTES  # the last one made it full


def test_files_are_not_read_further_ahead_than_they_are_worked_on(home: Home):
    """While the model is held up, reading stops: memory does not grow with the folder."""
    go, read = threading.Event(), []

    class Slow(FakeEncoder):
        def encode(self, prepared: list[np.ndarray]) -> np.ndarray:
            assert go.wait(20)
            return super().encode(prepared)

    def files() -> Iterator[Item]:
        for row, data in enumerate(shades(40 * FILES)):
            read.append(row)
            yield Item(f"{row}.png", data, {})

    encoder = Slow()
    number = home.ledger.ensure("many", encoder.space)
    work = threading.Thread(
        target=lambda: Intake(home, number, encoder, False).run(files(), None, lambda told: None, lambda: False)
    )
    work.start()
    while len(read) < (AHEAD + 1) * FIRST:
        work.join(0.01)
    work.join(0.3)  # time in which it would read on
    assert len(read) <= (AHEAD + 2) * FIRST
    go.set()
    work.join(20)
    assert home.ledger.info(number).images == 40 * FILES


def test_a_batch_of_a_slow_model_is_small_so_that_it_can_be_stopped(home: Home):
    sizes: list[int] = []

    class Slow(FakeEncoder):
        def encode(self, prepared: list[np.ndarray]) -> np.ndarray:
            sizes.append(len(prepared))
            time.sleep(0.05 * len(prepared))
            return super().encode(prepared)

    def run(name: str, longest: float) -> list[int]:
        sizes.clear()
        files = [Item(f"{name}{row}.png", data, {}) for row, data in enumerate(shades(60, seed=len(name)))]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(intake, "LONGEST", longest)
            number = home.ledger.ensure(name, Slow().space)
            Intake(home, number, Slow(), False).run(files, None, lambda told: None, lambda: False)
        return sizes

    assert max(run("slow", 0.11)[AHEAD + 3 :]) <= 2
    assert max(run("faster", 5.0)) == FILES


def test_memory_does_not_grow_with_the_number_of_files(home: Home):
    encoder = FakeEncoder()

    noise = np.random.default_rng(0)

    def peak(name: str, count: int) -> int:
        pixels = (noise.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(count))
        files = (Item(f"{name}{row}.png", encoded(Image.fromarray(one), "PNG"), {}) for row, one in enumerate(pixels))
        number = home.ledger.ensure(name, encoder.space)
        tracemalloc.start()
        Intake(home, number, encoder, False).run(files, count, lambda told: None, lambda: False)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak("warm", 32)
    assert peak("many", 1000) < peak("few", 200) + 3 * 10**6  # bytes; the files that are more are 7 million


def test_an_ingest_that_is_cancelled_before_it_begins_reads_nothing(home: Home):
    def files() -> Iterator[Item]:
        raise AssertionError("read")
        yield

    number = home.ledger.ensure("none", FakeEncoder().space)
    told: list[Progress] = []
    result = Intake(home, number, FakeEncoder(), False).run(files(), 5, told.append, lambda: True)
    assert (result.added, result.already_there, result.rejected, result.cancelled) == (0, 0, (), True)


def test_room_on_the_disk_is_asked_for_before_each_batch(home: Home, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(home, "check_room", asked.append)
    files = [Item(f"{row}.png", data, {}) for row, data in enumerate(shades(2 * FILES + 1))]
    number = home.ledger.ensure("kept", FakeEncoder().space)
    Intake(home, number, FakeEncoder(), True).run(files, None, lambda told: None, lambda: False)

    assert len(asked) >= 3
    assert sum(asked) > sum(len(item.data) for item in files) + len(files) * intake.THUMB_BYTES
