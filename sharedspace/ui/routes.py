"""What a picture on a page needs, served beside the pages: read-only, and behind a strict content security policy."""

from __future__ import annotations

import base64
import hashlib
import importlib
import re
import signal
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import Any

import streamlit as st
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # Streamlit brings it, without types
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from sharedspace import images
from sharedspace.errors import NotFound, SharedSpaceError
from sharedspace.jobs import Jobs
from sharedspace.records import Exported
from sharedspace.ui.uploads import LARGE, UploadsToDisk

SCRIPT = Path(__file__).parent / "script.py"
# Streamlit puts the script's folder first on this path for each run and takes it away again; a library that another
# thread imports at that moment is then not found, since an entry of the path is passed over. What is there stays.
if str(SCRIPT.parent) not in sys.path:
    sys.path.append(str(SCRIPT.parent))
LOCAL = ("localhost", "127.0.0.1")
PUPIL = "sharedspace_pupil"  # the cookie by which a class knows a browser after a reload
# Nothing on a page can reach another host, whatever a file name, caption or query holds.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' blob:; "
    "worker-src 'self' blob:; connect-src 'self' blob: data:; frame-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; frame-ancestors 'self'; form-action 'self'"
)


def _policy() -> str:
    """The policy, with the inline scripts that Streamlit's own page holds allowed by their hashes."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline)
    return POLICY.replace("script-src", "script-src " + " ".join(f"'sha256-{digest}'" for digest in digests))


FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def address(path: str) -> str:
    """A route's address as the browser must ask for it: Streamlit does not put its base path before our routes."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}{path}" if base else path


def thumb(request: Request) -> Response:
    """The thumbnail of an image by its id."""
    return _picture(request.path_params["id"])


def map_points(request: Request) -> Response:
    """The coordinates of a drawn map by its key."""
    from sharedspace.ui import cache
    from sharedspace.ui.spacemap import pack

    try:
        drawn = cache.drawn_map(request.path_params["key"])
    except NotFound:
        return PlainTextResponse("This map has been redrawn: reload the page.", 404)
    return Response(pack(drawn.xy), media_type="application/octet-stream", headers=FOR_EVER)


def map_picture(request: Request) -> Response:
    """The thumbnail of a point of a drawn map."""
    from sharedspace.ui import cache

    try:
        id = cache.drawn_map(request.path_params["key"]).ids[request.path_params["row"]]
    except (NotFound, IndexError):
        return PlainTextResponse("There is no such point on this map.", 404)
    return _picture(id)


def export(request: Request) -> Response:
    """The file that an export has made, by the id of its job; in pieces, whatever its size."""
    from sharedspace.ui import cache

    id = request.path_params["id"]
    made = next((job.result for job in cache.jobs().all() if job.id == id), None)
    if not isinstance(made, Exported) or not Path(made.out).is_file():
        return PlainTextResponse("This export is not here any more: make it again.", 404)
    return FileResponse(made.out, media_type="application/octet-stream", filename=Path(made.out).name)


def start_page(request: Request) -> Response:
    """The map by its name: Streamlit knows its start page only as the root."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(address("/") + query)


def _picture(id: str) -> Response:
    from sharedspace.ui import cache

    try:
        path = cache.workspace().home.thumbnail(id)
    except SharedSpaceError as error:
        return PlainTextResponse(str(error), 404)
    if path is None:
        return PlainTextResponse("There is no picture of that id.", 404)
    return FileResponse(path, media_type=images.media_type(path), headers=FOR_EVER)


class SecurityHeaders:
    """Sets the content security policy on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._policy = _policy().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", self._policy),
                    (b"referrer-policy", b"same-origin"),
                ]
            await send(message)

        await self._app(scope, receive, send_with_policy)


