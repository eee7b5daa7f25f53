"""The index against numpy, with nothing that it could download or read from elsewhere."""

from pathlib import Path

import numpy as np
import pytest
from drawn import unit_rows

from sharedspace.records import ImageRecord
from sharedspace.store import CHUNK, Store


def records(count: int, **meta: str | int | float | bool) -> list[ImageRecord]:
    return [ImageRecord(f"{row:064x}", f"{row}.png", 1, 1, dict(meta)) for row in range(count)]


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "chroma")
    yield opened
    opened.close()


def test_a_query_gives_the_same_hits_as_numpy_brute_force(store: Store):
    n = 2 * CHUNK + 100  # three chunks
    vectors = unit_rows(n, 16)
    store.add(1, records(n), vectors, revision=1)

    for query in unit_rows(10, 16, seed=9):
        cosines = vectors.astype(np.float64) @ query
        best = np.argsort(-cosines)[:20]
        found = store.query(1, query, 20)
        assert [id for id, _ in found] == [f"{row:064x}" for row in best]
        np.testing.assert_allclose([score for _, score in found], cosines[best], atol=1e-5)


def test_the_revision_reached_is_kept_and_none_means_no_index(tmp_path: Path):
    store = Store(tmp_path / "chroma")
    assert store.revision(1) is None
    store.add(1, records(3), unit_rows(3, 4), revision=5)
    store.remove(1, [records(3)[0].id], revision=6)
    store.close()

    again = Store(tmp_path / "chroma")
    assert again.revision(1) == 6
    assert again.ids(1) == [one.id for one in records(3)[1:]]
    assert again.revision(2) is None
    assert again.ids(2) == []
    assert again.query(2, unit_rows(1, 4)[0], 3) == []
    again.close()


def test_dropping_one_collection_leaves_the_other_and_dropping_twice_is_fine(store: Store):
    store.add(1, records(2), unit_rows(2, 4), revision=1)
    store.add(2, records(3), unit_rows(3, 5), revision=1)
    store.drop(1)
    store.drop(1)

    assert store.revision(1) is None
    assert len(store.ids(2)) == 3


def test_a_discarded_index_can_be_built_again_at_once(store: Store):
    store.add(1, records(3), unit_rows(3, 4), revision=1)
    store.discard()
    assert store.revision(1) is None

    store.rebuild(1, records(2), unit_rows(2, 4), revision=7)
    assert store.revision(1) == 7
    assert len(store.query(1, unit_rows(1, 4)[0], 5)) == 2


def test_removing_none_or_very_many_is_fine(store: Store):
    store.add(1, records(3), unit_rows(3, 4), revision=1)
    store.remove(1, [], revision=2)
    assert len(store.ids(1)) == 3
    store.remove(1, [one.id for one in records(6000)], revision=3)  # Chroma takes at most 5,461 a call

    assert store.ids(1) == []
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
    store.add(1, [ImageRecord("a" * 64, "caf\udce9.png", 1, 1, meta)], unit_rows(1, 4), revision=1)

    assert store.ids(1) == ["a" * 64]


def test_other_programs_find_path_and_metadata_beside_the_vectors(tmp_path: Path):
    import chromadb

    store = Store(tmp_path / "chroma")
    vectors = unit_rows(2, 4)
    store.add(7, records(2, label="boat", n=3), vectors, revision=1)
    store.close()

    theirs = chromadb.PersistentClient(str(tmp_path / "chroma"))
    found = theirs.get_collection("collection-7").get(include=["metadatas", "embeddings"])
    assert found["metadatas"] == [{"path": f"{row}.png", "label": "boat", "n": 3} for row in range(2)]
    np.testing.assert_allclose(found["embeddings"], vectors, atol=1e-6)
    theirs.close()


def test_a_column_named_path_does_not_hide_the_path(store: Store):
    store.add(1, records(1, path="a column of that name"), unit_rows(1, 4), revision=1)

    assert store._find(1).get(include=["metadatas"])["metadatas"] == [{"path": "0.png"}]


def test_a_text_query_is_refused_and_nothing_is_downloaded_to_embed_it(store: Store):
    store.add(1, records(2), unit_rows(2, 4), revision=1)

    with pytest.raises(TypeError, match="embeds before it stores: give query_embeddings"):
        store._find(1).query(query_texts=["a boat"])


def test_a_dotenv_file_of_the_working_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".env").write_text("chroma_api_impl=chromadb.api.fastapi.FastAPI\nchroma_server_host=example.com\n")
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "chroma")
    store.add(1, records(1), unit_rows(1, 4), revision=1)

    assert (tmp_path / "chroma" / "chroma.sqlite3").exists()
    store.close()
