"""Large uploads go to disk as they come; Streamlit, here a stand-in that parses as it does, gets a ticket."""

import errno
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from sharedspace.errors import NoSpace
from sharedspace.ui import cache, uploads
from sharedspace.workspace import Workspace

ADDRESS = "/_stcore/upload_file/session/file"


class Streamlit:
    """Takes the one file of a request, as `_upload_put` of Streamlit 1.67 does, or refuses it with `status`."""

    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.taken: list[tuple[str | None, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "PUT":
            async with request.form() as form:
                (file,) = form.values()
                self.taken.append((file.filename, await file.read()))
        await Response(status_code=self.status)(scope, receive, send)


@pytest.fixture
def home(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "workspace", lambda: workspace)
    return workspace.home.path


def put(behind: Streamlit, data: bytes, name: str = "big.zip") -> Response:
    return TestClient(uploads.UploadsToDisk(behind)).put(ADDRESS, files={"file": (name, data)})


def chosen(data: bytes) -> io.BytesIO:
    """What a page has of a file of these bytes."""
    file = io.BytesIO(data)
    file.file_id = "file"
    return file


LARGE = bytes(range(256)) * 8192


@pytest.mark.parametrize("name", ["big.zip", 'quo"ted; and\\slashed.zip', "übergroß 図.zip"])
def test_a_large_file_goes_to_disk_whole_under_its_name(home: Path, tmp_path: Path, name: str) -> None:
    behind, plain = Streamlit(), Streamlit()
    assert put(behind, LARGE, name).status_code == 204
    TestClient(plain).put(ADDRESS, files={"file": (name, LARGE)})

    ((shown, ticket),) = behind.taken
    assert shown == plain.taken[0][0]
    assert len(ticket) == 32
    assert uploads.contents(chosen(ticket)) == LARGE
    for _ in range(2):  # what went wrong once is asked for again
        (path,) = uploads.on_disk([chosen(ticket)], tmp_path)
        assert path.read_bytes() == LARGE
    uploads.take([chosen(ticket)])
    assert path.read_bytes() == LARGE
    assert [path.parent] == list((home / "incoming").iterdir())
    assert uploads.contents(chosen(ticket)) == ticket  # used up


def test_a_small_file_comes_as_it_is(home: Path, tmp_path: Path) -> None:
    behind = Streamlit()
    put(behind, b"small", "a.png")

    assert behind.taken == [("a.png", b"small")]
    (path,) = uploads.on_disk([chosen(b"small")], tmp_path)
    assert path.read_bytes() == b"small"


def test_of_a_file_that_streamlit_refuses_nothing_stays(home: Path) -> None:
    behind = Streamlit(400)

    assert put(behind, LARGE).status_code == 400
    assert not list((home / "incoming").iterdir())


def test_a_file_taken_back_in_the_browser_is_deleted(home: Path) -> None:
    behind = Streamlit()
    put(behind, LARGE)
    assert list((home / "incoming").iterdir())

    TestClient(uploads.UploadsToDisk(behind)).delete(ADDRESS)

    assert not list((home / "incoming").iterdir())


def test_a_full_disk_is_told_before_anything_is_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = Streamlit()

    def full(nbytes: int) -> None:
        raise NoSpace(home, 10**6, nbytes)

    monkeypatch.setattr(cache.workspace().home, "check_room", full)
    answer = put(behind, LARGE)

    assert (answer.status_code, behind.taken) == (507, [])
    assert "is too full" in answer.text
    assert not (home / "incoming").exists()


def test_small_files_that_do_not_fit_the_disk_together_are_told_before_one_is_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def full(nbytes: int) -> None:
        asked.append(nbytes)
        raise NoSpace(home, 10**6, nbytes)

    monkeypatch.setattr(cache.workspace().home, "check_room", full)
    (tmp_path / "new").mkdir()

    with pytest.raises(NoSpace):
        uploads.on_disk([chosen(b"small"), chosen(b"other")], tmp_path / "new")
    assert asked == [10]
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_while_a_large_file_comes_is_told_and_nothing_stays(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*given: object) -> None:
        raise OSError(number, "no room")

    monkeypatch.setattr(uploads.shutil, "copyfileobj", full)
    answer = put(Streamlit(), LARGE)

    assert answer.status_code == 507
    assert "is too full" in answer.text
    assert not list((home / "incoming").iterdir())


def test_a_disk_that_fills_up_while_small_files_are_written_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(NoSpace, match="is too full"):
        uploads.on_disk([chosen(b"small")], tmp_path)


def test_a_file_over_the_limit_is_left_to_streamlit_to_refuse(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "st", SimpleNamespace(get_option=lambda name: 1))
    behind = Streamlit()
    put(behind, LARGE)

    assert behind.taken == [("big.zip", LARGE)]


def test_files_that_nobody_adds_are_deleted_by_and_by(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = Streamlit()
    put(behind, LARGE)
    monkeypatch.setattr(uploads, "KEPT", 0)
    put(behind, LARGE)

    assert len(list((home / "incoming").iterdir())) == 1
