"""A collection asked with several parts, under filters, with tags; what is removed comes back."""

import csv
import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import png

from sharedspace import filters
from sharedspace.collection import Collection
from sharedspace.errors import BadInput, EmptyCollection, NotFound
from sharedspace.questions import Part
from sharedspace.records import Drawing, Given, Hit, Rejected
from sharedspace.testing import load_fake
from sharedspace.workspace import Workspace


@pytest.fixture
def colours(workspace: Workspace, pictures: Path) -> Collection:
    """Six plain pictures with a field of numbers and one of words."""
    (pictures / "labels.csv").write_text(
        "file,warm,rank\nred.png,yes,1\ngreen.png,no,2\nblue.png,no,3\nyellow.png,yes,4\ncyan.png,no,5\nmagenta.png,yes,6\n"
    )
    workspace.ingest("colours", [pictures], model="fake")
    return workspace.collection("colours")


def named(hits) -> list[str]:
    return [Path(hit.path).stem for hit in hits]


def id_of(collection: Collection, name: str) -> str:
    return next(record.id for record in collection.snapshot().records if Path(record.path).stem == name)


def where(*written: str):
    return [filters.parse(one) for one in written]


def cosines(collection: Collection, text: str) -> np.ndarray:
    return collection.snapshot().vectors @ collection.encoder.texts([text])[0]


# ---- queries ------------------------------------------------------------------------------------


def test_a_query_for_and_against_is_the_difference_of_standardised_cosines(colours: Collection):
    result = colours.ask(colours.terms([Part("red"), Part("yellow", weight=-2)]), 6)

    def z(column):
        return (column - column.mean()) / column.std()

    expected = z(cosines(colours, "red")) - 2 * z(cosines(colours, "yellow"))
    order = np.argsort(-expected, kind="stable")
    assert [hit.id for hit in result] == [colours.snapshot().ids[row] for row in order]
    assert [hit.score for hit in result] == pytest.approx(expected[order], abs=1e-4)
    assert [sum(hit.parts) for hit in result] == pytest.approx([hit.score for hit in result], abs=1e-5)
    assert result.query == "red − 2 × yellow"
    assert result.no_match_line is None


def test_a_selection_asks_by_its_mean_and_a_strange_vector_is_refused(colours: Collection):
    ids = (id_of(colours, "red"), id_of(colours, "yellow"))
    mean = sum(colours.snapshot().vectors[colours.rows({id})[0]] for id in ids)

    result = colours.ask(colours.terms([Part(images=ids)]), 6)

    assert result.scores == pytest.approx(colours.snapshot().vectors @ (mean / np.linalg.norm(mean)), abs=1e-6)
    assert set(named(result.hits[:2])) == {"red", "yellow"}
    with pytest.raises(BadInput, match="another model than this collection's: give it again"):
        colours.terms([Part(vector=(1.0, 0.0), name="x.png")])
    with pytest.raises(NotFound, match="image"):
        colours.terms([Part(images=("0" * 64,), name="gone")])


def test_hits_under_filters_are_those_of_the_whole_ranking_that_pass(colours: Collection):
    everything = colours.search("yellow", 6)
    warm = colours.search("yellow", 6, where=where("warm=yes"))
    late = colours.search("yellow", 6, where=where("warm=yes", "rank>=4"))

    assert named(warm) == [name for name in named(everything) if name in ("red", "yellow", "magenta")]
    assert named(late) == [name for name in named(everything) if name in ("yellow", "magenta")]
    assert [hit.score for hit in warm] == [hit.score for hit in everything if Path(hit.path).stem in named(warm)]
    assert (everything.searched, warm.searched, late.searched) == (6, 3, 2)
    assert warm.no_match_line == everything.no_match_line
    with pytest.raises(NotFound, match=r"temperature.*rank"):
        colours.search("yellow", where=where("temperature=3"))


def test_a_query_may_choose_from_a_selection_only(colours: Collection):
    some = {id_of(colours, "blue"), id_of(colours, "cyan")}
    result = colours.ask(colours.terms([Part("red")]), 6, among=some)

    assert {hit.id for hit in result} == some
    assert colours.mask(among=set(colours.snapshot().ids)) is None


