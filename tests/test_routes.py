"""What is served beside the pages, asked as a browser would."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.runtime.scriptrunner.exec_code import modified_sys_path

from sharedspace.records import Drawing
from sharedspace.ui import cache, routes
from sharedspace.workspace import Collection


@pytest.fixture
def sample() -> Iterator[Collection]:
    st.cache_resource.clear()
    yield cache.workspace().collection("sample")
    cache.workspace().close()
    st.cache_resource.clear()


@pytest.fixture
def client(sample: Collection) -> TestClient:
    app = Starlette(routes=routes.routes(), middleware=routes.MIDDLEWARE)
    return TestClient(app, base_url="http://localhost:8501", follow_redirects=False)


def test_a_map_is_served_as_its_count_and_its_coordinates(client: TestClient, sample: Collection) -> None:
    drawn = sample.map()
    answer = client.get(f"/map/{drawn.key}.bin")

    assert np.frombuffer(answer.content[:4], "<u4")[0] == len(drawn.ids)
    assert np.array_equal(np.frombuffer(answer.content[4:], "<f4").reshape(-1, 2), drawn.xy)


def test_a_point_is_served_as_the_thumbnail_of_its_image(client: TestClient, sample: Collection) -> None:
    drawn = sample.map()
    by_row, by_id = client.get(f"/map/{drawn.key}/7"), client.get(f"/thumbs/{drawn.ids[7]}")

    assert by_row.content == by_id.content
    assert by_id.content[8:12] == b"WEBP"
    assert by_id.headers["content-type"] == "image/webp"
    assert by_id.headers["x-content-type-options"] == "nosniff"


def test_a_map_that_an_open_page_still_shows_is_served_after_it_was_drawn_anew(
    client: TestClient, sample: Collection
) -> None:
    old = sample.map()
    assert client.get(f"/map/{old.key}.bin").status_code == 200
    assert sample.redraw(Drawing(seed=1)).key != old.key

    assert client.get(f"/map/{old.key}/0").status_code == 200


@pytest.mark.parametrize("path", ["/map/none.bin", "/map/none/0", "/thumbs/none", f"/thumbs/{'0' * 64}"])
def test_what_is_not_there_is_a_404_in_plain_words(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_row_beyond_the_map_is_a_404(client: TestClient, sample: Collection) -> None:
    assert client.get(f"/map/{sample.map().key}/9999").status_code == 404


def test_every_answer_carries_the_content_security_policy(client: TestClient) -> None:
    policy = client.get("/thumbs/none").headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "script-src 'sha256-" in policy
    assert "http" not in policy


def test_another_sites_name_that_points_to_this_machine_is_refused(client: TestClient, sample: Collection) -> None:
    path = f"/thumbs/{sample.map().ids[0]}"

    assert client.get(path).status_code == 200
    assert client.get(path, headers={"host": "evil.example:8501"}).status_code == 400


def test_the_start_page_is_found_by_its_name_with_its_query(client: TestClient) -> None:
    answer = client.get("/map?q=a+dog", headers={"host": "localhost:8501"})

    assert answer.status_code == 307
    assert answer.headers["location"] == "/?q=a+dog"


def test_a_run_leaves_the_path_alone_by_which_other_threads_import() -> None:
    before = list(sys.path)

    with modified_sys_path(str(routes.SCRIPT)):
        assert sys.path == before
