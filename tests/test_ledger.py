"""The ledger against a dictionary, across closing and opening, damage and versions."""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sharedspace.errors import BadInput, NoSpace, NotFound, SpaceMismatch, StoreDamaged
from sharedspace.ledger import Ledger
from sharedspace.ledger.marks import Kind
from sharedspace.records import ImageRecord, Space, SpaceMap

SPACE = Space("ffff", "one", 3, 100.0)
OTHER = Space("eeee", "two", 3, 10.0)  # of the same dimension


def vector(id: str, space: Space = SPACE) -> np.ndarray:
    seed = int.from_bytes(f"{id} {space.model}".encode(), "big")
    return np.random.default_rng(seed).normal(size=space.dimension).astype(np.float32)


def record(id: str, path: str = "", **meta: str | int | float | bool) -> ImageRecord:
    return ImageRecord(id, path or f"{id}.png", 4, 3, meta)


def put(ledger: Ledger, number: int, *records: ImageRecord, space: Space = SPACE) -> tuple[list[str], list[str]]:
    return ledger.add(number, records, np.array([vector(one.id, space) for one in records]).reshape(-1, 3))


GIVING = """
import sys
from pathlib import Path
from sharedspace.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
print("ready", flush=True)
for turn in range(25):
    ledger.marks.give(1, {"theirs": {id: turn for id in "abc"}, "both": {sys.argv[2]: turn}})
"""


@pytest.fixture
def ledger(tmp_path: Path):
    opened = Ledger(tmp_path / "ledger.sqlite3")
    yield opened
    opened.close()


IDS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=4)
NAMES = st.sampled_from(["Berge", "meer", "北"])
METAS = st.dictionaries(st.sampled_from(["label", "n"]), st.sampled_from([1, 2.5, True, "x", "ü"]), max_size=2)


