"""The errors that users meet: each says what was expected, what came, and the way out.

SharedSpaceError
├── BadInput            something given cannot be used (a path, a label set, a parameter)
│   └── Unreadable      one picture or archive cannot be taken; the batch goes on
├── NotFound            a collection, image or field that is not there; `.known` lists what is
├── EmptyCollection     the question needs images and there are none
├── SpaceMismatch       vectors of two models would meet; carries both names
├── ModelUnavailable    a model cannot be loaded (not on disk, no network, damaged)
├── HomeInUse           another process writes to this home
├── NoSpace             the disk is too full for what comes next
├── IndexUnavailable    Chroma fails or its server is gone; the ledger has everything
├── StoreDamaged        the ledger cannot be read
└── Cancelled           the user asked a long job to stop; what was done is kept
"""

from __future__ import annotations

from collections.abc import Sequence


class SharedSpaceError(Exception):
    """Base of all errors meant for users: `str(error)` can be shown as it is."""


class BadInput(SharedSpaceError):
    """Something given cannot be used."""


class Unreadable(BadInput):
    """One picture or archive cannot be taken; `reason` says why, in a few words."""

    def __init__(self, item: str, reason: str) -> None:
        super().__init__(f"{item}: {reason}")
        self.item = item
        self.reason = reason


class NotFound(SharedSpaceError):
    """What was named is not there; `known` holds the names that are."""

    def __init__(self, kind: str, name: str, known: Sequence[str] = ()) -> None:
        hint = f" There is: {', '.join(known[:12])}." if known else ""
        super().__init__(f"No {kind} named {name!r}.{hint}")
        self.known = list(known)


class EmptyCollection(SharedSpaceError):
    """The question needs images and the collection holds none."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The collection {name!r} holds no images yet: add some first.")


class SpaceMismatch(SharedSpaceError):
    """Vectors of two different models would be compared."""

    def __init__(self, have: str, given: str) -> None:
        super().__init__(
            f"This collection lives in the space of {have}, and what was given in that of {given}. "
            "Vectors of two models cannot be compared, also where their lengths agree: "
            "use the same model, or make a new collection."
        )
        self.have = have
        self.given = given


class ModelUnavailable(SharedSpaceError):
    """A model cannot be loaded."""


class HomeInUse(SharedSpaceError):
    """Another process writes to this home."""


class NoSpace(SharedSpaceError):
    """The disk is too full for what comes next; `free` and `needed` are bytes (None where that is not known)."""

    def __init__(self, folder: object, free: int, needed: int | None = None) -> None:
        wanted = "" if needed is None else f", {needed / 1e6:,.0f} MB are needed"
        super().__init__(
            f"The disk of {folder} is too full: {free / 1e6:,.0f} MB are free{wanted}. "
            "What was done is kept: free some space and run the same command again."
        )
        self.free = free
        self.needed = needed


class IndexUnavailable(SharedSpaceError):
    """Chroma fails, or its server does not answer; the ledger has everything, and exact search goes on."""


class StoreDamaged(SharedSpaceError):
    """The ledger cannot be read."""


class Cancelled(SharedSpaceError):
    """The user asked a long job to stop; what was done so far is kept."""