# ---- tags ---------------------------------------------------------------------------------------


def test_tags_filter_and_the_hidden_are_left_out_until_they_are_asked_for(colours: Collection):
    red, blue = id_of(colours, "red"), id_of(colours, "blue")
    assert colours.tag([red, blue, "0" * 64], " to  keep ") == [red, blue]
    assert colours.tag([red], "to keep") == []

    assert set(named(colours.search("red", 6, where=where("tag=to keep")))) == {"red", "blue"}
    assert colours.tag([red], "hidden") == [red]
    assert "red" not in named(colours.search("red", 6))
    assert named(colours.search("red", 2, "chroma")) == named(colours.search("red", 2))
    assert named(colours.search("red", 6, where=where("tag=hidden"))) == ["red"]
    assert colours.untag([red, blue], "hidden") == [red]
    assert named(colours.search("red", 6))[0] == "red"
    assert colours.tags() == {red: {"to keep"}, blue: {"to keep"}}
    with pytest.raises(BadInput, match="tag is empty"):
        colours.tag([red], "  ")
    with pytest.raises(BadInput, match="81 characters: at most 80"):
        colours.tag([red], "x" * 81)


def test_what_was_removed_comes_back_with_metadata_tags_and_picture(colours: Collection, workspace: Workspace):
    red, before = id_of(colours, "red"), colours.snapshot()
    colours.tag([red], "first")
    assert colours.remove([red, "0" * 64]) == 1
    assert colours.removed() == [red]
    assert red not in colours.snapshot().ids
    assert red not in colours.tags()

    assert colours.put_back([red, red]) == 1
    assert colours.snapshot().records == before.records
    assert np.array_equal(colours.snapshot().vectors, before.vectors)
    assert colours.tags() == {red: {"first"}}
    assert colours.removed() == []
    assert workspace.home.thumbnail(red) is not None
    assert [hit.id for hit in colours.search("red", 1, "chroma")] == [red]
    assert workspace.verify("colours").mended == ()


def test_what_is_forgotten_for_good_takes_its_picture_along(colours: Collection, workspace: Workspace):
    red = id_of(colours, "red")
    colours.remove([red])
    assert workspace.home.thumbnail(red) is not None

    assert colours.forget_removed() == 1
    assert workspace.home.thumbnail(red) is None
    assert colours.put_back([red]) == 0


# ---- saved --------------------------------------------------------------------------------------


def test_a_saved_query_is_asked_again_and_is_a_column_of_z_scores(colours: Collection):
    colours.save_query("warmth", [Part("red"), Part("blue", weight=-1)])

    assert colours.saved_query("warmth") == (Part("red"), Part("blue", weight=-1.0))
    column = colours.query_column("warmth")
    assert (column.mean(), column.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
    total = colours.ask(colours.terms(colours.saved_query("warmth")), 6).scores
    assert np.corrcoef(column, total)[0, 1] == pytest.approx(1, abs=1e-6)
    colours.forget("query", "warmth")
    with pytest.raises(NotFound, match="saved query"):
        colours.saved_query("warmth")
    with pytest.raises(BadInput, match="empty"):
        colours.save_query("nothing", [Part(" ")])


# ---- parts of a collection ----------------------------------------------------------------------


def test_a_collection_of_some_images_embeds_nothing_and_keeps_their_tags(colours: Collection, workspace: Workspace):
    some = [id_of(colours, "red"), id_of(colours, "blue")]
    colours.tag(some[:1], "first")
    seen = dict(colours.encoder.seen)

    made = workspace.copy("colours", "two", ids=some)

    assert set(made.snapshot().ids) == set(some)
    assert made.tags() == {some[0]: {"first"}}
    assert colours.encoder.seen["images"] == seen["images"]
    assert len(made.map().ids) == 2
    assert workspace.verify("two").mended == ()


def test_some_images_are_exported_with_further_columns_and_as_files(
    colours: Collection, workspace: Workspace, tmp_path: Path
):
    red, blue = id_of(colours, "red"), id_of(colours, "blue")
    columns = {"tags": {red: "=1+1"}, "warm": {red: "never"}}

    done = workspace.export_some("colours", tmp_path / "some.csv", {red, blue}, columns)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "some.csv").read_text())))
    assert (done.images, {row["id"] for row in rows}) == (2, {red, blue})
    by_id = {row["id"]: row for row in rows}
    assert by_id[red]["tags"] == "'=1+1"
    assert (by_id[red]["warm"], by_id[blue]["warm"], by_id[blue]["tags"]) == ("yes", "no", "")

    packed = workspace.export_some("colours", tmp_path / "some.zip", {red, blue})
    with zipfile.ZipFile(tmp_path / "some.zip") as archive:
        names = archive.namelist()
        table = list(csv.DictReader(io.StringIO(archive.read("images.csv").decode())))
    assert sorted(names) == sorted(["images.csv", f"{red[:8]}-red.jpg", f"{blue[:8]}-blue.jpg"])
    assert {row["kind"] for row in table} == {"thumbnail"}
    assert (packed.thumbs, packed.originals) == (2, 0)
    with pytest.raises(BadInput, match="None of these images"):
        workspace.export_some("colours", tmp_path / "none.csv", {"0" * 64})


