"""The zero-shot bench on the sample set: what it shows is what the core answers, and what is clicked is kept."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from shown import galleries, ids, new_home, open_page, press, run, texts, told
from streamlit.testing.v1 import AppTest

from sharedspace import classifier as files
from sharedspace import doctor, zeroshot
from sharedspace.collection import Collection
from sharedspace.ui import cache, labelling
from sharedspace.ui.bench import clicks
from sharedspace.zeroshot import Label

SETTINGS = ["snow", "sea", "forest", "desert"]
ASKED = {"labels": "\n".join(SETTINGS), "truth": "setting"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("bench") / "home") as path:
        yield path


@pytest.fixture
def sample(home: Path) -> Iterator[Collection]:
    collection = cache.workspace().collection("sample")
    yield collection
    for field in collection.given():
        collection.take_back(field)
    for kind in ("labels", "classifier"):
        for name in collection.saved(kind):
            collection.forget(kind, name)


def bench(part: str = "Answers", **query: str) -> AppTest:
    return open_page("zero_shot", part=part, **{**ASKED, **query})


def figures(at: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def click(at: AppTest, key: str) -> AppTest:
    return run(at.button(key=key).click())


# -- labels, templates, competition


def test_counts_are_those_of_the_core(sample: Collection):
    result = sample.classify(SETTINGS)
    (bars,) = figures(bench())
    assert list(bars["data"][0]["x"]) == np.bincount(result.best, minlength=4).tolist()


def test_one_label_asks_for_another(home: Path):
    at = bench(labels="dog")
    assert "two labels" in at.info[0].value
    assert not figures(at)


def test_one_label_is_enough_where_each_is_judged_by_itself(home: Path):
    assert figures(bench(labels="dog", compete="each by itself"))


def test_a_template_without_a_place_for_the_label_is_refused_and_the_page_stays_usable(home: Path):
    at = bench(template="a photo")
    assert "has no" in at.error[0].value
    assert at.text_area(key="template")


def test_the_values_of_a_field_become_labels_in_one_click(sample: Collection):
    at = press(bench(labels=""), "Take its 8 values as labels")
    known = {str(value) for value in sample.column("setting") if value is not None}
    assert {label.name for label in zeroshot.parse(at.session_state["labels"])} == known


def test_an_ensemble_of_the_papers_templates_is_shown_and_can_be_edited(sample: Collection):
    at = bench(ensemble="7")
    want = sample.classify(SETTINGS, zeroshot.TEMPLATES_7, remember=False)
    assert list(figures(at)[0]["data"][0]["x"]) == np.bincount(want.best, minlength=4).tolist()
    at.session_state["ensemble.shown"] = True
    at = press(run(at), "Edit them as my own")
    assert at.text_area(key="template").value.split("\n") == list(zeroshot.TEMPLATES_7)


def test_none_of_these_takes_images_that_show_no_label(sample: Collection):
    at = bench(labels="whale, giraffe")
    whole = sum(figures(at)[0]["data"][0]["x"])
    at.toggle(key="none").set_value(True)
    counts = figures(run(at))[0]["data"][0]["x"]
    assert len(counts) == 3
    assert sum(counts) == whole
    assert counts[2] > 0.7 * whole


def test_hidden_images_get_no_label(sample: Collection):
    some = list(sample.snapshot().ids[:30])
    sample.tag(some, "hidden")
    try:
        assert sum(figures(bench())[0]["data"][0]["x"]) == len(sample.snapshot().ids) - 30
    finally:
        sample.untag(some, "hidden")


# -- against the truth


def test_accuracy_is_told_with_its_n(sample: Collection):
    report = zeroshot.report(sample.classify(SETTINGS, truth="setting"))
    at = bench("Against the truth")
    assert [metric.value for metric in at.metric] == [
        f"{share:.1%}" for share in (report.top1, report.top5, report.mean_recall)
    ]
    assert f"n = {report.n}" in texts(at).replace("\\", "")


def test_a_cell_of_the_matrix_selects_its_images(sample: Collection):
    at = bench("Against the truth", labels="cat\ndog\nrabbit\nfox", truth="object")
    result = sample.classify(["cat", "dog", "rabbit", "fox"], truth="object")
    true = np.array([value == "cat" for value in result.truth or ()])
    want = {result.ids[row] for row in np.flatnonzero(true & (result.best == 0))}
    assert want
    at = run(at.selectbox[[box.label for box in at.selectbox].index("is")].set_value(0))
    at = run(at.selectbox[[box.label for box in at.selectbox].index("called")].set_value(0))
    at = click(at, "bench.cell.select")
    assert at.session_state["shared-space"].selected == want


def test_labels_that_the_truth_does_not_know_are_told_with_its_values(home: Path):
    at = bench("Against the truth", labels="whale, giraffe")
    assert "nothing to compare" in at.warning[-1].value
    assert "forest" in at.warning[-1].value


# -- clicks


def test_yes_and_no_are_kept_with_the_collection_and_can_be_undone(sample: Collection):
    at = click(bench("Your clicks"), "bench.next.Y")
    at = click(at, "bench.next.N")
    judged = sample.judged(SETTINGS)
    assert (judged == 1).sum() == (judged == 0).sum() == 1
    assert (judged[1:] == -1).all()
    assert "is snow" in sample.fields()
    at = press(at, "Undo: judged 1 for snow")
    assert (sample.judged(SETTINGS) == 0).sum() == 0
    assert (sample.judged(SETTINGS) == 1).sum() == 1


def test_undo_leaves_what_somebody_else_has_answered_since(sample: Collection):
    at = click(bench("Your clicks"), "bench.next.Y")
    row = int(np.argmax(sample.judged(["snow"])[0] == 1))
    id = sample.snapshot().ids[row]
    sample.judge("snow", [id], False)  # the other session
    at = press(at, "Undo: judged 1 for snow")
    assert sample.judged(["snow"])[0, row] == 0
    assert "changed since" in at.error[0].value


def test_a_second_press_does_not_judge_the_same_picture_again(sample: Collection):
    """Both presses come before the page has answered, so that both ask of one picture."""
    at = bench("Your clicks")
    click(at, "bench.next.Y")
    first = sample.judged(["snow"])[0]
    clicks._judge_next(sample, "snow", sample.snapshot().ids[int(np.argmax(first == 1))], False)
    assert (sample.judged(["snow"])[0] == first).all()


def test_there_is_always_a_next_picture_until_all_are_judged(sample: Collection):
    ids = sample.snapshot().ids
    sample.judge("snow", ids[:100], True)
    at = bench("Your clicks")
    tiles = told(at, "bench.strip")["tiles"]
    assert sum(tile[5] == "" for tile in tiles) == 24
    assert at.button(key="bench.next.Y")
    sample.judge("snow", ids, True)
    assert "All pictures are judged" in bench("Your clicks").success[0].value


def test_the_label_that_is_judged_stays_while_clicking(sample: Collection):
    at = bench("Your clicks", labels="\n".join([*SETTINGS, *"abcdefghi"]))
    run(at.selectbox(key="bench.judge.many").set_value("forest"))
    for _ in range(3):
        at = click(at, "bench.next.N")
    assert at.selectbox(key="bench.judge.many").value == "forest"
    assert (sample.judged(["forest"]) == 0).sum() == 3


def test_filters_of_the_other_pages_hold_here_too(sample: Collection):
    snow = sum(value == "snow" for value in sample.column("setting"))
    at = open_page("zero_shot", labels="cat, dog", where=["setting=snow"])
    assert sum(figures(at)[0]["data"][0]["x"]) == snow
    assert "setting\\=snow" in [button.label for button in at.button]


def test_a_thousand_labels_have_forty_bars(home: Path):
    at = bench(labels="\n".join(f"label {number}" for number in range(300)), truth="(none)")
    bars = figures(at)[0]["data"][0]
    assert len(bars["x"]) == 40
    assert sum(bars["x"]) == 468


def test_a_wording_and_a_forgotten_set_can_be_undone(sample: Collection):
    text = "vehicle\ncat\ndog\nboat\ntree\nhouse\ncar\nbus"
    at = click(bench("Label doctor", labels=text, truth="object"), "bench.reword.0")
    assert at.session_state["labels"] != text
    at = run(next(button for button in at.button if button.label.startswith("Undo: worded")).click())
    assert at.session_state["labels"] == text
    sample.save_labels("pets", ["cat", "dog"], ["{}"])
    at = click(bench(), "set.forget.0")
    assert not sample.saved("labels")
    press(at, "Undo: forgot the set pets")
    assert sample.saved_labels("pets")[1] == ("{}",)


def test_the_strip_marks_what_was_judged_and_is_in_the_order_of_scores(sample: Collection):
    at = click(bench("Your clicks"), "bench.next.Y")
    tiles = told(at, "bench.strip")["tiles"]
    yes = sample.snapshot().ids[int(np.argmax(sample.judged(["snow"])[0] == 1))]
    assert [tile[0] for tile in tiles if tile[5] == "✓"] == [yes]
    scores = dict(zip(sample.snapshot().ids, sample.classify(SETTINGS).probabilities[:, 0], strict=True))
    shown = [scores[tile[0]] for tile in tiles]
    assert shown == sorted(shown, reverse=True)


def test_thresholds_from_clicks_leave_images_without_a_label_when_they_are_used(sample: Collection):
    result = sample.classify(SETTINGS)
    snow = np.flatnonzero(result.best == 0)
    order = snow[np.argsort(-result.probabilities[snow, 0])]
    sample.judge("snow", [result.ids[row] for row in order[:3]], True)
    sample.judge("snow", [result.ids[row] for row in order[-3:]], False)
    at = bench("Answers")
    assert len(figures(at)[0]["data"][0]["x"]) == 4
    at.session_state[labelling.USES] = ["thresholds"]
    counts = figures(run(at))[0]["data"][0]["x"]
    assert len(counts) == 5  # the last is of those without a label
    assert 3 <= counts[4] <= len(snow) - 3
    assert counts[0] + counts[4] == len(snow)


def test_examples_are_learned_from_and_the_curve_is_drawn(sample: Collection):
    truth = sample.column("setting")
    for label in SETTINGS:
        rows = [row for row, value in enumerate(truth) if value == label][:4]
        sample.judge(label, [sample.snapshot().ids[row] for row in rows], True)
    at = bench("Your clicks")
    assert "On the 16 clicked pictures" in texts(at)
    at.toggle(key="bench.curve").set_value(True)
    names = [trace.get("name") for figure in figures(run(at)) for trace in figure["data"]]
    assert len(names) > 2


def test_thirty_answers_bring_a_reliability_diagram(sample: Collection):
    truth = sample.column("setting")
    for label in SETTINGS:
        rows = [row for row, value in enumerate(truth) if value == label][:10]
        sample.judge(label, [sample.snapshot().ids[row] for row in rows], True)
    at = bench("Your clicks")
    assert "Expected calibration error on the 20 judgements that were held out" in texts(at)


# -- the doctor


def test_the_doctor_names_labels_that_are_one_to_the_model(sample: Collection):
    at = bench("Label doctor", labels="cat\nkitten\ndog\nboat\nhouse", truth="object")
    assert "near\\-synonyms" in texts(at) or "synonyms" in texts(at)
    assert not at.success


def test_a_wording_flips_as_many_as_it_promises(sample: Collection):
    """Used as the label's prompt, in the text that a visitor sees."""
    names = ["vehicle", "cat", "dog", "boat", "tree", "house", "car", "bus"]
    at = bench("Label doctor", labels="\n".join(names), truth="object")
    before = sample.classify(names, truth="object")
    true = np.array([names.index(value) if value in names else -1 for value in before.truth or ()])
    a, b, many = doctor.confused(true, before.best, len(names))[0]
    offered = [button.key for button in at.button if str(button.key).startswith("bench.reword.")]
    assert offered, texts(at)
    line = next(text.value for text in at.markdown if "flips" in text.value)
    promised = int(line.split("flips ")[1].split()[0])
    at = click(at, offered[0])
    labels = zeroshot.parse(at.session_state["labels"])
    after = sample.classify(labels, truth="object")
    was = (true == a) & (before.best == b)
    assert was.sum() == many
    assert ((after.best == true) & was).sum() == promised


