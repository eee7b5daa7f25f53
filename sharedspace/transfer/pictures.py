"""Pictures of some images as plain files in a zip, for people: each under its own name, and a table of them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from sharedspace import answers, images
from sharedspace.home import Home
from sharedspace.records import ImageRecord

TABLE = "images.csv"
LONGEST = 80  # characters of a file's name
ENDINGS = {"image/jpeg": ".jpg", "image/webp": ".webp"}


def write(part: Path, home: Home, records: Sequence[ImageRecord], step: Callable[[int], None]) -> tuple[int, int]:
    """Write the bytes of each picture where they were kept, else its thumbnail: how many of (thumbnails, originals).

    What has no picture at all stands in the table only.
    """
    thumbs = originals = 0
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["file", "id", "path", "kind"])
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for done, record in enumerate(records, start=1):
            path, kind = home.original(record.id), "original"
            if path is None:
                path, kind = home.thumbnail(record.id), "thumbnail"
            name = "" if path is None else f"{record.id[:8]}-{_name(record.path, path, kind)}"
            if path is not None:
                archive.write(path, name)
                originals, thumbs = originals + (kind == "original"), thumbs + (kind == "thumbnail")
            rows.writerow([name, record.id, answers.cell(record.path), kind if name else "none"])
            step(done)
        archive.writestr(TABLE, table.getvalue().encode("utf-8", "backslashreplace"))
    return thumbs, originals


def _name(path: str, file: Path, kind: str) -> str:
    """The file's own name, of characters that every system takes; a thumbnail gets the ending of what it is."""
    base = re.sub(r"[^\w.-]+", "_", path.replace("\\", "/").rsplit("/", 1)[-1]).strip("._") or "picture"
    if kind == "thumbnail":
        base = base.rsplit(".", 1)[0] + ENDINGS[images.media_type(file)]
    return base[-LONGEST:]
