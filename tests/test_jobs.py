import threading
import time

import pytest

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


def test_seconds_left_follow_from_the_rate_so_far() -> None:
    job = Job("t", "c", state="running", started=time.monotonic() - 10)
    assert job.seconds_left() is None

    job.report(Progress(20, 100))

    assert job.seconds_left() == pytest.approx(40, abs=1)


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
