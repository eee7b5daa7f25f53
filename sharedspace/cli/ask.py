"""The verb that sorts by labels: classify."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from sharedspace import answers, filters, limits, zeroshot
from sharedspace.classifier import Classifier, load
from sharedspace.cli.files import out_path, write, write_csv
from sharedspace.cli.terminal import PARTLY, Answer, printable, say, table
from sharedspace.collection import Collection
from sharedspace.errors import BadInput
from sharedspace.filters import Condition
from sharedspace.records import OTHER, Classification, Mode
from sharedspace.workspace import Workspace

ENSEMBLES = {"7": zeroshot.TEMPLATES_7, "80": zeroshot.TEMPLATES_80}


def _collection_option(parser: ArgumentParser) -> None:
    parser.add_argument("-c", "--collection", required=True, metavar="NAME")


def tell_unknown(collection: Collection, words: Sequence[str]) -> None:
    """Say which words the model does not know."""
    if words:
        say(f"{printable(collection.info.space.model)} does not know: {', '.join(map(printable, words))}")


def classify_options(parser: ArgumentParser) -> None:
    """Options of `classify`."""
    _collection_option(parser)
    labels = parser.add_mutually_exclusive_group(required=True)
    labels.add_argument(
        "--labels", metavar='"A,B,C"', help="labels with commas between; on lines of their own, label: prompt, prompt"
    )
    labels.add_argument("--labels-file", metavar="FILE", help="a text of labels, one a line, or label: prompt, prompt")
    labels.add_argument(
        "--classifier", metavar="FILE|NAME", help="a .npz of --save-classifier, or one saved in the app"
    )
    prompts = parser.add_mutually_exclusive_group()
    prompts.add_argument(
        "--template",
        action="append",
        metavar="T",
        help=f"a prompt with {{}} for the label; several are averaged (default: {zeroshot.TEMPLATE!r})",
    )
    prompts.add_argument("--ensemble", choices=sorted(ENSEMBLES), help="average over the templates of the CLIP paper")
    parser.add_argument("--temperature", type=float, metavar="T", help="1 is the model's own (default: 1)")
    parser.add_argument("--many", action="store_true", help="judge each label by itself: an image may get several")
    parser.add_argument("--other", action="store_true", help=f"a further class of what fits no label: {OTHER}")
    parser.add_argument(
        "--where", metavar="K=V", action="append", default=[], help="only images with this, as in search; repeatable"
    )
    parser.add_argument("--truth", metavar="FIELD", help="the metadata field with the right labels")
    parser.add_argument("--out", metavar="FILE.csv", help="write one row an image")
    parser.add_argument("--into", metavar="FIELD", help="give the answers to the images, as a field of their metadata")
    parser.add_argument("--save-classifier", metavar="FILE.npz", help="write what classified, for other programs")


def classify(workspace: Workspace, args: Namespace) -> Answer:
    """Labels of the images; status 1 when no image passes the filters, or --truth names no label of any."""
    out = None if args.out is None else out_path(args.out, ".csv")
    head = None if args.save_classifier is None else out_path(args.save_classifier, ".npz")
    collection = workspace.collection(args.collection).pinned()
    where = [filters.parse(condition) for condition in args.where]
    result, made, unknown = (_by_words if args.classifier is None else _by_head)(collection, args, where)
    tell_unknown(collection, unknown)
    report = None if result.truth is None else zeroshot.report(result)
    document = answers.classify(result, report, unknown)
    written = [" · ".join(own) for own in result.answers]
    if args.into is not None:
        collection.give(args.into, {id: text or None for id, text in zip(result.ids, written, strict=True)})
    if out is not None:
        fields = ["id", "path", "label", "probability", *(["truth"] if args.truth else [])]
        write_csv(out, fields, ({**row, "label": text} for row, text in zip(document["rows"], written, strict=True)))
    if head is not None:
        write(head, made().packed())
    if not result.ids:
        say("no image passes these filters; hidden ones pass only --where tag=hidden")
    nothing = report is not None and report.n == 0 and bool(result.ids)
    if nothing:
        say(f"no image has one of these labels in {printable(args.truth)}: there is no accuracy to tell")
    return Answer(document, _classify_lines(document), PARTLY if nothing or not result.ids else 0)


Classified: TypeAlias = tuple[Classification, Callable[[], Classifier], list[str]]  # and the words it does not know


def _by_words(collection: Collection, args: Namespace, where: Sequence[Condition]) -> Classified:
    labels = zeroshot.parse(args.labels if args.labels is not None else _text(args.labels_file))
    templates = args.template or ENSEMBLES.get(args.ensemble, (zeroshot.TEMPLATE,))
    temperature = 1.0 if args.temperature is None else args.temperature
    mode: Mode = "many" if args.many else "one"
    result = collection.classify(labels, templates, temperature, args.truth, mode, args.other, where)
    texts = [text for label in labels for text in (label.prompts or (label.name,))]
    if not all(label.prompts for label in labels):
        texts += [template.replace("{}", " ") for template in templates]

    def made() -> Classifier:
        return collection.classifier(labels, templates, temperature, mode, args.other)

    return result, made, unknown_words(collection, texts)


def _by_head(collection: Collection, args: Namespace, where: Sequence[Condition]) -> Classified:
    switches = {"many": args.many or None, "other": args.other or None}
    options = {"template": args.template, "ensemble": args.ensemble, "temperature": args.temperature, **switches}
    if given := [f"--{name}" for name, value in options.items() if value is not None]:
        raise BadInput(f"{', '.join(given)}: a classifier brings its own. Leave it out, or give --labels.")
    is_file = args.classifier.lower().endswith(".npz")
    head = load(Path(args.classifier)) if is_file else collection.saved_classifier(args.classifier)
    return collection.apply(head, args.truth, where), lambda: head, []


def _text(path: str) -> str:
    found = Path(path)
    if not found.is_file():  # a pipe or device would be waited for, or never end
        raise BadInput(f"{path} is not a file.")
    if reason := limits.current().file(found.stat().st_size):
        raise BadInput(f"{path}: {reason}.")
    try:
        return found.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as a text in UTF-8: {error}.") from error


def unknown_words(collection: Collection, texts: Iterable[str]) -> list[str]:
    """The words of some texts that the model does not know."""
    tokens = [collection.encoder.tokens(text) for text in texts if text.strip()]
    return list(dict.fromkeys(word for one in tokens for word in one.unknown))


def _classify_lines(document: answers.Document) -> list[str]:
    counts = document["counts"]
    if "by_label" not in document:
        return table([("label", "images"), *((label, f"{counts[label]:,}") for label in counts)], " r")
    rows = [
        (
            one["label"],
            counts[one["label"]],
            one["n"],
            one["right"],
            _percent(one["accuracy"]),
            _percent(one["precision"]),
        )
        for one in document["by_label"]
    ]
    lines = table([("label", "called so", "are so", "right", "accuracy", "precision"), *rows], " rrrrr")
    lines.append(f"accuracy {_percent(document['accuracy'])} over {document['accuracy_n']:,} images")
    if document["accuracy_n"]:
        lines.append(f"top-5 {_percent(document['top5'])}, mean per-class recall {_percent(document['mean_recall'])}")
    others = len(document["rows"]) - document["accuracy_n"]
    if others:
        lines.append(f'{others:,} more have none of these labels in truth: they count under "called so" only')
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
