"""The real app, started from nothing, in a headless Chromium: what a visitor sees and does."""

import io
import re
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from chromium import SLOW, Visit, visiting
from drawn import encoded, png
from PIL import Image
from playwright.sync_api import Browser, expect

from scripts.browser import ENDS_WITHIN, serving
from sharedspace.ledger import Ledger
from sharedspace.pocket.paint import draw
from sharedspace.pocket.world import Scene

pytestmark = pytest.mark.browser

TITLES = {
    "map": "Map",
    "search": "Search",
    "zero_shot": "Zero-shot",
    "clusters": "Clusters",
    "tidy": "Tidy",
    "images": "Images",
}
LESSONS = {"learn": "Lessons", "learn_gap": "The modality gap"}  # behind the menu Learn
MAP_WITHIN = 20.0  # seconds; several times what it takes, since the machine may be busy
MARKUP = '<img src=x onerror="window.markupRan=1"> ![leak](http://evil.example/x.png) <b>bold</b>'


def scene(kind: str, colour: str, setting: str, seed: int) -> bytes:
    return encoded(draw(Scene(kind, colour, setting, seed=seed), 200, nuisance=False), "PNG")


def begin_adding(visit: Visit, collection: str, place: str) -> None:
    into = visit.page.get_by_role("textbox", name="Into the collection").first
    if not into.is_visible():
        visit.page.get_by_text("Add pictures", exact=True).click()
    into.fill(collection)
    visit.page.keyboard.press("Enter")
    visit.settle()
    visit.page.get_by_role("radio", name=place).first.click()
    visit.settle()


def add_folder(visit: Visit, collection: str, folder: Path) -> None:
    begin_adding(visit, collection, "on the server's machine")
    visit.fill("A folder or a file on the server's machine", str(folder))
    visit.page.get_by_role("button", name="Add", exact=True).click()
    # The page goes to the collection as soon as that is there: what is typed just then gets lost.
    expect(visit.page.get_by_role("combobox", name="Collection")).to_have_value(collection, timeout=3 * SLOW)
    visit.settle()


def upload(visit: Visit, collection: str, files: dict[str, bytes]) -> None:
    begin_adding(visit, collection, "upload")
    chosen = [{"name": name, "mimeType": "application/octet-stream", "buffer": files[name]} for name in files]
    chips = visit.page.get_by_test_id("stFileChip")
    for _ in range(5):  # what is dropped while the page still draws itself gets lost
        visit.page.locator("input[type=file]").first.set_input_files(chosen)
        visit.page.wait_for_timeout(1000)
        if chips.count():
            break
    expect(chips).to_have_count(len(files))
    visit.settle()
    visit.page.get_by_role("button", name="Add", exact=True).click()


def see_added(visit: Visit, number: int) -> None:
    expect(visit.page.get_by_text(f"{number} added")).to_be_visible()
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(number)
    visit.settle()


# ---- the way through: from the sample map to a collection of one's own -----------------------------