def test_each_template_has_its_accuracy(home: Path):
    at = bench("Label doctor", template="a photo of a {}\na drawing of a {}\n{}")
    assert any(len(figure["data"][0]["y"]) == 3 for figure in figures(at))


# -- keeping


def test_answers_become_a_field_of_the_metadata_and_can_be_undone(sample: Collection):
    at = bench("Keep and export")
    at.text_input(key="field.name").set_value("where")
    at = press(at, "Write it")
    result = sample.classify(SETTINGS)
    assert sample.column("where") == [result.labels[place] for place in result.best]
    press(at, "Undo: wrote where")
    assert "where" not in sample.fields()


def test_a_field_that_came_with_the_files_is_not_written_over(sample: Collection):
    at = bench("Keep and export")
    at.text_input(key="field.name").set_value("setting")
    at = press(at, "Write it")
    assert "choose another name" in at.error[0].value


def test_the_classifier_is_kept_with_its_thresholds_and_applied_later(sample: Collection):
    result = sample.classify(SETTINGS)
    sample.judge("snow", [result.ids[int(result.probabilities[:, 0].argmax())]], True)
    at = bench("Keep and export")
    at.session_state[labelling.USES] = ["thresholds"]
    at = run(at)
    at.text_input(key="classifier.name").set_value("places")
    at = press(at, "Keep it")
    kept = sample.saved_classifier("places")
    assert kept.labels == tuple(SETTINGS)
    assert kept.thresholds is not None
    at = click(at, "classifier.apply.0")
    want = [" · ".join(own) or None for own in sample.apply(kept).answers]
    assert sample.column("places") == want


