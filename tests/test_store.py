"""The index against numpy, in a folder and on a server; nothing is downloaded or read from elsewhere."""

import logging
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chroma import ChromaServer
from drawn import unit_rows

from sharedspace.errors import BadInput, IndexUnavailable
from sharedspace.records import ImageRecord
from sharedspace.store import CHUNK, Embedded, Server, Store, parse_headers, server


def records(count: int, **meta: str | int | float | bool) -> list[ImageRecord]:
    return [ImageRecord(f"{row:064x}", f"{row}.png", 1, 1, dict(meta)) for row in range(count)]


@pytest.fixture(params=["embedded", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Embedded | Server:
    """Where an index can be; on the server under names that no other test has."""
    if request.param == "embedded":
        return Embedded(tmp_path / "chroma")
    return Server(request.getfixturevalue("chroma_server").url, {}, f"test-{uuid.uuid4().hex}-")


@pytest.fixture
def store(place: Embedded | Server) -> Iterator[Store]:
    opened = Store(place)
    yield opened
    opened.close()


def test_a_query_gives_the_same_hits_as_numpy_brute_force(store: Store):
    n = 2 * CHUNK + 100  # three chunks
    vectors = unit_rows(n, 16)
    store.add(1, records(n), vectors)
    store.mark(1, 1)

    for query in unit_rows(10, 16, seed=9):
        cosines = vectors.astype(np.float64) @ query
        best = np.argsort(-cosines)[:20]
        found = store.query(1, query, 20)
        assert [id for id, _ in found] == [f"{row:064x}" for row in best]
        np.testing.assert_allclose([score for _, score in found], cosines[best], atol=1e-5)


def test_the_revision_reached_is_kept_and_none_means_no_index(place: Embedded | Server):
    store = Store(place)
    assert store.revision(1) is None
    store.add(1, records(3), unit_rows(3, 4))
    assert store.revision(1) == -1  # not yet that of any ledger
    store.mark(1, 5)
    store.remove(1, [records(3)[0].id])
    store.mark(1, 6)
    store.close()

    again = Store(place)
    assert again.revision(1) == 6
    assert list(again.shown(1)) == [one.id for one in records(3)[1:]]
    assert again.revision(2) is None
    assert again.shown(2) == {}
    assert again.query(2, unit_rows(1, 4)[0], 3) == []
    assert again.vectors(2, ["a"]) == {}
    assert again.numbers() == [1]
    again.close()


def test_an_image_that_is_there_gets_its_new_metadata_and_keeps_its_vector(store: Store):
    vectors = unit_rows(3, 4)
    store.add(1, records(2, n=1), vectors[:2])
    store.add(1, records(3, n=2), vectors[::-1])

    assert {id: meta["n"] for id, meta in store.shown(1).items()} == {one.id: 2 for one in records(3)}
    kept = store.vectors(1, [one.id for one in records(3)])
    np.testing.assert_allclose(np.stack([kept[one.id] for one in records(3)]), vectors[[0, 1, 0]], atol=1e-6)


def test_dropping_one_collection_leaves_the_other_and_dropping_twice_is_fine(store: Store):
    store.add(1, records(2), unit_rows(2, 4))
    store.mark(1, 1)
    store.add(2, records(3), unit_rows(3, 5))
    store.mark(2, 1)
    store.drop(1)
    store.drop(1)

    assert store.revision(1) is None
    assert len(list(store.shown(2))) == 3


def test_a_discarded_index_can_be_built_again_at_once(tmp_path: Path):
    store = Store(Embedded(tmp_path / "chroma"))
    store.add(1, records(3), unit_rows(3, 4))
    store.mark(1, 1)
    store.discard()
    assert store.revision(1) is None

    store.add(1, records(2), unit_rows(2, 4))
    store.mark(1, 7)
    assert store.revision(1) == 7
    assert len(store.query(1, unit_rows(1, 4)[0], 5)) == 2


def test_removing_none_or_very_many_is_fine(store: Store):
    store.add(1, records(3), unit_rows(3, 4))
    store.mark(1, 1)
    store.remove(1, [])
    store.mark(1, 2)
    assert len(list(store.shown(1))) == 3
    store.remove(1, [one.id for one in records(6000)])
    store.mark(1, 3)  # Chroma takes at most 5,461 a call

    assert list(store.shown(1)) == []
    assert store.revision(1) == 3


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"label": "a", "n": 2, "score": 0.5, "flag": True},
        {"name": "caf\udce9.png", "": "no name"},
        {"chroma:document": "a name that Chroma keeps for itself"},
    ],
    ids=["none", "types", "surrogates", "reserved"],
)
def test_any_metadata_that_a_table_can_bring_is_taken(store: Store, meta: dict):
    store.add(1, [ImageRecord("a" * 64, "caf\udce9.png", 1, 1, meta)], unit_rows(1, 4))
    store.mark(1, 1)

    assert list(store.shown(1)) == ["a" * 64]


