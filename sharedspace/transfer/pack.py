"""A collection into a zip, piece by piece; the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sharedspace import __version__
from sharedspace.errors import BadInput
from sharedspace.home import Home, Snapshot
from sharedspace.ledger import CollectionInfo
from sharedspace.records import ImageRecord, SpaceMap
from sharedspace.transfer import layout

PIECE = 2**20  # bytes of a file that are in memory together


def write(
    part: Path, home: Home, info: CollectionInfo, snapshot: Snapshot, originals: bool, step: Callable[[int], None]
) -> tuple[int, int]:
    """Write the whole collection to the file `part`: how many thumbnails and how many originals are in it."""
    if len(info.name) > layout.MOST_TEXT:
        raise BadInput(f"{info.name[:80]}… has a name of more than {layout.MOST_TEXT:,} characters: rename it first.")
    if len(snapshot.records) * (1 + originals) + len(layout.SINGLE) > layout.MOST_ENTRIES:
        raise BadInput(
            f"{info.name} has too many pictures for one zip, more than {layout.MOST_ENTRIES:,} with originals."
        )
    drawn = _present(home.ledger.map(info.number), snapshot)
    anchors = home.ledger.anchors(info.number)
    remembered = home.ledger.texts(info.space, anchors)
    with zipfile.ZipFile(part, "w") as archive:
        pack = _Pack(archive)
        pack.add(layout.VECTORS, layout.npy(snapshot.vectors))
        pack.add(layout.IMAGES, _lines(snapshot.records, drawn), packed=True)
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
        pack.close(manifest)
    return thumbs, kept


def _present(drawn: SpaceMap | None, snapshot: Snapshot) -> dict[str, tuple[list[float], bool]]:
    """The place of each image that is on the map, and whether it came after the drawing."""
    if drawn is None:
        return {}
    late = set(drawn.late)
    places = {id: (xy, id in late) for id, xy in zip(drawn.ids, drawn.xy.tolist(), strict=True)}
    return {id: places[id] for id in snapshot.ids if id in places}


def _lines(records: Sequence[ImageRecord], drawn: dict[str, tuple[list[float], bool]]) -> Iterator[bytes]:
    for record in records:
        row: dict[str, Any] = {"id": record.id, "path": record.path, "names": list(record.names)}
        row |= {"width": record.width, "height": record.height, "meta": record.meta}
        if record.id in drawn:
            row["xy"], row["late"] = drawn[record.id]
        line = json.dumps(row, allow_nan=False).encode() + b"\n"
        if len(line) > layout.MOST_LINE or max(map(len, (record.path, *record.names))) > layout.MOST_TEXT:
            raise BadInput(
                f"{record.path[:80]} cannot be exported: its names and metadata are longer than an import takes "
                f"({layout.MOST_TEXT:,} characters a name, {layout.MOST_LINE // 2**20} MB in all). "
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
            raise BadInput("There are too many texts on the map for an export: take some off first.")
        self.add(layout.MANIFEST, [data], packed=True)
