"""Who looks at the app: people at this machine, who may do everything, or others, who learn.

An app that listens on `localhost` is this machine's alone. Any other gives everybody who is not at it the lessons, and
nothing that writes to the home or reads the server's folders.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

import streamlit as st

from sharedspace.classroom import reachable_at
from sharedspace.ui import state
from sharedspace.ui.routes import LOCAL, PUPIL, address, is_guest, own_address
from sharedspace.ui.uploads import LARGE


def only_here() -> bool:
    """Whether no other machine can reach the app."""
    return st.get_option("server.address") in LOCAL


def guest() -> bool:
    """Whether this page is looked at from another machine."""
    return not only_here() and is_guest(st.context.ip_address, st.context.headers)


def largest() -> int | None:
    """Megabytes that a file of this visitor may have; None for what the app takes."""
    return LARGE // 2**20 if guest() else None


def token() -> str:
    """What a class knows this visitor by: at random, and the same after a reload."""
    kept = st.context.cookies.get(PUPIL, "")
    if len(kept) == 32 and kept.isalnum():
        return kept
    if not state.get().pupil:
        state.update(pupil=uuid.uuid4().hex)
    return state.get().pupil


def link(page: str, query: Mapping[str, str | Sequence[str]]) -> str:
    """The address of a page for pupils, on whatever machine they sit."""
    own = urlsplit(own_address())
    host = own.hostname if only_here() else reachable_at() or own.hostname
    written = urlencode({name: value for name, value in query.items() if value}, doseq=True)
    return f"{own.scheme}://{host}:{own.port}{address(f'/{page}')}" + (f"?{written}" if written else "")
