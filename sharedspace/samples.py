"""The sample set with its vectors and map made beforehand, so that the first page needs no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sharedspace.errors import NotFound
from sharedspace.ingest import read_table
from sharedspace.records import ImageRecord, Meta, Space

FOLDER = Path(__file__).parent.parent / "sample_data"
PACK = "space.npz"


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample set, rows by id."""

    space: Space
    records: tuple[ImageRecord, ...]
    files: tuple[Path, ...]  # each a WebP of at most 256 px, drawn by us: also its own thumbnail
    vectors: np.ndarray  # (n, d) float32, unit rows
    xy: np.ndarray  # (n, 2) float32, the drawn map
    anchors: tuple[str, ...]  # texts on the map
    anchor_vectors: np.ndarray  # (m, d) float32, unit rows


def load(folder: Path = FOLDER) -> Sample:
    """Read the sample set; raises NotFound where the program was installed without it."""
    if not (folder / PACK).is_file():
        raise NotFound("sample set", str(folder))
    table = read_table((folder / "labels.csv").read_text(encoding="utf-8"), "labels.csv")
    with np.load(folder / PACK) as pack:
        space = Space(
            str(pack["fingerprint"]), str(pack["model"]), int(pack["vectors"].shape[1]), float(pack["logit_scale"])
        )
        copies = _copies(table)
        records = tuple(
            ImageRecord(
                str(id), f"sample_data/{file}", int(size[0]), int(size[1]), table[str(file)], copies.get(str(file), ())
            )
            for id, file, size in zip(pack["ids"], pack["files"], pack["sizes"], strict=True)
        )
        files = tuple(folder / str(file) for file in pack["files"])
        anchors = tuple(str(text) for text in pack["anchors"])
        return Sample(space, records, files, pack["vectors"], pack["xy"], anchors, pack["anchor_vectors"])


def _copies(table: Mapping[str, Meta]) -> dict[str, tuple[str, ...]]:
    """By file what else the same bytes are called: either of two may be the one in the pack."""
    pairs = [(file, str(meta["of"])) for file, meta in table.items() if meta.get("special") == "exact-duplicate"]
    found: dict[str, tuple[str, ...]] = {}
    for one, other in (*pairs, *((of, file) for file, of in pairs)):
        found[one] = (*found.get(one, ()), f"sample_data/{other}")
    return found


def save(sample: Sample, folder: Path = FOLDER) -> None:
    """Write the pack that `load` reads."""
    np.savez_compressed(
        folder / PACK,
        fingerprint=np.array(sample.space.fingerprint),
        model=np.array(sample.space.model),
        logit_scale=np.array(sample.space.logit_scale),
        ids=np.array([record.id for record in sample.records]),
        files=np.array([path.relative_to(folder).as_posix() for path in sample.files]),
        sizes=np.array([(record.width, record.height) for record in sample.records]),
        vectors=np.asarray(sample.vectors, dtype=np.float32),
        xy=np.asarray(sample.xy, dtype=np.float32),
        anchors=np.array(sample.anchors),
        anchor_vectors=np.asarray(sample.anchor_vectors, dtype=np.float32),
    )
