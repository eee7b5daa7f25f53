"""The command line: `sharedspace VERB`, one table of verbs over the same core as the app."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass

from sharedspace import __version__, encoders
from sharedspace.cli import ask, draw, find, group, keep, messy, move, note, run, why
from sharedspace.cli.terminal import CANNOT, STOPPED, Answer, printable, say, show
from sharedspace.encoders import Encoder
from sharedspace.errors import Cancelled, SharedSpaceError
from sharedspace.store import parse_headers
from sharedspace.workspace import Workspace

EPILOG = "Exit status: 0 done; 1 done, but something was rejected or nothing matched; 2 cannot; 130 stopped by Ctrl-C."


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table of commands; `parts` are the commands under it."""

    name: str
    run: Callable[[Namespace], Answer]
    help: str
    options: Callable[[ArgumentParser], None] = lambda parser: None
    parts: Sequence[Verb] = ()


def _in_home(verb: Callable[[Workspace, Namespace], Answer]) -> Callable[[Namespace], Answer]:
    def opened(args: Namespace) -> Answer:
        headers = None if args.chroma_header is None else parse_headers(args.chroma_header)
        with closing(Workspace(args.home, args.load, args.chroma_url, headers)) as workspace:
            return verb(workspace, args)

    return opened


COLLECTIONS = (
    Verb("list", _in_home(keep.list_collections), "all collections"),
    Verb("show", _in_home(keep.show_collection), "one: its model, count, metadata fields", keep.one_name),
    Verb("rename", _in_home(keep.rename_collection), "give one another name", keep.rename_options),
    Verb("copy", _in_home(move.copy), "a second one of the same images; embeds nothing", move.copy_options),
    Verb("delete", _in_home(keep.delete_collection), "forget one; picture files stay", keep.delete_options),
    Verb("verify", _in_home(keep.verify_collection), "compare the index with the ledger, and mend it", keep.one_name),
)
POCKET = (
    Verb("train", run.train, "train it from scratch", run.train_options),
    Verb("evaluate", run.evaluate, "measure it on scenes that it never saw", run.evaluate_options),
)
VERBS = (
    Verb("app", run.app, "open the app in the browser", run.app_options),
    Verb("models", keep.models, "the known models, and which are on this machine"),
    Verb("ingest", _in_home(keep.ingest), "add pictures to a collection", keep.ingest_options),
    Verb("collections", _in_home(keep.list_collections), "list, show, rename, copy, delete, verify", parts=COLLECTIONS),
    Verb("give", _in_home(note.give), "add a table's columns to the images' metadata", note.options),
    Verb("search", _in_home(find.search), "the images that fit texts and pictures best", find.options),
    Verb("classify", _in_home(ask.classify), "zero-shot: which of your labels fits each image", ask.classify_options),
    Verb("cluster", _in_home(group.cluster), "groups that the images form by themselves", group.options),
    Verb("duplicates", _in_home(messy.duplicates), "near duplicates and which to keep", messy.duplicates_options),
    Verb("outliers", _in_home(messy.outliers), "the images that stand alone", messy.outliers_options),
    Verb("looks", _in_home(messy.looks), "blurred, dark, tiny and odd-shaped pictures", messy.looks_options),
    Verb("subset", _in_home(messy.subset), "a few images that stand for all", messy.subset_options),
    Verb("map", _in_home(draw.draw_map), "write the map as a page, a picture or a table", draw.options),
    Verb("explain", why.why, "which words and which parts of a picture make its score", why.options),
    Verb("export", _in_home(move.export), "write a whole collection to a file", move.export_options),
    Verb("import", _in_home(move.import_), "read an exported collection", move.import_options),
    Verb("pocket", run.pocket, "our own small CLIP: train it, measure it", parts=POCKET),
)


def main(argv: Sequence[str] | None = None, load: Callable[[str], Encoder] = encoders.load) -> int:
    """Run one command and give its exit status; `load` stands in for the loading of models in tests."""
    nothing = Namespace(json=False, home=None, chroma_url=None, chroma_header=None, load=load)
    args = _parser().parse_args(argv, nothing)
    try:
        with redirect_stdout(sys.stderr):  # what a library has to say must not stand in the answer
            answer: Answer = args.run(args)
        show(answer, args.json)
        return answer.status if answer.then is None else answer.then()
    except BrokenPipeError:  # `sharedspace … | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Cancelled as error:
        say(f"sharedspace: {printable(error)}")
        return STOPPED
    except (SharedSpaceError, OSError) as error:
        say(f"sharedspace: {printable(error)}")
        return CANNOT
    except KeyboardInterrupt:
        say("sharedspace: stopped")
        return STOPPED


def _parser() -> ArgumentParser:
    # Left out, an option says nothing: `--json collections list` and `collections list --json` mean the same.
    common = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    common.add_argument("--json", action="store_true", help="answer with one JSON document")
    common.add_argument(
        "--home", metavar="DIR", help="where the data lives (default: $SHAREDSPACE_HOME, or your data folder)"
    )
    common.add_argument(
        "--chroma-url",
        metavar="URL",
        help="keep the index on this Chroma server (default: $SHAREDSPACE_CHROMA_URL, or in the home)",
    )
    common.add_argument(
        "--chroma-header",
        metavar="'NAME: VALUE'",
        action="append",
        help="sent to that server, for a proxy before it; can be repeated (default: $SHAREDSPACE_CHROMA_HEADERS)",
    )
    parser = ArgumentParser(
        "sharedspace", description=sys.modules["sharedspace"].__doc__, epilog=EPILOG, parents=[common]
    )
    parser.add_argument("--version", action="version", version=f"sharedspace {__version__}")
    _add(parser, VERBS, common, required=True)
    return parser


def _add(parser: ArgumentParser, verbs: Sequence[Verb], common: ArgumentParser, required: bool = False) -> None:
    parsers = parser.add_subparsers(metavar="VERB", required=required)
    for verb in verbs:
        own = parsers.add_parser(verb.name, help=verb.help, description=f"{verb.name}: {verb.help}.", parents=[common])
        own.set_defaults(run=verb.run)
        verb.options(own)
        if verb.parts:
            _add(own, verb.parts, common)
