"""`sharedspace cluster` on the sample set with the real small model: the figures of the core, names, fields given."""

import csv
from pathlib import Path

import numpy as np
import pytest
from shell import Shell
from sklearn.metrics import adjusted_rand_score

from sharedspace import encoders
from sharedspace.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("group") / "home"
    workspace = Workspace(path)
    workspace.add_sample()
    workspace.close()
    return path


@pytest.fixture
def shell(home: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(home, capsys)


def cluster(shell: Shell, *words: str, status: int = 0):
    return shell.json("cluster", "-c", "sample", *words, load=encoders.load, status=status)


def test_groups_have_the_names_of_the_core_and_go_into_the_table(shell: Shell, tmp_path: Path):
    out = tmp_path / "groups.csv"
    document = cluster(shell, "--names", "--out", str(out))

    groups = sorted({row["cluster"] for row in document["rows"]} - {-1})
    assert list(document["names"]) == [str(group) for group in groups]
    assert document["names"]["0"] == "vehicle"
    assert None in document["names"].values()  # mixed
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert {(row["cluster"], row["name"]) for row in rows} == {
        *((number, name or "") for number, name in document["names"].items()),
        ("-1", ""),
    }
    lines = shell("cluster", "-c", "sample", "--names", load=encoders.load).splitlines()
    assert lines[0].split()[:3] == ["cluster", "images", "name"]
    assert " mixed " in "\n".join(lines)


def test_the_silhouette_chooses_k_and_the_truth_is_compared_as_scikit_learn_does(shell: Shell):
    document = cluster(shell, "--method", "kmeans", "-k", "auto", "--truth", "object")

    groups = np.array([row["cluster"] for row in document["rows"]])
    assert 30 <= groups.max() + 1 <= 50  # 40 objects are drawn
    workspace = Workspace(shell.home)
    column = workspace.collection("sample").column("object")
    workspace.close()
    has = [row for row, value in enumerate(column) if value is not None]
    assert document["agreement"]["rand"] == pytest.approx(
        adjusted_rand_score([str(column[row]) for row in has], groups[has])
    )
    assert document["agreement"]["n"] == len(has)
    assert "adjusted Rand" in shell("cluster", "-c", "sample", "--truth", "object", load=encoders.load)


def test_own_words_name_groups(shell: Shell):
    own = {"brolly", "bunny", "serpent", "bike", "toadstool", "ukulele", "teepee", "mill", "jet", "gateau", "alarm"}
    without = cluster(shell, "--method", "kmeans", "-k", "40", "--names")["names"]
    names = cluster(shell, "--method", "kmeans", "-k", "40", "--words", ",".join(own))["names"]

    assert not own & set(without.values())
    assert own & set(names.values())


def test_groups_become_a_field_that_filters_know(shell: Shell):
    document = cluster(shell, "--names", "--into", "found")
    inside = [row["id"] for row in document["rows"] if document["names"].get(str(row["cluster"])) == "umbrella"]
    part = cluster(shell, "--where", "found=umbrella", "--min-size", "2")

    assert len(inside) > 5
    assert [row["id"] for row in part["rows"]] == inside


def test_the_map_is_grouped_only_by_name(shell: Shell):
    by_map, by_vectors = cluster(shell, "--method", "map"), cluster(shell)

    assert by_map["method"] == "map"
    assert [row["cluster"] for row in by_map["rows"]] != [row["cluster"] for row in by_vectors["rows"]]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--seed", "1"], "--seed belongs to --method kmeans"),
        (["--method", "map", "-k", "3"], "-k belongs to --method kmeans"),
        (["--truth", "nothing"], "No metadata field named 'nothing'"),
        (["--into", "object"], "came with the files"),
        (["--where", "object=dragon"], "No image passes the filters"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_is_refused_with_the_reason(shell: Shell, words: list[str], reason: str):
    shell("cluster", "-c", "sample", *words, load=encoders.load, status=2)

    assert reason in shell.errors
