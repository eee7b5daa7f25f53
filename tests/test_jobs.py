import threading
import time
from types import SimpleNamespace

import pytest

from sharedspace import jobs as module
from sharedspace.errors import BadInput
from sharedspace.jobs import Job, Jobs
from sharedspace.records import Progress


def wait(jobs: Jobs, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while jobs.active():
        assert time.monotonic() < end, "jobs did not end"
        time.sleep(0.005)


def test_jobs_run_one_after_the_other_in_the_order_given() -> None:
    jobs, seen = Jobs(), []

    def work(job: Job) -> int:
        seen.append(("begin", job.title))
        time.sleep(0.02)
        seen.append(("end", job.title))
        return len(seen)

    made = [jobs.submit(title, "c", work) for title in "ab"]
    wait(jobs)

    assert seen == [("begin", "a"), ("end", "a"), ("begin", "b"), ("end", "b")]
    assert [job.result for job in made] == [2, 4]
    assert [job.state for job in made] == ["done", "done"]


def test_a_cancelled_job_stops_between_steps_and_keeps_its_result() -> None:
    jobs, started = Jobs(), threading.Event()

    def work(job: Job) -> int:
        steps = 0
        while not job.cancelled():
            steps += 1
            started.set()
            time.sleep(0.005)
        return steps

    job = jobs.submit("endless", "c", work)
    assert started.wait(5)
    job.cancel()
    wait(jobs)

    assert job.state == "cancelled"
    assert job.result >= 1


def test_a_job_cancelled_in_the_queue_never_begins() -> None:
    jobs, go = Jobs(), threading.Event()
    first = jobs.submit("first", "c", lambda job: go.wait(5))
    second = jobs.submit("second", "c", lambda job: pytest.fail("it began"))
    second.cancel()
    go.set()
    wait(jobs)

    assert (first.state, second.state) == ("done", "cancelled")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("error", "words"),
    [(BadInput("no such folder"), "no such folder"), (KeyError("x"), "KeyError")],
    ids=["ours", "a bug"],
)
def test_a_failing_job_says_why_and_the_next_one_runs(error: Exception, words: str) -> None:
    jobs = Jobs()

    def fail(job: Job) -> None:
        raise error

    failed, fine = jobs.submit("fails", "c", fail), jobs.submit("fine", "c", lambda job: 1)
    wait(jobs)

    assert failed.state == "failed"
    assert words in failed.error
    assert fine.state == "done"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=time.sleep))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_nothing_is_said_of_the_rate_before_there_are_two_reports_a_second_apart(clock: Clock) -> None:
    job = Job("t", "c", state="running")
    seen = [job.rate()]
    for now, done in ((0.0, 0), (0.9, 50)):
        clock.now = now
        job.report(Progress(done, 100))
        seen.append(job.rate())

    assert seen == [None, None, None]
    assert job.seconds_left() is None


def test_the_rate_leaves_out_what_came_before_the_work_such_as_a_model_that_loads(clock: Clock) -> None:
    job = Job("t", "c", state="running")
    job.report(Progress(0, None, "loading the model"))
    clock.now = 8
    job.report(Progress(10, 1000))
    clock.now = 10
    job.report(Progress(110, 1000))

    assert job.rate() == pytest.approx(50)
    assert job.seconds_left() == pytest.approx(890 / 50)


def test_the_rate_is_that_of_the_last_seconds_and_not_of_all_that_were(clock: Clock) -> None:
    job = Job("t", "c", state="running")
    for second in range(1, 101):  # 100 a second, and from the 61st second on 10
        clock.now = second
        job.report(Progress(100 * second if second <= 60 else 6000 + 10 * (second - 60), 10_000))

    assert job.rate() == pytest.approx(10)


def test_the_rate_falls_while_no_report_comes(clock: Clock) -> None:
    job = Job("t", "c", state="running")
    for second in range(5):
        clock.now = second
        job.report(Progress(100 * second, 10_000))
    assert job.rate() == pytest.approx(100)

    clock.now = 43

    assert job.rate() == pytest.approx(10)


def test_reports_further_apart_than_the_window_still_tell_a_rate(clock: Clock) -> None:
    job = Job("t", "c", state="running")
    for number in range(4):
        clock.now = 60 * number
        job.report(Progress(30 * number, 1000))

    assert job.rate() == pytest.approx(0.5)


def test_what_is_kept_of_many_reports_is_bounded_and_tells_the_same(clock: Clock) -> None:
    job = Job("t", "c", state="running")
    for number in range(10_000):
        clock.now = number / 1000
        job.report(Progress(number, None))

    assert job.rate() == pytest.approx(1000, rel=0.1)
    assert job.seconds_left() is None
    assert len(job._reports) < 50


def test_a_step_of_cancelled_work_ends_it_with_the_progress_told() -> None:
    jobs, begun, go, after = Jobs(), threading.Event(), threading.Event(), []

    def work(job: Job) -> None:
        job.step(Progress(1, 3))
        begun.set()
        go.wait(5)
        job.step(Progress(2, 3))
        after.append(job)

    job = jobs.submit("t", "c", work)
    assert begun.wait(5)
    job.cancel()
    go.set()
    wait(jobs)

    assert (job.state, job.progress.done, after) == ("cancelled", 2, [])


def test_a_map_need_not_wait_for_pictures_that_are_being_added() -> None:
    jobs, begun, go = Jobs(), threading.Event(), threading.Event()

    def add(job: Job) -> None:
        begun.set()
        go.wait(5)

    adding = [jobs.submit("adding", "c", add, lane="adding") for _ in range(2)]
    assert begun.wait(5)
    drawing = jobs.submit("drawing", "d", lambda job: [one.state for one in adding])
    end = time.monotonic() + 5
    while drawing.active and time.monotonic() < end:
        time.sleep(0.005)
    seen = drawing.result
    go.set()
    wait(jobs)

    assert seen == ["running", "queued"]


def test_stop_ends_what_runs_and_what_waits() -> None:
    jobs = Jobs()

    def patient(job: Job) -> None:
        while not job.cancelled():
            time.sleep(0.005)

    made = [jobs.submit("t", "c", patient) for _ in range(3)]
    jobs.stop()

    assert [job.state for job in made] == ["cancelled"] * 3


@pytest.mark.parametrize("cancel", [False, True])
def test_the_end_of_a_job_is_told_once_also_when_it_never_began(cancel: bool) -> None:
    jobs, go, ended = Jobs(), threading.Event(), []
    jobs.submit("first", "c", lambda job: go.wait(5))
    second = jobs.submit("second", "c", lambda job: 1, at_end=lambda: ended.append(1))
    if cancel:
        second.cancel()
    go.set()
    wait(jobs)
    jobs.submit("third", "c", lambda job: 1)
    wait(jobs)

    assert ended == [1]


def test_the_last_job_of_a_collection_is_its_newest() -> None:
    jobs = Jobs()
    made = [jobs.submit(title, name, lambda job: 1) for title, name in (("a", "x"), ("b", "y"), ("c", "x"))]
    wait(jobs)

    assert jobs.last("x") is made[2]
    assert jobs.last("y") is made[1]
    assert jobs.last("z") is None
