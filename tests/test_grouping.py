"""The page of groups: what it says of them against numpy and scikit-learn, every edit, back and forth, and keeping."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from shown import ids, keys, new_home, new_page, open_page, press, run, texts
from sklearn.metrics import adjusted_rand_score
from streamlit.testing.v1 import AppTest

from sharedspace import samples
from sharedspace.collection import Collection
from sharedspace.ui import cache, grouped
from sharedspace.ui.grouped import History, Version, Wanted
from sharedspace.ui.state import State


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("grouping") / "home") as path:
        yield path


@pytest.fixture
def sample(home: Path) -> Iterator[Collection]:
    """The sample set without tags and given fields, before and after."""
    collection = cache.workspace().collection("sample")
    yield collection
    for field in collection.given():
        collection.take_back(field)
    for tag in {tag for own in collection.tags().values() for tag in own}:
        collection.untag(collection.snapshot().ids, tag)
    collection.put_back(collection.removed())


def by_means(k: int, **changes: object) -> AppTest:
    """The page with k groups of k-means, of a session that remembers something."""
    at = new_page("clusters", collection="sample")
    at.session_state["shared-space"] = State(collection="sample", of="sample", also=(), where=(), **changes)  # type: ignore[arg-type]
    run(at)
    run(at.segmented_control(key="method").set_value("k-means"))
    return run(at.slider(key="groups").set_value(k))


def shown(at: AppTest) -> Version:
    """The version that the session's edits have come to."""
    (past,) = at.session_state["shared-space"].groups.values()
    return past.versions[past.at]


def sheets(at: AppTest) -> list[tuple[str, str]]:
    """The title of each sheet and what is said of it, in order."""
    found = [one.value.split("  \n") for one in at.markdown if " images" in one.value and one.value.startswith("**")]
    return [(lines[0].split("**")[1], lines[-1]) for lines in found if "** · " in lines[0]]


def heads(at: AppTest) -> list[str]:
    """The titles of the sheets, in order."""
    return [title for title, _ in sheets(at)]


def starts(at: AppTest, words: str) -> AppTest:
    """Press the first button whose label begins so."""
    return run(next(button for button in at.button if button.label.startswith(words)).click())


def test_a_sheet_shows_the_most_typical_of_its_group_and_its_name(sample: Collection) -> None:
    at = by_means(40)
    clustering = sample.name_groups(sample.cluster("kmeans", 40))
    named = {name.group: name.word for name in clustering.names}
    vectors = sample.snapshot().vectors
    members = np.flatnonzero(clustering.labels == 0)
    nearness = vectors[members] @ vectors[members].mean(axis=0)
    typical = members[np.argsort(-nearness, kind="stable")[:8]]

    assert ids(at, "sheet.0") == [sample.snapshot().ids[row] for row in typical]
    assert heads(at)[0] == named[0]
    assert len(heads(at)) == 24  # of 40: the others on the next page
    assert [head for head in heads(at) if head.startswith("group ")] == [
        f"group {group + 1}" for group in range(24) if named[group] is None
    ]


def test_a_group_without_a_name_is_called_mixed_with_the_reason(sample: Collection) -> None:
    at = by_means(8)
    clustering = sample.name_groups(sample.cluster("kmeans", 8))
    mixed = [name for name in clustering.names if name.word is None]
    lines = [meaning for _, meaning in sheets(at) if "mixed" in meaning]

    assert mixed
    assert [head for head in heads(at) if head.startswith("group ")] == [f"group {one.group + 1}" for one in mixed]
    for one, line in zip(mixed, lines, strict=True):
        assert one.runners_up[0] in line
        assert "fits best, but" in line


def test_own_words_name_groups(sample: Collection) -> None:
    at = by_means(40)
    said = texts(run(at.text_input(key="groups.words").set_value("parasol, brolly")))

    assert "parasol" in said
    assert "brolly" in said


def test_agreement_with_a_field_is_that_of_scikit_learn(sample: Collection) -> None:
    at = by_means(12)
    run(at.selectbox(key="groups.truth").set_value("object"))

    column = sample.column("object")
    has = [row for row, value in enumerate(column) if value is not None]
    groups = sample.cluster("kmeans", 12).labels
    expected = adjusted_rand_score([str(column[row]) for row in has], groups[has])
    assert f"adjusted Rand {expected:.3f}" in texts(at)
    assert f"over {len(has):,} images" in texts(at)


