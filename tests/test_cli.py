"""The command line, called in process on a temporary home with a predictable encoder."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import types
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chroma import ChromaServer
from drawn import PLAIN, RGB, png, shades
from PIL import Image
from shell import Shell

from sharedspace import encoders
from sharedspace.cli import find, main, run, terminal
from sharedspace.errors import BadInput
from sharedspace.records import Hit, Progress, SearchResult, Term
from sharedspace.testing import COLOURS, FakeEncoder
from sharedspace.vectors import unit

HEAVY = ("torch", "streamlit", "chromadb", "umap", "sklearn", "plotly", "PIL", "pandas", "transformers")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "home", capsys)


@pytest.fixture
def filled(shell: Shell, pictures: Path) -> Shell:
    """A shell whose collection `plain` has six pictures with the metadata field `colour`."""
    rows = [f"{name}.png,{name}" for name in PLAIN]
    (pictures / "labels.csv").write_text("\n".join(["file,colour", *rows]))
    shell("ingest", str(pictures), "-c", "plain", "-m", "fake")
    return shell


def truth(name: str) -> np.ndarray:
    """The unit vector of a plain picture, by the encoder's own promise."""
    rgb = RGB.get(name, name)
    colour = COLOURS[name] if rgb == name else tuple(int(rgb[at : at + 2], 16) for at in (1, 3, 5))
    return unit(np.array([*np.array(colour) / 255, 0.1]))


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