class LedgerIsADictionary(RuleBasedStateMachine):
    """Random adds, adds again with other metadata, removals, renames, deletions and reopenings."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger(self.folder / "ledger.sqlite3")
        self.model: dict[str, dict[str, tuple[list[str], dict]]] = {}  # all names of each image, and its metadata
        self.revisions: dict[str, int] = {}

    def number(self, name: str) -> int:
        self.model.setdefault(name, {})
        self.revisions.setdefault(name, 0)
        return self.ledger.ensure(name, SPACE)

    @rule(name=NAMES, ids=IDS, meta=METAS)
    def add(self, name: str, ids: list[str], meta: dict) -> None:
        number = self.number(name)
        held = self.model[name]
        expected_new = [id for id in ids if id not in held]
        expected_changed = [id for id in ids if id in held and not held[id][1].items() >= meta.items()]
        retyped = [id for id in ids if id in held and any(type(held[id][1].get(k)) is not type(meta[k]) for k in meta)]
        path = f"from {len(self.revisions)}"
        renamed = [id for id in ids if id in held and path not in held[id][0]]
        new, changed = put(self.ledger, number, *(record(id, path, **meta) for id in ids))

        assert new == expected_new
        assert changed == [id for id in ids if id in {*expected_changed, *retyped, *renamed} - set(new)]
        self.revisions[name] += bool(new or changed)
        for id in ids:
            called, before = held.get(id, ([], {}))
            held[id] = ([*called, *([] if path in called else [path])], {**before, **meta})

    @rule(name=NAMES, ids=IDS)
    def remove(self, name: str, ids: list[str]) -> None:
        removed = self.ledger.remove(self.number(name), ids)

        assert removed == len(self.model[name].keys() & set(ids))
        self.revisions[name] += removed > 0
        for id in ids:
            self.model[name].pop(id, None)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.ledger.delete(self.number(name))
        del self.model[name], self.revisions[name]

    @rule(name=NAMES, new=NAMES)
    def rename(self, name: str, new: str) -> None:
        number = self.number(name)
        if new in self.model and new != name:
            with pytest.raises(BadInput, match="choose another name"):
                self.ledger.rename(number, new)
        else:
            self.ledger.rename(number, new)
            self.model[new] = self.model.pop(name)
            self.revisions[new] = self.revisions.pop(name)

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = Ledger(self.folder / "ledger.sqlite3")

    @invariant()
    def equal(self) -> None:
        infos = self.ledger.collections()
        assert [info.name for info in infos] == sorted(self.model, key=str.lower)
        for info in infos:
            held = self.model[info.name]
            assert (info.space, info.images, info.revision) == (SPACE, len(held), self.revisions[info.name])
            found = [(one.id, [one.path, *one.names], one.meta) for one in self.ledger.records(info.number)]
            assert found == [(id, *held[id]) for id in sorted(held)]
            ids, matrix = self.ledger.matrix(info.number)
            assert ids == sorted(held)
            assert matrix.dtype == np.float32
            assert np.array_equal(matrix, np.array([vector(id) for id in ids], dtype=np.float32).reshape(-1, 3))

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.folder)


TestLedgerIsADictionary = LedgerIsADictionary.TestCase
TestLedgerIsADictionary.settings = settings(max_examples=25, stateful_step_count=15, deadline=None, derandomize=True)


def test_two_collections_share_vectors_and_not_metadata(ledger: Ledger):
    first, second = ledger.ensure("first", SPACE), ledger.ensure("second", SPACE)
    put(ledger, first, record("a", "here.png", who="me"))
    known = ledger.vectors(SPACE, ["a", "b"])
    assert known.keys() == {"a"}

    ledger.add(second, [record("a", "there.png")], np.zeros((1, 3)))  # a second vector of the same image is not taken
    assert np.array_equal(ledger.matrix(second)[1][0], vector("a"))
    assert ledger.records(first)[0].meta == {"who": "me"}
    assert ledger.records(second)[0] == record("a", "there.png")


def test_vectors_outlive_their_collection_and_do_not_cross_spaces(ledger: Ledger):
    number = ledger.ensure("first", SPACE)
    many = [f"{i:04}" for i in range(1200)]  # more than one query's worth
    put(ledger, number, *map(record, many))
    ledger.delete(number)

    found = ledger.vectors(SPACE, [*many, "unknown"])
    assert list(found) == many
    assert all(np.array_equal(found[id], vector(id)) for id in many[::100])
    assert ledger.vectors(OTHER, many) == {}
    assert ledger.sizes(SPACE, [*many, "unknown"]) == dict.fromkeys(many, (4, 3))
    assert ledger.sizes(OTHER, many) == {}


def test_texts_are_remembered_in_their_space_as_they_were_first(ledger: Ledger):
    for space in (SPACE, OTHER):
        ledger.ensure(space.model, space)
    ledger.remember(SPACE, ["rot", "ü 🚢"], np.array([[1, 2, 3], [4, 5, 6]]))
    ledger.remember(SPACE, ["rot"], np.zeros((1, 3)))

    found = ledger.texts(SPACE, ["ü 🚢", "rot", "other"])
    assert {text: row.tolist() for text, row in found.items()} == {"rot": [1, 2, 3], "ü 🚢": [4, 5, 6]}
    assert found["rot"].dtype == np.float32
    assert ledger.texts(OTHER, ["rot"]) == {}


def test_a_number_is_never_given_twice(ledger: Ledger):
    first = ledger.ensure("first", SPACE)
    ledger.delete(first)

    assert ledger.ensure("first", SPACE) != first


def test_a_collection_of_another_space_is_refused_with_both_names_though_dimensions_agree(ledger: Ledger):
    ledger.ensure("first", SPACE)

    with pytest.raises(
        SpaceMismatch, match=r"space of one \(3-d, ffff\), and what was given in that of two \(3-d, eeee"
    ):
        ledger.ensure("first", OTHER)
    assert [info.space for info in ledger.collections()] == [SPACE]


@pytest.mark.parametrize("name", ["", "  \n"])
def test_a_collection_needs_a_name(ledger: Ledger, name: str):
    number = ledger.ensure("first", SPACE)

    with pytest.raises(BadInput, match="needs a name"):
        ledger.ensure(name, SPACE)
    with pytest.raises(BadInput, match="needs a name"):
        ledger.rename(number, name)


def test_a_batch_is_taken_whole_or_not_at_all(ledger: Ledger):
    number = ledger.ensure("first", SPACE)
    with pytest.raises(BadInput, match=r"2 images of dimension 3 need as many vectors: \(2, 4\)"):
        ledger.add(number, [record("a"), record("b")], np.ones((2, 4)))
    with pytest.raises(ValueError, match="not JSON compliant"):  # the second of two fails
        put(ledger, number, record("a"), record("b", n=float("nan")))

    info = ledger.info(number)
    assert (info.images, info.revision) == (0, 0)
    assert ledger.vectors(SPACE, ["a", "b"]) == {}
    put(ledger, number, record("c"))  # the transaction is not left open
    assert ledger.info(number).images == 1


def test_what_was_added_is_there_though_the_process_never_closes_the_file(tmp_path: Path):
    path = tmp_path / "ledger.sqlite3"
    writer = Ledger(path)
    put(writer, writer.ensure("first", SPACE), record("a"))

    reader = Ledger(path)
    assert [info.images for info in reader.collections()] == [1]
    reader.close()
    writer.close()


def test_an_unknown_number_is_not_found_and_the_names_are_told(ledger: Ledger):
    ledger.ensure("first", SPACE)

    with pytest.raises(NotFound, match=r"No collection named 'number 77'. There is: first") as caught:
        ledger.info(77)
    assert caught.value.known == ["first"]


def test_maps_and_anchors_come_back_as_they_were_and_go_with_their_collection(tmp_path: Path):
    first = Ledger(tmp_path / "ledger.sqlite3")
    number = first.ensure("first", SPACE)
    assert first.map(number) is None
    assert first.anchors(number) == []
    xy = np.random.default_rng(0).normal(size=(2, 2)).astype(np.float32)
    first.save_map(number, SpaceMap("old", ("a",), xy[:1], 1))
    first.save_map(number, SpaceMap("key", ("a", "b"), xy, 2, late=("b",)))
    first.set_anchors(number, ["ein Boot", "ship, 🚢"])
    first.close()

    again = Ledger(tmp_path / "ledger.sqlite3")
    found = again.find_map("key")
    assert found is not None
    assert (found.key, found.ids, found.revision, found.placed) == ("key", ("a", "b"), 2, 1)
    assert np.array_equal(found.xy, xy)
    assert found.xy.dtype == np.float32
    assert again.find_map("old") is None
    assert again.anchors(number) == ["ein Boot", "ship, 🚢"]
    again.delete(number)
    assert again.map(number) is None
    assert again.find_map("key") is None
    again.close()


FIRST_VERSION = """
CREATE TABLE spaces (
    fingerprint TEXT PRIMARY KEY, model TEXT NOT NULL, dimension INTEGER NOT NULL, logit_scale REAL NOT NULL);
