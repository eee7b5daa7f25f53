"""A collection into a zip, piece by piece; the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace import __version__
from sharedspace.errors import BadInput
from sharedspace.home import Home, Snapshot
from sharedspace.ledger import CollectionInfo
from sharedspace.records import ImageRecord, MetaValue, SpaceMap
from sharedspace.transfer import layout

PIECE = 2**20  # bytes of a file that are in memory together


def write(
    part: Path, home: Home, info: CollectionInfo, snapshot: Snapshot, originals: bool, step: Callable[[int], None]
) -> tuple[int, int]:
    """Write the whole collection to the file `part`: how many thumbnails and how many originals are in it.

    The snapshot is one as the files have it: what was given stands apart.
    """
    if len(info.name) > layout.MOST_TEXT:
        raise BadInput(f"{info.name[:80]}… has a name of more than {layout.MOST_TEXT:,} characters: rename it first.")
    if len(snapshot.records) * (1 + originals) + len(layout.SINGLE) > layout.MOST_ENTRIES:
        raise BadInput(
            f"{info.name} has too many pictures for one zip, more than {layout.MOST_ENTRIES:,} with originals."
        )
    space_map, tags = home.ledger.map(info.number), home.ledger.marks.tags(info.number)
    given = home.ledger.marks.given(info.number)
    drawn, saved = _present(space_map, snapshot), _saved(home, info)
    anchors = home.ledger.anchors(info.number)
    remembered = home.ledger.texts(info.space, anchors)
    with zipfile.ZipFile(part, "w") as archive:
        pack = _Pack(archive)
        pack.add(layout.VECTORS, layout.npy(snapshot.vectors))
        pack.add(layout.IMAGES, _lines(snapshot.records, drawn, tags, given), packed=True)
        rows = list(remembered.values()) or np.empty((0, info.space.dimension), dtype=np.float32)
        pack.add(layout.TEXTS, layout.npy(np.asarray(rows)))
        thumbs = kept = 0
        for done, record in enumerate(snapshot.records, start=1):
            thumbs += pack.add_file(layout.THUMBS + record.id, home.thumbnail(record.id))
            if originals:
                kept += pack.add_file(layout.ORIGINALS + record.id, home.original(record.id))
            if done % layout.BATCH == 0 or done == len(snapshot.records):
                step(done)
        manifest = _manifest(info, snapshot, drawn, thumbs, kept) | {"anchors": anchors, "texts": list(remembered)}
        manifest |= {"saved": saved} | ({"drawing": asdict(space_map.drawing)} if space_map and drawn else {})
        pack.close(manifest)
    return thumbs, kept


def _present(drawn: SpaceMap | None, snapshot: Snapshot) -> dict[str, tuple[list[float], bool]]:
    """The place of each image that is on the map, and whether it came after the drawing."""
    if drawn is None:
        return {}
    late = set(drawn.late)
    places = {id: (xy, id in late) for id, xy in zip(drawn.ids, drawn.xy.tolist(), strict=True)}
    return {id: places[id] for id in snapshot.ids if id in places}


def _saved(home: Home, info: CollectionInfo) -> dict[str, dict[str, Any]]:
    """What was saved by kind and name; raises BadInput for one that an import would not take."""
    found = {kind: home.ledger.marks.saved(info.number, kind) for kind in layout.KINDS}
    try:
        layout.saved(found, info.space.dimension)
    except BadInput as error:
        raise BadInput(f"{info.name} cannot be exported: {error}. Forget it first, or export a table.") from error
    return {kind: dict(sorted(bodies.items())) for kind, bodies in found.items()}


def _lines(
    records: Sequence[ImageRecord],
    drawn: dict[str, tuple[list[float], bool]],
    tags: Mapping[str, frozenset[str]],
    given: Mapping[str, Mapping[str, MetaValue]],
) -> Iterator[bytes]:
    for record in records:
        row: dict[str, Any] = {"id": record.id, "path": record.path, "names": list(record.names)}
        row |= {"width": record.width, "height": record.height, "meta": record.meta}
        if record.id in drawn:
            row["xy"], row["late"] = drawn[record.id]
        own = sorted(tags.get(record.id, ()))
        if own:
            row["tags"] = own
        values = {field: of_field[record.id] for field, of_field in given.items() if record.id in of_field}
        if values:
            row["given"] = values
        line = json.dumps(row, allow_nan=False).encode() + b"\n"
        longest = max(map(len, (record.path, *record.names)))
        many = len(own) > layout.MOST_TAGS or len(values) > layout.MOST_GIVEN
        if len(line) > layout.MOST_LINE or longest > layout.MOST_TEXT or many:
            raise BadInput(
                f"{record.path[:80]} cannot be exported: its names, metadata and tags are more than an import takes "
                f"({layout.MOST_TEXT:,} characters a name, {layout.MOST_TAGS:,} tags, {layout.MOST_GIVEN:,} given "
                f"values, {layout.MOST_LINE // 2**20} MB in all). "
                "Remove it from the collection first, or export a table."
            )
        yield line


def _manifest(
    info: CollectionInfo,
    snapshot: Snapshot,
    drawn: dict[str, tuple[list[float], bool]],
    thumbs: int,
    originals: int,
) -> dict[str, Any]:
    space = info.space
    return {
        "kind": layout.KIND,
        "version": layout.VERSION,
        "program": __version__,
        "name": info.name,
        "space": {
            "fingerprint": space.fingerprint,
            "model": space.model,
            "dimension": space.dimension,
            "logit_scale": space.logit_scale,
            "logit_bias": space.logit_bias,
        },
        "images": len(snapshot.records),
        "revision": snapshot.revision,
        "on_map": len(drawn),
        "thumbs": thumbs,
        "originals": originals,
    }


class _Pack:
    """A zip that is being written; notes the sha256 of each member."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._sums: list[bytes] = []

    def add(self, name: str, pieces: Iterable[bytes], packed: bool = False) -> str:
        """Write a member; `packed` for what deflates well. Its sha256."""
        member = zipfile.ZipInfo(name)  # of 1980: an hour of its own would make every export another file
        member.create_system, member.external_attr = 3, 0o644 << 16
        member.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        digest = hashlib.sha256()
        with self._archive.open(member, "w", force_zip64=name in layout.SINGLE) as out:
            for piece in pieces:
                out.write(piece)
                digest.update(piece)
        self._sums.append(f"{digest.hexdigest()}  {name}\n".encode())
        return digest.hexdigest()

    def add_file(self, name: str, path: Path | None) -> bool:
        """Write a file of the home as a member, if it is there; another process may just have removed it."""
        if path is None:
            return False
        try:
            opened = path.open("rb")
        except FileNotFoundError:
            return False
        with opened:
            self.add(name, iter(lambda: opened.read(PIECE), b""))
        return True

    def close(self, manifest: dict[str, Any]) -> None:
        """Write the sums and the manifest, which come last because they tell of the rest."""
        manifest["sums"] = self.add(layout.SUMS, list(self._sums), packed=True)
        data = json.dumps(manifest, indent=2, allow_nan=False).encode()
        if len(data) > layout.MOST_MANIFEST:
            raise BadInput(
                f"There are too many texts on the map and saved things for an export, {len(data):,} bytes of "
                f"at most {layout.MOST_MANIFEST:,}: take some off first."
            )
        self.add(layout.MANIFEST, [data], packed=True)
