"""Asking, selecting and looking closer: pages on the sample set, with numpy on its vectors as the judge."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from shown import drawn, galleries, html, ids, keys, new_home, new_page, open_page, press, run, texts, told
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from sharedspace import samples, words
from sharedspace.collection import Collection
from sharedspace.questions import Part, write
from sharedspace.ui import cache, finding
from sharedspace.ui.spacemap import geometry
from sharedspace.ui.state import State

MARKUP = "<b>bold</b> ![leak](http://x)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("asking") / "home") as path:
        yield path


@pytest.fixture
def sample(home: Path) -> Iterator[Collection]:
    """The sample set, which stands alone, without tags and saved things, before and after."""
    collection = cache.workspace().collection("sample")
    yield collection
    for info in cache.workspace().collections():
        if info.name != "sample":
            cache.workspace().delete(info.name)
    for tag in {tag for own in collection.tags().values() for tag in own}:
        collection.untag(collection.snapshot().ids, tag)
    collection.put_back(collection.removed())
    for name in collection.saved("query"):
        collection.forget("query", name)
    for name in collection.saved("view"):
        collection.forget("view", name)


def remembering(name: str, state: State, **query: str | list[str]) -> AppTest:
    """A page of a session that remembers something."""
    at = new_page(name, **query)
    at.session_state["shared-space"] = state
    return run(at)


def of_sample(**changes: object) -> State:
    return State(collection="sample", of="sample", **{"also": (), "where": (), **changes})  # type: ignore[arg-type]


def remembered(at: AppTest) -> State:
    state = at.session_state["shared-space"]
    assert isinstance(state, State)
    return state


def cosines(collection: Collection, text: str) -> np.ndarray:
    return np.asarray(collection.snapshot().vectors @ collection.encoder.texts([text])[0], dtype=np.float64)


def standard(scores: np.ndarray) -> np.ndarray:
    return np.asarray((scores - scores.mean()) / scores.std())


def best(collection: Collection, scores: np.ndarray, k: int = 12) -> list[str]:
    return [collection.snapshot().ids[row] for row in np.argsort(-scores, kind="stable")[:k]]


def where(collection: Collection, field: str, value: object) -> np.ndarray:
    """Rows whose metadata say so, (n,) bool."""
    return np.array([record.meta.get(field) == value for record in collection.snapshot().records])


def found(at: AppTest) -> list[str]:
    """All results, also those under the line."""
    at.session_state["search.under"] = True
    run(at)
    return [id for key in ("search.hits", "search.below") if key in keys(at) for id in ids(at, key)]


def labels(at: AppTest) -> list[str]:
    return [expander.label for expander in at.expander]


# ---- the no-match line ------------------------------------------------------------------------------


def test_results_above_the_no_match_line_are_shown_and_those_under_it_when_opened(sample: Collection) -> None:
    scores = cosines(sample, "a dog")
    expected = best(sample, scores)
    above = int((np.sort(scores)[::-1][:12] >= sample.baseline().line()).sum())
    assert 0 < above < 12
    at = open_page("search", q="a dog")

    assert ids(at, "search.hits") == expected[:above]
    assert f"{12 - above} more under the no-match line" in labels(at)
    assert "Results under the no-match line" not in galleries(at)
    at.session_state["search.under"] = True
    assert ids(run(at), "search.below") == expected[above:]
    assert [tile[4] for tile in told(at, "search.below")["tiles"]] == [True] * (12 - above)  # faded


def test_a_generous_line_takes_more_results_for_matches_and_a_strict_one_fewer(sample: Collection) -> None:
    at, shown = open_page("search", q="tree"), []
    for rate in finding.RATES:
        run(at.segmented_control(key="rate").set_value(rate))
        shown.append(len(ids(at, "search.hits")))

    scores = cosines(sample, "tree")
    assert shown == [int((scores >= sample.baseline().line(rate)).sum()) for rate in finding.RATES.values()]
    assert shown[0] < shown[1] < shown[2]


def test_for_what_is_not_there_nothing_matches_and_the_nearest_are_shown_when_opened(sample: Collection) -> None:
    at = open_page("search", q="a dragon")

    assert any(box.value.startswith("**Nothing here matches** a dragon.") for box in at.warning)
    assert not galleries(at)
    assert "Show the nearest anyway" in labels(at)
    at.session_state["search.under"] = True
    assert ids(run(at), "search.below") == best(sample, cosines(sample, "a dragon"))


# ---- queries of several parts -----------------------------------------------------------------------


def test_two_parts_rank_by_the_sum_of_their_standardised_scores(sample: Collection) -> None:
    at = open_page("search", q="a dog", also=write([Part("snow", weight=-0.5)]))
    parts = np.stack([standard(cosines(sample, "a dog")), -0.5 * standard(cosines(sample, "snow"))])
    expected = best(sample, parts.sum(axis=0))

    assert ids(at, "search.hits") == expected
    row = sample.snapshot().ids.index(expected[0])
    _, score, _, note, *_ = told(at, "search.hits")["tiles"][0]
    assert score == f"{parts.sum(axis=0)[row]:+.2f}"
    assert note == f"a dog {parts[0, row]:+.1f} · snow {parts[1, row]:+.1f}"


def test_a_weight_that_is_typed_counts_so_many_times_and_below_0_against(sample: Collection) -> None:
    at = open_page("search", q="a dog", also=write([Part("snow")]))
    dog, snow = (standard(cosines(sample, text)) for text in ("a dog", "snow"))

    assert ids(at, "search.hits") == best(sample, dog + snow)
    run(at.number_input[1].set_value(-2.0))
    assert ids(at, "search.hits") == best(sample, dog - 2 * snow)
    run(at.number_input[0].set_value(3.0))
    assert ids(at, "search.hits") == best(sample, 3 * dog - 2 * snow)


@pytest.mark.parametrize("weight", [50.0, -0.001])
def test_a_weight_of_the_address_beyond_what_one_would_type_counts_as_it_stands(
    sample: Collection, weight: float
) -> None:
    at = open_page("search", q="a dog", also=write([Part("snow", weight=weight)]))
    dog, snow = (standard(cosines(sample, text)) for text in ("a dog", "snow"))

    assert ids(at, "search.hits") == best(sample, dog + weight * snow)


def test_words_and_pictures_are_added_for_and_against_and_taken_out_again(sample: Collection) -> None:
    at = open_page("search", q="a dog")
    run(at.segmented_control(key="ask.sign").set_value("against"))
    at.text_input(key="ask.more").set_value("snow")
    press(at, "Add the words")
    dog, snow = (standard(cosines(sample, text)) for text in ("a dog", "snow"))
    assert ids(at, "search.hits") == best(sample, dog - snow)

    run(at.segmented_control(key="ask.sign").set_value("for"))
    drawing = samples.load()
    run(at.chat_input[0].upload("mine.webp", drawing.files[7].read_bytes()))
    row = sample.snapshot().ids.index(drawing.records[7].id)
    mine = standard(sample.snapshot().vectors @ sample.snapshot().vectors[row].astype(np.float64))
    assert ids(at, "search.hits")[0] == best(sample, dog - snow + mine)[0]
    assert set(ids(at, "search.hits")) == set(best(sample, dog - snow + mine))

    for _ in range(2):
        run(next(button for button in at.button if (button.key or "").startswith("drop-")).click())
    assert remembered(at).also == ()
    assert not at.number_input
    assert ids(at, "search.hits") == ids(open_page("search", q="a dog"), "search.hits")


def test_the_parts_of_a_query_stand_in_the_address_so_that_a_link_asks_the_same(sample: Collection) -> None:
    at = open_page("search", q="a dog")
    at.text_input(key="ask.more").set_value("snow")
    press(at, "Add the words")
    address = {key: "".join(at.query_params[key]) for key in ("q", "also", "collection")}

    assert ids(open_page("search", **address), "search.hits") == ids(at, "search.hits")
    assert len(address["also"]) < 100


@pytest.mark.parametrize("also", ["no query", "[1]", '[{"text":"a","images":["b"]}]', '[{"text":"a","weight":0}]'])
def test_parts_that_make_no_sense_in_the_address_are_told_and_the_words_are_still_asked(
    sample: Collection, also: str
) -> None:
    at = open_page("search", q="snow", also=also)

    assert len(at.error) == 1
    assert ids(at, "search.hits") == best(sample, cosines(sample, "snow"))


def test_markup_in_a_part_of_the_address_is_shown_as_text(sample: Collection) -> None:
    at = open_page("search", q="a dog", also=write([Part(MARKUP)]), where=[f"caption~{MARKUP}"])

    assert "&lt;" in html(at)
    assert "<b>bold" not in html(at)
    assert r"\<b\>bold\<\/b\> \!\[leak\]" in texts(at)
    assert "![leak]" not in texts(at) + " ".join(button.label for button in at.button)


# ---- what the model reads ---------------------------------------------------------------------------


def test_the_tokens_of_a_query_are_shown_with_their_number_and_the_limit(sample: Collection) -> None:
    at = open_page("search", q="a red dragon")

    assert "<span>a</span><span>red</span>" in html(at)
    assert '<span class="unknown">dragon</span>' in html(at)
    assert f"3 of {sample.encoder.tokens('a').limit} tokens" in html(at)
    assert "cut off" not in html(at) + texts(at)


def test_of_a_query_of_a_thousand_words_the_rest_is_told_to_be_cut_off_and_the_beginning_is_asked(
    sample: Collection,
) -> None:
    limit = sample.encoder.tokens("a").limit
    at = open_page("search", q="dog " * 1000)

    assert f"{limit} of {limit} tokens, {1000 - limit} more are cut off and not read" in html(at)
    assert any(f"pocket reads {limit} tokens" in box.value for box in at.warning)
    assert found(at) == best(sample, cosines(sample, "dog " * limit))


def test_special_tokens_that_are_typed_are_plain_text(sample: Collection) -> None:
    at = open_page("search", q="a dog <|endoftext|> snow")

    pieces = html(at).replace(' class="unknown"', "").replace("</span><span>", " ")
    assert "a dog &lt; | endoftext | &gt; snow" in pieces
    assert "8 of" in html(at)


# ---- filters ----------------------------------------------------------------------------------------


def test_filters_of_the_address_hold_alternatives_on_one_field_and_all_of_several(sample: Collection) -> None:
    at = open_page("search", q="snow", where=["setting=night", "setting=sea", "colour!=red"])
    passed = (where(sample, "setting", "night") | where(sample, "setting", "sea")) & ~where(sample, "colour", "red")

    assert found(at) == best(sample, np.where(passed, cosines(sample, "snow"), -2))
    assert f"of {passed.sum()} images" in texts(at)


def test_a_filter_made_by_the_form_holds_until_its_chip_is_clicked(sample: Collection) -> None:
    at = open_page("search", q="snow")
    run(at.selectbox(key="filter.field").set_value("setting"))
    run(at.selectbox(key="filter.value.setting").set_value("snow"))
    press(at, "Add this filter")

    snow = where(sample, "setting", "snow")
    assert ids(at, "search.hits") == best(sample, np.where(snow, cosines(sample, "snow"), -2))
    assert at.query_params["where"] == "setting=snow"
    run(at.button(key="filter-0").click())
    assert f"of {len(snow)} images" in texts(at)
    assert "where" not in at.query_params


@pytest.mark.parametrize("written", ["nonsense", "tag<a", "=3"])
def test_a_broken_filter_of_the_address_is_a_warning_and_the_others_hold(sample: Collection, written: str) -> None:
    at = open_page("search", q="snow", where=[written, "setting=snow"])

    assert f"of {where(sample, 'setting', 'snow').sum()} images" in texts(at)
    assert len(at.warning) == 1
    assert not at.error
    run(at.button(key="filter-0").click())
    assert not at.warning


def test_a_filter_on_a_field_that_is_not_there_is_told_and_can_be_taken_away(sample: Collection) -> None:
    at = open_page("search", q="snow", where=["age>3"])

    assert "age" in at.error[0].value
    run(at.button(key="filter-0").click())
    assert not at.error
    assert len(ids(at, "search.hits")) == 12


def test_only_the_selected_images_are_searched_until_the_chip_is_clicked(sample: Collection) -> None:
    some = frozenset(sample.snapshot().ids[::40])
    at = remembering("search", of_sample(selected=some), q="a dog")
    press(at, f"Only the {len(some)} selected images")

    assert set(found(at)) == some
    run(at.button(key="filter-within").click())
    assert f"of {len(sample.snapshot().ids)} images" in texts(at)


# ---- one selection ----------------------------------------------------------------------------------


def test_a_lasso_selects_what_is_inside_it_drawn_and_not_filtered_out(sample: Collection) -> None:
    at = open_page("map", colour="setting", where=["colour!=red", "colour!=blue"])
    xy, data = sample.map().xy, drawn(at)
    (x0, y0), (x1, y1) = np.quantile(xy, 0.1, axis=0).tolist(), np.quantile(xy, 0.9, axis=0).tolist()
    polygon = [(x0, y0), (x1, y0), ((x0 + x1) / 2, (y0 + y1) / 2), (x1, y1), (x0, y1)]  # with a bay
    gesture = {"url": data["url"], "op": "replace", "polygon": [*map(list, polygon)], "hidden": [0, 2], "number": 1}
    at.session_state[data["key"]] = {"gesture": gesture}
    run(at)

    settings, hidden = sample.column("setting"), {data["legend"][0], data["legend"][2]}
    meant = np.array([str(value) not in hidden for value in settings])
    meant &= ~where(sample, "colour", "red") & ~where(sample, "colour", "blue")
    expected = {sample.snapshot().ids[row] for row in np.flatnonzero(meant & geometry.inside(polygon, xy))}
    assert len(expected) > 20
    assert remembered(at).selected == expected


def test_map_search_images_and_clusters_show_and_change_one_selection(sample: Collection) -> None:
    all_ids = sample.snapshot().ids
    at = open_page("search", q="snow")
    first = ids(at, "search.hits")[:3]
    at.session_state["search.hits"] = {"gesture": {"serial": 1, "steps": [["add", first]]}}
    assert sorted(told(run(at), "search.hits")["selected"]) == sorted(first)

    at = remembering("map", remembered(at))
    data = drawn(at)
    at.session_state[data["key"]] = {"gesture": {"url": data["url"], "op": "add", "row": 7, "number": 1}}
    run(at)
    wanted = {*first, all_ids[7]}
    assert set(ids(at, "selected")) == wanted

    at = remembering("images", remembered(at))
    page = ids(at, "all")
    assert told(at, "all")["selected"] == [id for id in page if id in wanted]
    at.session_state["all"] = {"gesture": {"serial": 1, "steps": [["remove", [all_ids[7]]]]}}
    run(at)

    at = remembering("clusters", remembered(at))
    assert "**3 selected**" in texts(at)
    assert remembered(at).selected == set(first)


def test_tags_are_put_on_and_taken_off_and_undone_for_just_the_images_that_changed(sample: Collection) -> None:
    a, b, c = sample.snapshot().ids[:3]
    sample.tag([a], "keep")
    at = remembering("images", of_sample(selected=frozenset([a, b, c])))
    at.text_input(key="tag.new").set_value(" keep ")
    press(at, "Tag them")
    assert sample.tags() == {a: {"keep"}, b: {"keep"}, c: {"keep"}}
    run(at.button(key="undo").click())
    assert sample.tags() == {a: {"keep"}}

    run(at.button(key="tag.off.0").click())
    assert sample.tags() == {}
    run(at.button(key="undo").click())
    assert sample.tags() == {a: {"keep"}}


def test_hidden_images_are_left_out_everywhere_but_by_their_tag_until_undone(sample: Collection) -> None:
    first, *_ = before = best(sample, cosines(sample, "snow"))
    at = remembering("search", of_sample(selected=frozenset([first])), q="snow")
    press(at, "Hide")

    assert ids(at, "search.hits")[:11] == before[1:]
    assert first not in ids(open_page("images"), "all")
    row = sample.snapshot().ids.index(first)
    mask = np.unpackbits(
        np.frombuffer(base64.b64decode(drawn(open_page("map"))["filtered"]), np.uint8), bitorder="little"
    )
    assert np.flatnonzero(mask).tolist() == [row]
    assert ids(open_page("search", q="snow", where=["tag=hidden"]), "search.hits") == [first]
    run(at.button(key="undo").click())
    assert ids(at, "search.hits") == before
    assert sample.tags() == {}
    assert remembered(at).selected == {first}


def test_removed_images_are_gone_and_come_back_exactly_by_undo(sample: Collection) -> None:
    before = sample.snapshot()
    gone = before.ids[3:6]
    sample.tag(gone[:1], "keep")
    at = remembering("images", of_sample(selected=frozenset(gone)))
    press(at, "Remove the 3 from the collection")

    assert sample.snapshot().ids == (*before.ids[:3], *before.ids[6:])
    assert not set(ids(at, "all")) & set(gone)
    run(at.button(key="undo").click())
    after = sample.snapshot()
    assert after.records == before.records
    assert np.array_equal(after.vectors, before.vectors)
    assert sample.tags() == {gone[0]: {"keep"}}


def test_more_like_these_asks_with_the_mean_of_the_selected(sample: Collection) -> None:
    rows = [3, 100, 200]
    vectors = sample.snapshot().vectors
    some = frozenset(sample.snapshot().ids[row] for row in rows)
    at = remembering("search", of_sample(selected=some))
    press(at, "More like these")

    mean = vectors[rows].mean(axis=0)
    assert ids(at, "search.hits") == best(sample, vectors @ (mean / np.linalg.norm(mean)))


def test_another_collection_has_no_selection_no_filters_and_of_the_query_only_its_words(sample: Collection) -> None:
    cache.workspace().ingest("other", samples.load().files[:8])
    some = frozenset(sample.snapshot().ids[:4])
    also = (Part("snow"), Part(images=tuple(some), name="4 images"))
    at = remembering("search", of_sample(selected=some, within=some, also=also, where=("colour=red",)), q="a dog")
    run(at.sidebar.selectbox[0].set_value("other"))

    now = remembered(at)
    assert (now.of, now.selected, now.within, now.where) == ("other", frozenset(), None, ())
    assert now.also == (Part("snow"),)
    assert "where" not in at.query_params
    assert set(ids(at, "search.hits")) == set(cache.workspace().collection("other").snapshot().ids)


# ---- saved queries and views ------------------------------------------------------------------------


def test_a_saved_query_is_asked_again_and_is_a_colour_of_the_map(sample: Collection) -> None:
    also = write([Part("snow", weight=-1)])
    at = open_page("search", q="a dog", also=also)
    next(box for box in at.text_input if box.label == "Save this query as").set_value("dogs without snow")
    press(at, "Save")
    shown = ids(at, "search.hits")

    assert sample.saved_query("dogs without snow") == (Part("a dog"), Part("snow", weight=-1.0))
    assert "query: dogs without snow" in open_page("map").selectbox(key="colour").options
    at = open_page("search")
    run(at.button(key="ask.saved.0").click())
    assert ids(at, "search.hits") == shown
    assert at.query_params["q"] == "a dog"


def test_a_view_brings_query_filters_selection_and_colour_back_by_its_link(sample: Collection) -> None:
    some = frozenset(sample.snapshot().ids[:3])
    state = of_sample(selected=some, also=(Part("snow", weight=-0.5),), where=("colour!=red",), weight=2.0)
    at = remembering("map", state, q="a dog", colour="colour", layout="where they really are")
    at.text_input(key="view.name.menu").set_value("my view")
    before = drawn(run(menu_button(at, "Save the view").click()))
    at = open_page("map", view="my view")

    assert {key: value for key, value in drawn(at).items() if key != "answered"} == {
        key: value for key, value in before.items() if key != "answered"
    }
    now = remembered(at)
    assert (now.selected, now.where, now.weight) == (some, ("colour!=red",), 2.0)
    assert (at.text_input(key="q").value, at.selectbox(key="colour").value) == ("a dog", "colour")
    (link,) = [one.proto.url for one in at.get("link_button")]
    assert link.endswith("/map?collection=sample&view=my+view")


def menu_button(at: AppTest, label: str) -> Button:
    """A button of the popover *Views*: another of that name is among the verbs of a selection."""
    (button,) = [one for one in at.button if one.label == label and one.form_id == "view.save.menu"]
    return button


def test_a_view_of_an_unknown_name_is_told_and_the_page_goes_on(sample: Collection) -> None:
    at = open_page("search", q="snow", view="gone")

    assert "No view is saved under 'gone'" in at.error[0].value.replace("\\", "")
    assert len(ids(at, "search.hits")) == 12
    assert not run(at).error


@pytest.mark.parametrize(
    "body", [{"parts": 3}, {"where": "colour=red"}, {"selected": [1]}, {"widgets": "map"}, {"within": "all"}]
)
def test_a_view_that_cannot_be_read_is_told_and_changes_nothing(sample: Collection, body: dict[str, object]) -> None:
    sample.save("view", "odd", body)
    at = open_page("search", q="snow", view="odd")

    assert "cannot be read" in at.error[0].value
    assert ids(at, "search.hits") == best(sample, cosines(sample, "snow"))


@pytest.mark.parametrize(
    "widgets",
    [
        {"colour": "query: forgotten"},
        {"layout": "upside down"},
        {"k": 7},
        {"k": "many"},
        {"k": 1000},
        {"a": 3, "b": [1]},
    ],
)
@pytest.mark.parametrize("page", ["map", "search"])
def test_of_a_view_what_is_there_no_longer_is_left_at_what_it_was(
    sample: Collection, page: str, widgets: dict[str, object]
) -> None:
    sample.save("view", "old", {"parts": [{"text": "snow"}], "widgets": widgets})
    at = open_page(page, view="old")

    assert not at.error
    assert at.text_input(key="q").value == "snow"


# ---- one image --------------------------------------------------------------------------------------


def test_an_opened_result_is_shown_with_why_and_with_the_words_that_fit_it(sample: Collection) -> None:
    at = open_page("search", q="a red house")
    at.session_state["search.hits"] = {"opened": ids(at, "search.hits")[0]}
    at.session_state["detail.why"] = at.session_state["detail.words"] = True
    run(at)

    opened = remembered(at).picked
    record = next(record for record in sample.snapshot().records if record.id == opened)
    vector = sample.snapshot().vectors[sample.snapshot().ids.index(record.id)]
    assert f"/thumbs/{record.id}" in html(at)
    assert len(at.get("image")) == 1  # the heat over the picture
    whole, *without = sample.encoder.texts(["a red house", "red house", "a house", "a red"]) @ vector
    for word, other in zip(("a", "red", "house"), without, strict=True):
        assert f"<b>{word}</b>" in html(at)
        assert f"<span>{whole - other:+.3f}</span>" in html(at)
    nouns = [noun for noun in words.nouns() if not sample.encoder.tokens(noun).unknown]
    fit = sample.encoder.texts([f"a photo of a {noun}" for noun in nouns]) @ vector
    likeliest = nouns[int(fit.argmax())]
    assert f"<b>{likeliest}</b>" in html(at)
    assert f"<span>{fit.max():.2f} ·" in html(at)
    nearest = best(sample, sample.snapshot().vectors @ vector, 16)
    assert ids(at, "near") == [id for id in nearest if id != record.id][:15]


def test_an_opened_image_is_selected_asked_for_more_like_it_and_closed(sample: Collection) -> None:
    vectors, row = sample.snapshot().vectors, 40
    opened = sample.snapshot().ids[row]
    at = remembering("search", of_sample(picked=opened), q="snow")

    press(at, "Select")
    assert remembered(at).selected == {opened}
    press(at, "More like it")
    assert ids(at, "search.hits") == best(sample, vectors @ vectors[row])
    assert remembered(at).picked is None


def test_the_words_of_an_image_may_be_those_of_the_map_and_of_the_labels(sample: Collection) -> None:
    at = remembering("images", of_sample(picked=sample.snapshot().ids[0]))
    at.session_state["detail.words"] = True
    run(at)
    run(at.segmented_control(key="detail.source").set_value("words on the map"))

    vector = sample.snapshot().vectors[0]
    fit = sample.encoder.texts([f"a photo of a {text}" for text in sample.anchors()]) @ vector
    assert f"<b>{sample.anchors()[int(fit.argmax())]}</b>" in html(at)
    assert f"among these {len(sample.anchors())} words" in texts(at)
    run(at.segmented_control(key="detail.source").set_value("zero-shot labels"))
    assert any("There are none yet" in box.value for box in at.info)


def test_a_note_is_kept_with_the_image_found_by_a_filter_and_can_be_undone(sample: Collection) -> None:
    first, second = sample.snapshot().ids[:2]
    at = remembering("images", of_sample(picked=first))
    box = next(area for area in at.text_area if area.label == "Note")
    at = press(run(box.set_value("*ask* Ada")), "Keep the note")
    assert sample.column("note")[:2] == ["*ask* Ada", None]
    assert next(area for area in at.text_area if area.label == "Note").value == "*ask* Ada"
    sample.give("note", {second: "later"})
    press(at, "Undo: wrote a note")
    assert sample.column("note")[:2] == [None, "later"]
    sample.take_back("note")


def test_the_table_of_results_has_their_scores_parts_and_saved_queries(sample: Collection) -> None:
    sample.save_query("snowy", [Part("snow")])
    at = open_page("search", q="a dog", also=write([Part("night")]))
    run(at.segmented_control(key="shape").set_value("a table"))

    table = at.dataframe[0].value
    parts = {text: standard(cosines(sample, text)) for text in ("a dog", "night", "snow")}
    rows = np.argsort(-(parts["a dog"] + parts["night"]), kind="stable")[:12]
    assert table["rank"].tolist() == list(range(1, 13))
    assert table["score"].to_numpy() == pytest.approx((parts["a dog"] + parts["night"])[rows], abs=1e-3)
    assert table["2. night"].to_numpy() == pytest.approx(parts["night"][rows], abs=1e-3)
    assert table["query snowy"].to_numpy() == pytest.approx(parts["snow"][rows], abs=1e-3)


def test_a_saved_query_whose_images_are_gone_takes_no_table_away(sample: Collection) -> None:
    gone = sample.snapshot().ids[0]
    sample.save_query("like the first", [Part(images=(gone,), name="the first")])
    sample.save_query("snowy", [Part("snow")])
    sample.remove([gone])
    try:
        at = open_page("search", q="a dog", shape="a table")
        at.segmented_control(key="shape").set_value("a table")
        run(at)
        assert not at.error
        columns = list(at.dataframe[0].value.columns)
        assert "query snowy" in columns
        assert "query like the first" not in columns
    finally:
        sample.put_back([gone])
        sample.forget("query", "like the first")
        sample.forget("query", "snowy")


def test_another_collection_is_offered_no_pictures_of_the_one_before(sample: Collection) -> None:
    picture = Part(vector=tuple(map(float, sample.snapshot().vectors[0])), name="mine.png")
    at = new_page("search")
    at.session_state["shared-space"] = State(of="another", history=((Part("a dog"), picture), (picture,)))
    run(at)

    assert at.session_state["shared-space"].history == ((Part("a dog"),),)
