"""Tars: shards of WebDataset and img2dataset, and all that a tar can hold against its reader."""

import gzip
import struct
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import png, tarred

from sharedspace import ingest
from sharedspace.ingest import Item
from sharedspace.records import Rejected

MODES = {"a.tar": "w", "a.tar.gz": "w:gz", "a.tgz": "w:gz", "a.tar.bz2": "w:bz2", "a.tar.xz": "w:xz"}


def walked(path: Path, table: dict | None = None) -> tuple[dict[str, Item], dict[str, str]]:
    """What was taken and what was refused, by the name without its source."""
    items = list(ingest.walk([ingest.source(path)], table))
    taken = {item.name.removeprefix(f"{path}/"): item for item in items if isinstance(item, Item)}
    return taken, {item.item.removeprefix(f"{path}/"): item.reason for item in items if isinstance(item, Rejected)}


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


def raw(path: Path, *parts: tarfile.TarInfo | bytes) -> Path:
    """A tar of headers and contents as given, each filled up to a block, and an end mark."""
    data = b"".join(part if isinstance(part, bytes) else part.tobuf(tarfile.GNU_FORMAT) for part in parts)
    path.write_bytes(data + bytes(1024))
    return path


def filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


@pytest.mark.parametrize("name", MODES)
def test_a_tar_is_read_however_it_is_packed_and_whatever_it_is_called(tmp_path: Path, name: str):
    members = {"one.png": png("red"), "sub/two.JPG": png("blue"), "notes.md": b"not for us", ".hidden.png": png()}
    path = tarred(tmp_path / name, members, MODES[name])
    upload = tmp_path / "0"
    upload.write_bytes(path.read_bytes())

    for source in (ingest.source(path), ingest.Source(upload, "upload")):
        items = [item for item in ingest.walk([source]) if isinstance(item, Item)]
        assert [item.name for item in items] == [f"{source.name}/one.png", f"{source.name}/sub/two.JPG"]
        assert [item.data for item in items] == [png("red"), png("blue")]
        assert ingest.count([source]) == (2 if name == "a.tar" else None)


SAMPLES = {
    "0001.cls": b"7",
    "0001.jpg": png("red"),
    "0001.json": b'{"width": 512, "score": 0.5, "safe": true, "url": null, "exif": "{}", "faces": [1, 2]}',
    "0001.txt": b"a red boat\n",
    "deep/0001.jpg": png("green"),
    "0002.jpg": png("blue"),
    "0002.txt": "caf\u00e9".encode(),
    "lonely.txt": b"no picture has this key",
}
META = {
    "0001.jpg": {"label": 7, "width": 512, "score": 0.5, "safe": True, "exif": "{}", "faces": "[1, 2]"}
    | {"caption": "a red boat"},
    "0002.jpg": {"caption": "caf\u00e9"},
    "deep/0001.jpg": {},
}


def with_types(table: dict) -> dict:
    return {file: {key: (type(value), value) for key, value in meta.items()} for file, meta in table.items()}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_what_stands_beside_a_picture_under_its_key_is_its_metadata(tmp_path: Path, mode: Any):
    taken, refused = walked(tarred(tmp_path / "a.tar", SAMPLES, mode))

    assert refused == {}
    assert with_types({name: item.meta for name, item in taken.items()}) == with_types(META)


def test_a_folder_is_no_label_of_a_picture_of_which_more_is_said(tmp_path: Path):
    path = tarred(tmp_path / "a.tar", {"cat/1.jpg": png(), "cat/1.txt": b"words", "dog/2.jpg": png()})

    assert [item.meta for item in walked(path)[0].values()] == [{"caption": "words"}, {"label": "dog"}]


def test_a_table_given_by_the_user_wins_over_what_stands_beside(tmp_path: Path):
    path = tarred(tmp_path / "a.tar", {"1.jpg": png(), "1.json": b'{"who": "beside", "n": 1}'})

    assert walked(path, {"1.jpg": {"who": "given"}})[0]["1.jpg"].meta == {"who": "given", "n": 1}


def test_the_parquet_file_beside_a_shard_gives_metadata_by_key(tmp_path: Path):
    path = tarred(tmp_path / "00000.tar", {"000.jpg": png("red"), "001.jpg": png("blue"), "001.txt": b"own words"})
    rows = {"key": ["000", "001", "002"], "caption": ["one", "two", "gone"], "similarity": [0.25, None, 0.5]}
    pq.write_table(pa.table(rows), tmp_path / "00000.parquet")

    taken, refused = walked(path)
    assert refused == {}
    assert {name: item.meta for name, item in taken.items()} == {
        "000.jpg": {"caption": "one", "similarity": 0.25},
        "001.jpg": {"caption": "own words"},
    }


