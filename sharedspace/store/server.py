"""Chroma behind an address: a `chroma run` of one's own, that other programs may ask too.

Chroma 1.5.9 checks no token or password of its own: whoever reaches the port reads and deletes. Keep it on this
machine or behind a proxy that asks for a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sharedspace.errors import BadInput, IndexUnavailable

KNOCK = 5  # seconds for a first sign of life
TIMEOUT = 30  # seconds a request; Chroma's own client would wait for ever


def parse_headers(lines: Iterable[str]) -> dict[str, str]:
    """Headers given as "Name: value"; raises BadInput."""
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isascii() or not line.isprintable():
            raise BadInput(f"{line!r} is no header: write it as 'Name: value'.")
        headers[name.strip()] = value.strip()
    return headers


class Server:
    """A Chroma server at an address."""

    def __init__(self, url: str, headers: Mapping[str, str], prefix: str) -> None:
        self._url = url.rstrip("/")
        self._headers = dict(headers)
        self.prefix = prefix  # of our collections' names: several homes may share a server
        try:
            parts = urlsplit(self._url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise BadInput(f"{url!r} is no address of a Chroma server: {error}.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise BadInput(f"{url!r} is no address of a Chroma server: give one like http://localhost:8000.")
        self._port = port
        self._shown = f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"  # without a password in it

    def __str__(self) -> str:
        return self._shown

    def open(self) -> Any:
        """A client; raises IndexUnavailable where no Chroma server answers."""
        import chromadb
        from chromadb.config import Settings

        self._knock()
        # A new record for each client: the constructor writes into it.
        settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
        secure = self._url.startswith("https")
        try:
            client = chromadb.HttpClient(self._url, self._port, secure, dict(self._headers), settings)
        except ValueError as error:  # it went between the two
            raise IndexUnavailable(f"The Chroma server at {self} does not answer: {error}") from error
        client._server._session.timeout = TIMEOUT  # type: ignore[attr-defined]
        return client

    def close(self, client: Any) -> None:
        """Hang up: Chroma's own close leaves the connections open."""
        sessions = (client._server._session, client._admin_client._server._session)
        client.close()
        for session in sessions:
            session.close()

    def _knock(self) -> None:
        """Chroma's constructor has no time-out: ask first whether somebody is there."""
        import httpx

        try:
            answer = httpx.get(f"{self._url}/api/v2/heartbeat", headers=self._headers, timeout=KNOCK)
        except httpx.TransportError as error:
            raise IndexUnavailable(
                f"No Chroma server answers at {self}: start it with `chroma run`, or leave out --chroma-url. ({error})"
            ) from error
        if answer.status_code != 200 or "nanosecond heartbeat" not in answer.text:
            raise IndexUnavailable(
                f"{self} answers, but not as a Chroma server (status {answer.status_code}): "
                "look at the address, and at the --chroma-header that a proxy asks for."
            )

    def discard(self) -> None:
        """Nothing: a server mends its own files."""

    def size(self) -> int:
        """Bytes on this machine's disk: none."""
        return 0
