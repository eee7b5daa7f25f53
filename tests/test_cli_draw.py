"""`sharedspace map`: the map, the plane across the gap and two phrases, as pages, pictures and tables."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import png, shades
from PIL import Image
from shell import Shell

from sharedspace import words
from sharedspace.collection import mapped
from sharedspace.testing import FakeEncoder, load_fake
from sharedspace.vectors import unit
from sharedspace.workspace import Workspace

N = 32
RGB = np.random.default_rng(0).integers(0, 256, (N, 3)) / 255  # as drawn.shades has them
IMAGES = unit(np.column_stack([RGB, np.full(N, 0.1)]))  # (n, 4), by the encoder's own promise


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose collection `shades`, 00.png to 31.png, has a drawn map and fields."""
    at = tmp_path_factory.mktemp("draw")
    (at / "pictures").mkdir()
    for row, data in enumerate(shades(N)):
        (at / "pictures" / f"{row:02}.png").write_bytes(data)
    lines = [f"{row:02}.png,{'odd' if row % 2 else 'even'}" for row in range(N)]
    (at / "pictures" / "labels.csv").write_text("\n".join(["file,kind", *lines]))
    with closing(Workspace(at / "home", load=load_fake)) as workspace:
        workspace.ingest("shades", [str(at / "pictures")], model="fake")
        workspace.collection("shades").map()
    return at / "home"


@pytest.fixture
def shell(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell on a copy of that home, in an empty folder."""
    shutil.copytree(made, tmp_path / "home")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Shell(tmp_path / "home", capsys)


@pytest.fixture
def draw(shell: Shell) -> Callable[..., Any]:
    """Draws `shades` as a table where nothing else is said; JSON that is not JSON is refused."""

    def drawn(*given: str, out: str = "map.csv", status: int = 0) -> Any:
        written = shell("map", "-c", "shades", *given, "--out", out, "--json", status=status)
        return json.loads(written, parse_constant=pytest.fail)

    return drawn


def table(path: str = "map.csv") -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The rows of the images in the order of their pictures, and those of the texts."""
    rows = list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines()))
    images = sorted((row for row in rows if row["kind"] == "image"), key=lambda row: Path(row["path"]).name)
    return images, [row for row in rows if row["kind"] == "text"]


def xy(rows: list[dict[str, str]]) -> np.ndarray:
    return np.array([(float(row["x"]), float(row["y"])) for row in rows])


def core(shell: Shell, answer: Callable[[Any], Any]) -> Any:
    """What the core says of the collection."""
    with closing(Workspace(shell.home, load=load_fake)) as workspace:
        return answer(workspace.collection("shades"))


# -- the map


def test_the_map_has_the_promised_fields(draw: Callable[..., Any], shell: Shell):
    document = draw("--text", "red", "--text", "a dragon")

    drawn = core(shell, lambda collection: collection.map())
    assert {key: document[key] for key in ("out", "map", "images", "placed_later", "drawing")} == {
        "out": "map.csv",
        "map": drawn.key,
        "images": N,
        "placed_later": 0,
        "drawing": {"n_neighbors": 15, "min_dist": 0.1, "seed": 0},
    }
    assert [text["text"] for text in document["texts"]] == ["red", "a dragon"]
    assert all(set(text) == {"text", "x", "y", "spread", "scattered"} for text in document["texts"])
    assert "fake does not know: a, dragon" in shell.errors


def test_the_table_is_the_map_of_the_core(draw: Callable[..., Any], shell: Shell):
    document = draw("--text", "red")

    def answer(collection: Any) -> tuple[dict[str, Any], Any]:
        at = dict(zip(collection.map().ids, zip(collection.map().xy, collection.trust(), strict=True), strict=True))
        return at, collection.place(collection.embed(["red"])[0])

    at, placed = core(shell, answer)
    images, texts = table()
    assert list(images[0]) == ["kind", "id", "path", "x", "y", "trust"]
    assert xy(images) == pytest.approx(np.array([at[row["id"]][0] for row in images]))
    assert [float(row["trust"]) for row in images] == pytest.approx([at[row["id"]][1] for row in images], abs=1e-4)
    assert [(row["path"], row["id"], row["trust"]) for row in texts] == [("red", "", "")]
    assert xy(texts)[0] == pytest.approx(placed.xy)
    assert document["texts"][0]["spread"] == pytest.approx(placed.spread)


