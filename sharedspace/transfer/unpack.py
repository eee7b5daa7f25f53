"""The zip of a collection, read as if a stranger had made it: nothing in it is believed unchecked.

Members are read in pieces with a bound for each, never extracted; their names choose nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sharedspace import images, limits, projection
from sharedspace.encoders import clean
from sharedspace.errors import BadInput, Unreadable
from sharedspace.ledger.marks import Kind
from sharedspace.records import Drawing, ImageRecord, Meta, Space
from sharedspace.transfer import layout

# What zipfile raises on damage; of impossible offsets and of names that are no UTF-8 a ValueError.
DAMAGED = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error, zlib.error, lzma.LZMAError)
WRONG = (KeyError, TypeError, ValueError, RecursionError, BadInput)  # of a value
ID = re.compile("[0-9a-f]{64}")
MOST_THUMB = 2**20  # bytes; ours have some 10,000
LARGEST = 2**63  # an integer that Chroma takes stands below
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an exported collection says of itself, checked."""

    name: str
    space: Space
    images: int
    thumbs: int
    originals: int
    anchors: tuple[str, ...]
    texts: tuple[str, ...]  # those whose vectors are in it
    drawing: Drawing  # of the map
    saved: dict[Kind, dict[str, dict[str, Any]]]  # by name
    sums: str  # sha256 of SHA256SUMS