def test_other_programs_find_path_and_metadata_beside_the_vectors(tmp_path: Path):
    import chromadb

    store = Store(Embedded(tmp_path / "chroma"))
    vectors = unit_rows(2, 4)
    store.add(7, records(2, label="boat", n=3), vectors)
    store.mark(7, 1)
    store.close()

    theirs = chromadb.PersistentClient(str(tmp_path / "chroma"))
    found = theirs.get_collection("collection-7").get(include=["metadatas", "embeddings"])
    assert found["metadatas"] == [{"path": f"{row}.png", "label": "boat", "n": 3} for row in range(2)]
    np.testing.assert_allclose(found["embeddings"], vectors, atol=1e-6)
    theirs.close()


def test_a_column_named_path_does_not_hide_the_path(store: Store):
    store.add(1, records(1, path="a column of that name"), unit_rows(1, 4))
    store.mark(1, 1)

    assert store._find(1).get(include=["metadatas"])["metadatas"] == [{"path": "0.png"}]


def test_a_text_query_is_refused_and_nothing_is_downloaded_to_embed_it(store: Store):
    store.add(1, records(2), unit_rows(2, 4))
    store.mark(1, 1)

    with pytest.raises(TypeError, match="embeds before it stores: give query_embeddings"):
        store._find(1).query(query_texts=["a boat"])


def test_a_dotenv_file_of_the_working_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".env").write_text("chroma_api_impl=chromadb.api.fastapi.FastAPI\nchroma_server_host=example.com\n")
    monkeypatch.chdir(tmp_path)
    store = Store(Embedded(tmp_path / "chroma"))
    store.add(1, records(1), unit_rows(1, 4))
    store.mark(1, 1)

    assert (tmp_path / "chroma" / "chroma.sqlite3").exists()
    store.close()


@pytest.mark.parametrize("count", [3, 150])
def test_every_collection_of_this_home_is_named_and_none_of_another(place: Embedded | Server, count: int):
    store = Store(place)
    for number in range(1, count + 1) if isinstance(place, Embedded) else (1, 2, 3):
        store.mark(number, 1)

    assert len(store.numbers()) == (count if isinstance(place, Embedded) else 3)
    if isinstance(place, Server):
        assert Store(Server(place._url, {}, "another-home-")).numbers() == []
    store.close()


# -- a server that comes and goes


def test_a_server_that_is_killed_and_restarted_has_what_it_had_and_takes_the_rest(tmp_path: Path):
    vectors = unit_rows(20, 4)
    started = ChromaServer(tmp_path)
    started.start()
    store = Store(Server(started.url, {}, "home-"))
    store.add(1, records(20)[:10], vectors[:10])
    started.kill()
    for _ in range(3):
        with pytest.raises(IndexUnavailable, match=rf"127.0.0.1:{started.port}"):
            store.add(1, records(20)[10:], vectors[10:])

    started.start()
    store.add(1, records(20)[10:], vectors[10:])
    assert len(store.shown(1)) == 20
    assert store.query(1, vectors[15], 1)[0][0] == records(20)[15].id
    store.close()
    started.kill()


def test_an_address_where_nobody_answers_is_one_sentence_with_the_way_out():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(IndexUnavailable, match=rf"^No Chroma server answers at http://127.0.0.1:{port}: start it with"):
        Store(Server(f"http://someone:secret@127.0.0.1:{port}/", {}, "home-")).revision(1)


def test_an_address_that_takes_the_call_and_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "KNOCK", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(IndexUnavailable, match="No Chroma server answers"):
            Store(Server(url, {}, "home-")).revision(1)


