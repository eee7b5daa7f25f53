"""Errors of ours as sentences on the page, wherever they are raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st

from sharedspace.errors import SharedSpaceError
from sharedspace.ui import state
from sharedspace.ui.text import plain

Given = ParamSpec("Given")


@contextmanager
def errors(stop: bool = True) -> Iterator[None]:
    """Show an error of ours as the sentence that it is, and `stop`; a fragment needs it within: it runs by itself."""
    try:
        yield
    except SharedSpaceError as error:
        st.error(plain(str(error)), icon=":material/error:")
        if stop:
            st.stop()


def guarded(act: Callable[Given, None]) -> Callable[Given, None]:
    """A callback whose error is shown as a sentence by the run that follows it, by `told_trouble`."""

    @wraps(act)
    def acting(*args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            act(*args, **kwargs)
        except SharedSpaceError as error:
            state.update(trouble=str(error))

    return acting


def told_trouble() -> None:
    """Show the error of a callback, once: at the top of a page, or of the fragment that the callback runs again."""
    trouble = state.get().trouble
    if trouble:
        state.update(trouble="")
        st.error(plain(trouble), icon=":material/error:")
