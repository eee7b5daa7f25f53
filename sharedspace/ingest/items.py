"""What a source is and what comes of it; files that are no pictures, by name; regular files read with a cap."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from sharedspace import images, limits
from sharedspace.records import Meta, Rejected

MOST_NAME = 4000  # characters of a name: an export has to be one that an import takes
MOST_META = 2**17  # characters of one picture's metadata
NOT_REGULAR = "not a regular file (links and devices are not followed)"
LINK = "a link (links are not followed)"
NESTED = "an archive inside an archive: unpack it first"
# What looks like pictures to people and is not read: said of each, where a text file is passed over in silence.
OTHERS = {
    "HEIC is not read here: convert it to JPEG first": (".heic", ".heif", ".hif"),
    "a drawing of lines (vector graphics), not a picture of pixels: export it as PNG": (".svg", ".svgz", ".eps", ".ai"),
    "a drawing program's own file: export it as PNG or JPEG": (".psd", ".psb", ".xcf", ".kra"),
    "a camera's raw file: export it as JPEG or TIFF": (".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2"),
    "JPEG XL and JPEG 2000 are not read here: convert it to JPEG or PNG": (".jxl", ".jp2", ".j2k"),
    NESTED: (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar"),
}
OTHER = {suffix: reason for reason, suffixes in OTHERS.items() for suffix in suffixes}


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read pictures from; `name` is what is shown, and only ever text."""

    path: Path
    name: str
    reach: Path | None = None  # the folder that the paths in a table may not leave; None: they name any file
    dataset: str = ""  # of a Hugging Face dataset its name: NAME, OWNER/NAME or OWNER/NAME/CONFIG, each with :SPLIT

    def within(self, inner: str) -> str:
        """What something in this source is called."""
        return f"{self.name.rstrip('/')}/{inner}"


@dataclass(frozen=True, slots=True)
class Item:
    """The bytes of one file that may be a picture, or a vector of the user's own with its picture's bytes or none."""

    name: str
    data: bytes
    meta: Meta
    vector: np.ndarray | None = None  # (d,) float32, finite and not zero, as given: not yet of unit length


def as_text(name: str) -> str:
    """A name as text that can be stored and shown: file names need not be Unicode."""
    return name.encode("utf-8", "replace").decode("utf-8")


def is_candidate(path: PurePosixPath) -> bool:
    """Whether a file is to be taken or told about, by its name; the rest, and what is hidden, is passed over."""
    suffix = path.suffix.lower()
    if any(part.startswith((".", "__MACOSX")) and not part.startswith("..") for part in path.parts):
        return False
    return suffix in images.SUFFIXES or suffix in OTHER or ".tar." in path.name.lower()


def refusal(path: PurePosixPath) -> str | None:
    """Why a candidate is not even read, by its name, or None for a picture's."""
    suffix = path.suffix.lower()
    return None if suffix in images.SUFFIXES else OTHER.get(suffix, NESTED)


def read_file(path: Path, name: str, meta: Meta, follow: bool = False) -> Item | Rejected:
    """A regular file within the limit, read once; `follow` takes a link for what it points to."""
    name = as_text(name)
    try:
        found = path.stat() if follow else path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return Rejected(name, NOT_REGULAR)
        if reason := limits.current().file(found.st_size):
            return Rejected(name, reason)
        # It may have become a pipe since: then this does not wait for its other end.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0))), "rb") as opened:
            data = opened.read(found.st_size + 1)
    except FileNotFoundError:
        return Rejected(name, "there is no such file")
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        return Rejected(name, f"cannot be read ({getattr(error, 'strerror', None) or error})")
    return Item(name, data[: found.st_size], meta)
