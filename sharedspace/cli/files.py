"""Files that verbs write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from sharedspace import answers
from sharedspace.errors import BadInput


def out_path(given: str, *endings: str) -> Path:
    """The file to write, looked at before the work begins."""
    path = Path(given)
    if path.suffix.lower() not in endings:
        raise BadInput(f"{given} cannot be written: its name has to end in {' or '.join(endings)}.")
    if not path.parent.is_dir():
        raise BadInput(f"{given} cannot be written: there is no folder {path.parent}.")
    return path


def write_csv(path: Path, fields: Sequence[str], rows: Iterable[answers.Document]) -> None:
    """Write rows as a table; no cell is a formula to a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({field: answers.cell(value) for field, value in row.items()} for row in rows)
    write(path, out.getvalue().encode("utf-8", "backslashreplace"))


def write(path: Path, data: bytes) -> None:
    """Write a file; raises BadInput where it cannot be."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