def test_kept_originals_go_into_the_zip_as_they_were(workspace: Workspace, tmp_path: Path):
    folder = tmp_path / "up"
    folder.mkdir()
    data = png("red")
    (folder / "evil: name.png").write_bytes(data)
    workspace.ingest("kept", [folder], model="fake", keep=True)
    id = workspace.collection("kept").snapshot().ids[0]

    done = workspace.export_some("kept", tmp_path / "kept.zip", {id})

    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        assert archive.read(f"{id[:8]}-evil_name.png") == data
    assert (done.thumbs, done.originals) == (0, 1)


# ---- the map ------------------------------------------------------------------------------------


def test_neighbours_are_those_of_brute_force_and_are_kept_for_the_next_process(
    colours: Collection, workspace: Workspace
):
    rows, near = colours.neighbours(2)
    every = colours.snapshot().vectors @ colours.snapshot().vectors.T

    assert rows[:, 0].tolist() == list(range(6))
    for row in range(6):
        others = np.delete(every[row], row)
        assert sorted(near[row, 1:3], reverse=True) == pytest.approx(sorted(others, reverse=True)[:2], abs=1e-6)
    kept = list((workspace.home.path / "snapshots").glob("*-near.npz"))
    assert len(kept) == 1
    colours.remove([colours.snapshot().ids[0]])
    assert colours.neighbours(2)[0].shape[0] == 5
    assert len(list((workspace.home.path / "snapshots").glob("*-near.npz"))) == 1


def test_a_map_keeps_how_it_was_drawn_and_the_same_seed_gives_it_again(workspace: Workspace, tmp_path: Path):
    folder = tmp_path / "many"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(24):
        (folder / f"{number}.png").write_bytes(png(tuple(rng.integers(0, 255, 3).tolist())))
    workspace.ingest("many", [folder], model="fake")
    collection = workspace.collection("many")
    drawing = Drawing(n_neighbors=5, min_dist=0.3, seed=7)

    first = collection.redraw(drawing)
    assert collection.map().drawing == drawing
    assert collection.redraw(Drawing(n_neighbors=5, min_dist=0.3, seed=8)).key != first.key
    assert collection.redraw(drawing).key == first.key
    assert collection.trust().shape == (24,)
    assert 0 <= float(collection.trust().mean()) <= 1


def test_hits_carry_their_side_of_the_no_match_line(colours: Collection):
    result = colours.search("red", 6)

    assert result.no_match_line is not None
    assert all(isinstance(hit, Hit) and hit.matched == (hit.score >= result.no_match_line) for hit in result)


