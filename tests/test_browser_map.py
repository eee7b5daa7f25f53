"""Map and search in the real app: a query that is seen, an answer that says when nothing matches, one selection."""

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest
from chromium import Visit, visiting
from drawn import encoded
from playwright.sync_api import Browser, Locator, expect

from scripts.browser import Server
from sharedspace.pocket.paint import draw
from sharedspace.pocket.world import Scene

pytestmark = pytest.mark.browser

QUERY = "a boat at night"
FOUND = 5  # images of the sample set that match it


def open_map(visit: Visit, query: str = "") -> None:
    visit.open(f"/?collection=sample&colour=setting{query}")
    visit.see_map()


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name, exact=True).click()
    visit.settle()


def said(visit: Visit, words: str | re.Pattern[str]) -> Locator:
    found = visit.page.get_by_text(words).first
    expect(found).to_be_visible()
    return found


# ---- the answer -----------------------------------------------------------------------------------


def test_a_query_for_what_is_there_shows_what_matches_and_folds_the_rest_away(visit: Visit) -> None:
    open_map(visit, "&q=a+boat+at+night")

    assert len(visit.pictures()) == FOUND
    assert all("boat" in caption for caption in visit.captions())
    visit.page.get_by_text(f"{12 - FOUND} more under the no-match line").click()
    visit.settle()
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(12)


def test_a_query_for_what_is_not_there_says_so_and_shows_the_nearest_on_request(visit: Visit) -> None:
    visit.open("/search?collection=sample&q=a+dragon")
    visit.see_title("Search")

    said(visit, "Nothing here matches")
    assert visit.pictures() == []
    visit.page.get_by_text("Show the nearest anyway").click()
    visit.settle()
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(12)


