"""What the browser tests do on a page, in the words of a user, and what every page must keep to."""

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import cos, pi, sin
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from scripts.browser import Server, settle

SLOW = 20_000  # ms; what a test waits for at most on a busy machine
expect.set_options(timeout=SLOW)

# A pixel of the points canvas in the colour of a legend entry, the one nearest to the middle of the map.
_POINT = """([canvas, chips]) => {
  const wanted = chips.map((chip) => getComputedStyle(chip).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number));
  const {width, height} = canvas, ratio = width / canvas.clientWidth;
  const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  let best = null, least = Infinity;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const at = 4 * (y * width + x), far = Math.hypot(x - width / 2, y - height / 2);
    if (far < least && wanted.some((rgb) => rgb.every((part, i) => part === data[at + i]))) {
      best = [x / ratio, y / ratio]; least = far;
    }
  }
  return best;
}"""


@contextmanager
def visiting(browser: Browser, server: Server, **options: object) -> Iterator["Visit"]:
    """A new visitor of the app; in the end no page may have asked another host, or complained in the console."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce", **options)
    context.set_default_timeout(SLOW)
    visit = Visit(context.new_page(), server)
    try:
        yield visit
        assert not visit.foreign(), f"a page asked another host: {visit.foreign()}"
        assert not visit.complaints, f"a page complained in the console: {visit.complaints}"
    finally:
        context.close()
        sys.stdout.write(server.output())  # pytest shows it where a test fails


class Visit:
    """One visitor's page and what it did."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self.server = page, server
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, said: ConsoleMessage) -> None:
        # Streamlit looks for its server below the address of a page first, and finds it above.
        probe = urlsplit(said.location["url"]).path.endswith(("/_stcore/health", "/_stcore/host-config"))
        if said.type == "error" and not probe:
            self.complaints.append(said.text)

    def foreign(self) -> list[str]:
        """Requests that went to another origin than the app's."""
        own = urlsplit(self.server.url).netloc
        return [url for url in self.requests if not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != own]

    # ---- pages ----------------------------------------------------------------------------------

    def open(self, path: str = "/") -> Response:
        """Go to an address."""
        answer = self.page.goto(self.server.url + path)
        assert answer is not None
        return answer

    def go(self, title: str) -> None:
        """Change the page by the navigation."""
        self.page.get_by_role("link", name=title, exact=True).click()
        self.see_title(title)

    def see_title(self, title: str) -> None:
        """Wait until the page of that title is there, and whole."""
        expect(self.page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
        self.settle()

    def settle(self) -> None:
        """Wait until the app has answered what was done."""
        settle(self.page)

    def choose(self, label: str, option: str) -> None:
        """Take an option of a select box."""
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option, exact=True).click()
        self.settle()

    def fill(self, label: str, text: str, end: str = "Enter") -> None:
        """Type into a box and end with a key."""
        self.page.get_by_role("textbox", name=label).fill(text)
        self.page.keyboard.press(end)
        self.settle()

    def pictures(self, within: str = "[data-testid=stMain]") -> list[str]:
        """The addresses of the pictures that galleries show, in order."""
        found = self.page.locator(f"{within} .ss-gallery img")
        return found.evaluate_all("images => images.map((image) => new URL(image.src).pathname)")

    def opened(self) -> str:
        """The address of the picture whose detail is open."""
        return self.page.locator(".ss-opened").get_attribute("src") or ""

    def captions(self) -> list[str]:
        """What stands under the pictures of the galleries."""
        return self.page.locator(".ss-gallery .caption span").all_inner_texts()

    def sum_of(self, address: str) -> str:
        """A digest of what an address of the app serves."""
        answer = self.page.request.get(self.server.url + address)
        assert answer.ok, address
        return hashlib.sha256(answer.body()).hexdigest()

    # ---- the map --------------------------------------------------------------------------------

    def see_map(self) -> None:
        """Wait until the map is drawn."""
        expect(self.page.locator(".spacemap")).to_have_attribute("data-ready", re.compile("."))
        self.settle()

    def ask(self, query: str) -> tuple[float, float]:
        """Type a query on the map's page and say where its star stands, in map coordinates."""
        self.fill("What to look for", query)
        marks = self.page.locator(".marks")
        expect(marks).to_have_attribute("aria-label", re.compile(f"query star “{re.escape(query)}” at"))
        self.settle()
        said = re.search(r"” at (-?\d+\.\d+), (-?\d+\.\d+)", marks.get_attribute("aria-label") or "")
        assert said
        return float(said[1]), float(said[2])

    def drawn_points(self) -> str:
        """The pixels of the points."""
        return self.page.locator(".points").evaluate("canvas => canvas.toDataURL()")

    def find_point(self) -> tuple[float, float]:
        """Where a point is seen, in pixels of the map."""
        chips = self.page.locator(".legend button i").element_handles()
        assert chips
        at = self.page.evaluate(_POINT, [self.page.locator(".points").element_handle(), chips])
        assert at, "no point is seen"
        return at[0], at[1]

    def point_at(self, at: tuple[float, float]) -> str:
        """Move to a place of the map and say which picture the hover card shows: its address."""
        self.move(at)
        card = self.page.locator(".card")
        expect(card).to_be_visible()
        expect(card.locator("img")).to_have_js_property("complete", True)
        expect(card.locator("img")).to_have_attribute("src", re.compile("."))
        assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        return urlsplit(card.locator("img").get_attribute("src") or "").path

    def move(self, at: tuple[float, float]) -> None:
        """Move the pointer to a place of the map, in its pixels."""
        marks = self.page.locator(".marks")
        marks.scroll_into_view_if_needed()
        box = marks.bounding_box()
        assert box
        self.page.mouse.move(box["x"] + at[0], box["y"] + at[1])

    def lasso(self, middle: tuple[float, float], radius: float) -> None:
        """Draw a circle with Shift held."""
        ring = [(middle[0] + radius * cos(i * pi / 15), middle[1] + radius * sin(i * pi / 15)) for i in range(31)]
        self.move(ring[0])
        self.page.keyboard.down("Shift")
        self.page.mouse.down()
        for at in ring[1:]:
            self.move(at)
        self.page.mouse.up()
        self.page.keyboard.up("Shift")
        self.settle()

    def selected_on_map(self) -> int:
        """How many images the map says are selected."""
        status = self.page.locator(".status")
        expect(status).to_have_text(re.compile(r"^[\d, ]+ of .* selected$"))
        return int(re.sub(r"\D", "", status.inner_text().split(" of ")[0]))