def test_a_pinned_collection_answers_of_one_moment_while_others_go_on(colours: Collection):
    colours.map()
    pinned = colours.pinned(drawn=True)
    colours.remove([colours.snapshot().ids[0]])
    colours.map()

    assert len(pinned.ask(pinned.terms([Part("red")]), 6).scores) == len(pinned.view()[1].xy) == 6
    assert len(pinned.column("warm")) == 6
    assert len(colours.ask(colours.terms([Part("red")]), 6).scores) == len(colours.view()[1].xy) == 5


def test_what_was_removed_comes_back_to_its_very_place_on_the_map(colours: Collection):
    before = colours.map()
    red = id_of(colours, "red")
    colours.remove([red])
    without = colours.map()
    kept = [row for row, id in enumerate(before.ids) if id != red]
    assert without.ids == tuple(before.ids[row] for row in kept)
    assert np.array_equal(without.xy, before.xy[kept])

    colours.put_back([red])
    assert np.array_equal(colours.map().xy, before.xy)
    assert colours.map().placed == 0


def test_what_is_added_again_is_no_longer_among_the_removed(colours: Collection, workspace: Workspace, pictures: Path):
    red = id_of(colours, "red")
    colours.remove([red])
    workspace.ingest("colours", [pictures / "red.png"], model="fake")

    assert red in colours.snapshot().ids
    assert colours.removed() == []


def test_a_query_that_could_not_be_read_again_is_not_saved(colours: Collection):
    with pytest.raises(BadInput, match="at most 12 parts"):
        colours.save_query("long", [Part("red")] * 13)
    assert colours.saved("query") == {}


def test_many_images_are_asked_for_by_their_mean(colours: Collection, monkeypatch: pytest.MonkeyPatch):
    ids = list(colours.snapshot().ids)
    by_ids = colours.ask(colours.terms([colours.like(ids, "all")]), 6).scores
    monkeypatch.setattr("sharedspace.collection.asked.MANY", 3)
    part = colours.like(ids, "all")

    assert (part.images, len(part.vector)) == ((), 4)
    assert colours.ask(colours.terms([part]), 6).scores == pytest.approx(by_ids, abs=1e-6)


def test_a_deleted_collection_is_named_by_whoever_comes_too_late(colours: Collection, workspace: Workspace):
    drawn = colours.map()
    number = colours.info.number
    workspace.delete("colours")

    with pytest.raises(NotFound):
        workspace.home.ledger.save_map(number, drawn)
    with pytest.raises(NotFound):
        colours.save("view", "late", {})
    with pytest.raises(NotFound):
        colours.anchors()
    with pytest.raises(NotFound):
        colours.tags()


def test_a_saved_query_is_a_field_to_filter_by(colours: Collection):
    colours.save_query("warmth", [Part("red")])
    column = colours.query_column("warmth")

    passed = colours.mask(where("query:warmth>=0.5", "warm=yes"))
    warm = [value == "yes" for value in colours.column("warm")]
    assert passed is not None
    assert passed.tolist() == [bool(a and b) for a, b in zip(column >= 0.5, warm, strict=True)]
    with pytest.raises(NotFound, match="saved query"):
        colours.mask(where("query:none>1"))


# ---- given values


