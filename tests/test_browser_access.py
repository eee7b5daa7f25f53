"""Every page by the rules of axe-core (WCAG 2 and good practice): contrast, names, roles, order of headings."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import visiting
from playwright.sync_api import Browser

from scripts.browser import Server
from sharedspace.ui.lessons import LESSONS

TOOLS = ("", "search?q=a+boat+at+night", "zero_shot", "clusters", "tidy", "images", "learn")
ANSWERED = ("learn_one_space", "learn_normalise", "learn_grid")  # whose answers are there at once
# Streamlit's own: its place to drop files has a name, and the role of a part without one.
KNOWN = {"presentation-role-conflict"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_axe(browser: Browser, server: Server, scheme: str) -> None:
    broken = []
    with visiting(browser, server, color_scheme=scheme) as visit:
        for path in (*TOOLS, *(lesson.name for lesson in LESSONS)):
            visit.open(f"/{path}")
            visit.page.get_by_role("heading", level=1).wait_for()
            visit.settle()
            broken += _broken(visit.page, path)
            if path not in ANSWERED:
                continue
            while visit.page.get_by_role("button", name="Commit").count():
                visit.page.get_by_role("radiogroup", name="Your prediction").get_by_role("radio").first.check(
                    force=True
                )
                visit.page.get_by_role("button", name="Commit").click()
                visit.settle()
            broken += _broken(visit.page, f"{path}, answered")

    assert not broken, "\n".join(broken)


def _broken(page: object, path: str) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{path}: {one['id']} ({one['help']}): {node['html'][:200]}"
        for one in found
        if one["id"] not in KNOWN
        for node in one["nodes"]
    ]