def test_a_folder_of_shards_is_read_as_its_shards(tmp_path: Path):
    tarred(tmp_path / "00000.tar", {"a.jpg": png("red")})
    tarred(tmp_path / "00001.tar", {"a.jpg": png("blue")})
    pq.write_table(pa.table({"key": ["a"], "n": [1]}), tmp_path / "00001.parquet")
    (tmp_path / "00001_stats.json").write_text("{}")
    pq.write_table(pa.table({"jpg": [png("green")]}), tmp_path / "more.parquet")

    taken, refused = walked(tmp_path)
    assert refused == {}
    assert {name: item.meta for name, item in taken.items()} == {
        "00000.tar/a.jpg": {},
        "00001.tar/a.jpg": {"n": 1},
        "more.parquet/1": {},
    }
    assert ingest.count([ingest.source(tmp_path)]) == 3


def test_damaged_words_beside_a_picture_are_told_and_the_picture_is_taken(tmp_path: Path):
    members = {"1.jpg": png(), "1.json": b"{{", "2.jpg": png(), "2.json": b"[]", "3.jpg": png(), "3.txt": bytes(2**21)}

    taken, refused = walked(tarred(tmp_path / "a.tar", members))
    assert list(taken) == ["1.jpg", "2.jpg", "3.jpg"]
    assert set(refused) == {"1.json", "2.json", "3.txt"}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_table_at_the_end_of_a_tar_is_known_from_its_beginning(tmp_path: Path, mode: Any):
    members = {"a/1.png": png(), "b/1.png": png(), "b/labels.csv": b"file,n\n1.png,2\n", "metadata.jsonl": b""}

    taken, _ = walked(tarred(tmp_path / "a.tar", members, mode))
    assert {name: item.meta for name, item in taken.items()} == {"a/1.png": {}, "b/1.png": {"n": 2}}


def test_links_devices_and_archives_are_refused_each_with_its_reason(tmp_path: Path):
    path = raw(
        tmp_path / "odd.tar",
        entry("soft.png", tarfile.SYMTYPE, target="/etc/passwd"),
        entry("hard.png", tarfile.LNKTYPE, target="../../secret.png"),
        entry("pipe.png", tarfile.FIFOTYPE),
        entry("disk.png", tarfile.BLKTYPE),
        entry("folder.png", tarfile.DIRTYPE),
        entry("inner.tar.gz", size=3),
        filled(b"abc"),
        entry("../up.png", size=len(png())),
        filled(png()),
        entry("/etc/absolute.png", size=len(png())),
        filled(png()),
    )

    taken, refused = walked(path)
    assert sorted(taken) == ["../up.png", "/etc/absolute.png"]
    assert all(item.data == png() for item in taken.values())
    link = "a link (links are not followed)"
    device = "not a regular file (links and devices are not followed)"
    assert refused == {
        "soft.png": link,
        "hard.png": link,
        "pipe.png": device,
        "disk.png": device,
        "inner.tar.gz": "an archive inside an archive: unpack it first",
    }
    assert ingest.count([ingest.source(path)]) == 7
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_name_that_is_not_unicode_is_shown_as_text(tmp_path: Path):
    header = bytearray(entry("cafe.png", size=len(png())).tobuf(tarfile.GNU_FORMAT))
    header[3:4] = b"\xe9"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)

    (name,) = walked(raw(tmp_path / "a.tar", bytes(header), filled(png())))[0]
    assert name.encode("utf-8").decode("utf-8").startswith("caf")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_cut_short_gives_what_is_whole_and_says_that_it_is_cut(tmp_path: Path, mode: Any):
    noise = np.random.default_rng(0).bytes(3000)
    path = tarred(tmp_path / "a.tar", {"a.png": png("red"), "b.png": noise, "c.png": png("green")}, mode)
    whole = path.read_bytes()
    end = whole.index(png("green")) + 512 if mode == "w" else len(whole) - 16  # what follows is an end mark or a sum
    for cut in range(64, end, 173):
        path.write_bytes(whole[:cut])
        taken, refused = walked(path)
        assert set(taken) <= {"a.png", "b.png", "c.png"}
        assert all(item.data in (png("red"), noise, png("green")) for item in taken.values())
        assert list(refused) == [str(path)]
        assert "damaged or cut short" in refused[str(path)]


def test_a_damaged_header_is_told_and_not_taken_for_the_end(tmp_path: Path):
    path = tarred(tmp_path / "a.tar", {"a.png": png("red"), "b.png": png("blue"), "c.png": png("green")})
    data = bytearray(path.read_bytes())
    data[1024] ^= 0xFF  # the first letter of b
    path.write_bytes(data)
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["a.png"]  # as Python itself has it

    taken, refused = walked(path)
    assert list(taken) == ["a.png"]
    assert refused == {str(path): "the tar is damaged or cut short (bad checksum)"}