def test_given_values_are_metadata_everywhere(colours: Collection, workspace: Workspace, tmp_path: Path):
    red, blue = id_of(colours, "red"), id_of(colours, "blue")
    assert colours.mask(where("warm=yes")) is not None  # what is remembered from before must not be what is answered
    assert (colours.fields(), colours.given()) == (["rank", "warm"], [])
    assert colours.give(" my  class ", {red: "boat", blue: 2, "0" * 64: "stranger"}) == dict.fromkeys(
        [red, blue, "0" * 64]
    )

    assert (colours.fields(), colours.given()) == (["my class", "rank", "warm"], ["my class"])
    expected = [{red: "boat", blue: 2}.get(id) for id in colours.snapshot().ids]
    assert colours.column("my class") == expected
    assert named(colours.search("red", 6, where=where("my class=boat"))) == ["red"]
    assert set(named(colours.search("red", 6, where=where("my class>=1", "warm=no")))) == {"blue"}
    for ending in ("csv", "parquet"):
        workspace.export("colours", tmp_path / f"out.{ending}")
    table = pd.read_parquet(tmp_path / "out.parquet")
    texts = [None if value is None else str(value) for value in expected]  # of two kinds the column is text
    assert [None if pd.isna(value) else value for value in table["my class"]] == texts
    assert "my class" in pd.read_csv(tmp_path / "out.csv")

    had = colours.give("my class", {red: "ship", blue: None})
    assert named(colours.search("red", 6, where=where("my class=ship"))) == ["red"]
    assert colours.mask(where("my class=boat")) is not None
    assert not colours.mask(where("my class=boat")).any()
    colours.give("my class", had)
    assert colours.column("my class") == expected
    assert colours.take_back("my class") == {red: "boat", blue: 2}
    assert (colours.fields(), colours.given()) == (["rank", "warm"], [])
    for late in (lambda: colours.column("my class"), lambda: colours.mask(where("my class=boat"))):
        with pytest.raises(NotFound, match="field"):
            late()
    with pytest.raises(NotFound, match="given field"):
        colours.take_back("my class")


def test_a_field_that_came_with_the_files_is_not_given(colours: Collection):
    red = id_of(colours, "red")

    with pytest.raises(BadInput, match="The field 'warm' came with the files of 'colours': choose another name"):
        colours.give("warm", {red: "no"})
    with pytest.raises(BadInput, match="stands for something else here"):
        colours.give("tag", {red: "no"})
    assert colours.given() == []


def test_a_given_value_holds_though_files_bring_that_field_later_until_it_is_taken_back(
    colours: Collection, workspace: Workspace, pictures: Path
):
    red, blue = id_of(colours, "red"), id_of(colours, "blue")
    colours.give("class", {red: "mine"})
    table = {"red.png": {"class": "theirs"}, "blue.png": {"class": "theirs"}}
    workspace.ingest("colours", [pictures], model="fake", table=table)

    def values() -> list[object]:
        return [dict(zip(colours.snapshot().ids, colours.column("class"), strict=True))[id] for id in (red, blue)]

    assert values() == ["mine", "theirs"]
    colours.give("class", {red: "mine again", blue: "mine too"})  # it is still a given field
    assert values() == ["mine again", "mine too"]
    colours.take_back("class")
    assert values() == ["theirs", "theirs"]
    with pytest.raises(BadInput, match="came with the files"):
        colours.give("class", {red: "mine"})


def test_given_values_outlive_removal_a_second_ingest_and_a_restart(
    colours: Collection, workspace: Workspace, pictures: Path
):
    red, blue = id_of(colours, "red"), id_of(colours, "blue")
    colours.give("note", {red: "warm", blue: "cold\nand deep"})
    colours.remove([red, blue])
    assert "note" not in colours.fields()
    colours.put_back([blue])
    workspace.ingest("colours", [pictures], model="fake")
    workspace.close()

    with closing(Workspace(workspace.home.path, load=load_fake)) as again:
        there = again.collection("colours")
        found = {record.id: record.meta["note"] for record in there.snapshot().records if "note" in record.meta}
        assert found == {red: "warm", blue: "cold\nand deep"}


def test_two_workspaces_that_give_at_once_keep_both_and_see_each_other(colours: Collection, workspace: Workspace):
    ids = colours.snapshot().ids
    with closing(Workspace(workspace.home.path, load=load_fake)) as other:
        there = other.collection("colours")
        sides = ((colours, "mine", ids[:3]), (there, "yours", ids[3:]))
        start = threading.Barrier(2)

        def work(collection: Collection, field: str, some: tuple[str, ...]) -> None:
            start.wait()
            for turn in range(20):
                collection.give(field, dict.fromkeys(ids, turn))
                collection.give("both", dict.fromkeys(some, turn))
                collection.column("both")  # reads while the other gives

        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(work, *side) for side in sides]:
                done.result()
        for collection in (colours, there):
            assert collection.given() == ["both", "mine", "yours"]
            assert all(collection.column(field) == [19] * 6 for field in collection.given())


