"""A classifier as a file: it says what `classify` says, plain numpy runs it, and hostile files are refused."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import shades, unit_rows

from sharedspace import classifier
from sharedspace.classifier import Classifier, from_document, load, unpack
from sharedspace.collection import Collection
from sharedspace.errors import BadInput, NotFound, SpaceMismatch
from sharedspace.records import OTHER, Space
from sharedspace.testing import FakeEncoder
from sharedspace.workspace import Workspace
from sharedspace.zeroshot import Label

SCRIPT = Path(__file__).parent.parent / "docs" / "classify_with_numpy.py"
SPACE = Space("f" * 16, "fake", 4, 20.0)
LABELS = ["red", Label("sea", ("blue", "cyan")), "yellow"]


def small(**more) -> Classifier:
    """Two labels, of which the first has two rows, and none of these."""
    parts = {"labels": ("a", "b"), "weights": np.eye(4) * 3, "bias": [0, 0.5, 1, -1], "label_of": [0, 1, 0, 2]}
    return Classifier(**{**parts, "space": SPACE, **more})


class Sigmoid(FakeEncoder):
    """FakeEncoder as a model that judges each label by itself."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.space = replace(self.space, logit_bias=-14.0)


@pytest.fixture(scope="module", params=[FakeEncoder, Sigmoid], ids=["softmax", "sigmoid"])
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A home with the collection `shades` of 30 plain pictures of random colours."""
    folder = tmp_path_factory.mktemp("shades")
    for row, data in enumerate(shades(30)):
        (folder / f"{row:03}.png").write_bytes(data)
    with closing(Workspace(tmp_path_factory.mktemp("home"), load=request.param)) as workspace:
        workspace.ingest("shades", [folder], model="fake")
        yield workspace


@pytest.fixture
def shaded(workspace: Workspace) -> Collection:
    return workspace.collection("shades")


WAYS = [{"mode": "one"}, {"mode": "one", "other": True}, {"mode": "many"}]


@pytest.mark.parametrize("way", WAYS, ids=["one", "other", "many"])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_classifier_gives_the_probabilities_that_classify_gives(shaded: Collection, way: dict, temperature: float):
    templates = ["a photo of a {}", "{} and white"]
    by_words = shaded.classify(LABELS, templates, temperature, **way)
    made = shaded.classifier(LABELS, templates, temperature, **way)
    by_rows = shaded.apply(made)

    np.testing.assert_allclose(by_rows.probabilities, by_words.probabilities, atol=1e-5)
    np.testing.assert_allclose(made.probabilities(shaded.snapshot().vectors), by_words.probabilities, atol=1e-5)
    assert (by_rows.labels, by_rows.ids, by_rows.mode) == (by_words.labels, by_words.ids, by_words.mode)
    assert (by_rows.best == by_words.best).all()
    assert made.columns == by_words.labels


@pytest.mark.parametrize("way", WAYS, ids=["one", "other", "many"])
def test_the_numpy_script_of_the_docs_gives_the_same_from_the_files(
    workspace: Workspace, shaded: Collection, way: dict, tmp_path: Path
):
    shaded.classifier(LABELS, **way).save(tmp_path / "labels.npz")
    workspace.export("shades", tmp_path / "vectors.npz")
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "labels.npz", tmp_path / "vectors.npz"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads(done.stdout)

    expected = shaded.classify(LABELS, **way)
    assert list(found[expected.ids[0]]) == list(expected.labels)
    np.testing.assert_allclose([list(found[id].values()) for id in expected.ids], expected.probabilities, atol=1e-5)


def test_the_numpy_script_takes_the_highest_of_a_labels_rows(workspace: Workspace, shaded: Collection, tmp_path: Path):
    made = small(space=shaded.info.space, mode="many")
    made.save(tmp_path / "labels.npz")
    workspace.export("shades", tmp_path / "vectors.npz")
    found = json.loads(
        subprocess.run([sys.executable, SCRIPT, tmp_path / "labels.npz", tmp_path / "vectors.npz"], check=True,
                       capture_output=True, text=True).stdout
    )  # fmt: skip

    expected = made.probabilities(shaded.snapshot().vectors)
    np.testing.assert_allclose([list(found[id].values()) for id in shaded.snapshot().ids], expected, atol=1e-5)


def test_the_numpy_script_refuses_vectors_of_another_space(workspace: Workspace, shaded: Collection, tmp_path: Path):
    small(space=replace(shaded.info.space, fingerprint="other")).save(tmp_path / "labels.npz")
    workspace.export("shades", tmp_path / "vectors.npz")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path / "labels.npz", tmp_path / "vectors.npz"], check=False,
                          capture_output=True, text=True)  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert "not of the space of fake" in done.stderr


def test_logits_are_the_highest_of_a_labels_rows_whatever_their_order():
    found, vectors = small(), unit_rows(9, 4)

    rows = vectors @ (np.eye(4) * 3) + [0, 0.5, 1, -1]
    np.testing.assert_allclose(found.logits(vectors), np.stack(
        [np.maximum(rows[:, 0], rows[:, 2]), rows[:, 1], rows[:, 3]], axis=1), rtol=1e-5)  # fmt: skip


def test_answers_are_the_likeliest_label_over_its_threshold_and_none_of_these_is_none():
    found, vectors = small(bias=[0, 0, 0, 0]), np.eye(4, dtype=np.float32)

    assert found.answer(vectors) == ["a", "b", "a", None]
    assert replace(found, thresholds=np.array([0.99, 0.0])).answer(vectors) == [None, "b", None, None]
    many = replace(found, mode="many")
    assert many.answer(vectors) == ["a", "b", "a", None]
    assert replace(many, thresholds=np.array([0.99, 0.1])).answer(vectors) == ["b", "b", "b", None]


@pytest.mark.parametrize("thresholds", [None, np.array([0.25, 0.75])])
@pytest.mark.parametrize("keep", ["file", "document"])
def test_what_is_saved_is_loaded_as_it_was(tmp_path: Path, keep: str, thresholds: np.ndarray | None):
    made = small(thresholds=thresholds, templates=("a {}",), prompts=(("x, y", "z\udcff"), ()), mode="many",
                 space=replace(SPACE, logit_bias=-3.5))  # fmt: skip
    made.save(tmp_path / "a.npz")
    again = load(tmp_path / "a.npz") if keep == "file" else from_document(json.loads(json.dumps(made.document())))

    for name in ("weights", "bias", "label_of", "thresholds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    for name in ("labels", "space", "mode", "templates", "prompts", "other"):
        assert getattr(again, name) == getattr(made, name)


def changed(name: str, data: bytes) -> bytes:
    """A good file with one of its members replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(small(thresholds=np.zeros(2)).packed())) as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for member in good.namelist():
            bad.writestr(member, data if member == f"{name}.npy" else good.read(member))
    return out.getvalue()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def about(**changes) -> bytes:
    with np.load(io.BytesIO(small().packed())) as pack:
        return npy(np.array(json.dumps({**json.loads(str(pack["about"])), **changes})))


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"PK\x03\x04", b"not a zip at all", npy(np.eye(3)), small().packed()[:-40],
        changed("weights", npy(np.array([{"a": 1}], dtype=object))),  # a pickle
        changed("weights", header("(99999999999, 4)")),
        changed("weights", header("(4, 4)")),
        changed("weights", npy(np.full((4, 4), np.nan))),
        changed("weights", npy(np.full((4, 4), 1e300))),
        changed("weights", npy(np.eye(3))),
        changed("weights", npy(np.array(["a"]))),
        changed("bias", npy(np.zeros(3))),
        changed("label_of", npy(np.array([0, 1, 0, 5]))),
        changed("label_of", npy(np.array([0, 0, 0, 2]))),
        changed("label_of", npy(np.array([0, 1, 0, -1]))),
        changed("about", npy(np.array("{"))),
        changed("about", npy(np.array("[" * 100_000))),
        changed("about", npy(np.array('{"format": 1}'))),
        changed("about", npy(np.array("[1]"))),
        changed("about", about(format=2)),
        changed("about", about(labels=["a", "a"])),
        changed("about", about(labels=["a", OTHER])),
        changed("about", about(labels=["a", ["b"]])),
        changed("about", about(labels=["a", ""])),
        changed("about", about(mode="best")),
        changed("about", about(mode=["one"])),
        changed("about", about(dimension="4")),
        changed("about", about(dimension=5)),
        changed("about", about(logit_scale=float("nan"))),
        changed("about", about(space=7)),
        changed("about", about(prompts=[["a"]])),
        changed("about", about(prompts=["ab", "c"])),
        changed("about", about(templates=[5])),
    ],
)  # fmt: skip
def test_a_file_that_is_no_classifier_is_refused_by_name(data: bytes, tmp_path: Path):
    path = tmp_path / "x.npz"
    path.write_bytes(data)

    with pytest.raises(BadInput, match=r"x\.npz"):
        load(path)


