"""Groups as a session edits them: versions one after the other, back and forth, beside the groups as they are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sharedspace.records import Clustering

STEPS = 50  # versions that are kept


@dataclass(frozen=True)
class Wanted:
    """How groups are to be looked for."""

    method: str
    k: int | None  # of k-means; None is by silhouette
    min_size: int | None  # of the others


@dataclass(frozen=True)
class Version:
    """Groups of some images."""

    wanted: Wanted  # that they began as
    ids: tuple[str, ...]
    labels: np.ndarray  # (n,) int, -1 is noise
    titles: Mapping[int, str] = field(default_factory=dict)  # given by hand
    did: str = ""  # what made it out of the one before

    @property
    def groups(self) -> list[int]:
        """The numbers of the groups, without noise."""
        return np.unique(self.labels[self.labels >= 0]).tolist()  # type: ignore[no-any-return]  # numpy's Any


@dataclass(frozen=True)
class History:
    """Versions of a collection's groups: first as they were found, then each edit; `at` is the one that is shown."""

    versions: tuple[Version, ...] = ()
    at: int = 0

    @property
    def edited(self) -> Version | None:
        """The version that is shown instead of what is found; None where no edit holds."""
        return self.versions[self.at] if 0 < self.at < len(self.versions) else None

    def after(self, before: Version, edit: Version) -> History:
        """With an edit of the version that is shown; what was undone before is let go."""
        kept = self.versions[: self.at + 1] if self.edited else (before,)
        kept = (*kept, edit)[-STEPS:]
        return History(kept, len(kept) - 1)

    def to(self, at: int) -> History:
        """At another version."""
        return replace(self, at=max(0, min(at, len(self.versions) - 1)))


def found(clustering: Clustering, wanted: Wanted) -> Version:
    """Groups as they were found."""
    return Version(wanted, clustering.ids, clustering.labels)


def edit(version: Version, labels: np.ndarray, did: str, titles: Mapping[int, str] | None = None) -> Version:
    """A version with other groups; titles of groups that are no more are let go."""
    there = set(np.unique(labels).tolist())
    titles = version.titles if titles is None else titles
    return replace(version, labels=labels, did=did, titles={g: t for g, t in titles.items() if g in there})


def titled(version: Version, named: Mapping[int, str]) -> dict[int, str]:
    """What each group is called: by hand, else by its name; each title once."""
    titles: dict[int, str] = {group: title for group, title in version.titles.items() if group in version.groups}
    for group in version.groups:
        title, times = named[group], 1
        if group not in titles:
            while title in titles.values():
                times += 1
                title = f"{named[group]} ({times})"
            titles[group] = title
    return {group: titles[group] for group in version.groups}


def present(version: Version, ids: Sequence[str], shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The version's images that are in the collection and shown, (n,) bool: their rows there and their groups, (m,)."""
    group = dict(zip(version.ids, version.labels.tolist(), strict=True))
    rows = [row for row, id in enumerate(ids) if shown[row] and id in group]
    return np.array(rows, dtype=np.intp), np.array([group[ids[row]] for row in rows], dtype=np.int64)


def by_image(
    ids: Sequence[str], rows: np.ndarray, labels: np.ndarray, titles: Mapping[int, str]
) -> dict[str, str | None]:
    """What the group of each image is called, by id, for images at `rows` (m,) in the groups `labels` (m,)."""
    return {ids[row]: titles.get(label) for row, label in zip(rows.tolist(), labels.tolist(), strict=True)}
