"""Lesson 3 in the real app: accuracy rises by itself, pause, step, leaving; and many readers at once."""

import re
from collections.abc import Iterator

import pytest
from chromium import Visit, visiting
from playwright.sync_api import Browser, expect

from scripts.browser import Server, serving

pytestmark = pytest.mark.browser
TITLE = "Contrastive training, live"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("training")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server) as visit:
        yield visit


def enter(visit: Visit) -> None:
    """Come to the lesson and commit to both predictions."""
    visit.open("/learn_training?collection=sample")
    visit.see_title(TITLE)
    for choice in ("N, which is 32", "It falls: a sharper choice"):
        visit.page.get_by_text(choice, exact=True).click()
        visit.page.get_by_role("button", name="Commit").click()
        visit.settle()


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name, exact=True).click()


def state(visit: Visit, words: str) -> None:
    expect(visit.page.get_by_text(re.compile(words)).first).to_be_visible(timeout=60_000)
    visit.settle()  # the page runs anew when a training begins or ends, and might not hear a click amid that


def number(visit: Visit, pattern: str) -> float:
    """A number that the page now says."""
    found = re.search(pattern, visit.page.locator("[data-testid=stMain]").inner_text())
    assert found, pattern
    return float(found[1].replace(",", ""))


def test_it_learns_by_itself_can_be_paused_and_stepped_and_stops_when_its_reader_leaves(visit: Visit) -> None:
    page = visit.page
    enter(visit)
    page.get_by_text("fast", exact=True).click()
    visit.settle()
    press(visit, "Start")
    state(visit, r"held-out accuracy [89]\d\.\d%")  # nobody has touched the page since
    expect(page.get_by_label(re.compile(r"^Cosines of 32 captions with held-out pictures"))).to_be_visible()
    press(visit, "Pause")
    state(visit, r"^Paused: ")
    paused = number(visit, r"Paused: ([\d,]+) step")
    press(visit, "One step")
    state(visit, rf"^Paused: {paused + 1:,.0f} steps")

    page.get_by_text("slow", exact=True).click()
    visit.settle()
    press(visit, "Go on")
    state(visit, r"^Training: ")
    press(visit, "The batch as a grid")
    visit.see_title("The batch as a grid")
    page.wait_for_timeout(5_500)  # after five seconds without a sign of the page it ends
    press(visit, TITLE)
    visit.see_title(TITLE)

    state(visit, r"^It stopped when you left the page: ")
    assert paused < number(visit, r"left the page: ([\d,]+) step") < paused + 100


def test_a_third_reader_waits_until_one_of_two_has_closed_the_page(browser: Browser, server: Server) -> None:
    with visiting(browser, server) as second, visiting(browser, server) as third:
        with visiting(browser, server) as first:
            for visit in (first, second, third):
                enter(visit)
                visit.page.get_by_text("slow", exact=True).click()
                visit.settle()
                press(visit, "Start")
            state(third, "^Waiting: 1 before you")
            state(second, "^Training: ")
        state(third, "^Training: ")
