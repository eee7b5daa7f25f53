"""The verb that gives images metadata: give."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path

from sharedspace.cli.terminal import PARTLY, Answer, printable, say
from sharedspace.errors import BadInput
from sharedspace.workspace import Workspace


def options(parser: ArgumentParser) -> None:
    """Options of `give`."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a table (CSV, JSONL, Parquet): a column names each row's image by path, file name or id, each other one "
        "is given to the images",
    )
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")


def give(workspace: Workspace, args: Namespace) -> Answer:
    """Give the images of a collection what a table says of them."""
    try:
        data = Path(args.file).read_bytes()
    except OSError as error:
        raise BadInput(f"{args.file} cannot be read: {error.strerror}.") from error
    done = workspace.collection(args.collection).give_table(data, args.file)
    for one in done.unmatched:
        say(f"not matched {printable(one.item)}: {printable(one.reason)}")
    if done.left_out:
        say(f"left out, since they came with the files: {printable(', '.join(done.left_out))}")
    line = f"{', '.join(done.fields)}: given to {done.images:,} images, {len(done.unmatched):,} rows not matched"
    document = {"collection": args.collection, **asdict(replace(done, before={}))}
    del document["before"]  # for a page's undo
    return Answer(document, [printable(line)], PARTLY if done.unmatched else 0)