def is_guest(peer: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from another machine than this; `headers` have names in lower case.

    Of this machine is who connects over loopback, asks for it by a name of its own (another site's name may be made
    to point here) and was not handed on by a proxy. A tunnel or proxy that hides all three cannot be told from it.
    """
    named = {name.lower(): value for name, value in headers.items()}
    host = named.get("host", "").rsplit(":", 1)[0]
    try:
        here = peer is None or ip_address(peer).is_loopback
    except ValueError:
        here = False
    return not here or host not in LOCAL or bool({"forwarded", "x-forwarded-for", "x-real-ip"} & set(named))


class Guests:
    """What other machines may not ask for: files that were exported, room on the disk, and that all memory is cleared.

    Gives each browser a token.

    Of their uploads only small ones come in, which Streamlit holds in memory while the visitor is there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refused := _refused(Request(scope))):
            await PlainTextResponse(refused, 403)(scope, receive, send)
            return
        if scope["type"] == "websocket" and _comes_from_outside(HTTPConnection(scope)):
            await self._app(scope, partial(_heard, receive), send)
            return

        async def send_with_token(message: Message) -> None:
            if message["type"] == "http.response.start" and PUPIL not in Request(scope).cookies:
                cookie = f"{PUPIL}={uuid.uuid4().hex}; Path=/; HttpOnly; SameSite=Lax"
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        page = scope["type"] == "http" and b"text/html" in dict(scope["headers"]).get(b"accept", b"")
        await self._app(scope, receive, send_with_token if page else send)


def _comes_from_outside(connection: HTTPConnection) -> bool:
    if st.get_option("server.address") in LOCAL:
        return False
    return is_guest(connection.client.host if connection.client else "", connection.headers)


async def _heard(receive: Receive) -> Message:
    """The next message but those that would clear Streamlit's caches, and with them every class, for everybody."""
    while True:
        message = await receive()
        try:
            told = BackMsg.FromString(message.get("bytes") or b"").WhichOneof("type")
        except DecodeError:
            return message  # Streamlit says what is wrong with it
        if told != "clear_cache":
            return message


def _refused(request: Request) -> str:
    """Why a request is refused; "" where it is not."""
    if not _comes_from_outside(request):
        return ""
    if request.url.path.startswith(address("/exports/")):
        return "Exports are for people at the machine that runs the app."
    length = request.headers.get("content-length", "")
    small = length.isdigit() and int(length) <= LARGE
    if "/_stcore/upload_file/" in request.url.path and request.method == "PUT" and not small:
        return f"A visitor's file has at most {LARGE // 2**20} MB."
    return ""


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Warm up at start; at the end stop long work between two batches and let go of the home."""
    from sharedspace.ui import cache

    # Plotly takes pandas for loaded while another session's page still imports it, and fails: so before all pages.
    importlib.import_module("pandas")
    jobs = cache.jobs()
    _stop_on_signal(jobs)
    cache.warm_up(own_address)
    yield
    jobs.stop()
    cache.close()


def own_address() -> str:
    """Where this app answers, for people on this machine."""
    host = str(st.get_option("server.address") or "localhost")
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    host = "localhost" if host in ("0.0.0.0", "::") else host
    return f"{scheme}://{host}:{st.get_option('server.port')}{address('')}"


def _stop_on_signal(jobs: Jobs) -> None:
    """Ask long work to stop as soon as the server is: it waits for open pages first, which takes seconds."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def stop(number: int, frame: FrameType | None, before: Any = before) -> None:
            jobs.cancel()
            if callable(before):
                before(number, frame)

        signal.signal(number, stop)


def _middleware() -> list[Middleware]:
    ours = [Middleware(Guests), Middleware(UploadsToDisk)]
    if st.get_option("server.address") not in LOCAL:
        return [Middleware(SecurityHeaders), *ours]
    # An app for this machine answers to its name only: another site's name may be made to point here (DNS rebinding).
    return [Middleware(SecurityHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=list(LOCAL)), *ours]


MIDDLEWARE = _middleware()


def routes() -> list[Route]:
    """The routes that stand beside the pages."""
    return [
        Route(address("/thumbs/{id}"), thumb),
        Route(address("/exports/{id}"), export),
        Route(address("/map"), start_page),
        Route(address("/map/{key}.bin"), map_points),
        Route(address("/map/{key}/{row:int}"), map_picture),
    ]
