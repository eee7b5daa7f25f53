"""Lesson 3: what is measured of a training, its thread and its turn, its page and its figures."""

import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from shown import new_home, open_page, press, run, texts
from streamlit.testing.v1 import AppTest

from sharedspace.lessons import training
from sharedspace.lessons.training import EVERY, Course, Look, Seen, Settings
from sharedspace.plots import training as plots
from sharedspace.pocket import toy
from sharedspace.ui.learning import training_live, training_run
from sharedspace.ui.learning.training_run import Line, Run
from sharedspace.ui.text import plain

ROWS = np.random.default_rng(3).standard_normal((3 * 4 + 3, 5)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
IMAGES, TEXTS = ROWS[:12], ROWS[12:]  # 4 pictures of each of 3 captions


# ---- what is measured -------------------------------------------------------------------------------


def test_accuracy_gap_and_matrix_are_those_of_a_loop():
    accuracy, gap, matrix = training.measure(IMAGES, TEXTS)

    right = sum(max(range(3), key=lambda c: float(IMAGES[i] @ TEXTS[c])) == i // 4 for i in range(12))
    assert accuracy == right / 12
    assert gap == pytest.approx(math.dist(IMAGES.mean(axis=0), TEXTS.mean(axis=0)), rel=1e-5)
    for caption in range(3):
        for column in range(3):
            mean = np.mean([TEXTS[caption] @ IMAGES[4 * column + i] for i in range(4)])
            assert matrix[caption, column] == pytest.approx(mean, abs=1e-6)


def test_the_loss_at_the_start_is_what_the_losses_give_where_all_cosines_are_0():
    for batch in (8, 64):
        cosines = toy.torch.zeros(batch, batch)
        matches = toy.torch.eye(batch) if batch == 8 else toy.torch.eye(32).repeat(2, 2)
        scale, bias = toy.torch.tensor(10.0), toy.torch.tensor(-10.0)
        info = toy.info_nce(cosines, matches, scale).item()
        sigmoid = toy.sigmoid_loss(cosines, matches, scale, bias).item()

        assert training.loss_at_start(Settings(batch)) == pytest.approx(math.log(batch)) == pytest.approx(info)
        assert training.loss_at_start(Settings(batch, loss="sigmoid")) == pytest.approx(sigmoid, rel=1e-5)


def test_the_balanced_bias_expects_one_match_in_n():
    assert 1 / (1 + math.exp(-training.balanced_bias(8))) == pytest.approx(1 / 8)


def test_a_smooth_curve_begins_with_the_first_batch_and_leaves_out_what_is_not_full():
    at, loss = training.smooth(np.arange(25.0), batch=32)  # 10 steps are EVERY samples

    assert at.tolist() == [0, 160, 480]
    assert loss.tolist() == [0, 4.5, 14.5]
    assert [len(part) for part in training.smooth(np.empty(0), 32)] == [0, 0]


def seen(accuracy: float) -> Seen:
    looks = (Look(0, 0.03, 1.4, 14.3, 0), Look(EVERY, accuracy, 0.2, 20, 0))
    return Seen(Settings(), np.zeros(10), looks, np.eye(2), ("a", "b"), 256, np.zeros(0), np.zeros(0))


def test_accuracy_is_reached_where_it_was_first_seen():
    assert training.reached(seen(0.8).looks) == EVERY
    assert training.reached(seen(0.79).looks) is None


def test_two_trainings_differ_only_by_more_than_the_chance_of_so_many_pictures():
    small, large = (training.compare(seen(0.80), seen(other), EVERY) for other in (0.84, 0.9))

    assert (small.first, small.second, small.told, large.told) == (0.8, 0.84, False, True)
    assert large.error == pytest.approx(math.sqrt(0.8 * 0.2 / 256 + 0.9 * 0.1 / 256))


def test_the_curve_is_the_same_to_the_bit_however_often_one_looks():
    def curve(settings: Settings, peek: bool) -> Seen:
        with toy.one_thread():
            course = Course(settings)
            while course.samples < 2 * EVERY:
                course.step()
                if peek:
                    course.seen()
            return course.seen()

    for loss in ("InfoNCE", "sigmoid"):
        settings = Settings(batch=16, loss=loss, seed=7)  # type: ignore[arg-type]  # one of the two
        once, again = curve(settings, peek=False), curve(settings, peek=True)
        assert once.losses.tolist() == again.losses.tolist()
        assert once.looks == again.looks
        np.testing.assert_array_equal(once.matrix, again.matrix)


def test_between_two_looks_the_model_of_now_is_shown():
    course = Course(Settings(batch=16))
    course.step()

    assert [look.samples for look in course.seen().looks] == [0, 16]
    assert [look.samples for look in course.seen().looks] == [0, 16]  # that look was not kept


# ---- its thread and its turn ------------------------------------------------------------------------


def wait_for(what: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.stop()


def begun(line: Line, pace: float | None = 100) -> Run:
    made = Run(Settings(), line, pace)
    made.go()
    return made


def trains(one: Run) -> bool:
    return one.seen is not None


def test_a_run_is_paused_goes_on_where_it_was_and_steps_by_one(line: Line):
    one = begun(line)
    wait_for(lambda: trains(one))
    one.pause()
    one.wait(5)
    assert one.seen is not None
    assert (one.active, one.ended) == (False, "paused")
    paused = one.seen

    one.go(steps=1)
    one.wait(5)

    assert len(one.seen.losses) == len(paused.losses) + 1
    assert one.seen.losses[:-1].tolist() == paused.losses.tolist()


def test_a_run_ends_when_its_page_is_not_looked_at(line: Line, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training_run, "LEFT", 0.3)
    left, looked_at = begun(line), begun(line)
    for _ in range(8):
        looked_at.touch()
        time.sleep(0.1)

    assert (left.active, left.ended) == (False, "left")
    assert looked_at.active


def test_a_run_ends_with_its_samples(line: Line, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training_run, "MOST", 2 * EVERY)
    one = begun(line, pace=None)
    one.wait(20)
    one.go()

    assert (one.ended, one.complete, one.active) == ("complete", True, False)
    assert one.seen is not None
    assert one.seen.samples == 2 * EVERY


def test_two_train_at_a_time_and_the_others_are_told_their_place(line: Line):
    runs = [begun(line) for _ in range(4)]
    wait_for(lambda: trains(runs[0]) and trains(runs[1]))
    assert [one.ahead for one in runs] == [0, 0, 1, 2]
    assert not trains(runs[2])

    runs[0].pause()
    wait_for(lambda: trains(runs[2]))

    assert [one.ahead for one in runs[1:]] == [0, 0, 1]
    assert not trains(runs[3])


def test_when_the_app_ends_all_runs_do_also_those_that_wait(line: Line):
    runs = [begun(line) for _ in range(3)]
    line.stop()

    assert not any(one.active for one in runs)


def test_at_a_pace_it_learns_from_no_more_samples_a_second(line: Line):
    one = begun(line, pace=32)  # a step a second
    wait_for(lambda: trains(one))
    began = time.monotonic()
    time.sleep(0.5)
    one.pause()
    one.wait(5)

    assert one.seen is not None
    assert one.seen.samples <= 32 * (time.monotonic() - began) + 2 * 32


# ---- its figures ------------------------------------------------------------------------------------


def test_the_line_of_the_loss_stands_at_ln_n():
    one = plots.Curves("a", np.zeros(1), np.ones(1), np.arange(2), *(np.ones(2) for _ in range(3)))
    figure = plots.curves([one, one], math.log(32), "ln 32", 1 / 32)

    assert [shape.y0 for shape in figure.layout.shapes] == [math.log(32), 1 / 32]
    assert [trace.yaxis for trace in figure.data] == ["y", "y2", "y3", "y4"] * 2
    assert {trace.line.dash for trace in figure.data} == {"solid", "6px,3px"}


def test_the_matrix_has_captions_as_rows():
    figure = plots.matrix(np.array([[0.9, 0.1], [-0.2, 0.8]]), ["a <b>", "c"])

    assert figure.data[0].z[0] == (0.9, 0.1) or list(figure.data[0].z[0]) == [0.9, 0.1]
    assert figure.data[0].y[0] == "a &lt;b&gt;"
    assert figure.layout.yaxis.autorange == "reversed"


# ---- its page ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_home(tmp_path_factory.mktemp("training")) as path:
        yield path


def predict(at: AppTest, *places: int) -> AppTest:
    """Commit to an option of each question, by its place."""
    for place in places:
        at.radio[0].set_value(place)
        at = press(at, "Commit")
    return at


def until(at: AppTest, text: str, seconds: float = 30) -> AppTest:
    end = time.monotonic() + seconds
    while text not in texts(at):
        assert time.monotonic() < end, texts(at)
        time.sleep(0.2)
        run(at)
    return at


def test_nothing_is_trained_before_the_predictions_and_then_the_loss_is_settled(home: Path):
    at = open_page("learn_training", collection="sample")
    assert not [button for button in at.button if button.label in ("Start", "One step")]
    at = predict(at, 3, 2)
    assert not at.get("plotly_chart")

    until(press(at, "One step"), "1 step, 32 samples")

    assert len(at.get("plotly_chart")) == 2
    said = texts(at)
    assert f"You said **{plain('N, which is 32')}**" in said
    assert f"it is **{plain('ln N, which is 3.47 for N = 32')}**" in said
    assert f"The other answer comes after {training_live.ENOUGH:,} samples" in said


def choose(at: AppTest, label: str, value: object) -> AppTest:
    return run(next(one for one in at.segmented_control if one.label == label).set_value(value))


def test_the_whole_lesson_with_two_losses_and_a_question(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training_run, "MOST", 4 * EVERY)
    monkeypatch.setattr(training_live, "ENOUGH", 4 * EVERY)
    at = predict(open_page("learn_training", collection="sample"), 1, 0)
    at = choose(choose(at, "Pace", "fast"), "Batch size N", 8)
    until(press(at, "Start"), "Complete: 160 steps, 1,280 samples")
    assert "It went from 0.070 to" in texts(at)
    at = predict(at, 2)
    at = choose(at, "Loss", "sigmoid")
    assert "they hold once you start anew" in texts(at)

    at = press(press(at, "Start anew"), "Start")
    until(at, "Complete: 160 steps, 1,280 samples")

    said, figure = texts(at), at.get("plotly_chart")[1].proto.spec
    assert "InfoNCE, N 8" in figure
    assert "sigmoid, N 8" in figure
    assert "compare the accuracy, not the loss" in said
    shares = re.search(r"After 1,280 samples each, InfoNCE has ([\d.]+)% and the sigmoid ([\d.]+)% of 256", said)
    assert shares
    for share, loss in zip(shares.groups(), ("InfoNCE", "sigmoid"), strict=True):
        assert float(share) == pytest.approx(100 * trained(loss).looks[-1].accuracy, abs=0.06)

    at = run(at.text_input(key="training.ask").set_value("a blue hippo"))
    assert "does not know hippo" in texts(at)
    at = run(at.text_input(key="training.ask").set_value("a yellow cup"))
    assert "nearest of 256 held-out pictures to “a yellow cup”" in texts(at)


def trained(loss: str) -> Seen:
    with toy.one_thread():
        course = Course(Settings(batch=8, loss=loss))  # type: ignore[arg-type]  # one of the two
        while course.samples < 4 * EVERY:
            course.step()
        return course.seen()
