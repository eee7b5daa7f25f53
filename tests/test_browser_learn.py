"""Lessons in real browsers: a teacher and two pupils, the keyboard alone, and large type for a room."""

import re

import pytest
from chromium import Visit, visiting
from playwright.sync_api import Browser, Locator, expect

from scripts.browser import Server

pytestmark = pytest.mark.browser
PAGE = "learn_gap"
TITLE = "The modality gap"
REVEALED = re.compile("You said|It is")


def answers(visit: Visit) -> Locator:
    """What can be predicted, of the first question."""
    return visit.page.locator("[class*=st-key-choice-]").first.locator("label:has(input)")


def told(visit: Visit) -> Locator:
    """The answer beside what was predicted."""
    return visit.page.get_by_test_id("stMain").get_by_test_id("stAlert").filter(has_text=REVEALED)


def commit(visit: Visit, place: int) -> None:
    answers(visit).nth(place).click()
    visit.page.get_by_role("button", name="Commit").click()
    visit.settle()


def button(visit: Visit, name: str) -> Locator:
    return visit.page.get_by_role("button", name=name)


def test_a_teacher_reveals_and_the_answer_appears_at_two_pupils_who_do_nothing(
    browser: Browser, server: Server, visit: Visit
) -> None:
    visit.open("/learn?collection=sample")
    visit.see_title("Lessons")
    button(visit, "Open a class").click()
    link = visit.page.get_by_test_id("stCode").first
    expect(link).to_contain_text("class=")
    code = link.inner_text().strip()[-4:]
    button(visit, f"6. {TITLE}").click()
    visit.see_title(TITLE)
    with visiting(browser, server) as one, visiting(browser, server) as two:
        one.open("/learn")
        one.see_title("Lessons")
        one.fill("Code of your class", code.lower())
        expect(one.page.get_by_text(f"In class {code}")).to_be_visible()
        two.open(f"/{PAGE}?collection=sample&class={code}")
        two.see_title(TITLE)
        button(visit, "Send the class here").click()
        button(one, f"Go with the class: {TITLE}").click()
        one.see_title(TITLE)
        expect(button(two, "Go with the class")).to_have_count(0)

        commit(one, 0)
        expect(one.page.get_by_text("Your answer is in, 1 of 2 have answered")).to_be_visible()
        commit(two, 1)
        expect(one.page.get_by_text("Your answer is in, 2 of 2 have answered")).to_be_visible()
        expect(visit.page.get_by_text("The class: 2 answered, 0 have not")).to_be_visible()
        assert not told(one).count() + told(two).count() + told(visit).count()
        drawn = visit.page.locator(".js-plotly-plot .point text").all_text_contents()
        assert drawn[:2] == ["1 (50%)", "1 (50%)"]

        button(visit, "Reveal to the class").click()
        for pupil in (one, two):
            expect(told(pupil)).to_be_visible()
            expect(pupil.page.get_by_text("The class: 2 answered, 0 have not")).to_be_visible()
        expect(told(visit)).to_be_visible()
        one.page.reload()  # who answered is known again
        one.see_title(TITLE)
        expect(told(one)).to_be_visible()


def test_a_lesson_is_answered_by_the_keyboard_alone(visit: Visit) -> None:
    visit.open(f"/{PAGE}?collection=sample")
    visit.see_title(TITLE)
    keys = visit.page.keyboard
    first = answers(visit).first.locator("input")
    for _ in range(60):
        keys.press("Tab")
        if first.evaluate("input => input === document.activeElement"):
            break
    keys.press("Space")
    keys.press("ArrowDown")
    expect(answers(visit).nth(1).locator("input")).to_be_checked()
    keys.press("Tab")
    keys.press("Enter")
    expect(told(visit)).to_be_visible()


def test_in_presentation_every_page_is_large_and_none_is_too_wide(visit: Visit) -> None:
    visit.open("/search?collection=sample&q=a+dog&present=true")
    visit.see_title("Search")
    for title in ("Map", "Zero-shot", "Clusters", "Tidy", "Images", "Search"):
        visit.go(title)
        assert_large_and_whole(visit)
    visit.page.get_by_text("Learn", exact=True).click()
    visit.page.get_by_role("menuitem", name=re.compile(TITLE)).click()
    visit.see_title(TITLE)
    commit(visit, 0)
    assert_large_and_whole(visit)
    assert "present=true" in visit.page.url

    visit.page.get_by_role("switch", name="Presentation").or_(visit.page.get_by_label("Presentation")).first.focus()
    visit.page.keyboard.press("Space")
    expect(visit.page.get_by_test_id("stSidebar")).to_be_visible()
    assert visit.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "16px"


def assert_large_and_whole(visit: Visit) -> None:
    expect(visit.page.get_by_test_id("stSidebar")).to_be_hidden()
    size, wide, room = visit.page.evaluate("""() => {
      const main = document.querySelector('[data-testid=stMain]');
      return [getComputedStyle(document.documentElement).fontSize, main.scrollWidth, main.clientWidth];
    }""")
    assert size == "22.4px"
    assert wide <= room