def test_the_folder_is_a_field_where_images_lie_in_several(workspace: Workspace, tmp_path: Path):
    for name, folder in (("red", "warm"), ("blue", "cold"), ("cyan", "cold")):
        (tmp_path / "sorted" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "sorted" / folder / f"{name}.png").write_bytes(png(name))
    workspace.ingest("one", [tmp_path / "sorted" / "cold"], model="fake")
    workspace.ingest("two", [tmp_path / "sorted"], model="fake", table={})
    one, two = workspace.collection("one"), workspace.collection("two")

    assert (one.fields(), two.fields()) == ([], ["folder"])
    assert [Path(record.path).parent.name for record in two.snapshot().records] == two.column("folder")
    assert named(two.search("red", 6, where=where("folder=cold"))) != []
    assert set(named(two.search("red", 6, where=where("folder=cold")))) == {"blue", "cyan"}
    with pytest.raises(BadInput, match="stands for something else"):
        two.give("folder", {two.snapshot().ids[0]: "mine"})


# ---- a table of values


@pytest.fixture
def foldered(workspace: Workspace, tmp_path: Path) -> Collection:
    """a/one.png (red), b/one.png (blue), b/two.png (cyan), with a field of the files."""
    for name, file in (("red", "a/one.png"), ("blue", "b/one.png"), ("cyan", "b/two.png")):
        (tmp_path / "set" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / file).write_bytes(png(name))
    table = {"a/one.png": {"label": "x"}}
    workspace.ingest("foldered", [tmp_path / "set"], model="fake", table=table)
    return workspace.collection("foldered")


def told(collection: Collection, field: str) -> dict[str, object]:
    """The values of a field by the end of the path."""
    paths = ["/".join(Path(path).parts[-2:]) for path in collection.snapshot().paths]
    return {path: value for path, value in zip(paths, collection.column(field), strict=True) if value is not None}


def test_a_table_gives_by_id_path_or_the_end_of_a_path(foldered: Collection):
    by_path = dict(zip(foldered.snapshot().paths, foldered.snapshot().ids, strict=True))
    whole, id = next(item for item in by_path.items() if item[0].endswith("a/one.png"))

    by_end = foldered.give_table(b"file,kind,n\nb/one.png,boat,1\ntwo.png,,2\n./two.png,ship,\n", "k.csv")
    assert by_end == Given(("kind", "n"), 2, ())
    assert (told(foldered, "kind"), told(foldered, "n")) == (
        {"b/one.png": "boat", "b/two.png": "ship"},
        {"b/one.png": 1, "b/two.png": 2},
    )
    foldered.give_table(f"path;kind\n{whole};by path\n".encode(), "k.csv")
    assert told(foldered, "kind")["a/one.png"] == "by path"
    foldered.give_table(f"id\tkind\n{id}\tby id\n".encode(), "k.csv")
    assert told(foldered, "kind")["a/one.png"] == "by id"
    foldered.give_table(json.dumps({"file": "a\\one.png", "kind": True}).encode(), "k.jsonl")
    assert told(foldered, "kind") == {"a/one.png": True, "b/one.png": "boat", "b/two.png": "ship"}


def test_rows_that_name_no_image_or_several_are_told_and_the_rest_is_given(foldered: Collection):
    data = b"file,kind\none.png,1\nelsewhere/two.png,2\ntwo.png,3\n,4\n"

    assert foldered.give_table(data, "k.csv") == Given(
        ("kind",),
        1,
        (
            Rejected("one.png", "several images have that name: give more of the path"),
            Rejected("elsewhere/two.png", "no image of that name"),
        ),
    )
    assert told(foldered, "kind") == {"b/two.png": 3}


