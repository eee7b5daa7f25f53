"""What a picture on a page needs, served beside the pages: read-only, and behind a strict content security policy."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sharedspace.errors import BadInput, NotFound

SCRIPT = Path(__file__).parent / "script.py"
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


def start_page(request: Request) -> Response:
    """The map by its name: Streamlit knows its start page only as the root."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(address("/") + query)


def _picture(id: str) -> Response:
    from sharedspace.ui import cache

    try:
        path = cache.workspace().home.thumbnail(id)
    except BadInput as error:
        return PlainTextResponse(str(error), 404)
    if path is None:
        return PlainTextResponse("There is no picture of that id.", 404)
    return FileResponse(path, media_type="image/webp", headers=FOR_EVER)


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


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Warm up at start; at the end stop long work between two batches and let go of the home."""
    from sharedspace.ui import cache

    cache.warm_up()
    yield
    cache.jobs().stop()
    cache.workspace().close()


def _middleware() -> list[Middleware]:
    if st.get_option("server.address") != "localhost":
        return [Middleware(SecurityHeaders)]
    # An app for this machine answers to its name only: another site's name may be made to point here (DNS rebinding).
    return [Middleware(SecurityHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1"])]


MIDDLEWARE = _middleware()


def routes() -> list[Route]:
    """The routes that stand beside the pages."""
    return [
        Route(address("/thumbs/{id}.webp"), thumb),
        Route(address("/map"), start_page),
        Route(address("/map/{key}.bin"), map_points),
        Route(address("/map/{key}/{row:int}.webp"), map_picture),
    ]
