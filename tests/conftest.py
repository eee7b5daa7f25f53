"""What all tests share: no network, no home but a temporary one, a workspace that needs no weights."""

import os
import sys

# Before anything imports huggingface_hub, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chroma import ChromaServer
from drawn import PLAIN, png
from hypothesis import settings

from sharedspace.testing import load_fake
from sharedspace.workspace import Workspace

if TYPE_CHECKING:
    from cells import Kernel
    from chromium import Visit
    from playwright.sync_api import Browser

    from scripts.browser import Server

# As in the app (ui/routes.py): each run of a page would else put its folder there and take it away.
sys.path.append(str(Path(__file__).parent.parent / "pages"))
# The same examples in every run, so that a red gate is red again when looked at.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _nothing_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("SHAREDSPACE_HOME", str(tmp_path / "default-home"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new home whose models are all FakeEncoders."""
    opened = Workspace(tmp_path / "home", load=load_fake)
    yield opened
    opened.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of six plain pictures: red.png, green.png, blue.png, yellow.png, cyan.png, magenta.png."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in PLAIN:
        (folder / f"{name}.png").write_bytes(png(name))
    return folder


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """One `chroma run` for all tests that only need it to be there."""
    started = ChromaServer(tmp_path_factory.mktemp("chroma-server"))
    started.start()
    yield started
    started.kill()


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Kernel"]:
    """One Jupyter kernel, started in the folder of the notebooks."""
    from cells import Kernel

    started = Kernel(Path(__file__).parent.parent / "notebooks", tmp_path_factory.mktemp("kernel"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium for the tests of one file."""
    from scripts.browser import NoChromium, browsing

    try:
        with browsing() as opened:
            yield opened
    except NoChromium as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """The app, started from nothing for the tests of one file."""
    from scripts.browser import serving

    with serving(tmp_path_factory.mktemp("app")) as running:
        yield running


@pytest.fixture
def visit(browser: "Browser", server: "Server") -> Iterator["Visit"]:
    """A new visitor of that app."""
    from chromium import visiting

    with visiting(browser, server) as visit:
        yield visit
