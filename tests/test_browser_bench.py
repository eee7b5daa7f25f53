"""The zero-shot bench in a real browser: live typing, a cell of the matrix, yes and no by keys, the file of it all."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import Visit, visiting
from playwright.sync_api import Browser, expect

from scripts.browser import Server, serving
from sharedspace import classifier, samples

pytestmark = pytest.mark.browser
LABELS = "Labels: one a line, or with commas between"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("bench")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server) as guest:
        yield guest


def test_labels_are_answered_while_they_are_typed_and_stand_in_the_address(visit: Visit) -> None:
    visit.open("/zero_shot?collection=sample")
    visit.see_title("Zero-shot")
    visit.page.get_by_label(LABELS).click()
    visit.page.keyboard.type("day\nnight\nsunset", delay=20)
    expect(visit.page.get_by_label("Number of images by label")).to_be_visible()  # the field still has the focus
    visit.page.keyboard.type("\nsnow\nsea\nforest\ndesert\nplain", delay=20)
    visit.choose("Known answers: a metadata field", "setting")
    visit.page.get_by_role("radio", name="Against the truth").click()
    expect(visit.page.get_by_text(re.compile(r"n = 454 of 468 images"))).to_be_visible()
    expect(visit.page).to_have_url(re.compile("labels=day%0Anight%0Asunset%0Asnow"))
    assert visit.page.get_by_label(LABELS).input_value().endswith("plain")


def test_a_cell_of_the_matrix_lights_its_images_on_the_map(visit: Visit) -> None:
    visit.open("/zero_shot?collection=sample&labels=snow%0Asea%0Aforest&truth=setting&part=Against+the+truth")
    visit.see_title("Zero-shot")
    matrix = visit.page.get_by_label("Confusion matrix")
    expect(matrix.locator(".heatmaplayer image, .heatmaplayer .hm").first).to_be_attached()
    visit.settle()
    cells = matrix.locator(".barlayer .point path")
    box = cells.first.bounding_box()
    assert box
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    snow = sum(record.meta.get("setting") == "snow" for record in samples.load().records)
    expect(visit.page.get_by_text(f"{snow} selected")).to_be_visible()
    visit.go("Map")
    visit.see_map()
    assert visit.selected_on_map() == snow


def test_yes_and_no_by_keys_make_a_threshold_and_the_file_runs(visit: Visit, tmp_path: Path) -> None:
    visit.open("/zero_shot?collection=sample&labels=snow%0Asea%0Aforest&part=Your+clicks")
    visit.see_title("Zero-shot")
    for key, said in (("y", "1 judgements"), ("n", "2 judgements"), ("y", "3 judgements")):
        expect(visit.page.get_by_text("Is this")).to_be_visible()
        visit.page.keyboard.press(key)
        expect(visit.page.get_by_text(said)).to_be_visible()
    visit.page.get_by_role("button", name="thresholds").click()
    visit.page.get_by_role("radio", name="Keep and export").click()
    with visit.page.expect_download() as given:
        visit.page.get_by_role("button", name=re.compile("Download it")).click()
    given.value.save_as(tmp_path / "it.npz")
    made = classifier.load(tmp_path / "it.npz")
    assert made.labels == ("snow", "sea", "forest")
    assert made.thresholds is not None
    assert made.thresholds[0] > 0
    pack = np.load(io.BytesIO((tmp_path / "it.npz").read_bytes()))
    assert pack["weights"].shape == (3, 128)