CREATE TABLE collections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: Chroma's collection is named after it
    name TEXT NOT NULL UNIQUE,
    space TEXT NOT NULL REFERENCES spaces,
    revision INTEGER NOT NULL DEFAULT 0,  -- grows with every change of its images or their metadata
    anchors TEXT NOT NULL DEFAULT '[]'  -- JSON list of the texts kept on the map
    );
CREATE TABLE images (id TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL);
CREATE TABLE vectors (  -- float32, little-endian: embedded once, whatever collections hold the image
    space TEXT NOT NULL REFERENCES spaces, image TEXT NOT NULL REFERENCES images, vector BLOB NOT NULL,
    PRIMARY KEY (space, image)) WITHOUT ROWID;
CREATE TABLE texts (space TEXT NOT NULL REFERENCES spaces, text TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (space, text)) WITHOUT ROWID;
CREATE TABLE members (
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, image TEXT NOT NULL REFERENCES images,
    path TEXT NOT NULL, meta TEXT NOT NULL, PRIMARY KEY (collection, image)) WITHOUT ROWID;
CREATE INDEX members_by_image ON members (image);
CREATE TABLE maps (
    collection INTEGER PRIMARY KEY REFERENCES collections ON DELETE CASCADE,
    key TEXT NOT NULL, ids TEXT NOT NULL, xy BLOB NOT NULL, revision INTEGER NOT NULL, late TEXT NOT NULL);
"""


SECOND_VERSION = (
    FIRST_VERSION
    + """
ALTER TABLE collections ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN names TEXT NOT NULL DEFAULT '[]';
"""
)
THIRD_VERSION = (
    SECOND_VERSION
    + """
ALTER TABLE maps ADD COLUMN drawing TEXT NOT NULL DEFAULT '{}';
ALTER TABLE collections ADD COLUMN tagging INTEGER NOT NULL DEFAULT 0;
CREATE TABLE tags (
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, image TEXT NOT NULL REFERENCES images,
    tag TEXT NOT NULL, PRIMARY KEY (collection, image, tag)) WITHOUT ROWID;