def test_a_server_that_falls_silent_is_given_up_after_the_time_out(
    chroma_server: ChromaServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server, "TIMEOUT", 0.3)
    calls: list[bytes] = []

    def relay(listener: socket.socket) -> None:
        """Passes everything on to the server, until a query comes: that is swallowed."""
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_pass_on, args=(taken, chroma_server.port, calls), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=relay, args=(listener,), daemon=True).start()
        store = Store(Server(f"http://127.0.0.1:{listener.getsockname()[1]}", {"X-Key": "k1"}, f"{uuid.uuid4().hex}-"))
        store.add(1, records(2), unit_rows(2, 4))
        with pytest.raises(IndexUnavailable, match="cannot be used just now: timed out"):
            store.query(1, unit_rows(1, 4)[0], 1)
        store.close()
    assert calls
    assert all(b"x-key: k1" in call.lower() for call in calls if b"HTTP/1.1" in call)  # the proxy's header, each time


def _pass_on(taken: socket.socket, port: int, calls: list[bytes]) -> None:
    with taken, socket.create_connection(("127.0.0.1", port)) as there:
        threading.Thread(target=_copy, args=(there, taken), daemon=True).start()
        while data := _next(taken):
            calls.append(data)
            if b"/query" in b"".join(calls):  # its body may come behind it
                continue
            there.sendall(data)


def _copy(source: socket.socket, target: socket.socket) -> None:
    while data := _next(source):
        target.sendall(data)


def _next(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:  # hung up
        return b""


@pytest.mark.parametrize("status", ["401 Unauthorized", "200 OK"])
def test_what_answers_but_is_no_chroma_is_told_apart(status: str):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            taken, _ = listener.accept()
            with taken:
                taken.recv(65536)
                taken.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi".encode())

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(IndexUnavailable, match=rf"not as a Chroma server \(status {status[:3]}\)"):
            Store(Server(f"http://127.0.0.1:{listener.getsockname()[1]}", {}, "home-")).revision(1)


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host", "http://", "http://host:port", "http://host/?a=b", "x"]
)
def test_what_is_no_address_of_a_server_is_refused(url: str):
    with pytest.raises(BadInput, match="is no address of a Chroma server"):
        Server(url, {}, "home-")


def test_headers_are_read_as_they_are_written_and_none_can_bring_a_second():
    assert parse_headers(["Authorization: Bearer a:b", "X-Key:  1 "]) == {"Authorization": "Bearer a:b", "X-Key": "1"}
    for wrong in ("no colon", ": value", "X-Key: a\r\nX-Other: b", "X-Key: ü"):
        with pytest.raises(BadInput, match="is no header: write it as 'Name: value'"):
            parse_headers([wrong])


# -- a Chroma that fails


def test_an_index_that_fails_though_it_looked_sound_is_thrown_away_at_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    from chromadb.errors import InternalError

    place = Embedded(tmp_path / "chroma")
    store = Store(place)
    store.add(1, records(2), unit_rows(2, 4))

    class Broken:
        def get_collection(self, *_: object, **__: object) -> None:
            raise InternalError("Error loading hnsw index\nand more")

        def close(self) -> None: ...

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(place, "open", Broken)
        store.close()
        for folder_is_there in (True, False):
            with pytest.raises(IndexUnavailable, match=r"just now: Error loading hnsw index. It is brought up to date"):
                store.revision(1)
            assert (tmp_path / "chroma").exists() == folder_is_there
    assert store.revision(1) is None
    store.close()


def test_a_disk_that_is_full_for_chroma_is_one_sentence_and_its_files_are_whole_again_afterwards(tmp_path: Path):
    """A limit on the size of files stands for the disk: Chroma's writes fail in their middle."""
    resource = pytest.importorskip("resource")  # not on Windows
    n, before = 1500, resource.getrlimit(resource.RLIMIT_FSIZE)
    vectors = unit_rows(n, 32)
    store = Store(Embedded(tmp_path / "chroma"))
    store.add(1, records(n)[:500], vectors[:500])
    resource.setrlimit(resource.RLIMIT_FSIZE, (6 * 10**5, before[1]))
    try:
        with pytest.raises(IndexUnavailable, match="cannot be used just now"):
            store.add(1, records(n)[500:], vectors[500:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    lost = [record for record in records(n) if record.id not in store.shown(1)]  # all of them, if it had to be dropped
    store.add(1, lost, vectors[[int(record.id, 16) for record in lost]])
    for query in unit_rows(5, 32, seed=9):
        best = np.argsort(-(vectors @ query))[:5]
        assert [id for id, _ in store.query(1, query, 5)] == [f"{row:064x}" for row in best]
    store.close()
