"""The page of groups in the real app: look, select, move, merge, undo, and find the edited groups on the map."""

import re

import pytest
from chromium import Visit
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def press(visit: Visit, name: str | re.Pattern[str]) -> None:
    visit.page.get_by_role("button", name=name).first.click()
    visit.settle()


def test_groups_are_edited_by_hand_kept_and_seen_on_the_map(visit: Visit) -> None:
    visit.open("/clusters?collection=sample")
    visit.see_title("Clusters")
    expect(visit.page.get_by_text("19 groups", exact=True)).to_be_visible()
    expect(visit.page.get_by_text("mixed: “giraffe” fits best")).to_have_count(1)

    press(visit, re.compile("Edit$"))
    visit.page.get_by_role("textbox", name="Its name").fill("things that move")
    press(visit, "Rename")
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_text("things that move", exact=True)).to_be_visible()

    visit.page.get_by_role("button", name="Select all").nth(1).click()
    visit.settle()
    press(visit, re.compile("Take the 30 selected out"))
    expect(visit.page.get_by_text("18 groups", exact=True)).to_be_visible()
    expect(visit.page.get_by_text("furniture", exact=True)).to_have_count(0)
    press(visit, re.compile("Undo: moved 30"))
    expect(visit.page.get_by_text("furniture", exact=True)).to_be_visible()

    visit.go("Search")
    visit.go("Clusters")
    expect(visit.page.get_by_text("things that move", exact=True)).to_be_visible()
    press(visit, "Show on the map")
    visit.see_map()
    legend = visit.page.locator(".legend")
    expect(legend.get_by_text("things that move")).to_be_visible()
    expect(visit.page.get_by_role("combobox", name="Colour")).to_have_value("group")