@dataclass(frozen=True, slots=True)
class Point:
    """The place of an image on the map, map units."""

    id: str
    xy: tuple[float, float]
    late: bool  # came after the drawing


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images of an exported collection, checked."""

    records: list[ImageRecord]
    vectors: np.ndarray  # (b, d) float32 unit rows
    points: list[Point]  # of those that are on the map
    tags: dict[str, tuple[str, ...]]  # of those that have any, by id
    given: dict[str, Meta]  # the values given to those that have any, by field and id


class Archive:
    """An exported collection; every method raises Unreadable for what is not as `pack` writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._sound("the zip"):
            self._file = _File(path)
        try:
            with self._sound("the zip"):
                self._zip = zipfile.ZipFile(self._file)
                self._file.has_contents = True
            self._members = self._named()
            self.manifest = self._manifest()
            self._sums = self._read_sums()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file, whatever is still being read of it."""
        self._file.close()

    def size(self, batch: Batch) -> int:
        """How many bytes the pictures and vectors of some images have."""
        names = [kind + record.id for record in batch.records for kind in (layout.THUMBS, layout.ORIGINALS)]
        return batch.vectors.nbytes + sum(self._members[name].file_size for name in names if name in self._members)

    def batches(self) -> Iterator[Batch]:
        """All images, by id; a lack or damage at the end of a member is found at the end."""
        count, dimension = self.manifest.images, self.manifest.space.dimension
        vectors, lines = self._open(layout.VECTORS), self._open(layout.IMAGES)
        row, before, pictures = 0, "", 0
        self._expect_header(vectors, (count, dimension))
        while row < count:
            records: list[ImageRecord] = []
            points: list[Point] = []
            tags: dict[str, tuple[str, ...]] = {}
            given: dict[str, Meta] = {}
            size = 0
            while row < count and len(records) < layout.BATCH and size < layout.LINES:
                line = lines.line()
                record, point, own, values = self._image(line, row)
                if record.id <= before:
                    raise self._bad(f"line {row + 1} of {layout.IMAGES} is not in the order of the ids")
                before = record.id
                pictures += sum(kind + record.id in self._members for kind in (layout.THUMBS, layout.ORIGINALS))
                records.append(record)
                points += [] if point is None else [point]
                tags |= {record.id: own} if own else {}
                for field, value in values.items():
                    given.setdefault(field, {})[record.id] = value
                size += len(line)
                row += 1
            yield Batch(records, self._rows(vectors, len(records), dimension), points, tags, given)
        vectors.end()
        lines.end()
        if pictures != self.manifest.thumbs + self.manifest.originals:
            raise self._bad("it holds pictures of images that are not in it")

    def texts(self) -> np.ndarray:
        """The vectors (m, d) of the manifest's texts."""
        shape = len(self.manifest.texts), self.manifest.space.dimension
        member = self._open(layout.TEXTS)
        self._expect_header(member, shape)
        rows = self._rows(member, *shape)
        member.end()
        return rows

    def picture(self, kind: str, id: str) -> images.Picture | None:
        """The thumbnail or original of an image, decoded; None where there is none."""
        data = self.data(kind, id)
        if data is None:
            return None
        try:
            picture = images.decode(data, kind + id)
        except Unreadable as error:
            raise self._bad(f"{error.item} is {error.reason}") from error
        if kind == layout.THUMBS and max(picture.width, picture.height) > images.THUMB_SIDE:
            raise self._bad(f"{kind}{id} has {picture.width} × {picture.height} pixels, too many for a thumbnail")
        return picture

    def data(self, kind: str, id: str) -> bytes | None:
        """The bytes of the thumbnail or original of an image, as the sums have them; None where there is none."""
        name = kind + id
        if name not in self._members:
            return None
        if kind == layout.THUMBS:
            return self._open(name).all(MOST_THUMB)
        if reason := limits.current().file(self._members[name].file_size):
            raise self._bad(f"{name} of {reason}")
        data = self._open(name).all(self._members[name].file_size)
        if images.fingerprint(data) != id:
            raise self._bad(f"{name} is not the picture of that id")
        return data

    # -- the frame: members, manifest, sums

    def _named(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        missing = [name for name in layout.SINGLE if name not in self._zip.namelist()]
        if missing:
            raise self._bad(
                f"it is not a whole exported collection, there is no {missing[0]} in it; "
                "a zip of pictures is added with `ingest`"
            )
        for info in self._zip.infolist():
            name = info.orig_filename
            kind, slash, id = name.partition("/")
            known = name in layout.SINGLE or (kind + slash in (layout.THUMBS, layout.ORIGINALS) and ID.fullmatch(id))
            if not known or name in members:
                raise self._bad(f"{name!r} does not belong into an exported collection")
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise self._bad(f"{name} is encrypted, or packed in a way that is not ours")
            members[name] = info
        if sum(info.compress_size for info in members.values()) > os.fstat(self._file.fileno()).st_size:
            raise self._bad("its members overlap")
        return members

    def _manifest(self) -> Manifest:
        said = _document(_Member(self, layout.MANIFEST).all(layout.MOST_MANIFEST))
        version = said.get("version")
        if said.get("kind") != layout.KIND or type(version) is not int or version < 1:
            raise self._bad(f"{layout.MANIFEST} is not that of an exported collection")
        if version > layout.VERSION:
            raise self._bad(
                f"it was exported by a newer version of Shared Space (its format is {version}, "
                f"this program reads {layout.VERSION}): update the program"
            )
        try:
            space = _space(said["space"])
            found = Manifest(
                name=_text(said["name"]),
                space=space,
                images=_count(said["images"], 1, 10**8),
                thumbs=_count(said["thumbs"]),
                originals=_count(said["originals"]),
                anchors=tuple(_cleaned(text) for text in _is(said["anchors"], list)),
                texts=tuple(_cleaned(text) for text in _is(said["texts"], list)),
                drawing=_drawing(said["drawing"]) if "drawing" in said else Drawing(),
                saved=layout.saved(said.get("saved", {}), space.dimension),
                sums=_is(said["sums"], str),
            )
        except WRONG as error:
            raise self._bad(f"{layout.MANIFEST} lacks something or holds what cannot be ({error})") from error
        for kind, count in ((layout.THUMBS, found.thumbs), (layout.ORIGINALS, found.originals)):
            there = sum(name.startswith(kind) for name in self._members)
            if there != count:
                raise self._bad(f"{count} members belong into {kind} and {there} are there")
        return found

    def _read_sums(self) -> dict[str, str]:
        member, sums = _Member(self, layout.SUMS, self.manifest.sums), {}
        others = self._members.keys() - {layout.MANIFEST, layout.SUMS}
        for _ in others:
            digest, _, name = member.line().decode("utf-8", "replace").rstrip("\n").partition("  ")
            sums[name] = digest
        member.end()
        if sums.keys() != others:
            raise self._bad(f"{layout.SUMS} does not name the members that are there")
        return sums

    # -- rows

    def _image(self, line: bytes, row: int) -> tuple[ImageRecord, Point | None, tuple[str, ...], Meta]:
        try:
            said = _document(line)
            id = _is(said["id"], str)
            if not ID.fullmatch(id):
                raise ValueError(f"{id[:80]!r} is not the sha256 of a picture")
            width, height = _count(said["width"]), _count(said["height"])
            names = tuple(_text(name) for name in _is(said["names"], list))
            record = ImageRecord(id, _text(said["path"]), width, height, _meta(said["meta"]), names)
            tags, given = layout.tags(said.get("tags", [])), layout.given(said.get("given", {}))
            return record, _point(id, said) if "xy" in said else None, tags, given
        except WRONG as error:
            where = f"line {row + 1} of {layout.IMAGES}"
            raise self._bad(f"{where} lacks something or holds what cannot be ({error})") from error

    def _expect_header(self, member: _Member, shape: tuple[int, int]) -> None:
        expected = layout.header("<f4", shape)
        size = len(expected) + 4 * shape[0] * shape[1]
        if self._members[member.name].file_size != size or member.read(len(expected)) != expected:
            raise self._bad(f"{member.name} does not hold {shape[0]} vectors of {shape[1]} numbers (float32)")

    def _rows(self, member: _Member, count: int, dimension: int) -> np.ndarray:
        data = member.read(4 * count * dimension)
        if len(data) != 4 * count * dimension:
            raise self._bad(f"{member.name} is cut short")
        rows = np.frombuffer(data, dtype="<f4").reshape(count, dimension)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.linalg.norm(rows, axis=1)
        if not (np.abs(lengths - 1) < 1e-3).all():  # also where it is not a number
            raise self._bad(f"{member.name} holds a vector that is not of length 1")
        return rows

    def _open(self, name: str) -> _Member:
        return _Member(self, name, self._sums[name])

    def _bad(self, reason: str) -> Unreadable:
        shown = "".join(one if one.isprintable() else " " for one in reason)  # it may quote what a stranger wrote
        return Unreadable(str(self.path), f"it cannot be imported: {' '.join(shown.split())}.")

    @contextmanager
    def _sound(self, name: str) -> Iterator[None]:
        try:
            yield
        except (*DAMAGED, OSError, RuntimeError) as error:
            raise self._bad(f"{name} is damaged or cannot be read ({error})") from error


class _File(io.BufferedReader):
    """The file of a zip, whose table of contents, which zipfile reads whole, has a limit."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.has_contents = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.has_contents and size is not None and size > layout.MOST_ENTRIES * layout.PER_ENTRY:
            raise zipfile.BadZipFile(f"more than {layout.MOST_ENTRIES:,} members")
        return super().read(size)


class _Member:
    """A member that is read in pieces, never more than asked for, and hashed on the way."""

    def __init__(self, archive: Archive, name: str, sha256: str | None = None) -> None:
        self.name = name
        self._archive = archive
        self._expected = sha256
        self._hash = hashlib.sha256()
        with archive._sound(name):
            self._opened = archive._zip.open(archive._members[name])

    def read(self, most: int) -> bytes:
        """At most so many bytes; fewer only at the end."""
        with self._archive._sound(self.name):
            data = self._opened.read(most)
        self._hash.update(data)
        return data

    def line(self) -> bytes:
        """One line with its end."""
        with self._archive._sound(self.name):
            data = self._opened.readline(layout.MOST_LINE)
        if not data.endswith(b"\n"):
            raise self._archive._bad(f"{self.name} is cut short, or holds a line without end")
        self._hash.update(data)
        return data

    def all(self, most: int) -> bytes:
        """The whole member."""
        size = self._archive._members[self.name].file_size
        if size > most:
            raise self._archive._bad(f"{self.name} has {size:,} bytes, over the limit of {most:,}")
        data = self.read(size)
        self.end()
        return data

    def end(self) -> None:
        """Check that nothing is left, and that it is what was written."""
        if self.read(1):
            raise self._archive._bad(f"{self.name} holds more than belongs into it")
        self._opened.close()
        if self._expected is not None and self._hash.hexdigest() != self._expected:
            raise self._archive._bad(
                f"{self.name} is not what was exported (its sha256 is another): export it again, or copy it again"
            )


# -- values: each raises TypeError or ValueError with what is wrong


def _document(data: bytes) -> dict[str, Any]:
    """A JSON object; an empty one for anything else, which then lacks all that it should hold."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


def _text(value: Any) -> str:
    text = _is(value, str)
    if len(text) > layout.MOST_TEXT or text != text.encode("utf-8", "replace").decode("utf-8"):
        raise ValueError(f"{text[:80]!r} is too long, or not text that can be stored")
    return text


def _cleaned(value: Any) -> str:
    text = _text(value)
    if not text.strip() or clean(text) != text:
        raise ValueError(f"{text[:80]!r} is not a text of a map")
    return text


def _count(value: Any, least: int = 0, most: int = 2**31) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{value!r:.80} where a count belongs")
    return value


def _number(value: Any, most: float) -> float:
    if type(value) not in (int, float) or not -most <= value <= most:  # false also for what is not a number
        raise ValueError(f"{value!r:.80} where a number belongs")
    return float(value)


def _space(said: Any) -> Space:
    known = _is(said, dict)
    scale = _number(known["logit_scale"], 1e6)
    if scale <= 0:
        raise ValueError(f"a logit scale of {scale}")
    bias = None if known.get("logit_bias") is None else _number(known["logit_bias"], 1e6)
    return Space(_text(known["fingerprint"]), _text(known["model"]), _count(known["dimension"], 1, 2**16), scale, bias)


def _drawing(said: Any) -> Drawing:
    known = _is(said, dict)
    least = _number(known["min_dist"], projection.LARGEST_MIN_DIST)
    found = Drawing(_count(known["n_neighbors"]), least, _count(known["seed"], most=2**32))
    projection.check(found)
    return found


def _meta(said: Any) -> Meta:
    meta: Meta = {}
    for field, value in _is(said, dict).items():
        small = not isinstance(value, int) or -LARGEST < value < LARGEST
        if not isinstance(value, str | int | float | bool) or not small:
            raise ValueError(f"{field[:80]!r} is neither text nor number nor yes or no")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{field[:80]!r} is {value}")
        meta[field] = value
    return meta


def _point(id: str, said: dict[str, Any]) -> Point:
    x, y = _is(said["xy"], list)
    return Point(id, (_number(x, 1e6), _number(y, 1e6)), _is(said["late"], bool))
