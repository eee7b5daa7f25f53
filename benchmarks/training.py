"""The live lesson on contrastive training: time, losses compared, cost of a refresh. Prints one JSON document.

.venv/bin/python benchmarks/training.py [--seeds 3] [--without-browser]

Time from random weights to 80 % of the 256 held-out pictures at the lesson's defaults, drawing of the pictures
included, at the lesson's pace and as fast as it goes, alone and beside two processes that do nothing but count.
InfoNCE against the sigmoid at batches of 8, 32 and 64 after equally many samples; the sigmoid with the bias of the
paper and with that of one match in N. Time for what a page shows of a training; and how long the page Search of another
visitor takes for a query meanwhile.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.browser import browsing, serving, settle
from sharedspace.lessons.training import Course, Settings, balanced_bias, reached
from sharedspace.plots import training as plots
from sharedspace.pocket import toy
from sharedspace.ui.learning.training_knobs import PACES
from sharedspace.ui.learning.training_live import curve
from sharedspace.ui.learning.training_run import Line, Run

QUERIES = 15


def count() -> None:
    number = 0
    while True:
        number += 1


@contextmanager
def neighbours(processes: int) -> Iterator[None]:
    """Processes that keep a core busy each."""
    started = [multiprocessing.get_context("spawn").Process(target=count, daemon=True) for _ in range(processes)]
    for process in started:
        process.start()
    try:
        yield
    finally:
        for process in started:
            process.terminate()
            process.join()


def time_to_80(pace: float | None) -> dict[str, float | int | None]:
    """As a page has it: drawing, training at its pace, looks; seconds to the first look with 80 %."""
    toy.drawings.cache_clear()
    began = time.perf_counter()
    run = Run(Settings(), Line(), pace)
    run.go()
    seconds = {}
    while run.active and "to 80 %" not in seconds:
        run.touch()
        if run.seen is not None:
            seconds.setdefault("drawing", time.perf_counter() - began)
            if reached(run.seen.looks) is not None:
                seconds["to 80 %"] = time.perf_counter() - began
        time.sleep(0.05)
    run.pause()
    run.wait(10)
    return {**{name: round(value, 1) for name, value in seconds.items()}, "samples": reached(run.seen.looks)}


def losses(seeds: int) -> list[dict[str, Any]]:
    rows = []
    for batch in (8, 32, 64):
        for name, settings in {
            "InfoNCE": {"loss": "InfoNCE"},
            "sigmoid, b -10": {"loss": "sigmoid"},
            "sigmoid, b -ln(N - 1)": {"loss": "sigmoid", "bias": balanced_bias(batch)},
        }.items():
            after: dict[int, list[float]] = {4_800: [], 16_000: [], 32_000: []}
            gaps, temperatures, firsts = [], [], []
            for seed in range(seeds):
                course = Course(Settings(batch=batch, seed=seed, **settings))  # type: ignore[arg-type]  # by name
                while course.samples < max(after):
                    course.step()
                seen = course.seen()
                for look in seen.looks:
                    if look.samples in after:
                        after[look.samples].append(look.accuracy)
                gaps.append(seen.looks[-1].gap)
                temperatures.append(1 / seen.looks[-1].scale)
                firsts.append(float(seen.losses[0]))
            rows.append(
                {
                    "batch": batch,
                    "loss": name,
                    "first loss": round(statistics.mean(firsts), 2),
                    **{f"accuracy after {at:,}": [round(one, 3) for one in found] for at, found in after.items()},
                    "gap": round(statistics.mean(gaps), 2),
                    "temperature": round(statistics.mean(temperatures), 3),
                }
            )
    return rows


def refresh() -> dict[str, float]:
    """Milliseconds for the held-out look, and for the two figures as JSON, after 32,000 samples."""
    course = Course(Settings())
    while course.samples < 32_000:
        course.step()
    course.step()
    looks, figures, steps = [], [], []
    for _ in range(20):
        began = time.perf_counter()
        seen = course.seen()
        looked = time.perf_counter()
        plots.matrix(seen.matrix, seen.captions).to_json()
        plots.curves([curve(seen)], np.log(32), "", 1 / 32).to_json()
        drawn = time.perf_counter()
        course.step()
        looks.append(looked - began)
        figures.append(drawn - looked)
        steps.append(time.perf_counter() - drawn)
    return {
        "look ms": round(1000 * statistics.median(looks), 1),
        "figures ms": round(1000 * statistics.median(figures), 1),
        "step ms": round(1000 * statistics.median(steps), 1),
    }


def other_page() -> dict[str, dict[str, float]]:
    """Milliseconds from Enter to an answered query on Search, in a browser, while another visitor trains."""
    answer = {}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, browsing() as browser:
        reader, visitor = browser.new_page(), browser.new_page()
        visitor.goto(f"{server.url}/search?collection=sample")
        settle(visitor)
        visitor.wait_for_timeout(20_000)  # until the app has warmed up
        for state in ("nobody trains", "normal", "fast"):
            if state == "normal":
                reader.goto(f"{server.url}/learn_training?collection=sample")
                settle(reader)
                for choice in ("N, which is 32", "It falls: a sharper choice"):
                    reader.get_by_text(choice, exact=True).click()
                    reader.get_by_role("button", name="Commit").click()
                    settle(reader)
                reader.get_by_role("button", name="Start", exact=True).click()
                reader.get_by_text("Training:").wait_for()
            elif state == "fast":
                reader.get_by_text("fast", exact=True).click()
            times = []
            for number in range(QUERIES):
                box = visitor.get_by_role("textbox", name="What to look for")
                box.fill(f"a red boat {state} {number}")
                began = time.perf_counter()
                box.press("Enter")
                visitor.wait_for_timeout(20)
                visitor.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
                times.append(1000 * (time.perf_counter() - began) - 20)
            answer[state] = {"median": round(statistics.median(times)), "most": round(max(times))}
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without-browser", action="store_true")
    args = parser.parse_args()
    answer: dict[str, Any] = {"time": {}}
    for beside in (0, 2):
        with neighbours(beside):
            for pace in ("normal", "fast"):
                answer["time"][f"{pace}, {beside} busy neighbours"] = time_to_80(PACES[pace])
    with toy.one_thread():
        answer["refresh"] = refresh()
        answer["losses"] = losses(args.seeds)
    if not args.without_browser:
        answer["query of another visitor, ms"] = other_page()
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