def test_why_a_result_matches_is_a_heat_map_and_the_change_of_each_word(visit: Visit) -> None:
    open_map(visit, "&q=a+boat+at+night")
    visit.page.locator(".ss-gallery .cell img").first.click()
    visit.settle()

    visit.page.get_by_text("Why this result?").click()
    said(visit, re.compile("occlusion sensitivity"))
    visit.settle()
    image = visit.page.get_by_test_id("stImage").locator("img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 128
    assert visit.page.locator(".ss-bars b").all_inner_texts() == QUERY.split()


def test_words_and_an_image_are_asked_together_for_and_against(visit: Visit) -> None:
    open_map(visit, "&q=a+boat+at+night")
    visit.page.locator(".ss-gallery .cell img").first.click()
    visit.settle()
    press(visit, "Add to the query")

    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(12)  # of a mixture there is no line
    together = visit.pictures()
    weights = visit.page.get_by_role("spinbutton")
    weights.nth(1).fill("-2")
    visit.page.keyboard.press("Enter")
    visit.settle()
    assert set(visit.pictures()) != set(together)
    assert "also=" in visit.page.url
    visit.page.reload()
    visit.see_map()
    expect(weights.nth(1)).to_have_value("-2.00")
    visit.page.locator(".st-key-parts").get_by_role("button").last.click()
    visit.settle()
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(FOUND)


def test_a_pasted_picture_is_a_query_and_is_not_added(visit: Visit) -> None:
    visit.open("/search?collection=sample")
    visit.see_title("Search")
    press(visit, "Add")
    data = encoded(draw(Scene("cat", "red", "snow", seed=1), 200, nuisance=False), "PNG")
    visit.page.get_by_test_id("stChatInputTextArea").evaluate(
        """(box, bytes) => {
          const given = new DataTransfer();
          given.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
          box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
        }""",
        list(data),
    )
    visit.page.get_by_test_id("stChatInputSubmitButton").click()
    visit.settle()

    said(visit, re.compile("pasted"))
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(12)
    assert "cat" in visit.captions()[0]
    said(visit, re.compile("468 images"))


# ---- where words stand ----------------------------------------------------------------------------


def test_words_stand_where_they_really_are_or_are_the_axes(visit: Visit) -> None:
    open_map(visit, "&q=a+boat+at+night")
    among = visit.drawn_points()

    visit.choose("Words and the query stand", "where they really are")
    visit.see_map()
    said(visit, re.compile(r"The modality gap is 0\.\d\d"))
    really = visit.drawn_points()
    visit.choose("Words and the query stand", "along two phrases")
    visit.fill("One phrase", "a dog")
    visit.fill("The other", "snow")
    visit.see_map()
    said(visit, re.compile("Exact: each picture stands by its cosines"))

    assert len({among, really, visit.drawn_points()}) == 3
    visit.choose("Words and the query stand", "among the pictures")
    visit.see_map()
    assert visit.drawn_points() == among


def test_the_map_is_drawn_anew_in_the_background_and_the_same_knobs_give_it_again(visit: Visit) -> None:
    open_map(visit)
    first = visit.drawn_points()

    def redraw(seed: str) -> str:
        visit.page.locator(".st-key-map-controls").get_by_role("button", name="Map", exact=True).click()
        visit.page.get_by_role("spinbutton", name="Seed").fill(seed)
        visit.page.keyboard.press("Tab")
        before = visit.page.locator(".spacemap").get_attribute("data-ready")
        visit.page.get_by_role("button", name="Draw anew").first.click()
        visit.page.keyboard.press("Escape")
        expect(visit.page.locator(".spacemap")).not_to_have_attribute("data-ready", str(before), timeout=90_000)
        visit.see_map()
        return visit.drawn_points()

    five = redraw("5")
    assert five != first
    assert redraw("6") != five
    assert redraw("5") == five


# ---- one selection, and what is done with it --------------------------------------------------------


def selected(visit: Visit) -> int:
    found = said(visit, re.compile(r"^[\d,]+ selected$")).inner_text()
    return int(re.sub(r"\D", "", found))


def lasso_some(visit: Visit) -> int:
    visit.lasso(visit.find_point(), 90)
    return visit.selected_on_map()


def test_the_selection_and_the_zoom_are_the_same_after_a_change_of_page(visit: Visit) -> None:
    open_map(visit, "&q=a+boat")
    visit.move(visit.find_point())
    visit.page.mouse.wheel(0, -300)
    zoomed = visit.drawn_points()
    chosen = lasso_some(visit)
    assert selected(visit) == chosen

    visit.go("Search")
    assert selected(visit) == chosen
    visit.go("Images")
    assert selected(visit) == chosen
    visit.go("Map")
    visit.see_map()
    assert visit.selected_on_map() == chosen
    press(visit, "Clear")
    assert visit.drawn_points() == zoomed


def test_shift_adds_ctrl_removes_and_escape_clears(visit: Visit) -> None:
    open_map(visit)
    first = lasso_some(visit)
    marks = visit.page.locator(".marks")
    at = visit.find_point()
    box = marks.bounding_box()
    assert box
    visit.move((at[0] - 100, at[1] - 100))
    visit.page.keyboard.down("Control")
    visit.page.mouse.down()
    for x, y in ((100, -100), (100, 100), (-100, 100), (-100, -90)):
        visit.move((at[0] + x, at[1] + y))
    visit.page.mouse.up()
    visit.page.keyboard.up("Control")
    visit.settle()
    expect(visit.page.locator(".status")).not_to_have_text(re.compile(f"^{first} of"))
    marks.focus()
    visit.page.keyboard.press("Escape")
    visit.settle()
    expect(visit.page.locator(".status")).to_have_text("468 images")


def test_tagged_images_are_found_by_their_tag_and_undo_takes_it_back(visit: Visit) -> None:
    open_map(visit)
    chosen = lasso_some(visit)
    press(visit, "Tag")
    visit.fill("A new tag", "to keep")
    visit.page.keyboard.press("Escape")

    visit.open("/?collection=sample&where=tag%3Dto+keep")
    visit.see_map()
    expect(visit.page.locator(".status")).to_have_text(re.compile(rf"^{chosen} of 468 images"))
    visit.open("/images?collection=sample")  # an undo belongs to its visitor: another one takes the tag off
    visit.see_title("Images")


def test_hidden_and_removed_images_go_and_come_back_by_undo(visit: Visit) -> None:
    open_map(visit)
    chosen = lasso_some(visit)
    press(visit, "Hide")
    expect(visit.page.locator(".status")).to_have_text(re.compile(rf"^{468 - chosen} of 468 images"))
    visit.page.get_by_role("button", name="Undo").click()
    visit.settle()
    assert visit.selected_on_map() == chosen

    press(visit, "More")
    visit.page.get_by_role("button", name=re.compile("from the collection")).click()
    expect(visit.page.locator(".status")).to_have_text(f"{468 - chosen} images")
    visit.see_map()
    visit.page.get_by_role("button", name="Undo").click()
    visit.settle()
    visit.see_map()
    assert visit.selected_on_map() == chosen


def test_a_saved_view_is_a_link_that_brings_query_and_selection_to_another_visitor(
    visit: Visit, browser: Browser, server: Server
) -> None:
    open_map(visit, "&q=a+boat+at+night")
    chosen = lasso_some(visit)
    press(visit, "Views")
    visit.fill("Save as a view, with its selection", "boats & more")
    link = visit.page.get_by_role("link", name="boats & more").get_attribute("href")

    assert link
    with visiting(browser, server) as other:
        other.open(link)
        other.see_map()
        expect(other.page.get_by_role("textbox", name="What to look for")).to_have_value(QUERY)
        assert other.selected_on_map() == chosen


def test_a_selection_is_exported_as_a_table_and_as_pictures(visit: Visit, tmp_path: Path) -> None:
    open_map(visit, "&q=a+boat+at+night")
    press(visit, f"Select all {FOUND}")
    press(visit, "Export")

    with visit.page.expect_download() as given:
        press(visit, "CSV table")
    rows = list(csv.DictReader(io.StringIO(Path(given.value.path()).read_text())))
    assert {row["object"] for row in rows} == {"boat"}
    assert len(rows) == FOUND
    with visit.page.expect_download() as given:
        press(visit, "Pictures as a zip")
    with zipfile.ZipFile(given.value.path()) as archive:
        assert len(archive.namelist()) == FOUND + 1


def test_a_selection_becomes_a_collection_of_its_own(visit: Visit) -> None:
    open_map(visit, "&q=a+boat+at+night")
    press(visit, f"Select all {FOUND}")
    press(visit, "More")
    visit.fill("Open as a new collection", "night boats")

    expect(visit.page.get_by_role("combobox", name="Collection")).to_have_value("night boats")
    visit.see_map()
    expect(visit.page.locator(".status")).to_have_text(f"{FOUND} images")


def test_the_saved_page_opens_without_server_or_network(visit: Visit, browser: Browser, tmp_path: Path) -> None:
    open_map(visit, "&q=a+boat+at+night")
    with visit.page.expect_download() as given:
        visit.page.get_by_role("button", name="Save as a page").click()
    saved = tmp_path / "map.html"
    given.value.save_as(saved)

    context = browser.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(saved.as_uri())
    expect(page.locator(".spacemap")).to_have_attribute("data-ready", re.compile("."))
    assert re.match(
        r"Map of 468 images.*query star “a boat at night”", page.locator(".marks").get_attribute("aria-label") or ""
    )
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    context.close()
