"""`sharedspace search`: several texts and pictures, weights, filters, the line, saved queries; called in process."""

import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import shades
from shell import Shell

from sharedspace import words
from sharedspace.cli import find, main
from sharedspace.questions import Part
from sharedspace.records import Hit, SearchResult, Term
from sharedspace.testing import COLOURS, FakeEncoder, load_fake
from sharedspace.vectors import unit
from sharedspace.workspace import Workspace

N = 40
RGB = np.random.default_rng(0).integers(0, 256, (N, 3)) / 255  # as drawn.shades has them
IMAGES = unit(np.column_stack([RGB, np.full(N, 0.1)]))  # (n, 4), by the encoder's own promise


def text(named: str) -> np.ndarray:
    """The vector of a text, by the encoder's own promise."""
    found = [np.array(COLOURS[word]) / 255 for word in named.split() if word in COLOURS]
    return unit(np.array([*(np.sum(found, axis=0) if found else np.zeros(3)), 0.1]))


def meta(row: int) -> dict[str, Any]:
    return {
        "kind": "Warm" if RGB[row, 0] > RGB[row, 2] else "cold",
        "number": row,
        **({"note": "wood" if row % 2 else "a stone"} if row % 5 else {}),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pictures`, 00.png to 39.png, and a home whose collection `shades` has them with metadata."""
    at = tmp_path_factory.mktemp("find")
    (at / "pictures").mkdir()
    for row, data in enumerate(shades(N)):
        (at / "pictures" / f"{row:02}.png").write_bytes(data)
    lines = [f"{row:02}.png,{meta(row)['kind']},{row},{meta(row).get('note', '')}" for row in range(N)]
    (at / "pictures" / "labels.csv").write_text("\n".join(["file,kind,number,note", *lines]))
    with closing(Workspace(at / "home", load=load_fake)) as workspace:
        workspace.ingest("shades", [str(at / "pictures")], model="fake")
    return at


@pytest.fixture
def shell(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell on a copy of that home."""
    shutil.copytree(made / "home", tmp_path / "home")
    return Shell(tmp_path / "home", capsys)


@pytest.fixture
def ask(shell: Shell) -> Callable[..., Any]:
    """Asks `shades`, and gives the document; JSON that is not JSON is refused, as any other reader would."""

    def asked(*given: str, status: int = 0, load: Callable[[str], Any] = load_fake) -> Any:
        out = shell("search", *given, "-c", "shades", "--json", status=status, load=load)
        return json.loads(out, parse_constant=pytest.fail)

    return asked


@pytest.fixture
def picture(made: Path) -> Callable[[int], str]:
    return lambda row: str(made / "pictures" / f"{row:02}.png")


def rows(document: Any) -> list[int]:
    """Which images were found, in their order."""
    return [int(Path(hit["path"]).stem) for hit in document["hits"]]


@contextmanager
def changed(shell: Shell) -> Iterator[Any]:
    """The collection, to be changed by the core."""
    with closing(Workspace(shell.home, load=load_fake)) as workspace:
        yield workspace.collection("shades")


# -- parts and weights


def terms(document: Any) -> list[tuple[str, str, float]]:
    return [(term["kind"], Path(term["name"]).name, term["weight"]) for term in document["terms"]]


def test_parts_keep_their_order_and_their_weights(ask: Callable[..., Any], picture: Callable[[int], str]):
    document = ask("a dog", "--image", picture(5), "--weight", "0.5", "--not", "snow", "--weight", "2")

    assert terms(document) == [("text", "a dog", 1), ("image", "05.png", 0.5), ("text", "snow", -2)]
    assert document["query"] == f"a dog + 0.5 × {picture(5)} − 2 × snow"


def test_the_text_may_come_last(ask: Callable[..., Any], picture: Callable[[int], str]):
    document = ask("--image", picture(5), "--weight", "3", "a dog", "--weight", "0.25")

    assert terms(document) == [("image", "05.png", 3), ("text", "a dog", 0.25)]


def test_every_part_may_come_again(ask: Callable[..., Any], picture: Callable[[int], str]):
    document = ask(
        *("--not-image", picture(1), "--also", "red", "--not-image", picture(2), "--weight", "-3"),
        *("--also", "blue", "--image", picture(3), "--image", picture(4), "--not", "white", "--not", "black"),
    )

    assert terms(document) == [
        *(("image", "01.png", -1), ("text", "red", 1), ("image", "02.png", 3), ("text", "blue", 1)),
        *(("image", "03.png", 1), ("image", "04.png", 1), ("text", "white", -1), ("text", "black", -1)),
    ]


def test_a_weight_given_again_replaces_the_first(ask: Callable[..., Any]):
    document = ask("red", "--weight", "5", "--weight", "2", "--not", "blue", "--weight", "7", "--weight", "3")

    assert terms(document) == [("text", "red", 2), ("text", "blue", -3)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--weight", "2", "red"], "--weight belongs behind the text or picture that it weighs"),
        (["red", "--weight", "heavy"], "invalid float value"),
        (["red", "--also", "blue", "--weight", "nan"], "a number from -100 to 100"),
        (["red", "--also", "blue", "--weight", "1e39"], "a number from -100 to 100"),  # would be infinite in float32
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_weight_that_makes_no_sense_is_refused_with_usage(
    given: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as end:
        main(["search", *given, "-c", "shades"], load=load_fake)

    out, errors = capsys.readouterr()
    assert (end.value.code, out) == (2, "")
    assert "usage: sharedspace search" in errors
    assert message in errors


def zsum(weighed: list[tuple[float, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of standardised cosines, (n,), and the summands, (n, t)."""
    cosines = np.stack([IMAGES @ vector for _, vector in weighed], axis=1)
    parts = (cosines - cosines.mean(axis=0)) / cosines.std(axis=0) * [weight for weight, _ in weighed]
    return parts.sum(axis=1), parts


@pytest.mark.parametrize("where", [[], ["--where", "kind=cold"]], ids=["all", "filtered"])
def test_several_parts_rank_by_the_sum_of_their_zscores(
    where: list[str], ask: Callable[..., Any], picture: Callable[[int], str]
):
    total, parts = zsum([(1, text("red")), (0.5, IMAGES[5]), (-2, text("blue cyan"))])

    given = ("red", "--image", picture(5), "--weight", "0.5", "--not", "blue cyan", "--weight", "2")
    document = ask(*given, *where, "-k", "100")

    best = [row for row in np.argsort(-total) if not where or meta(row)["kind"] == "cold"]
    assert rows(document) == best
    assert [hit["score"] for hit in document["hits"]] == pytest.approx(total[best], abs=1e-4)
    for hit, row in zip(document["hits"], best, strict=True):
        assert [part["term"] for part in hit["parts"]] == ["red", picture(5), "blue cyan"]
        assert [part["part"] for part in hit["parts"]] == pytest.approx(parts[row], abs=1e-4)
        assert hit["percentile"] == pytest.approx(np.mean(total < total[row]) * 100)
    assert document["no_match_line"] is None


def test_a_text_against_something_has_the_farthest_first(ask: Callable[..., Any]):
    document = ask("--not", "red", "-k", "5")

    cosines = IMAGES @ text("red")
    assert rows(document) == np.argsort(cosines)[:5].tolist()
    assert [hit["score"] for hit in document["hits"]] == pytest.approx(-np.sort(cosines)[:5], abs=1e-6)


# -- what a score means


@pytest.mark.parametrize("index", ["exact", "chroma"])
def test_a_percentile_is_the_share_of_images_below(index: str, ask: Callable[..., Any]):
    document = ask("green blue", "-k", str(N), "--index", index)

    cosines = IMAGES @ text("green blue")
    assert [hit["percentile"] for hit in document["hits"]] == pytest.approx(
        [np.mean(cosines < cosines[row]) * 100 for row in rows(document)]
    )


class Reading(FakeEncoder):
    """An encoder to whom a text without colours is a shade of red, by its letters."""

    def texts(self, texts: Any) -> np.ndarray:
        vectors = super().texts(texts)
        vectors[:, 0] += [
            0 if set(text.split()) & set(COLOURS) else 0.0002 * (sum(map(ord, text)) % 997) for text in texts
        ]
        return unit(vectors)


@pytest.fixture
def chances() -> np.ndarray:
    """Cosines of the neutral captions with all images, (m, n), as Reading has them."""
    return Reading().texts(words.neutral()) @ IMAGES.T


def test_pair_percentile_is_the_share_of_text_image_pairs_below(ask: Callable[..., Any], chances: np.ndarray):
    document = ask("a horse and a blanket", "-k", str(N), load=Reading, status=1)

    for hit in document["hits"]:
        assert hit["pair_percentile"] == pytest.approx(np.mean(chances < hit["score"]) * 100, abs=0.11)
    assert len({hit["pair_percentile"] for hit in document["hits"]}) > 10


@pytest.mark.parametrize("given", [["--not", "red"], ["red", "--also", "blue"], ["--image", "{}"]], ids=" ".join)
def test_pairs_say_nothing_of_what_is_no_single_text(
    given: list[str], ask: Callable[..., Any], picture: Callable[[int], str]
):
    document = ask(*(one.format(picture(3)) for one in given))

    assert [hit["pair_percentile"] for hit in document["hits"]] == [None] * 12
    assert document["no_match_line"] is None


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.4])
def test_rate_moves_the_line(rate: float, ask: Callable[..., Any], chances: np.ndarray):
    document = ask("red", "-k", str(N), "--rate", str(rate), load=Reading)

    best = np.sort(chances.max(axis=1))
    line = best[math.ceil((len(best) + 1) * (1 - rate / 2)) - 1] + 1e-5  # split conformal, at half the rate
    assert document["no_match_line"] == pytest.approx(line, abs=2e-6)
    assert [hit["matched"] for hit in document["hits"]] == [hit["score"] >= line for hit in document["hits"]]


def test_the_usual_rate_is_a_twentieth(ask: Callable[..., Any]):
    lines = [ask("red", *rate, load=Reading)["no_match_line"] for rate in ([], ["--rate", "0.05"], ["--rate", "0.06"])]

    assert lines[0] == lines[1] > lines[2]


@pytest.mark.parametrize("rate", ["0", "1", "-1", "nan", "inf"])
def test_a_rate_is_between_0_and_1(rate: str, shell: Shell):
    shell("search", "red", "-c", "shades", f"--rate={rate}", status=2)

    assert "must be between 0 and 1" in shell.errors
    assert shell.errors.count("\n") == 1


def test_a_rate_too_small_for_the_captions_names_the_least(shell: Shell, ask: Callable[..., Any]):
    shell("search", "red", "-c", "shades", "--rate", "0.001", "--json", status=2)

    least = float(re.findall(r"the least is (0\.\d+)", shell.errors)[0])
    assert 2 / (len(words.neutral()) + 1) <= least < 2 / (len(words.neutral()) + 1) + 1e-4
    assert math.isfinite(ask("red", "--rate", str(least))["no_match_line"])


def test_a_rate_without_a_line_is_refused(shell: Shell):
    shell("search", "red", "--also", "blue", "-c", "shades", "--rate", "0.1", status=2)

    assert shell.errors == (
        "sharedspace: --rate moves the no-match line, and only a single text has one: leave it out.\n"
    )


def test_where_nothing_matches_the_nearest_stand_and_it_is_said(shell: Shell, ask: Callable[..., Any]):
    document = ask("dragon", "-k", "3", status=1)
    assert "nothing here matches; these are the nearest" in shell.errors
    assert [hit["matched"] for hit in document["hits"]] == [False] * 3

    lines = shell("search", "dragon", "-c", "shades", "-k", "3", status=1).splitlines()
    assert [line.split()[2] for line in lines] == ["match", "no", "no", "no"]


# -- filters


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        (["kind=warm"], lambda m: m["kind"] == "Warm"),
        (["kind!=warm"], lambda m: m["kind"] != "Warm"),
        (["number>30"], lambda m: m["number"] > 30),
        (["number>=30"], lambda m: m["number"] >= 30),
        (["number<5"], lambda m: m["number"] < 5),
        (["number <= 5"], lambda m: m["number"] <= 5),
        (["note~oo"], lambda m: "oo" in m.get("note", "")),
        (["note="], lambda m: "note" not in m),
        (["number>10", "number<20", "kind=cold"], lambda m: 10 < m["number"] < 20 and m["kind"] == "cold"),
        (["number=3", "number=7"], lambda m: m["number"] in (3, 7)),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_only_what_passes_the_filters_is_found(
    where: list[str], passes: Callable[[dict[str, Any]], bool], ask: Callable[..., Any]
):
    document = ask("--not", "red", "-k", "100", *(word for one in where for word in ("--where", one)))

    expected = [row for row in range(N) if passes(meta(row))]
    assert sorted(rows(document)) == expected
    assert document["searched"] == len(expected)
    assert [hit["rank"] for hit in document["hits"]] == list(range(1, len(expected) + 1))


def test_filters_leave_scores_and_percentiles_as_they_were(ask: Callable[..., Any]):
    every = {hit["id"]: hit for hit in ask("red", "-k", "100")["hits"]}

    for hit in ask("red", "--where", "number<9")["hits"]:
        assert hit | {"rank": 0} == every[hit["id"]] | {"rank": 0}


def test_tags_filter_and_the_hidden_are_left_out(shell: Shell, ask: Callable[..., Any]):
    reddest = ask("red", "-k", "2")["hits"]
    with changed(shell) as collection:
        collection.tag([reddest[0]["id"]], "hidden")
        collection.tag([reddest[1]["id"]], "Mine")

    left = ask("red", "-k", "100")
    assert (left["searched"], left["hits"][0]["id"]) == (N - 1, reddest[1]["id"])
    assert [hit["id"] for hit in ask("red", "--where", "tag=mine")["hits"]] == [reddest[1]["id"]]
    assert [hit["id"] for hit in ask("red", "--where", "tag=hidden")["hits"]] == [reddest[0]["id"]]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("size=3", "No field named 'size'. There is: kind, note, number, tag."),
        ("kind", "'kind' compares nothing: write field=value"),
        ("=red", "'=red' is no condition: write a field"),
        ("number>", "'number>' says nothing to compare number with: add a value."),
        ("tag>a", "Tags have no order, as 'tag>a' would need: use tag=, tag!= or tag~."),
        ("\x1b[2J", "'\\x1b[2J' compares nothing"),
    ],
)
def test_a_broken_condition_is_said_with_the_way_out(where: str, message: str, shell: Shell):
    assert shell("search", "red", "-c", "shades", "--where", where, "--json", status=2) == ""

    assert shell.errors.startswith("sharedspace: ")
    assert message in shell.errors
    assert shell.errors.count("\n") == 1


def test_where_nothing_passes_the_filters_that_is_said(shell: Shell, ask: Callable[..., Any]):
    document = ask("red", "--where", "number>100", status=1)

    assert (document["hits"], document["searched"]) == ([], 0)
    assert "no image passes these filters" in shell.errors
    assert shell("search", "red", "-c", "shades", "--where", "number>100", status=1) == ""


# -- saved queries


def test_a_saved_query_is_asked_again_also_with_more(shell: Shell, ask: Callable[..., Any]):
    ids = {row: hit["id"] for hit in ask("red", "-k", "100")["hits"] for row in [int(Path(hit["path"]).stem)]}
    with changed(shell) as collection:
        collection.save_query("likes", [Part("red", weight=2.0), Part(images=(ids[7],), name="mine", weight=-1.0)])

    alone, more = ask("--saved", "likes", "-k", "5"), ask("--saved", "likes", "--not", "blue", "-k", "5")

    kept = [(2, text("red")), (-1, IMAGES[7])]
    assert terms(alone) == [("text", "red", 2), ("image", "mine", -1)]
    assert rows(alone) == np.argsort(-zsum(kept)[0])[:5].tolist()
    assert rows(more) == np.argsort(-zsum([*kept, (-1, text("blue"))])[0])[:5].tolist()


def test_an_unknown_saved_query_is_said_with_those_there_are(shell: Shell):
    with changed(shell) as collection:
        collection.save_query("boats", [Part("blue")])

    shell("search", "--saved", "cars", "-c", "shades", status=2)

    assert "'cars'" in shell.errors
    assert "There is: boats." in shell.errors


# -- the index


@pytest.mark.parametrize(
    "given",
    [
        ["red", "--also", "blue"],
        ["--not", "red"],
        ["red", "--weight", "2"],
        ["--image", "00.png"],
        ["--saved", "boats"],
        ["red", "--saved", "boats"],
        ["red", "--where", "kind=cold"],
        ["red", "--rate", "0.1"],
    ],
    ids=" ".join,
)
def test_the_index_answers_a_single_text_only(
    given: list[str], shell: Shell, made: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(made / "pictures")
    with changed(shell) as collection:
        collection.save_query("boats", [Part("blue")])

    assert shell("search", *given, "-c", "shades", "--index", "chroma", status=2) == ""

    assert shell.errors == (
        "sharedspace: --index chroma answers a single text only, without filters, weight and --rate.\n"
    )


# -- what a stranger may write


@pytest.fixture(scope="module")
def looking() -> list[list[str]]:
    """What is opened or called up goes into the lists in it; a hook of audit cannot be taken out again."""
    seen: list[list[str]] = []

    def look(event: str, args: tuple[Any, ...]) -> None:
        if seen and event in ("open", "os.listdir", "os.scandir", "socket.getaddrinfo", "socket.connect"):
            seen[-1].append(f"{event} {args}")

    sys.addaudithook(look)
    return seen


@contextmanager
def watched(looking: list[list[str]]) -> Iterator[list[str]]:
    looking.append([])
    try:
        yield looking[-1]
    finally:
        looking.clear()


@pytest.mark.parametrize("given", ["{file}", "file://{file}", "{folder}", "http://localhost:9/cat.png", "@{file}"])
def test_a_text_that_looks_like_a_place_opens_nothing(
    given: str, looking: list[list[str]], made: Path, ask: Callable[..., Any], picture: Callable[[int], str]
):
    named = given.format(file=picture(3), folder=made / "pictures")

    with watched(looking) as seen:
        document = ask(named, "--also", named, "--not", f"red {named}")

    assert [(term["kind"], term["name"]) for term in document["terms"]][:2] == [("text", named)] * 2
    assert seen  # files of the home at least
    assert [one for one in seen if str(made) in one or "localhost" in one] == []


def test_an_address_is_no_picture(looking: list[list[str]], shell: Shell):
    with watched(looking) as seen:
        shell("search", "--image", "http://localhost:9/cat.png", "-c", "shades", status=2)

    assert "http://localhost:9/cat.png is not a file." in shell.errors
    assert [one for one in seen if "localhost" in one] == []


def test_parts_have_no_power_over_the_terminal(shell: Shell, made: Path, tmp_path: Path):
    evil = tmp_path / "\x1b]0;title\x07.png"
    shutil.copy(made / "pictures" / "00.png", evil)

    said = shell("search", "\x1b[2J", "--also", "\u202ered\nblue", "--image", str(evil), "-c", "shades") + shell.errors
    said += shell("search", "--image", "\x1b[5m.png", "-c", "shades", status=2) + shell.errors
    said += shell("search", "--saved", "\x9b31m", "-c", "shades", status=2) + shell.errors

    assert "\\x1b[2J" in said
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)


# -- the table


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_table_of_several_parts_fits_a_hundred_columns(n: int, capsys: pytest.CaptureFixture[str]):
    named = [
        Term("text", "a lighthouse on a cliff in the evening", IMAGES[0]),
        Term("image", "/a/far/and/lonely/place/x.png", text(""), -1.0),
    ]
    hits = tuple(Hit("1f", "holiday/2024/lighthouse.png", -12.3456, 10 + row, None, (-12.5,) * n) for row in range(2))
    result = SearchResult("?", hits, None, tuple((named * 2)[:n]), np.zeros(2, dtype=np.float32), 2)

    lines = find.hit_lines(result)

    assert max(map(len, lines)) <= 100
    assert lines[1].split() == ["10", "-12.3456", *["-12.50"] * n, "holiday/2024/lighthouse.png"]
    assert re.search(r"  a light[^…]*…  not …\S*x\.png  ", lines[0])


def test_the_table_tells_what_each_part_gave(shell: Shell):
    lines = shell("search", "red", "--not", "blue", "-c", "shades", "-k", "3").splitlines()

    total, parts = zsum([(1, text("red")), (-1, text("blue"))])
    assert lines[0].split() == ["rank", "score", "red", "not", "blue", "path"]
    for line, row in zip(lines[1:], np.argsort(-total), strict=False):
        assert [float(cell) for cell in line.split()[1:4]] == pytest.approx([total[row], *parts[row]], abs=0.006)
        assert line.endswith(f"{row:02}.png")
