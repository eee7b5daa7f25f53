"""A page as AppTest runs it, and what is on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from sharedspace.ui import cache

PAGES = Path(__file__).parent.parent / "pages"
NAMES = sorted(path.stem for path in PAGES.glob("*.py"))


@contextmanager
def new_home(path: Path) -> Iterator[Path]:
    """A home with the sample set, of which the pages then speak."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHAREDSPACE_HOME", str(path))
        # Each new AppTest would read what every installed package says of itself, for 0.1 s: we need none of theirs.
        patch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
        st.cache_resource.clear()
        st.cache_data.clear()
        cache.workspace()
        yield path
        cache.jobs().stop()
        cache.workspace().close()
        st.cache_resource.clear()


def new_page(name: str, **query: str | list[str]) -> AppTest:
    """A page at an address, not run yet: what a session remembers can be put into its `session_state`."""
    at = AppTest.from_file(PAGES / f"{name}.py", default_timeout=120)
    for key, value in query.items():
        at.query_params[key] = value
    return at


def run(what: AppTest | Element) -> AppTest:
    """Run a page, as it is or with what was done to one of its widgets; it must not fail."""
    at = what.run()
    assert not at.exception, at.exception
    return at


def open_page(name: str, **query: str | list[str]) -> AppTest:
    """A page as a visitor of its address sees it."""
    return run(new_page(name, **query))


def press(at: AppTest, label: str) -> AppTest:
    """Click the button of that name."""
    return run(next(button for button in at.button if button.label == label).click())


def told(at: AppTest, key: str) -> dict[str, Any]:
    """What the browser is told of a gallery or map."""
    (found,) = [one for one in at.get("bidi_component") if one.proto.id.endswith(f"-{key}")]
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def drawn(at: AppTest) -> dict[str, Any]:
    """What the browser is told of the map."""
    (found,) = [one for one in at.get("bidi_component") if one.proto.component_name == "sharedspace_spacemap"]
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def galleries(at: AppTest) -> list[str]:
    """The labels of the galleries on a page."""
    found = [one for one in at.get("bidi_component") if one.proto.component_name == "sharedspace_gallery"]
    return [json.loads(one.proto.json)["label"] for one in found]


def keys(at: AppTest) -> list[str]:
    """The keys of the galleries and maps on a page."""
    return [one.proto.id.split("-", 2)[2] for one in at.get("bidi_component")]


def ids(at: AppTest, key: str) -> list[str]:
    """The images of a gallery, in order."""
    return [tile[0] for tile in told(at, key)["tiles"]]


def html(at: AppTest) -> str:
    """All HTML of a page."""
    return "".join(element.proto.body for element in at.get("html"))


def texts(at: AppTest) -> str:
    """All that a page says in markdown."""
    said = [*at.markdown, *at.caption, *at.warning, *at.info, *at.error, *at.success]
    return "\n".join(one.value for one in said)
