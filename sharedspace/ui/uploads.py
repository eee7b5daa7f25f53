"""Uploaded files on their way to disk, in pieces: Streamlit would hold each whole in memory, twice while it comes.

A large file is written to the home as it arrives, and Streamlit is given a short ticket in its place, which
`on_disk`, `take` and `contents` know.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders, UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from sharedspace.errors import SharedSpaceError
from sharedspace.home import full_disk

LARGE = 2**20  # bytes from which on a file goes to disk at once
MARGIN = 2**16  # bytes of a request around its file
KEPT = 24 * 3600  # seconds for which a file waits to be added


@dataclass(frozen=True)
class Ticket:
    """A file that has come and was not taken yet."""

    path: Path
    address: str  # of the upload, by which the browser takes it back
    come: float = field(default_factory=time.monotonic)

    def drop(self) -> None:
        """Delete the file."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


_tickets: dict[bytes, Ticket] = {}


class UploadsToDisk:
    """Writes large uploads to disk before Streamlit sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/_stcore/upload_file/" not in scope["path"]:
            await self._app(scope, receive, send)
        elif scope["method"] == "DELETE":
            await self._app(scope, receive, send)
            await run_in_threadpool(_forget, scope["path"])
        elif scope["method"] == "PUT" and LARGE < _length(scope) <= _limit():
            await self._put(scope, receive, send)
        else:  # small, or too large: Streamlit says so
            await self._app(scope, receive, send)

    async def _put(self, scope: Scope, receive: Receive, send: Send) -> None:
        from sharedspace.ui import cache

        try:
            await run_in_threadpool(cache.workspace().home.check_room, _length(scope))
            file = await _received(scope, receive)
            if file is None:
                await PlainTextResponse("One file at a time.", 400)(scope, receive, send)
                return
            with file.file:
                ticket = await run_in_threadpool(_keep, file, scope["path"])
        except SharedSpaceError as error:
            await PlainTextResponse(str(error), 507)(scope, receive, send)
            return
        head = b"\r\n".join(name + b": " + value for name, value in file.headers.raw)
        taken = await self._hand_on(scope, head + b"\r\n\r\n" + ticket, send)
        if not taken:  # not a visitor's: Streamlit has looked
            _tickets.pop(ticket).drop()

    async def _hand_on(self, scope: Scope, part: bytes, send: Send) -> bool:
        """Give Streamlit a request with only this part; whether it took it."""
        mark = uuid.uuid4().hex.encode()
        body = b"--" + mark + b"\r\n" + part + b"\r\n--" + mark + b"--\r\n"
        scope = {**scope, "headers": list(scope["headers"])}
        headers = MutableHeaders(scope=scope)
        headers["content-type"] = f"multipart/form-data; boundary={mark.decode()}"
        headers["content-length"] = str(len(body))
        status = 0

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, watched)
        return status == 204


async def _received(scope: Scope, receive: Receive) -> UploadFile | None:
    """The one file of a request, to be closed; None where there are others. Raises NoSpace."""
    with full_disk(Path(tempfile.gettempdir()) / "upload"):  # through which Starlette lets it come
        form = await Request(scope, receive).form()
    files = [value for value in form.values() if isinstance(value, UploadFile)]
    if len(files) == 1:
        return files[0]
    await form.close()
    return None


def _length(scope: Scope) -> int:
    given = dict(scope["headers"]).get(b"content-length", b"")
    return int(given) if given.isdigit() else 0


def _limit() -> int:
    return int(st.get_option("server.maxUploadSize")) * 2**20 + MARGIN


def _keep(file: UploadFile, address: str) -> bytes:
    """Copy a file that came, in pieces, to the home; its ticket."""
    from sharedspace.ui import cache

    for old, waiting in list(_tickets.items()):
        if time.monotonic() - waiting.come > KEPT:
            _tickets.pop(old).drop()
    path = cache.workspace().home.incoming() / "upload"
    try:
        with full_disk(path), path.open("wb") as opened:
            shutil.copyfileobj(file.file, opened)
    except BaseException:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    ticket = uuid.uuid4().hex.encode()
    _tickets[ticket] = Ticket(path, address)
    return ticket


def _forget(address: str) -> None:
    for ticket, waiting in list(_tickets.items()):
        if waiting.address == address:
            _tickets.pop(ticket).drop()


def on_disk(files: Sequence[Any], folder: Path) -> list[Path]:
    """Where the bytes of what `st.file_uploader` gave lie: small files are copied into the folder. Raises NoSpace.

    The files still are the visitor's, to add once more where this went wrong: `take` makes them ours.
    """
    from sharedspace.ui import cache

    small = [file for file in files if file.getvalue() not in _tickets]
    cache.workspace().home.check_room(sum(len(file.getvalue()) for file in small))
    paths = []
    for file in files:
        waiting = _tickets.get(file.getvalue())
        path = folder / uuid.uuid4().hex if waiting is None else waiting.path
        if waiting is None:
            with full_disk(path):
                path.write_bytes(file.getbuffer())
        paths.append(path)
    return paths


def take(files: Sequence[Any]) -> None:
    """Let go of files that are `on_disk`: whoever has their paths deletes these, and each large one's own folder."""
    context = get_script_run_ctx()
    for file in files:
        _tickets.pop(file.getvalue(), None)
        if context is not None:
            # Streamlit would keep the bytes in memory until long after the tab is closed.
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)  # type: ignore[attr-defined]
        file.close()


def contents(file: Any) -> bytes:
    """The bytes of what `st.file_uploader` gave, which stays where it is."""
    given: bytes = file.getvalue()
    waiting = _tickets.get(given)
    return given if waiting is None else waiting.path.read_bytes()