def test_a_classifier_of_another_model_is_refused_with_both_names(sample: Collection):
    made = sample.classifier(SETTINGS)
    at = bench("Keep and export")
    other = files.unpack(made.packed(), "x")
    object.__setattr__(other, "space", type(made.space)("0" * 64, "another", made.space.dimension, 20.0))
    at.file_uploader(key="classifier.upload").upload("theirs.npz", other.packed())
    at = click(run(at), "classifier.take")
    assert "another" in at.error[0].value
    assert "pocket" in at.error[0].value
    assert not sample.saved("classifier")


def test_a_label_set_is_kept_and_opened_with_its_templates(sample: Collection):
    at = bench(labels="cat: a red cat, a blue cat\ndog", template="a drawing of a {}")
    at.text_input(key="set.name").set_value("pets")
    press(at, "Save the set")
    assert sample.saved_labels("pets") == (
        (Label("cat", ("a red cat", "a blue cat")), Label("dog")),
        ("a drawing of a {}",),
    )
    at = click(bench(), "set.open.0")
    assert zeroshot.parse(at.session_state["labels"])[0].prompts == ("a red cat", "a blue cat")
    assert at.text_area(key="template").value == "a drawing of a {}"


def test_answers_from_a_csv_become_the_truth(sample: Collection):
    rows = [f"{record.path},{'cold' if record.meta.get('setting') == 'snow' else 'warm'}" for record in _all(sample)]
    at = bench(labels="cold, warm", truth="(none)")
    at.file_uploader(key="truth.file").upload("answers.csv", "\n".join(["file,climate", *rows]).encode())
    at = click(run(at), "truth.take")
    assert "climate" in sample.fields()
    assert "climate" in run(at).selectbox(key="truth").options


def _all(collection: Collection):
    return collection.snapshot().records


def test_markup_in_labels_is_only_ever_text(home: Path):
    evil = '<img src=x onerror="alert(1)">, **bold** [x](http://evil.example), dog'
    for part in ("Answers", "Label doctor", "Your clicks", "Keep and export"):
        at = bench(part, labels=evil, truth="(none)")
        assert "<img src=x" not in texts(at).replace(r"\<", "")
        assert "[x](http" not in texts(at).replace(r"\[", "")


def test_the_gallery_shows_the_pictures_of_one_label(sample: Collection):
    at = bench()
    at = run(at.selectbox(key="bench.label").set_value("sea"))
    result = sample.classify(SETTINGS)
    want = {result.ids[row] for row in np.flatnonzero(result.best == 1)}
    assert set(ids(at, "bench.gallery")) <= want
    assert "Pictures of sea" in galleries(at)