def test_stability_is_told_when_asked_for(sample: Collection) -> None:
    at = by_means(8)
    assert "mean adjusted Rand" not in texts(at)

    press(at, "How stable are they?")
    assert f"mean adjusted Rand {sample.stability('kmeans', 8):.2f} between five starts" in texts(at)


def test_the_silhouette_chooses_the_number_of_groups(sample: Collection) -> None:
    at = by_means(8)
    run(at.toggle(key="groups.auto").set_value(True))

    assert f"**{sample.cluster('kmeans').labels.max() + 1} groups**" in texts(at)


def test_groups_on_the_map_are_those_of_its_points(sample: Collection) -> None:
    at = by_means(8)
    run(at.segmented_control(key="method").set_value("On the map"))

    assert f"**{sample.cluster('map').labels.max() + 1} groups**" in texts(at)


def test_renaming_merging_and_splitting_hold_and_can_be_undone_and_done_again(sample: Collection) -> None:
    at = by_means(8)
    first, second, third = heads(at)[:3]
    found = sample.cluster("kmeans", 8).labels
    at.text_input(key="groups.title.0").set_value("my animals")
    starts(at, "Rename")
    assert heads(at)[0] == "my animals"

    at.multiselect(key="groups.merged").set_value([0, 2])
    press(at, "Merge them")
    assert "**7 groups**" in texts(at)
    assert heads(at)[0] == "my animals"
    assert (shown(at).labels == np.where(found == 2, 0, found)).all()

    at.number_input(key="groups.parts.1").set_value(3)
    run(
        next(
            button for button in at.button if button.label == "Split it" and "parts.1" in (button.form_id or "")
        ).click()
    )
    assert "**9 groups**" in texts(at)
    assert set(shown(at).labels[found == 1]) == {1, 8, 9}
    assert (shown(at).labels[found != 1] == np.where(found == 2, 0, found)[found != 1]).all()

    starts(at, "Undo: split")
    starts(at, "Undo: merged")
    assert "**8 groups**" in texts(at)
    assert heads(at)[:3] == ["my animals", second, third]
    starts(at, "Undo: renamed")
    assert heads(at)[:3] == [first, second, third]
    starts(at, "Redo: renamed")
    assert heads(at)[0] == "my animals"


def test_selected_images_move_to_a_group_to_a_new_one_and_out(sample: Collection) -> None:
    found = sample.cluster("kmeans", 8).labels
    chosen = [sample.snapshot().ids[row] for row in np.flatnonzero(found == 3)[:5]]
    at = by_means(8, selected=frozenset(chosen))

    run(at.button(key="groups.here.1").click())
    rows = sample.rows(chosen)
    assert (shown(at).labels[rows] == 1).all()
    starts(at, "New group of the 5 selected")
    assert (shown(at).labels[rows] == 8).all()
    assert "**9 groups**" in texts(at)
    starts(at, "Take the 5 selected out")
    assert (shown(at).labels[rows] == -1).all()
    assert "5 of 468 images in none" in texts(at)
    assert sorted(ids(at, "sheet.none")) == sorted(chosen)
    rest = np.setdiff1d(np.arange(468), rows)
    assert (shown(at).labels[rest] == found[rest]).all()


def test_groups_kept_as_a_field_are_metadata_and_the_step_can_be_taken_back(sample: Collection) -> None:
    at = by_means(8)
    titles = heads(at)
    at.text_input(key="groups.field").set_value("kind of thing")
    press(at, "Keep")

    found = sample.cluster("kmeans", 8).labels
    assert sample.column("kind of thing") == [titles[group] for group in found]
    starts(at, "Undo: kept the groups")
    assert "kind of thing" not in sample.fields()


def test_a_field_that_came_with_the_files_is_not_written_over(sample: Collection) -> None:
    before = list(sample.column("object"))
    at = by_means(8)
    at.text_input(key="groups.field").set_value("object")
    press(at, "Keep")

    assert "came with the files" in at.error[0].value
    assert sample.column("object") == before