def test_random_damage_to_a_tar_never_stops_the_walk(tmp_path: Path):
    rng = np.random.default_rng(0)
    long_name = "n" * 150 + ".png"
    for mode in ("w", "w:gz", "w:xz"):
        whole = tarred(tmp_path / "a.tar", {**SAMPLES, long_name: png(), "labels.csv": b"file\n"}, mode).read_bytes()
        for _ in range(120):
            data = bytearray(whole)
            for at in rng.integers(0, len(data), rng.integers(1, 5)):
                data[at] = rng.integers(0, 256)
            (tmp_path / "b.tar").write_bytes(data)
            list(ingest.walk([ingest.source(tmp_path / "b.tar")]))
            ingest.count([ingest.source(tmp_path / "b.tar")])


def hostile() -> Iterator[tuple[str, tuple]]:
    below = bytearray(entry("back.png", size=0).tobuf(tarfile.GNU_FORMAT))
    below[124:136] = b"\xff" * 4 + struct.pack(">q", -512)  # so that the next header is this one
    below[148:156] = b" " * 8
    below[148:156] = b"%06o\0 " % sum(below)
    yield "size below zero", (entry("a.txt", size=1), filled(b"x"), bytes(below))
    yield "attributes of 8 GB", (entry("pax", tarfile.XHDTYPE, size=8 * 2**30 - 1),)
    yield "name of 1 GB", (entry("long", tarfile.GNUTYPE_LONGNAME, size=2**30),)
    attributes = entry("pax", tarfile.XHDTYPE, size=0).tobuf(tarfile.GNU_FORMAT)
    yield "attributes of attributes", (attributes * 5000,)


@pytest.mark.parametrize(("what", "parts"), [*hostile()], ids=lambda value: value if isinstance(value, str) else "")
def test_a_header_that_would_cost_time_or_memory_ends_the_walk_with_a_reason(tmp_path: Path, what: str, parts: tuple):
    path = raw(tmp_path / "a.tar", entry("ok.png", size=len(png())), filled(png()), *parts)
    with path.open("r+b") as opened:
        opened.truncate(path.stat().st_size + 2**31)  # sparse: there is something to read

    tracemalloc.start()
    taken, refused = walked(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(taken) == ["ok.png"]
    assert list(refused) == [str(path)]
    assert peak < 50 * 2**20


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_that_unpacks_to_more_than_the_limit_is_refused(
    tmp_path: Path, mode: Any, monkeypatch: pytest.MonkeyPatch
):
    path = tarred(tmp_path / "bomb.tar", {"a.bin": bytes(20 * 2**20), "ok.png": png()}, mode)
    monkeypatch.setenv("SHAREDSPACE_MAX_TOTAL_GB", "0.01")

    taken, refused = walked(path)
    assert not taken
    assert "(SHAREDSPACE_MAX_TOTAL_GB): unpack it and add the folder" in refused[str(path)]


def test_headers_that_unpack_to_more_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    attributes = b"900000 comment=".ljust(899_999, b"x") + b"\n"
    one = entry("pax", tarfile.XHDTYPE, size=len(attributes)).tobuf(tarfile.GNU_FORMAT) + filled(attributes)
    path = raw(tmp_path / "a.tar", *[part for n in range(20) for part in (one, entry(f"{n}.txt"))])
    path.write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setenv("SHAREDSPACE_MAX_TOTAL_GB", "0.01")

    assert "(SHAREDSPACE_MAX_TOTAL_GB)" in walked(path)[1][str(path)]


def test_files_and_entries_over_the_limit_are_refused_by_the_name_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tarred(tmp_path / "a.tar", {"big.png": bytes(2**21), "ok.png": png()})
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")
    taken, refused = walked(path)
    assert list(taken) == ["ok.png"]
    assert refused == {"big.png": "2 MB is over the limit of 1 MB (SHAREDSPACE_MAX_FILE_MB)"}

    monkeypatch.setenv("SHAREDSPACE_MAX_ENTRIES", "1")
    assert "(SHAREDSPACE_MAX_ENTRIES)" in walked(path)[1][str(path)]


def test_many_pictures_of_one_key_are_not_held_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")
    big = bytes(700_000)
    path = tarred(tmp_path / "a.tar", {"k.json": b'{"n": 1}'} | {f"k.{n}.png": big for n in range(40)})

    tracemalloc.start()
    metas = [item.meta for item in ingest.walk([ingest.source(path)]) if isinstance(item, Item)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert metas == [{"n": 1}] * 40
    assert peak < 5 * len(big)


def test_something_packed_that_is_no_tar_is_refused(tmp_path: Path):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"file,n\n" * 200))

    assert "the tar is damaged" in walked(path)[1][str(path)]


def test_a_picture_is_never_taken_for_a_tar(tmp_path: Path):
    data = bytearray(png(size=(300, 300)))
    data[257:262] = b"ustar"
    (tmp_path / "a.png").write_bytes(data)

    (item,) = ingest.walk([ingest.source(tmp_path / "a.png")])
    assert isinstance(item, Item)
    assert item.data == bytes(data)
