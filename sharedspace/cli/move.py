"""Verbs that move whole collections: export, import, copy."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing

from sharedspace import answers, encoders
from sharedspace.cli.terminal import Answer, ProgressLine, printable, say, stop_on_signal
from sharedspace.encoders.own import OWN
from sharedspace.workspace import Workspace


def export_options(parser: ArgumentParser) -> None:
    """Options of `export`."""
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE.(zip|parquet|npz|csv)",
        help="zip: the whole collection, for `import`; parquet, npz: a table with vectors; csv: one without",
    )
    parser.add_argument("--originals", action="store_true", help="into the zip also the pictures whose bytes were kept")


def export(workspace: Workspace, args: Namespace) -> Answer:
    """Write a collection to a file."""
    with stop_on_signal() as stopped, closing(ProgressLine()) as progress:
        done = workspace.export(args.collection, args.out, args.originals, progress, stopped.is_set)
    line = f"{printable(done.out)}: {done.images:,} images, {_size(done.bytes)}"
    if args.originals:
        line += f", {done.originals:,} originals"
        if done.originals < done.images:
            say(f"the bytes of {done.images - done.originals:,} pictures were not kept at ingest: no originals of them")
    return Answer(answers.exported(done), [line])


def import_options(parser: ArgumentParser) -> None:
    """Options of `import`."""
    parser.add_argument("file", metavar="FILE.zip", help="what `export` wrote")
    parser.add_argument(
        "-c", "--collection", metavar="NAME", help="one that is there takes it in (default: the name that it had)"
    )


def import_(workspace: Workspace, args: Namespace) -> Answer:
    """Read an exported collection; Ctrl-C keeps what was taken, and the same command completes it."""
    with stop_on_signal() as stopped, closing(ProgressLine()) as progress:
        done = workspace.import_(args.file, args.collection, progress, stopped.is_set)
    model = done.space.model
    if not model.startswith(OWN) and not encoders.on_disk(model):
        say(f"texts are searched with the model {printable(model)}, which is not on this machine")
    lines = [f"{printable(done.name)}: {done.added:,} added, {done.already_there:,} already there"]
    return Answer(answers.imported(done), lines)


def copy_options(parser: ArgumentParser) -> None:
    """Options of `collections copy`."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("new", metavar="NEW")


def copy(workspace: Workspace, args: Namespace) -> Answer:
    """A second collection with the same images, metadata and map."""
    with stop_on_signal() as stopped, closing(ProgressLine()) as progress:
        images = workspace.copy(args.name, args.new, progress, stopped.is_set).info.images
    document = {"name": args.new, "of": args.name, "images": images}
    return Answer(document, [f"{printable(args.new)}: {images:,} images, as in {printable(args.name)}"])


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"