class Trap:
    """What makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.mkdir, (self.path,)


@pytest.mark.parametrize("member", ["weights", "about", "thresholds"])
def test_a_pickle_in_a_file_is_never_run(tmp_path: Path, member: str):
    data = changed(member, npy(np.array([Trap(tmp_path / "made")], dtype=object)))

    with pytest.raises(BadInput, match="pickle"):
        unpack(data, "x.npz")
    assert not (tmp_path / "made").exists()


def test_a_file_that_unpacks_to_too_much_is_refused_unread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    data = changed("weights", npy(np.zeros((100_000, 4))))
    monkeypatch.setattr(classifier, "MOST_BYTES", 2**20)
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("read"))

    assert len(data) < 2**20
    with pytest.raises(BadInput, match="unpacks to more than 1 MB"):
        unpack(data, "x.npz")
    (tmp_path / "large.npz").write_bytes(bytes(2**20 + 1))
    for path, reason in (
        (tmp_path / "large.npz", "larger than 1 MB"),
        (tmp_path, "is no file"),
        (tmp_path / "no", "No"),
    ):
        with pytest.raises(BadInput, match=reason):
            load(path)


@pytest.mark.parametrize(
    "change",
    [{"weights": "!"}, {"weights": None}, {"bias": ""}, {"labels": "ab"}, {"thresholds": "AAAA"}, {"prompts": None}],
)
def test_a_document_that_is_no_classifier_is_refused(change: dict):
    with pytest.raises(BadInput):
        from_document({**small().document(), **change})
    with pytest.raises(BadInput, match="it has no weights"):
        from_document({})


@pytest.mark.parametrize("thresholds", [[0.5], [0.5, 1.5], [0.5, np.nan]])
def test_thresholds_are_one_probability_a_label(thresholds: list[float]):
    with pytest.raises(BadInput, match="not one probability a label"):
        small(thresholds=np.array(thresholds))


def test_one_label_needs_something_that_it_can_lose_to():
    with pytest.raises(BadInput, match="a softmax over one label"):
        small(labels=("a",), label_of=[0, 0, 0, 0])
    assert small(labels=("a",), label_of=[0, 0, 0, 1]).columns == ("a", OTHER)


def test_vectors_of_another_length_are_refused():
    with pytest.raises(BadInput, match=r"takes vectors \(n, 4\), not \(2, 5\)"):
        small().probabilities(np.zeros((2, 5)))


def test_a_classifier_of_another_space_is_refused_with_both_names(shaded: Collection):
    for refuse in (shaded.apply, lambda made: shaded.save_classifier("x", made)):
        with pytest.raises(SpaceMismatch, match=r"fake \(4-d, fake-col\).*alien \(4-d, ffffffff\)"):
            refuse(small(space=replace(SPACE, model="alien")))


def test_a_classifier_and_a_label_set_are_kept_under_a_name(shaded: Collection):
    made = replace(shaded.classifier(LABELS, other=True), thresholds=np.array([0.1, 0.2, 0.3]))
    shaded.save_classifier("colours", made)
    shaded.save_labels("words", LABELS, ["a {}"])

    again = shaded.saved_classifier("colours")
    np.testing.assert_array_equal(shaded.apply(again).probabilities, shaded.apply(made).probabilities)
    assert shaded.apply(again).thresholds == pytest.approx([0.1, 0.2, 0.3, 0.0])
    assert shaded.saved_labels("words") == ((Label("red"), LABELS[1], Label("yellow")), ("a {}",))
    with pytest.raises(NotFound, match="colours"):
        shaded.saved_classifier("other")