def test_an_exported_table_with_a_further_column_is_taken_back_in(
    foldered: Collection, workspace: Workspace, tmp_path: Path
):
    foldered.give("kind", {foldered.snapshot().ids[0]: "old"})
    workspace.export("foldered", tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv")
    table["kind"] = ["new", "new", "newer"]
    table["label"] = "changed"

    done = foldered.give_table(table.assign(mine=[1.5, 2, 3]).to_csv(index=False).encode(), "edited.csv")
    assert done == Given(("kind", "mine"), 3, (), ("height", "label", "width"))
    assert foldered.column("kind") == table["kind"].tolist()
    assert foldered.column("mine") == [1.5, 2, 3]
    assert told(foldered, "label") == {"a/one.png": "x"}
    table.drop(columns=["kind"]).to_parquet(tmp_path / "theirs.parquet")
    with pytest.raises(BadInput, match="has no column that did not come with the files of 'foldered': add one"):
        foldered.give_table((tmp_path / "theirs.parquet").read_bytes(), "theirs.parquet")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            b"file,kind\nnowhere.png,1\n",
            r"k.csv names no image of this collection: a column file, .* or id has to hold each image's path, file "
            r"name or id, such as '.*\.png'; its first row names 'nowhere.png'",
        ),
        (b"file,kind\none.png,1\n", "k.csv names no image"),  # two images are called so
        (b"name,kind\none.png,1\n", "k.csv: a table of metadata needs a column named 'file' or .* or 'id'"),
        (b"file,kind\n", "k.csv names no image"),
        (b"", "k.csv: a table of metadata needs a column"),
        (b"file,a=b\ntwo.png,1\n", "The field 'a=b' could not be filtered by"),
        (b"file,tag\ntwo.png,1\n", "The field 'tag' stands for something else here"),
        (b"file,kind\ntwo.png," + b"x" * 4001, "A text of 'kind' has 4,001 characters"),
    ],
)
def test_a_table_of_which_nothing_can_be_given_is_refused(foldered: Collection, data: bytes, reason: str):
    with pytest.raises(BadInput, match=reason):
        foldered.give_table(data, "k.csv")
    assert foldered.given() == []


def test_an_empty_collection_takes_no_table(workspace: Workspace):
    workspace.home.ledger.ensure("empty", load_fake("fake").space)

    with pytest.raises(EmptyCollection):
        workspace.collection("empty").give_table(b"file,kind\na.png,1\n", "k.csv")


def test_a_tag_that_comes_while_the_hidden_images_are_looked_up_is_not_lost(colours: Collection, monkeypatch):
    """Between the tags and their number: what was worked out without it is not kept under the new number."""
    marks = colours._home.ledger.marks
    first, known = colours.snapshot().ids[0], marks.tags

    def then_another_tags(number: int) -> dict[str, frozenset[str]]:
        found = known(number)
        monkeypatch.setattr(marks, "tags", known)
        marks.tag(number, [first], "hidden")
        return found

    monkeypatch.setattr(marks, "tags", then_another_tags)
    colours.mask()
    passed = colours.mask()
    assert passed is not None
    assert not passed[0]


def test_where_all_images_are_hidden_there_is_a_sentence_and_no_crash(colours: Collection):
    colours.tag(colours.snapshot().ids, "hidden")
    for ask in (colours.outliers, lambda: colours.subset(2)):
        with pytest.raises(BadInput, match="All images are hidden"):
            ask()
    colours.untag(colours.snapshot().ids, "hidden")


@pytest.mark.parametrize("threshold", [-0.9, 1.1, float("nan")])
def test_a_cosine_of_near_duplicates_out_of_range_is_refused_at_once(colours: Collection, threshold: float):
    with pytest.raises(BadInput, match="from 0 to 1"):
        colours.duplicates(threshold)


def test_the_texts_of_a_saved_set_are_kept(colours: Collection):
    colours.save_labels("two", ["red", "blue"], ["a {}"])
    assert set(colours._home.ledger.texts(colours.info.space, ["a red", "a blue"])) == {"a red", "a blue"}


def test_a_label_with_signs_that_filters_read_can_be_judged(colours: Collection):
    label, first = "a=b <~> c " + "x" * 100, colours.snapshot().ids[0]
    colours.judge(label, [first], True)
    assert colours.judged([label])[0, 0] == 1
    colours.take_back(colours.judging(label))