CREATE TABLE saved (  -- queries and views by name, their contents as JSON
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (collection, kind, name)) WITHOUT ROWID;
CREATE TABLE removed (  -- images that were taken out and can be put back
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, image TEXT NOT NULL REFERENCES images,
    path TEXT NOT NULL, meta TEXT NOT NULL, names TEXT NOT NULL, PRIMARY KEY (collection, image)) WITHOUT ROWID;
CREATE INDEX removed_by_image ON removed (image);
"""
)


def columns(path: Path) -> dict[str, list[tuple]]:
    """Name, type and default of the columns of each table, by name; an index has none."""
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL")]
        return {name: sorted(row[1:5] for row in db.execute(f"PRAGMA table_info({name})")) for name in names}


@pytest.mark.parametrize(("version", "schema"), [(1, FIRST_VERSION), (2, SECOND_VERSION), (3, THIRD_VERSION)])
def test_a_ledger_of_an_earlier_version_is_read_and_goes_on(tmp_path: Path, version: int, schema: str):
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as db:
        db.executescript(schema)
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("INSERT INTO spaces VALUES (?, ?, ?, ?)", (SPACE.fingerprint, SPACE.model, 3, SPACE.logit_scale))
        db.execute("INSERT INTO collections (name, space, revision) VALUES ('old', ?, 4)", (SPACE.fingerprint,))
        if version > 1:
            db.execute("UPDATE collections SET images = 2")
        for id in "ab":
            db.execute("INSERT INTO images VALUES (?, 4, 3)", (id,))
            db.execute("INSERT INTO vectors VALUES (?, ?, ?)", (SPACE.fingerprint, id, vector(id).tobytes()))
            db.execute("INSERT INTO members (collection, image, path, meta) VALUES (1, ?, ?, '{}')", (id, f"{id}.png"))
        if version > 2:
            db.execute("INSERT INTO tags VALUES (1, 'a', 'kept')")
            db.execute("INSERT INTO saved VALUES (1, 'view', 'mine', '{}')")
    db.close()

    for _ in range(2):  # the second time it is of this version
        opened = Ledger(tmp_path / "ledger.sqlite3")
        assert [(info.name, info.images, info.revision) for info in opened.collections()] == [("old", 2, 4)]
        assert opened.info(1).space == SPACE
        assert opened.records(1) == [record("a"), record("b")]
        assert opened.marks.tags(1) == ({"a": {"kept"}} if version > 2 else {})
        assert opened.marks.saved(1, "view") == ({"mine": {}} if version > 2 else {})
        assert (opened.marks.given(1), opened.marks.giving(1)) == ({}, 0)
        opened.close()
    opened = Ledger(tmp_path / "ledger.sqlite3")
    put(opened, opened.ensure("old", SPACE), record("b", "elsewhere.png"), record("c"))
    assert opened.info(1).images == 3
    assert opened.records(1)[1].names == ("elsewhere.png",)
    opened.marks.give(1, {"kind": {"c": "boat"}})
    assert opened.marks.given(1) == {"kind": {"c": "boat"}}
    opened.close()
    Ledger(tmp_path / "new.sqlite3").close()
    assert columns(tmp_path / "ledger.sqlite3") == columns(tmp_path / "new.sqlite3")


def test_of_an_image_with_many_names_a_hundred_are_kept(ledger: Ledger):
    number = ledger.ensure("one", SPACE)
    for row in range(120):
        put(ledger, number, record("a", f"{row}.png"))

    assert ledger.records(number)[0].path == "0.png"
    assert ledger.records(number)[0].names == tuple(f"{row}.png" for row in range(1, 101))


def test_a_full_disk_is_said_and_nothing_of_the_batch_is_there(ledger: Ledger):
    number = ledger.ensure("one", SPACE)
    put(ledger, number, record("a"))
    pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
    ledger._db.execute(f"PRAGMA max_page_count = {pages + 3}")  # SQLite then says what it says of a full disk

    many = [record(f"{row:04}", "x" * 2000) for row in range(50)]
    with pytest.raises(NoSpace, match="run the same command again"):
        put(ledger, number, *many)
    assert [one.id for one in ledger.records(number)] == ["a"]
    ledger._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert len(put(ledger, number, *many)[0]) == 50


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path):
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(StoreDamaged, match="written by a newer version of Shared Space: update the program"):
        Ledger(path)


def test_a_file_that_is_no_ledger_is_told_as_damaged(tmp_path: Path):
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this was a ledger once" * 500)

    with pytest.raises(
        StoreDamaged, match=r"ledger\.sqlite3 cannot be read as a ledger of Shared Space: file is not a"
    ):
        Ledger(path)


def test_damage_within_the_file_is_told_as_damaged_when_it_is_met(tmp_path: Path):
    path = tmp_path / "ledger.sqlite3"
    whole = Ledger(path)
    put(whole, whole.ensure("first", SPACE), *(record(f"{i:04}") for i in range(500)))
    whole.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)  # all but the page with the schema
    path.write_bytes(data)

    with pytest.raises(StoreDamaged, match=r"malformed|corrupt|not a database"):  # noqa: PT012 (at opening or reading)
        damaged = Ledger(path)
        try:
            damaged.collections()
            damaged.records(1)
        finally:
            damaged.close()


# ---- what people put on images


def test_the_bias_of_a_sigmoid_models_space_is_kept_and_learnt(tmp_path: Path):
    sigmoid = Space("5555", "siglip", 3, 117.3, -12.9)
    first = Ledger(tmp_path / "ledger.sqlite3")
    number = first.ensure("first", sigmoid)
    first.ensure("other", SPACE)
    assert first.info(number).space == sigmoid
    first.close()

    again = Ledger(tmp_path / "ledger.sqlite3")
    assert {info.space for info in again.collections()} == {sigmoid, SPACE}
    assert again.spaces("siglip") == [sigmoid]
    again.ensure("second", Space("5555", "siglip", 3, 117.3))  # from who does not know of it
    assert again.spaces("siglip") == [sigmoid]
    again.ensure("other", Space(SPACE.fingerprint, SPACE.model, 3, 100.0, -1.5))
    assert again.info(2).space.logit_bias == -1.5
    again.close()


VALUES = st.one_of(st.none(), st.sampled_from(["x", "ü", "", 1, 1.0, True, False, 2.5, -(2**62)]))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    turns=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["class", "note"]), st.dictionaries(st.sampled_from("abcz"), VALUES, max_size=4)),
            st.sampled_from(["remove a", "back", "again", "reopen", "take back"]),
        ),
        max_size=12,
    )
)
def test_given_values_are_a_dictionary_and_outlive_removal_and_a_second_ingest(turns: list):
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite3")
        number = ledger.ensure("first", SPACE)
        put(ledger, number, *map(record, "abc"))  # z never comes
        put(ledger, ledger.ensure("second", SPACE), record("z"))
        model: dict[str, dict[str, object]] = {"class": {}, "note": {}}
        for turn in turns:
            before = {field: dict(own) for field, own in model.items()}
            giving = ledger.marks.giving(number)
            match turn:
                case "remove a":
                    ledger.remove(number, ["a"])
                case "back":
                    ledger.put_back(number, ["a"])
                case "again":
                    put(ledger, number, *map(record, "abc"))
                case "reopen":
                    ledger.close()
                    ledger = Ledger(Path(folder) / "ledger.sqlite3")
                case "take back":
                    assert ledger.marks.take_back(number, "class") == model["class"]
                    model["class"] = {}
                case field, own:
                    had = ledger.marks.give(number, {field: own})
                    assert had == {field: {id: model[field].get(id) for id in own}}
                    for id in own.keys() - {"z"}:
                        if own[id] in (None, ""):
                            model[field].pop(id, None)
                        else:
                            model[field][id] = own[id]
            assert typed(ledger.marks.given(number)) == typed({field: own for field, own in model.items() if own})
            assert ledger.marks.given_fields(number) == [field for field, own in model.items() if own]
            assert ledger.marks.giving(number) == giving + (typed(before) != typed(model))
        ledger.close()


def typed(given: dict) -> dict:
    """Values with their types: 1, 1.0 and True are three."""
    return {field: {id: (type(value), value) for id, value in own.items()} for field, own in given.items()}


def test_what_was_given_is_taken_back_by_giving_what_there_was(ledger: Ledger):
    number = ledger.ensure("first", SPACE)
    put(ledger, number, *map(record, "abc"))
    ledger.marks.give(number, {"class": {"a": "boat", "b": 2}})

    had = ledger.marks.give(number, {"class": {"a": "ship", "b": None, "c": True}, "note": {"a": "?"}})
    assert ledger.marks.given(number) == {"class": {"a": "ship", "c": True}, "note": {"a": "?"}}
    ledger.remove(number, ["b"])  # which may be put back
    ledger.marks.give(number, had)
    assert ledger.marks.given(number) == {"class": {"a": "boat", "b": 2}}


def test_given_values_go_with_their_collection_and_are_of_it_alone(ledger: Ledger):
    first, second = ledger.ensure("first", SPACE), ledger.ensure("second", SPACE)
    for number in (first, second):
        put(ledger, number, record("a"))
        ledger.marks.give(number, {"of": {"a": number}})
    ledger.delete(first)

    assert ledger.marks.given(first) == {}
    assert ledger.marks.given(second) == {"of": {"a": second}}
    with pytest.raises(NotFound, match="collection"):
        ledger.marks.giving(first)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x" * 4001, "A text of 'class' has 4,001 characters: at most 4,000 are kept"),
        (float("nan"), "A value of 'class' is nan: give a number of ordinary size"),
        (float("-inf"), "is -inf: give a number"),
        (2**63, "is 9223372036854775808: give a number"),
        (10**400, "give a number of ordinary size"),
        (["a"], r"is neither a text nor a number nor yes or no, but \['a'\]"),
        (np.float32(1), "is neither a text nor a number nor yes or no, but np.float32"),
    ],
)
def test_what_is_no_value_is_refused_and_nothing_of_it_is_given(ledger: Ledger, value: object, reason: str):
    number = ledger.ensure("first", SPACE)
    put(ledger, number, *map(record, "ab"))

    with pytest.raises(BadInput, match=reason):
        ledger.marks.give(number, {"before": {"a": 1}, "class": {"a": "x" * 4000, "b": value}})  # type: ignore[dict-item]
    assert ledger.marks.given(number) == {}


def test_two_sessions_that_give_at_once_lose_nothing(tmp_path: Path):
    path = tmp_path / "ledger.sqlite3"
    with closing(Ledger(path)) as first, closing(Ledger(path)) as second:
        number = first.ensure("first", SPACE)
        put(first, number, *map(record, "abc"))
        process = subprocess.Popen([sys.executable, "-c", GIVING, str(path), "c"], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        start = threading.Barrier(2)

        def work(session: Ledger, field: str, id: str) -> None:
            start.wait()
            for turn in range(25):
                session.marks.give(number, {field: dict.fromkeys("abc", turn), "both": {id: turn}})
                session.marks.tag(number, [id], f"{field} {turn}")

        threads = [
            threading.Thread(target=work, args=(first, "mine", "a")),
            threading.Thread(target=work, args=(second, "yours", "b")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert process.communicate() == (b"", None)

        all_last = dict.fromkeys("abc", 24)
        assert first.marks.given(number) == dict.fromkeys(("both", "mine", "theirs", "yours"), all_last)
        assert first.marks.giving(number) == 75
        assert {id: len(tags) for id, tags in second.marks.tags(number).items()} == {"a": 25, "b": 25}


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_saved_is_of_its_kind_and_comes_back_as_it_was(tmp_path: Path, kind: Kind):
    body = {"vectors": np.random.default_rng(0).normal(size=(200, 512)).tolist(), "name": "ü"}  # some 2 MB
    assert len(json.dumps(body)) > 2_000_000
    first = Ledger(tmp_path / "ledger.sqlite3")
    number = first.ensure("first", SPACE)
    first.marks.save(number, kind, "mine", body)
    first.marks.save(number, kind, "other", {})
    first.close()

    with closing(Ledger(tmp_path / "ledger.sqlite3")) as again:
        assert again.marks.one_saved(number, kind, "mine") == body
        assert again.marks.saved(number, kind) == {"mine": body, "other": {}}
        assert all(again.marks.saved(number, other) == {} for other in get_args(Kind) if other != kind)
        with pytest.raises(NotFound, match=f"No saved {kind} named 'none'. There is: mine, other"):
            again.marks.one_saved(number, kind, "none")
