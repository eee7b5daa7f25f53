"""What one file and one archive may be at most: defaults that hold a strange file off, each a setting."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from sharedspace.errors import BadInput

MAX_FILE = "SHAREDSPACE_MAX_FILE_MB"
MAX_MEGAPIXELS = "SHAREDSPACE_MAX_MEGAPIXELS"
MAX_ENTRIES = "SHAREDSPACE_MAX_ENTRIES"
MAX_TOTAL = "SHAREDSPACE_MAX_TOTAL_GB"


@dataclass(frozen=True, slots=True)
class Limits:
    """Four limits, and what is said of what is over one: a reason with the setting's name, or None."""

    file_bytes: int = 100 * 2**20  # of one picture's file, of one table
    pixels: int = 80_000_000  # of one picture, before any is decoded
    entries: int = 200_000  # of one archive
    total_bytes: int = 32 * 2**30  # of one archive, unpacked

    def file(self, size: int) -> str | None:
        """Why a file of so many bytes is not read, or None."""
        if size <= self.file_bytes:
            return None
        return f"{size / 2**20:.4g} MB is over the limit of {self.file_bytes / 2**20:.4g} MB ({MAX_FILE})"

    def size(self, width: int, height: int) -> str | None:
        """Why a picture of so many pixels is not decoded, or None."""
        if width * height <= self.pixels:
            return None
        millions, most = width * height / 1e6, self.pixels / 1e6
        return f"{millions:.4g} million pixels is over the limit of {most:.4g} million ({MAX_MEGAPIXELS})"

    def archive(self, entries: int, unpacked: int) -> str | None:
        """Why an archive of so many entries and bytes is not read, or None."""
        if entries > self.entries:
            return f"more than {self.entries:,} entries is over the limit of one archive ({MAX_ENTRIES})"
        if unpacked > self.total_bytes:
            most = self.total_bytes / 2**30
            return f"{unpacked / 2**30:.4g} GB unpacked is over the limit of {most:.4g} GB of one archive ({MAX_TOTAL})"
        return None


def current() -> Limits:
    """The limits as the environment sets them; raises BadInput for one that is no number above 0."""
    default = Limits()
    return Limits(
        file_bytes=_setting(MAX_FILE, 2**20, default.file_bytes),
        pixels=_setting(MAX_MEGAPIXELS, 10**6, default.pixels),
        entries=_setting(MAX_ENTRIES, 1, default.entries),
        total_bytes=_setting(MAX_TOTAL, 2**30, default.total_bytes),
    )


def _setting(name: str, unit: int, default: int) -> int:
    given = os.environ.get(name)
    if not given:
        return default
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not (0 < number < math.inf):
        raise BadInput(f"The setting {name} is {given!r}: give a number above 0, such as {default / unit:g}.")
    return max(1, int(number * unit))