# -- starting


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "from sharedspace.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print('TOOK', time.perf_counter() - start, 'FOUND', sorted(sys.modules))"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    modules = found.split("FOUND")[1]
    assert "sharedspace.workspace" in modules
    assert [name for name in HEAVY if f"'{name}'" in modules] == []
    assert float(found.split("TOOK")[1].split()[0]) < 1.0  # 0.1 s where nothing else runs
    for verb in ("app", "models", "ingest", "collections", "search", "classify", "cluster", "map", "pocket"):
        assert re.search(rf"^ +{verb}\b", found, re.MULTILINE)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["search", "red"],
        ["ingest", "-c", "x"],
        ["classify", "-c", "x"],
        ["map", "-c", "x"],
        ["collections", "show"],
        ["search", "red", "-c", "x", "-k", "many"],
        ["search", "red", "-c", "x", "--index", "guess"],
    ],
    ids=" ".join,
)
def test_a_command_that_makes_no_sense_is_refused_with_usage(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(words)

    assert end.value.code == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert "usage: sharedspace" in errors


@pytest.mark.parametrize(
    "line",
    [
        "--json collections",
        "collections --json",
        "collections list --json",
        "--json collections list",
        "collections --json list",
    ],
)
def test_json_and_home_may_stand_anywhere(line: str, filled: Shell, capsys: pytest.CaptureFixture[str]):
    assert main(["--home", str(filled.home), *line.split()]) == 0

    assert json.loads(capsys.readouterr().out)["collections"][0]["name"] == "plain"


@pytest.mark.parametrize(
    "words",
    [
        ["models"],
        ["collections"],
        ["collections", "list"],
        ["collections", "show", "plain"],
        ["collections", "verify", "plain"],
        ["collections", "rename", "plain", "simple"],
        ["collections", "delete", "plain"],
        ["search", "red", "-c", "plain"],
        ["search", "red", "-c", "plain", "--index", "chroma"],
        ["classify", "-c", "plain", "--labels", "red,dragon", "--truth", "colour"],
        ["cluster", "-c", "plain"],
        ["pocket"],
    ],
    ids=" ".join,
)
def test_json_is_one_document_and_the_same_is_said_to_people(words: list[str], filled: Shell):
    document = filled.json(*words)

    assert isinstance(document, dict)
    if "delete" not in words and "rename" not in words:
        assert filled(*words).strip()


def test_a_library_that_prints_does_not_spoil_the_document(filled: Shell):
    def chatty(name: str) -> FakeEncoder:
        print("Loading weights!")  # noqa: T201
        return FakeEncoder(name)

    assert filled.json("search", "red", "-c", "plain", load=chatty)["hits"]
    assert "Loading weights!" in filled.errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search", "red", "-c", "holiday"], "No collection named 'holiday'. There is: plain."),
        (["search", " ", "-c", "plain"], "The text is empty"),
        (["search", "-c", "plain"], "Give a TEXT, --image PATH or --saved NAME to look for."),
        (["search", "red", "--image", "a.png", "-c", "plain"], "a.png is not a file"),
        (["search", "red", "-c", "plain", "-k", "0"], "at least one result"),
        (["search", "--image", "nowhere.png", "-c", "plain"], "nowhere.png is not a file"),
        (["search", "--image", os.devnull, "-c", "plain"], "is not a file"),
        (["search", "--image", __file__, "-c", "plain"], "not a picture"),
        (["classify", "-c", "plain", "--labels", "red"], "at least two labels"),
        (["classify", "-c", "plain", "--labels", "red,blue", "--template", "photo"], "has no {}"),
        (["classify", "-c", "plain", "--labels", "red,blue", "--truth", "size"], "There is: colour."),
        (["classify", "-c", "plain", "--labels", "red,blue", "--temperature", "0"], "must be from 0.001 to 1000"),
        (["classify", "-c", "plain", "--labels", "red,blue", "--out", "x.txt"], "end in .csv"),
        (["cluster", "-c", "plain", "-k", "3"], "-k belongs to --method kmeans"),
        (["cluster", "-c", "plain", "--method", "kmeans", "-k", "7"], "1 to 6 groups"),
        (["cluster", "-c", "plain", "--method", "kmeans", "--min-size", "3"], "belongs to --method hdbscan"),
        (["map", "-c", "plain", "--out", "map.svg"], "end in .html or .png or .csv"),
        (["map", "-c", "plain", "--out", "nowhere/map.csv"], "there is no folder nowhere"),
        (["map", "-c", "plain", "--colour", "size", "--out", "map.html"], "No metadata field named 'size'"),
        (["collections", "show", "holiday"], "No collection"),
        (["ingest", "nowhere", "-c", "plain"], "nowhere: there is no such file or folder"),
        (["ingest", ".", "-c", "plain", "--meta", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["ingest", ".", "-c", "plain", "-m", "other"], "Vectors of two models cannot be compared"),
    ],
    ids=lambda part: " ".join(part)[:50] if isinstance(part, list) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(words: list[str], message: str, filled: Shell, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    monkeypatch.chdir(tmp_path)

    assert filled(*words, "--json", status=2) == ""
    assert filled.errors.startswith("sharedspace: ")
    assert message in filled.errors
    assert filled.errors.count("\n") == 1


def test_a_home_that_cannot_be_made_is_said_in_one_line(capsys: pytest.CaptureFixture[str]):
    assert main(["collections", "--home", f"{__file__}/home"]) == 2

    assert capsys.readouterr().err.startswith("sharedspace: ")


# -- ingest


def test_ingest_tells_what_became_of_each_file(shell: Shell, pictures: Path):
    (pictures / "broken.jpg").write_bytes(b"no picture")

    first = shell.json("ingest", str(pictures), "-c", "plain", "-m", "fake", status=1)
    assert f"rejected {pictures}/broken.jpg: not a picture" in shell.errors
    again = shell.json("ingest", str(pictures), "-c", "plain", "-m", "fake", status=1)

    assert (first["added"], first["already_there"]) == (6, 0)
    assert [(one["item"], one["reason"][:13]) for one in first["rejected"]] == [
        (f"{pictures}/broken.jpg", "not a picture")
    ]
    assert first["images_per_second"] > 0
    assert (again["added"], again["already_there"], len(again["rejected"])) == (0, 6, 1)


def test_ingest_in_words(shell: Shell, pictures: Path):
    assert shell("ingest", str(pictures), "-c", "plain", "-m", "fake").startswith(
        "6 added, 0 already there, 0 rejected"
    )
    assert shell.errors == ""  # no progress where nobody looks


def test_ingest_goes_on_with_the_model_of_the_collection(filled: Shell, tmp_path: Path):
    more = tmp_path / "white.png"
    more.write_bytes(png("white"))

    assert filled.json("ingest", str(more), "-c", "plain")["added"] == 1
    assert filled.json("collections", "show", "plain")["model"] == "fake"


def test_ingest_of_a_new_collection_takes_pocket(shell: Shell, pictures: Path):
    shell("ingest", str(pictures), "-c", "plain")

    assert shell.json("collections", "show", "plain")["model"] == "pocket"


def test_ingest_reads_metadata_from_a_table(shell: Shell, pictures: Path, tmp_path: Path):
    (tmp_path / "more.csv").write_text("file,mood\nred.png,angry\n")

    shell("ingest", str(pictures), "-c", "plain", "-m", "fake", "--meta", str(tmp_path / "more.csv"))

    assert shell.json("collections", "show", "plain")["fields"] == ["mood"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Signals mean what they do at a terminal, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_ingest_between_batches_and_the_rest_follows(shell: Shell, tmp_path: Path, number: int):
    folder = tmp_path / "many"
    folder.mkdir()
    for row, data in enumerate(shades(400)):
        (folder / f"{row:03}.png").write_bytes(data)

    class Interrupted(FakeEncoder):
        def encode(self, prepared: Any) -> np.ndarray:
            if self.seen["images"] == 0:
                signal.raise_signal(number)
            return super().encode(prepared)

    stopped = shell.json("ingest", str(folder), "-c", "many", "-m", "fake", status=130, load=Interrupted)
    assert "stopping after this step" in shell.errors
    rest = shell.json("ingest", str(folder), "-c", "many", "-m", "fake")

    assert stopped["cancelled"]
    assert 0 < stopped["added"] < 400
    assert (rest["added"], rest["already_there"]) == (400 - stopped["added"], stopped["added"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


HELD_UP = """
import signal, sys, time
from sharedspace.cli import main
from sharedspace.testing import FakeEncoder
class HeldUp(FakeEncoder):
    def encode(self, prepared):
        print("held up", file=sys.stderr, flush=True)
        time.sleep(60)
signal.signal(signal.SIGINT, signal.default_int_handler)
main(sys.argv[1:], load=HeldUp)
"""


def test_a_second_signal_ends_an_ingest_at_once(shell: Shell, pictures: Path, tmp_path: Path):
    words = ["ingest", str(pictures), "-c", "plain", "-m", "fake", "--home", str(tmp_path / "other")]
    command = [sys.executable, "-c", HELD_UP, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        for said, number in (("held up", signal.SIGINT), ("once more to stop at once", signal.SIGTERM)):
            assert any(line.endswith(f"{said}\n") for line in iter(running.stderr.readline, ""))
            running.send_signal(number)
        out, told = running.communicate(timeout=30)

    assert -running.returncode == signal.SIGTERM
    assert (out, told) == ("", "sharedspace: stopped\n")
    assert shell.json(*words)["added"] == 6


def test_names_have_no_power_over_the_terminal(shell: Shell, tmp_path: Path):
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "\x1b[2J\n\u202egnp.jpg").write_bytes(b"no picture")
    (folder / "\x1b]0;title\x07.png").write_bytes(png("red"))

    shell("ingest", str(folder), "-c", "\x1b[31m", "-m", "fake", status=1)
    said = shell.errors
    said += shell("search", "\x1b[5m red", "-c", "\x1b[31m") + shell.errors
    said += shell("collections") + shell("collections", "show", "\x1b[31m") + shell("cluster", "-c", "\x1b[31m")
    said += shell("classify", "-c", "\x1b[31m", "--labels", "\x1b[31mred,blue")
    said += shell("search", "red", "-c", "\x1b", status=2) + shell.errors
    document = shell.json("search", "red", "-c", "\x1b[31m")

    assert "\\x1b]0;title\\x07.png" in said
    assert "\\x1b[2J\\n\\u202egnp.jpg" in said
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)
    assert document["hits"][0]["path"].endswith("/\x1b]0;title\x07.png")  # the document has the name as it is


def test_an_ingest_that_was_made_deaf_stays_so(shell: Shell, pictures: Path):
    class Interrupted(FakeEncoder):
        def images(self, pictures: Any) -> np.ndarray:
            signal.raise_signal(signal.SIGINT)
            return super().images(pictures)

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert shell.json("ingest", str(pictures), "-c", "plain", "-m", "fake", load=Interrupted)["added"] == 6
    finally:
        signal.signal(signal.SIGINT, before)


# -- collections


def test_collections_show_has_the_promised_fields(filled: Shell):
    shown = filled.json("collections", "show", "plain")

    assert shown == {
        "name": "plain",
        "model": "fake",
        "space": "fake-colours",
        "dimension": 4,
        "images": 6,
        "fields": ["colour"],
    }


def test_collections_are_renamed_and_deleted(filled: Shell):
    assert filled.json("collections", "rename", "plain", "simple") == {"name": "simple", "was": "plain"}
    assert filled.json("collections", "delete", "simple") == {"name": "simple", "deleted": True}
    assert filled.json("collections") == {"collections": []}


@pytest.mark.parametrize(
    ("answer", "words", "kept"), [("n\n", [], True), ("", [], True), ("y\n", [], False), ("n\n", ["--yes"], False)]
)
def test_delete_asks_somebody_at_a_terminal(answer: str, words: list[str], kept: bool, filled: Shell,
                                            monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    terminal = types.SimpleNamespace(isatty=lambda: True, readline=lambda: answer)
    monkeypatch.setattr(sys, "stdin", terminal)

    document = filled.json("collections", "delete", "plain", *words, status=int(kept))

    assert document["deleted"] is not kept
    assert ("Forget plain and its 6 images?" in filled.errors) is not bool(words)
    assert len(filled.json("collections")["collections"]) == int(kept)


def test_verify_tells_when_the_index_had_to_be_built_anew(filled: Shell):
    import shutil

    assert filled.json("collections", "verify", "plain")["rebuilt"] is False
    shutil.rmtree(filled.home / "chroma")

    found = filled.json("collections", "verify", "plain")
    assert (found["name"], found["images"], found["rebuilt"], found["problems"]) == ("plain", 6, True, [])
    assert found["mended"] == ["the index lacked or misnamed 6 images and was brought up to date"]
    assert filled.json("collections", "verify", "plain")["rebuilt"] is False


def test_the_index_can_be_on_a_chroma_server(filled: Shell, chroma_server: ChromaServer):
    server = ("--chroma-url", chroma_server.url, "--chroma-header", "X-Key: 1")
    there = filled.json("search", "red", "-c", "plain", "--index", "chroma", *server)
    here = filled.json("search", "red", "-c", "plain", "--index", "chroma")

    assert [hit["id"] for hit in there["hits"]] == [hit["id"] for hit in here["hits"]]
    assert filled.json("collections", "verify", "plain", *server)["rebuilt"] is False


# -- search


@pytest.mark.parametrize("index", ["exact", "chroma"])
def test_search_agrees_with_brute_force(index: str, filled: Shell):
    query = unit(np.array([1, 1, 0, 0.1]))  # "red green", by the encoder's promise

    document = filled.json("search", "red green", "-c", "plain", "-k", "3", "--index", index)

    expected = sorted(PLAIN, key=lambda name: -float(truth(name) @ query))[:3]
    found = [Path(hit["path"]).stem for hit in document["hits"]]
    assert found[0] == expected[0] == "yellow"
    assert sorted(found) == sorted(expected)  # red and green are equally near
    assert [hit["rank"] for hit in document["hits"]] == [1, 2, 3]
    for hit in document["hits"]:
        assert hit["score"] == pytest.approx(float(truth(Path(hit["path"]).stem) @ query), abs=1e-5)


def test_search_answers_with_the_promised_fields(filled: Shell):
    document = filled.json("search", "a red dragon", "-c", "plain", "-k", "1")

    assert set(document) == {"query", "terms", "hits", "no_match_line", "searched", "unknown_words", "cut"}
    assert set(document["hits"][0]) == {"id", "path", "score", "rank", "matched", "percentile", "pair_percentile"}
    assert document["query"] == "a red dragon"
    assert document["unknown_words"] == ["a", "dragon"]
    assert "fake does not know: a, dragon" in filled.errors


def test_search_tells_how_much_of_a_long_text_was_cut(filled: Shell):
    document = filled.json("search", " ".join(["red"] * 20), "-c", "plain")

    assert document["cut"] == 4
    assert "only the first 16 tokens were read, the rest was cut off" in filled.errors


def test_search_by_picture_finds_the_picture_itself(filled: Shell, pictures: Path):
    document = filled.json("search", "--image", str(pictures / "cyan.png"), "-c", "plain", "-k", "2")

    assert document["hits"][0]["path"] == str(pictures / "cyan.png")
    assert document["hits"][0]["score"] == pytest.approx(1, abs=1e-6)
    assert document["unknown_words"] == []


def test_search_in_words_is_a_table(filled: Shell, pictures: Path):
    lines = filled("search", "red", "-c", "plain", "-k", "2").splitlines()

    assert lines[0].split() == ["rank", "score", "match", "path"]
    assert lines[1].split() == ["1", "1.0000", "yes", str(pictures / "red.png")]
    assert len(lines) == 3


def test_search_says_which_hits_are_better_than_chance(capsys: pytest.CaptureFixture[str]):
    hits = (Hit("1f", "b.png", 0.5, 1, True), Hit("2f", "a.png", 0.25, 2, False))

    term = Term("text", "red", np.ones(4, dtype=np.float32))
    lines = find.hit_lines(SearchResult("red", hits, 0.3, (term,), np.array([0.5, 0.25], dtype=np.float32), 2))

    assert [line.split() for line in lines[1:]] == [["1", "0.5000", "yes", "b.png"], ["2", "0.2500", "no", "a.png"]]
    assert "0.3000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("query", "matched", "status"),
    [(["red"], True, 0), (["--not", "red"], None, 0), (["dragon"], False, 1)],
    ids=["a hit", "no line", "none"],
)
def test_search_by_its_status_says_when_nothing_matched(
    query: list[str], matched: bool | None, status: int, filled: Shell
):
    document = filled.json("search", *query, "-c", "plain", "-k", "1", status=status)

    assert document["hits"][0]["matched"] is matched


def test_a_text_that_names_a_file_is_only_a_text(filled: Shell, pictures: Path):
    assert filled.json("search", str(pictures / "red.png"), "-c", "plain", status=1)["unknown_words"] == [
        str(pictures / "red.png")
    ]


# -- classify


def test_classify_agrees_with_the_formula(filled: Shell):
    labels = ["red", "green", "blue"]
    document = filled.json("classify", "-c", "plain", "--labels", "red, green,blue", "--truth", "colour")

    texts = np.stack([truth(label) for label in labels])
    for row in document["rows"]:
        logits = 20.0 * texts @ truth(Path(row["path"]).stem)  # the encoder's logit scale
        expected = np.exp(logits) / np.exp(logits).sum()
        assert row["probability"] == pytest.approx(expected.max(), abs=1e-5)
        assert row["truth"] == Path(row["path"]).stem
    assert document["labels"] == labels
    assert (document["accuracy"], document["accuracy_n"]) == (1.0, 3)
    assert sum(document["counts"].values()) == len(document["rows"]) == 6
    assert document["unknown_words"] == ["a", "photo", "of"]


def test_classify_reads_templates_and_temperature(filled: Shell):
    words = ["classify", "-c", "plain", "--labels", "red,blue", "--template", "{}"]

    plain = filled.json(*words)
    sharp, soft = (filled.json(*words, "--temperature", value) for value in ("5", "20"))
    mixed = filled.json(*words, "--template", "green {}")

    def of(document: Any, name: str) -> float:
        return next(row["probability"] for row in document["rows"] if Path(row["path"]).stem == name)

    odds = [np.log(of(one, "red") / (1 - of(one, "red"))) for one in (sharp, soft)]
    assert odds[0] == pytest.approx(4 * odds[1], rel=1e-3)
    assert sharp["unknown_words"] == []
    assert of(mixed, "cyan") < of(plain, "cyan")


def test_classify_in_words_has_a_row_a_label(filled: Shell):
    lines = filled("classify", "-c", "plain", "--labels", "red,green", "--truth", "colour").splitlines()

    assert lines[0].split() == ["label", "called", "so", "are", "so", "right", "accuracy", "precision"]
    assert lines[1].split()[0] == "red"
    assert lines[1].split()[2:] == ["1", "1", "100.0%", "100.0%"]
    assert lines[-3:-1] == ["accuracy 100.0% over 2 images", "top-5 100.0%, mean per-class recall 100.0%"]
    assert lines[-1].startswith("4 more have none of these labels in truth")


def test_classify_by_labels_that_are_true_of_nothing_says_so(filled: Shell):
    document = filled.json("classify", "-c", "plain", "--labels", "cat,dog", "--truth", "colour", status=1)

    assert (document["accuracy"], document["accuracy_n"]) == (None, 0)
    assert "no image has one of these labels in colour" in filled.errors


def test_classify_writes_a_table(filled: Shell, tmp_path: Path):
    out = tmp_path / "labels.csv"
    words = ["classify", "-c", "plain", "--labels", "red,green", "--truth", "colour", "--out", str(out)]

    document = filled.json(*words)

    rows = read_csv(out)
    assert list(rows[0]) == ["id", "path", "label", "probability", "truth"]
    assert [(row["id"], row["label"], float(row["probability"])) for row in rows] == [
        (row["id"], row["label"], row["probability"]) for row in document["rows"]
    ]


# -- cluster and map


def test_cluster_puts_shades_of_one_colour_together(shell: Shell, tmp_path: Path):
    folder = tmp_path / "shades"
    folder.mkdir()
    for name, rgb in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        for step in range(8 if name == "red" else 6):
            (folder / f"{name}-{step}.png").write_bytes(png(tuple(max(0, part - 6 * step) for part in rgb)))
    shell("ingest", str(folder), "-c", "shades", "-m", "fake")
    out = tmp_path / "groups.csv"

    by_means = shell.json("cluster", "-c", "shades", "--method", "kmeans", "-k", "2", "--out", str(out))
    by_density = shell.json("cluster", "-c", "shades", "--min-size", "4")

    for document in (by_means, by_density):
        groups = {(Path(row["path"]).stem.split("-")[0], row["cluster"]) for row in document["rows"]}
        assert groups == {("red", 0), ("blue", 1)}  # the larger group first
        assert document["names"] == {}
    assert [int(row["cluster"]) for row in read_csv(out)] == [row["cluster"] for row in by_means["rows"]]
    assert {row["cluster"] for row in shell.json("cluster", "-c", "shades", "--min-size", "7")["rows"]} == {-1}
    lines = shell("cluster", "-c", "shades", "--method", "kmeans", "-k", "2").splitlines()
    assert [line.split()[:2] for line in lines] == [["cluster", "images"], ["0", "8"], ["1", "6"]]


def test_cluster_of_too_few_images_is_all_noise(filled: Shell):
    document = filled.json("cluster", "-c", "plain", "--min-size", "7")

    assert {row["cluster"] for row in document["rows"]} == {-1}
    assert filled("cluster", "-c", "plain", "--min-size", "7").split()[-2:] == ["noise", "6"]


def test_kmeans_of_few_images_makes_a_group_of_each(filled: Shell):
    document = filled.json("cluster", "-c", "plain", "--method", "kmeans")

    assert sorted(row["cluster"] for row in document["rows"]) == list(range(6))


def test_map_as_a_table_has_images_and_texts(filled: Shell, tmp_path: Path):
    out = tmp_path / "map.csv"

    document = filled.json("map", "-c", "plain", "--text", "red", "--text", "yellow", "--out", str(out))

    rows = read_csv(out)
    assert [row["kind"] for row in rows] == ["image"] * 6 + ["text"] * 2
    assert {Path(row["path"]).stem for row in rows[:6]} == set(PLAIN)
    assert [(text["text"], text["x"], text["y"]) for text in document["texts"]] == [
        (row["path"], float(row["x"]), float(row["y"])) for row in rows[6:]
    ]
    assert document["images"] == 6


def test_map_stays_until_it_is_drawn_anew(filled: Shell, tmp_path: Path):
    def drawn(*words: str) -> Any:
        return filled.json("map", "-c", "plain", "--out", str(tmp_path / "map.csv"), *words)

    first = drawn()
    (tmp_path / "white.png").write_bytes(png("white"))
    filled("ingest", str(tmp_path / "white.png"), "-c", "plain")
    grown, anew = drawn(), drawn("--redraw")

    assert (first["placed_later"], grown["placed_later"], anew["placed_later"]) == (0, 1, 0)
    assert len({first["map"], grown["map"], anew["map"]}) == 3


def test_map_as_a_page_shows_names_as_text_only(shell: Shell, tmp_path: Path):
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "<img src=x onerror=alert(1)>.png").write_bytes(png("red"))
    shell("ingest", str(folder), "-c", "evil", "-m", "fake")
    out = tmp_path / "map.html"

    shell("map", "-c", "evil", "--text", "</script><script>alert(2)</script>", "--out", str(out))

    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert len(page) > 1_000_000  # plotly is inside, so that the page works offline
    assert "onerror=alert(1)" in page
    assert "<img src=x" not in page
    assert "<script>alert(2)" not in page


@pytest.mark.parametrize("words", [[], ["--colour", "colour"], ["--text", "red"]], ids=" ".join)
def test_map_as_a_picture(words: list[str], filled: Shell, tmp_path: Path):
    out = tmp_path / "map.PNG"

    document = filled.json("map", "-c", "plain", *words, "--out", str(out))

    with Image.open(out) as picture:
        assert picture.size == (1600, 1200)
    assert document["out"] == str(out)


def test_a_file_that_cannot_be_written_is_said(filled: Shell, tmp_path: Path):
    (tmp_path / "map.csv").mkdir()

    filled("map", "-c", "plain", "--out", str(tmp_path / "map.csv"), status=2)

    assert "map.csv cannot be written" in filled.errors


# -- models, app, pocket


def test_models_lists_all_and_asks_no_network(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no-models"))

    found = shell.json("models")["models"]

    assert [row["name"] for row in found] == [info.name for info in encoders.MODELS]
    assert {"family", "modalities", "dimension", "licence", "on_disk"} <= set(found[0])
    assert next(row for row in found if row["name"] == "pocket")["on_disk"] is encoders.POCKET.is_dir()


def test_app_says_where_before_it_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    answer = run.app(Namespace(port=0, home="mine", no_browser=True, json=False, share=False))

    assert re.fullmatch(r"http://localhost:\d{4,5}", answer.document["url"])
    assert answer.document["home"] == str(tmp_path / "mine")  # the app runs in another folder
    assert answer.document["url"] in answer.lines[0]
    assert answer.then is not None


def test_app_opens_a_browser_only_when_told():
    quiet, browser = run.app_command(8123, browser=False), run.app_command(8123, browser=True)

    assert quiet[1:4] == ["-m", "streamlit", "run"]
    assert Path(quiet[4]) == run.ROOT / "app.py"
    assert "--server.port=8123" in quiet
    assert not any("headless" in word for word in quiet)
    assert "--server.headless=false" in browser


def test_app_refuses_a_port_that_is_taken():
    import socket

    with socket.create_server(("", 0)) as taken, pytest.raises(BadInput, match="cannot be had: choose another"):
        run.app(Namespace(port=taken.getsockname()[1], home="mine", no_browser=True, json=False, share=False))


def given(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    """Stand-ins for the training and its measure, which need torch and an hour."""
    module = types.ModuleType(f"sharedspace.pocket.{name}")
    vars(module).update(functions)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_pocket_train_hands_its_options_on(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def train(out: Path, *, steps: int, seed: int, resume: bool, small: bool, report: Callable[[str], None]) -> Any:
        report(f"{out.name} {steps} {seed} {resume} {small}")
        return types.SimpleNamespace(
            step=steps, samples=256 * steps, loss=float("nan"), object=0.5, colour=1, setting=1
        )

    given(monkeypatch, "train", train=train)
    (tmp_path / "checkpoint.pt").touch()

    options = ("--out", str(tmp_path), "--steps", "9", "--seed", "3", "--resume", "--small")
    document = shell.json("pocket", "train", *options)

    assert f"{tmp_path.name} 9 3 True True" in shell.errors
    assert (document["model"], document["steps"], document["loss"]) == (str(tmp_path / "model"), 9, None)
    assert document["validation"] == {"object": 0.5, "colour": 1, "setting": 1}


@pytest.mark.parametrize(
    ("words", "message"), [(["--steps", "0"], "at least one step"), (["--resume"], "no checkpoint")]
)
def test_pocket_train_refuses_what_cannot_be(words: list[str], message: str, shell: Shell, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    given(monkeypatch, "train", train=None)

    shell("pocket", "train", "--out", str(tmp_path), *words, status=2)

    assert message in shell.errors


def test_pocket_evaluate_shows_the_table(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    row = {"group": "zero-shot", "name": "object", "n": 50, "chance": 0.025, "target": 0.85}

    def evaluate(folder: Path, *, n: int) -> dict[str, Any]:
        return {"n": n, "rows": [{**row, "value": 0.9}, {**row, "value": float("nan")}]}

    given(
        monkeypatch, "evaluate", evaluate=evaluate, format_table=lambda table: f"object {table['rows'][0]['value']}\n-"
    )
    (tmp_path / "config.json").touch()

    document = shell.json("pocket", "evaluate", "--model", str(tmp_path), "--n", "50")
    lines = shell("pocket", "evaluate", "--model", str(tmp_path), "--n", "50").splitlines()

    assert [one["value"] for one in document["rows"]] == [0.9, None]
    assert document["n"] == 50
    assert lines == ["object 0.9", "-"]


def test_pocket_evaluate_without_a_model_says_so(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given(monkeypatch, "evaluate", evaluate=None, format_table=None)

    shell("pocket", "evaluate", "--model", str(tmp_path), status=2)

    assert "There is no model in" in shell.errors


# -- the terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b.png", "a b.png"),
        ("Übung 日本 👩‍🚀", "Übung 日本 👩‍🚀"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udcff", r"\udcff"),
        ("\u2028", r"\u2028"),
    ],
)
def test_printable(text: str, shown: str):
    assert terminal.printable(text) == shown


def test_a_terminal_of_ascii_gets_ascii():
    code = "from sharedspace.cli.terminal import say, show, Answer; show(Answer({}, ['Ü \\udcff']), False); say('日')"
    env = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)

    assert done.stdout == "\\xdc \\udcff\n"
    assert done.stderr == "\\u65e5\n"


@pytest.mark.skipif(os.name == "nt", reason="needs head")
def test_a_reader_that_has_enough_is_no_error(tmp_path: Path):
    code = "import sys\nfrom sharedspace.cli import main\nimport time; time.sleep(0.3)\nsys.exit(main(['models']))"

    done = subprocess.run(
        f'"{sys.executable}" -c "{code}" | true', shell=True, capture_output=True, text=True, check=False
    )

    assert done.stderr == ""


def test_table_lines_up():
    assert terminal.table([("a", "count"), ("long", 1)], " r") == ["a     count", "long      1"]


class Screen:
    """A stderr that is a terminal."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.written = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None: ...


def test_progress_tells_rate_and_time_left(monkeypatch: pytest.MonkeyPatch):
    screen, now = Screen(), iter([100.0, 102.0, 103.0])
    monkeypatch.setattr(sys, "stderr", screen)
    line = terminal.ProgressLine(clock=lambda: next(now))

    line(Progress(32, 480))
    line(Progress(64, 480))
    line(Progress(96, None))
    line.close()

    assert [part.removesuffix("\x1b[K") for part in screen.written.split("\r")[1:]] == [
        "32 of 480",
        "64 of 480, 16/s, 26 s left",
        "96, 21/s",
        "",
    ]


def test_progress_says_nothing_to_a_file(capsys: pytest.CaptureFixture[str]):
    line = terminal.ProgressLine()
    line(Progress(1, 2))
    line.close()

    assert capsys.readouterr().err == ""
