"""Tidying up in the real app: a group of near duplicates, where two differ, hiding and its undo, strangers."""

import re
from collections.abc import Iterator

import pytest
from chromium import Visit, visiting
from playwright.sync_api import Browser, expect

from scripts.browser import Server, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("tidy")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server) as visit:
        yield visit


def test_duplicates_are_compared_hidden_and_brought_back_and_strangers_are_selected(visit: Visit) -> None:
    page = visit.page
    visit.open("/tidy?collection=sample&tidy=duplicates&cosine=0.95")
    visit.see_title("Tidy")
    first = page.locator(".st-key-copies-0")
    expect(first.locator(".cell")).to_have_count(2)  # a job has found the pairs, and the page shows them by itself
    visit.settle()
    kept = first.locator(f"img[src$='{visit.pictures('.st-key-copies-0')[0]}']")
    expect(kept).to_have_count(1)

    first.get_by_text("Where they differ").click()
    visit.settle()
    shown = first.locator("[data-testid=stImage] img")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 3 * 256

    first.get_by_role("button", name="Hide the other", exact=False).click()
    visit.settle()
    expect(page.get_by_role("button", name=re.compile("Undo: hid 1"))).to_be_visible()
    expect(kept).to_have_count(0)  # another group stands there now

    page.get_by_role("button", name=re.compile("Undo: hid 1")).click()
    visit.settle()
    expect(page.get_by_text(re.compile("^30 groups of 60 images"))).to_be_visible()
    expect(kept).to_have_count(1)

    page.get_by_role("radio", name="strangers").click()
    visit.settle()
    expect(page.get_by_role("listbox", name="Strangers").locator(".cell")).to_have_count(24)
    expect(page).to_have_url(re.compile("tidy=strangers"))
    expect(page.get_by_role("listbox", name="Strangers").locator(".caption").first).to_contain_text("graph paper")
