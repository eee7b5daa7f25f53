"""The real app and a headless Chromium, for the browser tests and for the screenshots."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# A browser that phones home would hide a page that does.
FLAGS = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
)
STARTS_WITHIN = 60.0  # seconds
ENDS_WITHIN = 10.0


class NoChromium(RuntimeError):
    """There is no browser to drive."""


def chromium() -> str:
    """The path of Chromium or Chrome; `CHROMIUM` in the environment goes first."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), str(MAC) if MAC.exists() else None]
    path = next((one for one in found if one), None)
    if path is None:
        raise NoChromium(
            f"No Chromium or Chrome was found (looked for {', '.join(NAMES)} and $CHROMIUM). "
            "Get one with `sh scripts/chromium.sh`, or on Debian with `sudo apt-get install chromium`."
        )
    return path


@contextmanager
def browsing() -> Iterator[Browser]:
    """A headless browser."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium's sandbox refuses root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*FLAGS, *(["--no-sandbox"] if root else [])]
        )
        try:
            yield browser
        finally:
            browser.close()


# No part is still being fetched, and each gallery has been filled.
_DRAWN = """() => !document.querySelector('[data-testid=stSkeleton], [data-testid=stAppSkeleton]')
  && [...document.querySelectorAll('.stBidiComponent')].every((one) => {
    const root = one.querySelector('[data-testid=stBidiComponentIsolated]')?.shadowRoot;
    return root?.querySelector('*') && root.querySelector('.ss-gallery')?.hasAttribute('role') !== false;
  })"""


def settle(page: Page) -> None:
    """Wait until the app has answered what was done on a page, and the browser has fetched what draws it."""
    for wait in (100, 50):  # ms until it has begun; and once more, since an answer may ask for another run
        page.wait_for_timeout(wait)
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        page.wait_for_function(_DRAWN)


@dataclass(frozen=True)
class Server:
    """The app as it runs."""

    url: str  # without a slash at the end
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def serving(folder: Path, root: Path = ROOT) -> Iterator[Server]:
    """The app started from nothing, as a user does, with its home in `folder`; ended by SIGTERM.

    Raises RuntimeError with what it printed when it does not answer, or does not end, in time.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log, home = folder / "server.log", folder / "home"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=os.environ | {"SHAREDSPACE_HOME": str(home)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://localhost:{port}", home, log, process)
    try:
        _wait_for(server)
        yield server
    finally:
        _stop(server)


def _wait_for(server: Server) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urlopen(f"{server.url}/_stcore/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The app did not answer within {STARTS_WITHIN:.0f} s. It printed:\n{server.output()}")


def _stop(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        raise RuntimeError(f"The app did not end within {ENDS_WITHIN:.0f} s. It printed:\n{server.output()}") from None
