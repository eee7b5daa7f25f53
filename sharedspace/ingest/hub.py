"""Image datasets of Hugging Face, by name or from a folder that `save_to_disk` wrote. Owns datasets (an extra)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sharedspace.errors import BadInput
from sharedspace.ingest.items import Item, Source
from sharedspace.ingest.lists import held
from sharedspace.ingest.tables import metadata
from sharedspace.records import Meta, Rejected

PREFIX = "hf:"


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote a folder."""
    one = (folder / "dataset_info.json").is_file() and (folder / "state.json").is_file()
    return one or (folder / "dataset_dict.json").is_file()


def check(given: str) -> None:
    """Raises BadInput where the library is not installed, or no dataset is named."""
    if not given.removeprefix(PREFIX).strip():
        raise BadInput("Name the dataset: hf:OWNER/NAME, hf:OWNER/NAME/CONFIG, each with :SPLIT for one split only.")
    if importlib.util.find_spec("datasets") is None:
        raise BadInput("Datasets of Hugging Face need one more package: pip install 'sharedspace[hf]'.")


def walk(one: Source, given: Mapping[str, Meta] | None) -> Iterator[Item | Rejected]:
    """The rows of all splits asked for: the picture's bytes as they are stored, all else as metadata.

    Goes to the network for a dataset that was given by name and is not in the cache. Raises BadInput where it cannot
    be loaded, or holds no pictures.
    """
    for split, dataset in _splits(one).items():
        column, rows = _undecoded(dataset, one)
        names = {key: kind.int2str for key, kind in rows.features.items() if type(kind).__name__ == "ClassLabel"}
        part = Source(one.path, one.within(split) if split else one.name, reach=one.reach or _cache())
        number = 0
        try:
            for number, row in enumerate(rows, start=1):
                for key, name in names.items():
                    row[key] = None if row[key] is None or row[key] < 0 else name(row[key])  # -1: not known
                meta = {**metadata(row, column), **({"split": split} if split and "split" not in row else {})}
                yield held(part, number, row[column], meta, given)
        except (OSError, ValueError, LookupError) as error:
            yield Rejected(part.name, f"damaged after {number:,} rows ({error})")


def _splits(one: Source) -> dict[str, Any]:
    """Each split by its name; of one without a name the empty string."""
    check(one.name)
    import datasets

    try:
        loaded = _load(one.dataset) if one.dataset else datasets.load_from_disk(one.path)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInput(f"The dataset {one.name} cannot be loaded: {lines[0][:300]}") from error
    return dict(loaded) if isinstance(loaded, dict) else {"": loaded}


def _cache() -> Path:
    """Where what was fetched lies: a row of a dataset may name any file, and no other is read for it."""
    import datasets

    return Path(datasets.config.HF_CACHE_HOME)


def _load(given: str) -> Any:
    import datasets

    name, config, split = named(given)
    loaded = datasets.load_dataset(name, config, split=split)
    return loaded if split is None else {split: loaded}


def named(given: str) -> tuple[str, str | None, str | None]:
    """Name, configuration and split of a dataset, from OWNER/NAME/CONFIG:SPLIT of which all but the name may lack."""
    whole, _, split = given.partition(":")
    parts = whole.split("/")
    return "/".join(parts[:2]), "/".join(parts[2:]) or None, split or None


def _undecoded(dataset: Any, one: Source) -> tuple[str, Any]:
    """The column of pictures, and the dataset with their bytes instead of pixels."""
    import datasets

    columns = [column for column, kind in dataset.features.items() if isinstance(kind, datasets.Image)]
    if not columns:
        raise BadInput(f"The dataset {one.name} has no column of pictures. It has: {', '.join(dataset.features)}.")
    rows = dataset.with_format(None)
    for column in columns:
        rows = rows.cast_column(column, datasets.Image(decode=False))
    return columns[0], rows
