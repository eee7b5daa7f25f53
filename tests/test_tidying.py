"""The page for a messy set: what it shows is what the core finds, and what is done there can be undone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shown import ids, keys, new_home, open_page, press, run, texts, told
from streamlit.testing.v1 import AppTest

from sharedspace.collection import Collection
from sharedspace.jobs import Jobs
from sharedspace.quality import Kind
from sharedspace.records import Pairs, Progress
from sharedspace.ui import cache
from sharedspace.ui.tidying import finding


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("tidying") / "home") as path:
        cache.workspace().collection("sample").alike()  # else a job does it
        yield path


@pytest.fixture
def sample(home: Path) -> Iterator[Collection]:
    found = cache.workspace().collection("sample")
    yield found
    for id, tags in found.tags().items():
        for tag in tags:
            found.untag([id], tag)


def groups(at: AppTest) -> list[list[str]]:
    """The images of each group that is shown."""
    return [ids(at, key) for key in keys(at) if key.startswith("copies.") and key != "copies.exact"]


def test_groups_stand_side_by_side_with_the_one_to_keep_first(sample: Collection):
    at = open_page("tidy")
    found, snapshot = sample.duplicates(), sample.snapshot()

    assert groups(at) == [[snapshot.ids[row] for row in group.rows] for group in found.groups[:8]]
    marks = [tile[5] for tile in told(at, "copies.0")["tiles"]]
    assert marks == ["keep", ""]
    assert f"**{len(found.groups)} groups** of {2 * len(found.groups)} images" in texts(at)
    assert f"{found.alike} more pairs" in texts(at)


def test_a_link_opens_a_part_and_its_cosine_and_the_cosine_can_count_alone(sample: Collection):
    at = open_page("tidy", tidy="duplicates", cosine="0.95", same="false")

    found = sample.duplicates(0.95, look=False)
    assert f"**{len(found.groups)} groups**" in texts(at)
    assert found.alike == 0
    assert len(found.pairs) > len(sample.duplicates(0.95).pairs)
    assert "duplicates" not in open_page("tidy", tidy="strangers").query_params
    assert "strangers" in keys(open_page("tidy", tidy="strangers"))


def test_the_curve_has_the_count_at_each_cosine(sample: Collection):
    counts = finding.counts(sample, True)

    for count in counts[::8]:
        groups_there = sample.duplicates(max(count.threshold, 0.8)).groups
        assert count.groups == len(groups_there)
        assert count.images == sum(len(group.rows) for group in groups_there)
    assert open_page("tidy").get("plotly_chart")


def test_hiding_all_but_those_to_keep_leaves_no_group_and_is_undone_at_once(sample: Collection):
    found, snapshot = sample.duplicates(), sample.snapshot()
    others = {snapshot.ids[row] for group in found.groups for row in group.rows[1:]}

    at = press(open_page("tidy"), f"Hide all {len(others)} but those to keep")

    assert {id for id, tags in sample.tags().items() if "hidden" in tags} == others
    assert groups(at) == []
    assert "No near duplicates" in texts(at)

    at = press(at, f"Undo: hid {len(others)}")
    assert not sample.tags()
    assert len(groups(at)) == 8


def test_one_group_is_hidden_or_selected_alone(sample: Collection):
    first = [sample.snapshot().ids[row] for row in sample.duplicates().groups[0].rows]
    at = open_page("tidy")

    at = run(at.button(key="copies.select.0").click())
    assert set(told(at, "copies.0")["selected"]) == set(first)

    at = run(at.button(key="copies.hide.0").click())
    assert list(sample.tags()) == first[1:]
    assert first[0] not in {id for group in groups(at) for id in group}
    assert "**1 selected**" in texts(at)  # what is hidden is selected no more


def test_where_two_differ_is_shown_when_it_is_asked_for(sample: Collection):
    at = open_page("tidy")
    assert not at.get("imgs")

    first = sample.duplicates().groups[0].rows[0]
    at.session_state[f"copies.difference.{sample.snapshot().ids[first][:16]}"] = True
    run(at)

    assert "three times as strong" in texts(at)


def test_strangers_are_sorted_and_at_the_other_end_stand_typical_ones(sample: Collection):
    found, snapshot = sample.outliers(5), sample.snapshot()
    order = [snapshot.ids[row] for row in found.rows[found.order]]

    at = open_page("tidy", tidy="strangers", neighbour="5")
    assert ids(at, "strangers") == order[:24]
    assert told(at, "strangers")["tiles"][0][1] == "100.0 %"

    at = press(at, "Select all 24")
    assert set(told(at, "strangers")["selected"]) == set(order[:24])

    at = open_page("tidy", tidy="strangers", neighbour="5", first="most typical")
    assert ids(at, "strangers") == order[::-1][:24]


def test_leaks_stand_between_the_values_of_a_field(sample: Collection):
    duplicates, snapshot = sample.duplicates(), sample.snapshot()
    one, other = (snapshot.ids[row] for row in duplicates.groups[0].rows)
    sample.give("half", {id: "left" if id == one else "right" for id in snapshot.ids})
    try:
        at = open_page("tidy", tidy="leaks", parts="half")

        assert "**1 pair** between left and right" in texts(at)
        assert sorted(ids(at, "leaks.0")) == sorted([one, other])
        at = press(at, "Select the 1 in right")
        assert told(at, "leaks.0")["selected"] == [other]
    finally:
        sample.take_back("half")

    assert "stand across the values of split" in texts(open_page("tidy", tidy="leaks", parts="split"))


@pytest.mark.parametrize("kind", ["diverse", "typical"])
def test_a_subset_is_shown_and_can_be_selected_at_once(sample: Collection, kind: Kind):
    at = open_page("tidy", tidy="subset", kind=kind)

    chosen = sample.subset(24, kind)
    wanted = [sample.snapshot().ids[row] for row in chosen.rows]
    assert ids(at, "few") == wanted
    at = press(at, "Select all 24")
    assert set(told(at, "few")["selected"]) == set(wanted)


def test_poor_pictures_are_shown_with_their_measure_and_none_is_said_too(sample: Collection):
    blurred, dark, *_ = sample.looks()
    at = open_page("tidy", tidy="looks", flaw="dark")

    assert ids(at, "poor") == [sample.snapshot().ids[row] for row in dark.order]
    assert told(at, "poor")["tiles"][0][1] == f"{dark.measure[dark.order[0]]:.2f}"
    assert f"{len(blurred.order)} blurred" in texts(at)
    assert "No picture is tiny" in texts(open_page("tidy", tidy="looks", flaw="tiny"))


def test_of_a_large_set_a_job_looks_for_pairs_and_can_be_begun_again(
    sample: Collection, monkeypatch: pytest.MonkeyPatch
):
    def never_done(self: Collection, on_progress: Callable[[Progress], None]) -> Pairs:
        while True:
            on_progress(Progress(1, 2))
            time.sleep(0.01)

    monkeypatch.setattr(Collection, "has_alike", property(lambda self: False))
    monkeypatch.setattr(Collection, "alike", never_done)
    jobs = Jobs()
    monkeypatch.setattr(cache, "jobs", lambda: jobs)

    at = open_page("tidy")
    assert "how far it is" in texts(at)
    (job,) = jobs.all()
    jobs.stop()
    assert job.state == "cancelled"

    assert "It was stopped" in texts(run(at))
    assert len(jobs.all()) == 1  # it is not begun anew unasked
    press(at, "Go on")
    assert len(jobs.all()) == 2
    jobs.stop()