def test_edits_outlive_other_options_and_changes_of_the_collection_and_say_so(sample: Collection) -> None:
    at = by_means(8)
    at.text_input(key="groups.title.0").set_value("my animals")
    starts(at, "Rename")
    run(at.slider(key="groups").set_value(5))
    assert "**8 groups**" in texts(at)
    assert "the options were changed since" in texts(at)

    gone = sample.snapshot().ids[:3]
    sample.remove(gone)
    again = new_page("clusters", collection="sample")
    again.session_state["shared-space"] = at.session_state["shared-space"]
    run(again)
    assert "worked out for 468 images; other images are shown now, 465." in texts(again)
    assert heads(again)[0] == "my animals"
    assert "of 465 images in none" in texts(again)

    starts(again, "Look for groups anew")
    assert "my animals" not in heads(again)
    assert heads(again)
    starts(again, "Redo")
    assert heads(again)[0] == "my animals"


def test_edits_are_shown_also_where_the_options_ask_for_what_cannot_be_yet(home: Path) -> None:
    cache.workspace().ingest("undrawn", samples.load().files[:60])
    at = open_page("clusters", collection="undrawn")
    run(at.segmented_control(key="method").set_value("On the map"))
    assert "no map of these images yet" in texts(at)
    assert not heads(at)

    run(at.segmented_control(key="method").set_value("k-means"))
    at.text_input(key="groups.title.0").set_value("my animals")
    starts(at, "Rename")
    run(at.segmented_control(key="method").set_value("On the map"))
    assert "no map of these images yet" in texts(at)
    assert heads(at)[0] == "my animals"
    cache.workspace().delete("undrawn")


def test_hidden_images_are_in_no_group(sample: Collection) -> None:
    hidden = sample.snapshot().ids[:10]
    sample.tag(hidden, "hidden")
    at = by_means(4)

    assert "of 458 images in none" in texts(at)
    assert not set(hidden) & {id for key in keys(at) for id in ids(at, key)}


def test_titles_and_words_are_only_text(sample: Collection) -> None:
    at = by_means(3)
    at.text_input(key="groups.title.0").set_value("<b>x</b> ![leak](http://x)")
    starts(at, "Rename")

    assert "![leak](" not in texts(at)
    assert "<b>" not in texts(at)


def test_too_few_images_have_no_groups_and_the_page_says_what_to_do(home: Path) -> None:
    cache.workspace().ingest("few", samples.load().files[:3])
    at = open_page("clusters", collection="few")

    assert "**0 groups**, 3 of 3 images in none" in texts(at)
    assert "Choose a smaller one" in texts(at)
    cache.workspace().delete("few")


def test_vectors_of_ones_own_have_groups_without_names_and_it_is_said(home: Path, tmp_path: Path) -> None:
    rows = np.repeat(np.eye(3, 8), 12, axis=0) + 0.01 * np.random.default_rng(0).normal(size=(36, 8))
    np.savez(tmp_path / "own.npz", vectors=rows.astype(np.float32), ids=np.array([f"image {n}" for n in range(36)]))
    cache.workspace().ingest("own", [tmp_path / "own.npz"], "vectors:mine")
    at = open_page("clusters", collection="own")

    assert heads(at) == ["group 1", "group 2", "group 3"]
    assert "no model is here to read words" in texts(at)
    assert not cache.jobs().active()
    cache.workspace().delete("own")


# ---- the versions, without a page


BEGUN = Version(Wanted("kmeans", 3, None), tuple("abcdef"), np.array([0, 0, 1, 1, 2, -1]))


def test_an_edit_after_steps_back_lets_go_of_what_was_undone() -> None:
    one, two, three = (grouped.edit(BEGUN, BEGUN.labels, did) for did in ("one", "two", "three"))
    past = History().after(BEGUN, one).after(one, two).to(1)
    assert past.edited is one

    again = past.after(one, three)
    assert [version.did for version in again.versions] == ["", "one", "three"]
    assert again.to(0).edited is None
    assert again.to(0).after(BEGUN, two).versions == (BEGUN, two)


def test_titles_given_by_hand_stand_first_and_each_title_is_there_once() -> None:
    version = grouped.edit(BEGUN, BEGUN.labels, "renamed", {1: "cat", 7: "gone"})

    assert version.titles == {1: "cat"}
    assert grouped.titled(version, {0: "cat", 1: "dog", 2: "bird"}) == {0: "cat (2)", 1: "cat", 2: "bird"}


def test_of_a_version_only_what_is_there_and_shown_is_present() -> None:
    rows, labels = grouped.present(BEGUN, ["x", "b", "e", "f", "a"], np.array([True, True, True, True, False]))

    assert rows.tolist() == [1, 2, 3]
    assert labels.tolist() == [0, 2, -1]
