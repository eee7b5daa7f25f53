"""Verbs that keep pictures: ingest, collections, models."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from sharedspace import answers, encoders
from sharedspace.cli.terminal import PARTLY, STOPPED, Answer, ProgressLine, printable, say, stop_on_signal, table
from sharedspace.errors import NotFound
from sharedspace.ingest import read_table_file
from sharedspace.records import IngestResult
from sharedspace.workspace import Workspace


def ingest_options(parser: ArgumentParser) -> None:
    """Options of `ingest`."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="a picture, a folder, a zip or tar, a table of paths (CSV, JSONL, Parquet), vectors of your own (NPZ, "
        "Parquet), or hf:NAME for a dataset of the Hugging Face hub",
    )
    parser.add_argument("-c", "--collection", required=True, metavar="NAME", help="made when it is not there")
    parser.add_argument(
        "-m",
        "--model",
        help="a model of `sharedspace models`, a hub name, a folder (default: the collection's, or pocket)",
    )
    parser.add_argument(
        "--meta",
        metavar="FILE",
        help="a table of metadata (CSV, JSONL, Parquet); a labels.csv or metadata.csv beside the pictures is found",
    )
    parser.add_argument(
        "--precision",
        choices=encoders.PRECISIONS,
        help="what the model computes pictures in (default: $SHAREDSPACE_PRECISION, or the faster one, as measured)",
    )


def ingest(workspace: Workspace, args: Namespace) -> Answer:
    """Add pictures; Ctrl-C and SIGTERM stop between two batches and keep what is done."""
    if args.precision is not None:
        os.environ["SHAREDSPACE_PRECISION"] = args.precision  # of this process, which ends with the command
    table = None if args.meta is None else read_table_file(Path(args.meta), args.meta)
    model = args.model or _model_of(workspace, args.collection)
    with stop_on_signal() as stopped, closing(ProgressLine()) as progress:
        result = workspace.ingest(
            args.collection, args.sources, model, table, on_progress=progress, cancelled=stopped.is_set
        )
    for rejected in result.rejected:
        say(f"rejected {printable(rejected.item)}: {printable(rejected.reason)}")
    status = STOPPED if result.cancelled else PARTLY if result.rejected else 0
    return Answer(answers.ingest(result), [_summary(result)], status)


def _summary(result: IngestResult) -> str:
    return (
        f"{'stopped: ' if result.cancelled else ''}{result.added:,} added, {result.already_there:,} already there, "
        f"{len(result.rejected):,} rejected in {result.seconds:.1f} s "
        f"({result.images_per_second:.0f} images/s, {result.precision})"
    )


def _model_of(workspace: Workspace, name: str) -> str:
    try:
        return workspace.collection(name).info.space.model
    except NotFound:
        return "pocket"


def list_collections(workspace: Workspace, args: Namespace) -> Answer:
    """All collections."""
    found = workspace.collections()
    rows = [("name", "images", "model"), *((info.name, f"{info.images:,}", info.space.model) for info in found)]
    return Answer(
        {"collections": [answers.collection(info.name, info.space, info.images) for info in found]},
        table(rows, " r") if found else ["no collections yet: sharedspace ingest FOLDER -c NAME makes one"],
    )


def one_name(parser: ArgumentParser) -> None:
    """The name of a collection."""
    parser.add_argument("name", metavar="NAME")


def show_collection(workspace: Workspace, args: Namespace) -> Answer:
    """One collection: model, count, metadata fields."""
    collection = workspace.collection(args.name)
    info, fields = collection.info, collection.fields()
    document = {**answers.collection(info.name, info.space, info.images), "fields": fields}
    return Answer(
        document, table([*((key, ", ".join(fields) if key == "fields" else document[key]) for key in document)])
    )


def rename_options(parser: ArgumentParser) -> None:
    """Options of `collections rename`."""
    one_name(parser)
    parser.add_argument("new", metavar="NEW")


def rename_collection(workspace: Workspace, args: Namespace) -> Answer:
    """Give a collection another name."""
    workspace.rename(args.name, args.new)
    return Answer({"name": args.new, "was": args.name}, [f"{printable(args.name)} is now {printable(args.new)}"])


def delete_options(parser: ArgumentParser) -> None:
    """Options of `collections delete`."""
    one_name(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask first")


def delete_collection(workspace: Workspace, args: Namespace) -> Answer:
    """Forget a collection; asks first where somebody sits at a terminal."""
    images = workspace.collection(args.name).info.images
    if sys.stdin.isatty() and not args.yes:
        say(f"Forget {printable(args.name)} and its {images:,} images? The picture files stay. [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            return Answer({"name": args.name, "deleted": False}, ["kept"], PARTLY)
    workspace.delete(args.name)
    return Answer({"name": args.name, "deleted": True}, [f"{printable(args.name)} is deleted"])


def verify_collection(workspace: Workspace, args: Namespace) -> Answer:
    """Compare all that is kept of a collection with the ledger, and mend it."""
    with stop_on_signal() as stopped, closing(ProgressLine()) as progress:
        found = workspace.verify(args.name, progress, stopped.is_set)
    what = "the index did not agree with the ledger and was mended" if found.rebuilt else "everything agrees"
    if not found.rebuilt and (found.mended or found.problems):
        what = "the index agrees with the ledger"
    lines = [
        f"{found.images:,} images: {what}",
        *found.mended,
        *(f"not mended: {problem}" for problem in found.problems),
    ]
    document = {"name": args.name, **asdict(found)}
    return Answer(document, [printable(line) for line in lines], PARTLY if found.problems else 0)


def models(args: Namespace) -> Answer:
    """The known models."""
    rows = [answers.model(info, encoders.on_disk(info.name)) for info in encoders.MODELS]
    head = ("name", "family", "modalities", "dimension", "licence", "on disk?", "note")
    lines = [(*(row[key] for key in head[:5]), "yes" if row["on_disk"] else "no", row["note"]) for row in rows]
    return Answer({"models": rows}, table([head, *lines], "   r"))