def test_the_sample_map_is_there_soon_after_the_app_was_started_from_nothing(
    visit: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    answer = visit.open()
    visit.see_map()
    seconds = time.monotonic() - start

    with capsys.disabled():
        sys.stdout.write(f"[the sample map was there {seconds:.1f} s after the page was asked for]")
    assert seconds < MAP_WITHIN
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert re.fullmatch(r"4\d\d images", visit.page.locator(".status").inner_text())


def test_a_query_places_the_star_and_another_moves_it_and_changes_the_hits_while_the_points_stay(visit: Visit) -> None:
    visit.open("/?collection=sample")
    visit.see_map()

    first, drawn, hits = visit.ask("a boat at night"), visit.drawn_points(), visit.pictures()
    second, drawn_after, hits_after = visit.ask("a dog"), visit.drawn_points(), visit.pictures()

    assert first != second
    assert len(hits) == 5  # those over the no-match line
    assert hits_after
    assert not set(hits) & set(hits_after)
    assert drawn == drawn_after
    assert len([url for url in visit.requests if url.endswith(".bin")]) == 1  # it was not fetched anew


def test_hover_shows_the_picture_of_a_point_and_a_click_the_image_with_its_neighbours(visit: Visit) -> None:
    visit.open("/?collection=sample&colour=setting")
    visit.see_map()
    at = visit.find_point()

    shown = visit.point_at(at)
    visit.page.mouse.down()
    visit.page.mouse.up()
    expect(visit.page.get_by_text("Nearest to it", exact=True)).to_be_visible()
    expect(visit.page.locator(".ss-gallery img")).to_have_count(15)

    clicked, similar = visit.opened(), visit.pictures()
    assert visit.sum_of(clicked) == visit.sum_of(shown)
    assert clicked not in similar


def test_a_lasso_shows_its_images_and_outlives_with_the_zoom_another_colour(visit: Visit) -> None:
    visit.open("/?collection=sample&colour=setting")
    visit.see_map()
    visit.move(visit.find_point())
    visit.page.mouse.wheel(0, -400)
    places = [visit.find_point()]
    zoomed = [visit.point_at(at) for at in places]
    visit.lasso(places[0], 120)
    chosen = visit.selected_on_map()
    assert chosen > 0
    expect(visit.page.get_by_text(f"{chosen} selected", exact=True)).to_be_visible()
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(min(chosen, 60))

    visit.choose("Colour by", "colour")
    expect(visit.page.locator(".legend button", has_text="purple")).to_be_visible()

    assert visit.selected_on_map() == chosen
    expect(visit.page.get_by_text(f"{chosen} selected", exact=True)).to_be_visible()
    assert [visit.point_at(at) for at in places] == zoomed


def test_three_pictures_are_added_and_found_and_the_reason_why_the_fourth_was_refused_is_read(visit: Visit) -> None:
    visit.open("/images")
    visit.see_title("Images")

    upload(
        visit,
        "mine",
        {
            "cat.png": scene("cat", "red", "snow", 1),
            "boat.png": scene("boat", "yellow", "night", 2),
            "tree.png": scene("tree", "blue", "desert", 3),
            "broken.jpg": b"\xff\xd8\xff\xe0 this is no picture",
        },
    )
    see_added(visit, 3)
    expect(visit.page.get_by_text("1 refused, and why")).to_be_visible()
    expect(visit.page.get_by_role("listitem")).to_have_text(re.compile("broken.jpg: not a picture that can be read"))
    assert "collection=mine" in visit.page.url
    assert set(visit.captions()) == {"cat.png", "boat.png", "tree.png"}

    visit.go("Search")
    visit.fill("What to look for", "a yellow boat at night")
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(1)
    assert visit.captions() == ["boat.png"]

    visit.go("Map")
    visit.see_map()
    assert visit.page.locator(".status").inner_text() == "3 images"


def test_clusters_show_their_groups_as_contact_sheets(visit: Visit) -> None:
    visit.open("/clusters?collection=sample")
    visit.see_title("Clusters")

    expect(visit.page.get_by_text("vehicle", exact=True)).to_be_visible()
    visit.page.get_by_role("radio", name="k-means").click()
    expect(visit.page.get_by_text(re.compile(r"^8 groups$"))).to_be_visible()

    visit.settle()  # the groups of before are gone
    expect(visit.page.locator(".ss-gallery img")).to_have_count(8 * 8)


# ---- what every page keeps to ----------------------------------------------------------------------


def test_every_page_opened_first_by_its_own_address_has_the_chrome_and_the_app_ends_in_time_on_sigterm(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serving(tmp_path_factory.mktemp("cold")) as fresh:
        for path in ("clusters", "search", "zero_shot", "tidy", "images", "learn", "learn_gap", "map", ""):
            with visiting(browser, fresh) as visit:
                answer = visit.open(f"/{path}")
                visit.see_title((TITLES | LESSONS)[path or "map"])
                links = visit.page.get_by_test_id("stTopNavLink").all_inner_texts()
                assert [text.split("\n")[-1] for text in links] == list(TITLES.values()), path
                expect(visit.page.get_by_role("combobox", name="Collection")).to_have_value("sample")
                expect(visit.page.get_by_test_id("stException")).to_have_count(0)
                assert "default-src 'self'" in answer.headers["content-security-policy"]
        asked = time.monotonic()

    assert time.monotonic() - asked < ENDS_WITHIN
    assert "Traceback" not in fresh.output()


def test_routes_give_pictures_with_their_type_and_refuse_everything_else(visit: Visit) -> None:
    visit.open("/search?q=a+dog&collection=sample")
    expect(visit.page.locator(".ss-gallery img").first).to_be_visible()
    get = visit.page.request.get

    picture = get(visit.server.url + visit.pictures()[0])
    assert (picture.status, picture.headers["content-type"]) == (200, "image/webp")
    assert picture.headers["x-content-type-options"] == "nosniff"
    refused = (
        f"/thumbs/{'0' * 64}",
        "/thumbs/unknown",
        "/thumbs/%2e%2e%2f%2e%2e%2fx",
        "/thumbs/%2e%2e%2fledger.sqlite",
        "/map/unknown.bin",
        "/map/unknown/0",
    )
    for path in refused:
        answer = get(visit.server.url + path)
        assert answer.status in (400, 404), path
        assert "html" not in answer.headers.get("content-type", ""), path


def test_markup_in_names_and_captions_is_shown_as_text_and_asks_no_other_host(visit: Visit) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        rows = [["file", "caption", "label"]]
        for number, colour in enumerate(("red", "green", "blue", "yellow")):
            archive.writestr(f"{number}.png", png(colour, (64, 64)))
            rows.append([f"{number}.png", f"{MARKUP} {colour}", f"{MARKUP} {number // 2}"])
        archive.writestr("labels.csv", "\n".join(",".join(quoted(cell) for cell in row) for row in rows))
    visit.open("/images")
    visit.see_title("Images")

    upload(visit, f"{MARKUP[:70]}", {f"{MARKUP.replace('/', '')}.zip": packed.getvalue(), f"{MARKUP}.png": b"broken"})
    see_added(visit, 4)
    assert all(text.startswith(MARKUP) for text in visit.captions())
    visit.go("Search")
    visit.fill("What to look for", MARKUP)
    expect(visit.page.get_by_text("Nothing here matches")).to_be_visible()
    visit.page.get_by_text("Show the nearest anyway").click()
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(4)
    visit.go("Zero-shot")
    visit.choose("Known answers: a metadata field", "label")
    visit.page.get_by_role("button", name="Take its 2 values as labels").click()
    expect(visit.page.get_by_label("Number of images by label")).to_be_visible()
    visit.go("Clusters")
    visit.go("Tidy")
    visit.go("Map")
    visit.see_map()
    visit.choose("Colour by", "label")
    expect(visit.page.locator(".legend button", has_text=f"{MARKUP} 1")).to_be_visible()
    visit.point_at(visit.find_point())
    visit.page.mouse.down()
    visit.page.mouse.up()
    expect(visit.page.get_by_text("Nearest to it", exact=True)).to_be_visible()

    assert visit.page.evaluate("window.markupRan") is None
    assert not [url for url in visit.requests if "evil" in url]


# ---- long work in the background -------------------------------------------------------------------


def photograph(seed: int) -> bytes:
    """A JPEG with the soft colours and the grain of a photograph."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((200, 150))
    grain = rng.normal(0, 8, (150, 200, 1))
    return encoded(Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)), "JPEG")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 300."""
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(300):
        (folder / f"{number:03}.jpg").write_bytes(photograph(number))
    return folder


def copies(photographs: Path, number: int, folder: Path) -> Path:
    """As many files as it takes to keep the app busy: each photograph again, distinct by its last bytes everywhere."""
    folder.mkdir()
    files = [path.read_bytes() for path in sorted(photographs.iterdir())]
    for copy in range(number):
        (folder / f"{copy:05}.jpg").write_bytes(files[copy % len(files)] + f"{folder.name} {copy}".encode())
    return folder


def counted(visit: Visit) -> int:
    """How many files the bar in the sidebar says are done."""
    bar = visit.page.get_by_test_id("stSidebar").get_by_test_id("stProgress").first
    expect(bar).to_have_text(re.compile(r"[\d,]+ of [\d,]+"), timeout=3 * SLOW)  # where the model is loaded first
    found = re.search(r"([\d,]+) of [\d,]+", bar.inner_text())
    assert found
    return int(found[1].replace(",", ""))


def test_three_hundred_photographs_are_added_in_the_background_while_the_visitor_searches(
    browser: Browser, visit: Visit, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = copies(photographs, 12000, tmp_path / "busy")
    visit.open("/images?collection=sample")
    visit.see_title("Images")
    add_folder(visit, "busy", busy)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in photographs.iterdir():
            archive.write(path, path.name)
    upload(visit, "photographs", {"photographs.zip": packed.getvalue()})
    first = counted(visit)
    expect(visit.page.get_by_test_id("stSidebar")).to_contain_text("waits for what was begun before")

    visit.open("/search?collection=sample")
    visit.see_title("Search")
    waited = []
    for query, best in (("a boat at night", "boat"), ("a dog in the snow", "dog"), ("a bird", "bird")):
        begun = time.monotonic()
        visit.page.get_by_role("textbox", name="What to look for").fill(query)
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator(".ss-gallery .caption").first).to_contain_text(best)
        waited.append(time.monotonic() - begun)
    with capsys.disabled():
        sys.stdout.write(f"[queries beside an ingest took {', '.join(f'{seconds:.2f}' for seconds in waited)} s]")
    assert max(waited) < 5
    visit.go("Clusters")
    assert counted(visit) > first
    expect(visit.page.get_by_test_id("stSidebar")).to_contain_text(re.compile(r"images/s · .* left"))
    visit.page.reload()
    visit.see_title("Clusters")
    with visiting(browser, visit.server) as second:
        second.open("/zero_shot?collection=sample")
        second.see_title("Zero-shot")
        assert counted(second) > first
        second.page.get_by_role("button", name="Cancel").first.click()
        # Streamlit drops what a page asks as it is closed: it stays until the app has heard.
        expect(second.page.get_by_text(re.compile("Adding to busy.*Cancelled|Stopping…")).first).to_be_visible()

    expect(visit.page.get_by_text(re.compile(r"Adding to busy.*Cancelled: what was done is kept"))).to_be_visible()
    line = visit.page.get_by_text(re.compile(r"Adding to photographs: 300 added, 0 already there, 0 refused in .* s"))
    expect(line).to_be_visible()
    visit.page.get_by_role("button", name="Open photographs").click()
    visit.settle()
    expect(line).to_have_count(0)
    assert "collection=photographs" in visit.page.url
    visit.go("Images")
    expect(visit.page.get_by_text("300 of 300 images")).to_be_visible()
    ledger = Ledger(visit.server.home / "ledger.sqlite3")
    (number,) = [info.number for info in ledger.collections() if info.name == "photographs"]
    for record in ledger.records(number):
        answer = visit.page.request.get(f"{visit.server.url}/thumbs/{record.id}")
        assert (answer.status, answer.headers["content-type"].split("/")[0]) == (200, "image"), record.path
    ledger.close()


def test_cancel_keeps_what_is_done_and_adding_the_same_again_completes_it(
    visit: Visit, photographs: Path, tmp_path: Path
) -> None:
    many = copies(photographs, 1500, tmp_path / "many")
    visit.open("/images?collection=sample")
    visit.see_title("Images")

    add_folder(visit, "halved", many)
    done = counted(visit)
    visit.page.get_by_test_id("stSidebar").get_by_role("button", name="Cancel").click()
    told = visit.page.get_by_text(re.compile(r"Adding to halved: [\d,]+ added.*Cancelled"))
    expect(told).to_be_visible()
    kept = int(re.findall(r"([\d,]+) added", told.inner_text())[0].replace(",", ""))
    assert done <= kept < 1500

    add_folder(visit, "halved", many)
    expect(visit.page.get_by_text(f"Adding to halved: {1500 - kept:,} added, {kept:,} already there")).to_be_visible()


def test_an_export_is_downloaded_whole(visit: Visit, tmp_path: Path) -> None:
    visit.open("/images?collection=sample")
    visit.see_title("Images")
    # A map that an earlier test has left to draw: the page is drawn anew at its end, which can lose a click.
    expect(visit.page.get_by_test_id("stProgress")).to_have_count(0, timeout=3 * SLOW)
    visit.page.wait_for_timeout(2000)
    visit.page.get_by_text("Export, copy, check, rename or delete this collection").click()
    visit.settle()
    visit.page.get_by_role("button", name="Export", exact=True).click()
    link = visit.page.get_by_role("link", name=re.compile(r"Download sample\.zip"))
    expect(link).to_be_visible()
    (home,) = (visit.server.home / "incoming").glob("*/sample.zip")
    visit.settle()

    answer = visit.page.request.get(visit.server.url + (link.get_attribute("href") or ""))

    assert answer.headers["content-disposition"] == 'attachment; filename="sample.zip"'
    assert answer.body() == home.read_bytes()


def test_sigterm_amid_an_ingest_ends_the_app_in_time_and_what_it_had_told_is_kept(
    browser: Browser, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = copies(photographs, 6000, tmp_path / "many")
    (tmp_path / "app").mkdir()
    with serving(tmp_path / "app") as fresh, visiting(browser, fresh) as visit:
        visit.open("/images")
        visit.see_title("Images")
        add_folder(visit, "stopped", many)
        done = counted(visit)
        asked = time.monotonic()
        fresh.process.terminate()
        fresh.process.wait(ENDS_WITHIN)
        seconds = time.monotonic() - asked
        visit.complaints.clear()  # of the connection that is gone
    with capsys.disabled():
        sys.stdout.write(f"[it ended {seconds:.1f} s after SIGTERM]")
    ledger = Ledger(fresh.home / "ledger.sqlite3")
    (info,) = [info for info in ledger.collections() if info.name == "stopped"]
    ledger.close()

    assert seconds < 5
    assert done <= info.images < 6000
    assert "Traceback" not in fresh.output()


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def test_the_query_stands_in_the_address_and_outlives_a_change_of_page(visit: Visit) -> None:
    visit.open("/?collection=sample")
    visit.see_map()
    visit.ask("a boat at night")
    expect(visit.page).to_have_url(re.compile(r"[?&]q=a\+boat\+at\+night(&|$)"), timeout=SLOW)

    visit.go("Search")
    expect(visit.page.get_by_role("textbox", name="What to look for")).to_have_value("a boat at night")
    expect(visit.page.locator(".ss-gallery .cell")).to_have_count(5)
    expect(visit.page).to_have_url(re.compile(r"/search\?.*q=a\+boat\+at\+night(&|$)"))

    visit.go("Clusters")
    visit.go("Map")
    visit.see_map()
    expect(visit.page.locator(".marks")).to_have_attribute("aria-label", re.compile("query star “a boat at night”"))