def test_trust_is_the_share_of_true_neighbours_that_are_drawn_near(draw: Callable[..., Any], shell: Shell):
    document = draw("--trust")

    images, _ = table()
    apart = np.linalg.norm(xy(images)[:, None] - xy(images), axis=2)
    near = [np.argsort(distance)[1:16] for distance in apart]
    true = [np.argsort(-row)[1:16] for row in IMAGES @ IMAGES.T]
    shares = [len({*one} & {*other}) / 15 for one, other in zip(near, true, strict=True)]
    assert document["trust"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert document["trust"] == core(shell, lambda collection: float(collection.trust().mean()))
    assert f"map trust {document['trust']:.2f}" in shell("map", "-c", "shades", "--out", "map.csv")


def test_a_seed_gives_one_map_and_another_seed_another(draw: Callable[..., Any]):
    keys = [draw("--seed", seed)["map"] for seed in ("7", "8", "7")]

    assert keys[0] == keys[2] != keys[1]


def test_knobs_draw_anew_and_the_map_stays_so(draw: Callable[..., Any]):
    before = draw()
    drawn = draw("--neighbours", "5", "--min-dist", "0.4", "--seed", "3")

    assert drawn["drawing"] == {"n_neighbors": 5, "min_dist": 0.4, "seed": 3}
    assert drawn["map"] != before["map"]
    assert draw() == drawn
    assert draw("--redraw") == before  # at the defaults


@pytest.mark.parametrize(
    ("knob", "value", "limits"),
    [
        ("--neighbours", "1", "2 to 200 neighbours, not 1."),
        ("--neighbours", "201", "2 to 200 neighbours, not 201."),
        ("--min-dist", "-0.1", "0 to 0.99, not -0.1."),
        ("--min-dist", "1", "0 to 0.99, not 1.0."),
        ("--min-dist", "nan", "0 to 0.99, not nan."),
        ("--seed", "-1", "0 to 4294967295, not -1."),
    ],
)
def test_a_knob_out_of_range_is_said_with_its_range(
    knob: str, value: str, limits: str, shell: Shell, draw: Callable[..., Any]
):
    before = core(shell, lambda collection: collection.map().key)

    shell("map", "-c", "shades", f"{knob}={value}", "--out", "map.csv", status=2)

    assert limits in shell.errors
    assert shell.errors.count("\n") == 1
    assert not Path("map.csv").exists()
    assert draw()["map"] == before


def test_a_knob_out_of_range_is_refused_before_the_work(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "white.png").write_bytes(png("white"))
    shell("ingest", str(tmp_path / "white.png"), "-c", "other", "-m", "fake")
    monkeypatch.setattr(mapped, "nearest_rows", pytest.fail)  # of so many as were asked for

    shell("map", "-c", "other", "--neighbours", "1000000000", "--out", "map.csv", status=2)

    assert "2 to 200 neighbours" in shell.errors


@pytest.mark.parametrize(
    "given",
    [["--seed", "0.5"], ["--neighbours", "many"], ["--joint", "--along", "a", "b"], ["--along", "a"]],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused_with_usage(given: list[str], shell: Shell):
    with pytest.raises(SystemExit) as end:
        shell("map", "-c", "shades", *given, "--out", "map.csv")

    assert end.value.code == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--joint", "--seed", "1"], "leave out --trust and what draws anew"),
        (["--joint", "--redraw"], "leave out --trust and what draws anew"),
        (["--along", "red", "blue", "--trust"], "leave out --trust and what draws anew"),
        (["--along", "red", "blue", "--text", "green"], "leave out --text"),
        (["--along", "red", " "], "--along needs two phrases"),
        (["--text", ""], "The text is empty"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_what_does_not_go_together_is_said(given: list[str], message: str, shell: Shell):
    shell("map", "-c", "shades", *given, "--out", "map.csv", status=2)

    assert message in shell.errors
    assert shell.errors.count("\n") == 1
    assert not Path("map.csv").exists()


@pytest.mark.parametrize("given", [[], ["--joint"], ["--along", "red", "blue"]], ids=" ".join)
def test_an_empty_collection_has_no_map(given: list[str], shell: Shell):
    core(shell, lambda collection: collection.remove(collection.snapshot().ids))

    shell("map", "-c", "shades", *given, "--out", "map.png", status=2)

    assert "holds no images yet" in shell.errors


# -- across the gap


def test_joint_tells_the_gap_as_the_formulas_do(draw: Callable[..., Any], shell: Shell):
    document = draw("--joint", "--text", "red", "--text", "a dragon")

    bank = FakeEncoder().texts(words.neutral()).astype(np.float64)
    between = bank.mean(axis=0) - IMAGES.mean(axis=0)
    middle = (bank.mean(axis=0) + IMAGES.mean(axis=0)) / 2
    across = between / np.linalg.norm(between)
    pairs = IMAGES @ IMAGES.T
    found = document["gap"]
    assert set(document) == {"out", "images", "gap", "texts"}
    assert found["size"] == pytest.approx(np.linalg.norm(between), abs=1e-5)
    assert found["image_image"] == pytest.approx(pairs[~np.eye(N, dtype=bool)].mean(), abs=1e-5)
    assert found["image_text"] == pytest.approx((IMAGES @ bank.T).mean(), abs=1e-5)
    assert 0 <= found["separable"] <= 1
    assert 0 <= found["shown"] <= 1
    images, texts = table()
    assert "trust" not in images[0]
    assert xy(images)[:, 0] == pytest.approx((IMAGES - middle) @ across, abs=1e-5)
    red = unit(np.array([1, 0, 0, 0.1]))
    assert xy(texts)[0, 0] == pytest.approx((red - middle) @ across, abs=1e-5)
    assert [(text["text"], text["x"], text["y"]) for text in document["texts"]] == [
        (row["path"], float(row["x"]), float(row["y"])) for row in texts
    ]
    said = shell("map", "-c", "shades", "--joint", "--out", "map.csv")
    assert f"modality gap {found['size']:.2f} between the means" in said


# -- along two phrases


def test_along_has_the_cosines_with_two_phrases(draw: Callable[..., Any], shell: Shell):
    document = draw("--along", "red", "blue green")

    cosines = np.column_stack([IMAGES @ unit(np.array([1, 0, 0, 0.1])), IMAGES @ unit(np.array([0, 1, 1, 0.1]))])
    nearer = int((cosines[:, 0] > cosines[:, 1]).sum())
    assert document == {
        "out": "map.csv",
        "images": N,
        "along": {"x": "red", "y": "blue green", "nearer_to_x": nearer},
        "texts": [],
    }
    assert 0 < nearer < N
    images, texts = table()
    assert xy(images) == pytest.approx(cosines, abs=1e-6)
    assert texts == []
    said = shell("map", "-c", "shades", "--along", "red", "blue green", "--out", "map.csv")
    assert f"x is the cosine with red, y with blue green: {nearer} images are nearer to red" in said


@pytest.mark.parametrize("given", [["--joint"], ["--along", "red", "blue"]], ids=" ".join)
def test_nothing_is_drawn_for_what_is_exact(given: list[str], shell: Shell, tmp_path: Path):
    (tmp_path / "white.png").write_bytes(png("white"))
    shell("ingest", str(tmp_path / "white.png"), "-c", "other", "-m", "fake")

    shell("map", "-c", "other", *given, "--out", "map.csv")

    with closing(Workspace(shell.home, load=load_fake)) as workspace:
        assert not workspace.collection("other").is_drawn


# -- pages and pictures


@pytest.mark.parametrize(
    "given",
    [[], ["--text", "red"], ["--colour", "kind"], ["--joint", "--text", "red"], ["--along", "red", "blue"]],
    ids=" ".join,
)
@pytest.mark.parametrize("out", ["map.html", "map.png"])
def test_all_of_them_are_pages_and_pictures(out: str, given: list[str], draw: Callable[..., Any]):
    assert draw(*given, out=out)["out"] == out

    if out.endswith("png"):
        with Image.open(out) as picture:
            ink = bool((np.asarray(picture.convert("RGB")) == 0x22).all(axis=2).any())  # of words
        assert picture.size == (1600, 1200)
        assert ink == ("--text" in given or "--colour" in given)
    else:
        page = Path(out).read_text(encoding="utf-8")
        assert page.startswith("<!doctype html>")
        assert page.count(".png") >= N  # names of the images
        assert ("cosine with red" in page) == ("--along" in given)


def test_phrases_on_a_page_are_text_only(draw: Callable[..., Any]):
    draw("--along", "<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", out="map.html")

    page = Path("map.html").read_text(encoding="utf-8")
    assert re.search(r"cosine with (&|\\u0026)lt;img src=x onerror=alert\(1\)", page)  # plotly reads some of HTML
    assert "<img src=x" not in page
    assert "<script>alert(2)" not in page


def test_phrases_and_texts_have_no_power_over_the_terminal(shell: Shell):
    said = shell("map", "-c", "shades", "--text", "\x1b[2J\nred", "--out", "\x1b[5m.csv") + shell.errors
    said += shell("map", "-c", "shades", "--along", "\x1b]0;x\x07", "\u202ered", "--out", "map.csv") + shell.errors
    said += shell("map", "-c", "shades", "--joint", "--text", "\x9b31m", "--out", "map.csv") + shell.errors

    assert "\\x1b[2J\\nred" in said
    assert "\\u202ered" in said
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)


def test_no_cell_is_a_formula(draw: Callable[..., Any]):
    draw("--text", "=1+1")

    assert table()[1][0]["path"] == "'=1+1"


def test_a_map_of_one_image_is_whole(shell: Shell, tmp_path: Path):
    (tmp_path / "white.png").write_bytes(png("white"))
    shell("ingest", str(tmp_path / "white.png"), "-c", "one", "-m", "fake")

    for given in ([], ["--joint"], ["--along", "red", "blue"]):
        for out in ("map.csv", "map.png", "map.html"):
            document = shell.json("map", "-c", "one", *given, "--out", out)
            assert document["images"] == 1


@pytest.mark.parametrize("given", [[], ["--joint"], ["--along", "red", "blue"]])
def test_hidden_images_are_on_no_map_that_leaves_the_home(given: list[str], draw: Callable[..., Any], shell: Shell):
    hidden = core(shell, lambda shades: shades.tag(shades.snapshot().ids[:5], "hidden"))

    assert draw(*given)["images"] == N - 5
    shown = {row["id"] for row in table()[0]}
    assert len(shown) == N - 5
    assert not shown & set(hidden)
    draw(*given, out="map.html")
    assert not any(Path(name).name in Path("map.html").read_text() for name in core(shell, paths_of(hidden)))


def paths_of(ids: list[str]) -> Callable[[Any], list[str]]:
    return lambda shades: [record.path for record in shades.snapshot().records if record.id in ids]
