"""The second model in the box: as good as its card says, of pocket's dimension, and of another space."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sharedspace import encoders, samples, zeroshot
from sharedspace.encoders import Encoder
from sharedspace.errors import SpaceMismatch
from sharedspace.images import decode
from sharedspace.pocket.package import new_model
from sharedspace.samples import Sample
from sharedspace.workspace import Workspace


@pytest.fixture(scope="module")
def twin() -> Encoder:
    return encoders.load("pocket-twin")


@pytest.fixture(scope="module")
def sample() -> Sample:
    return samples.load()


@pytest.fixture(scope="module")
def images(twin: Encoder, sample: Sample) -> np.ndarray:
    """The sample set as the twin sees it."""
    return twin.images([decode(file.read_bytes(), file.name, twin.side).image for file in sample.files])


def test_it_comes_with_the_program_and_is_small():
    folder = encoders.find("pocket-twin")
    files = list(folder.iterdir())

    assert encoders.on_disk("pocket-twin")
    assert folder != encoders.POCKET
    assert sum(file.stat().st_size for file in files) < 2_000_000
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in files)
    assert "sharedspace pocket train --small --seed 1 --steps 1400" in (folder / "README.md").read_text("utf-8")


def test_its_space_is_as_wide_as_pockets_and_another(twin: Encoder, sample: Sample):
    row = next(info for info in encoders.MODELS if info.name == "pocket-twin")

    assert twin.space.model == "pocket-twin"
    assert twin.space.dimension == row.dimension == sample.space.dimension
    assert twin.space.fingerprint != sample.space.fingerprint


def test_it_is_what_the_code_of_small_models_makes():
    folder = encoders.find("pocket-twin")
    config, ours = json.loads((folder / "config.json").read_text("utf-8")), new_model(small=True)

    for part, made in (("vision_config", ours.config.vision_config), ("text_config", ours.config.text_config)):
        for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "projection_dim"):
            assert config[part][name] == getattr(made, name)
    said = (folder / "README.md").read_text("utf-8")
    assert f"{sum(one.numel() for one in ours.parameters()) / 1e6:.2f} million parameters" in said


@pytest.mark.parametrize(("field", "floor"), [("setting", 0.98), ("colour", 0.97), ("object", 0.85)])
def test_it_sorts_the_sample_set_by_words_alone(
    field: str, floor: float, twin: Encoder, sample: Sample, images: np.ndarray
):
    rows = [row for row, record in enumerate(sample.records) if field in record.meta]
    truth = [str(sample.records[row].meta[field]) for row in rows]
    labels = sorted(set(truth))
    words = zeroshot.class_vectors(twin.texts, labels, [zeroshot.TEMPLATE])
    given = [labels[at] for at in (images[rows] @ words.T).argmax(axis=1)]

    assert np.mean([a == b for a, b in zip(given, truth, strict=True)]) >= floor


def test_its_captions_find_their_pictures(twin: Encoder, sample: Sample, images: np.ndarray):
    captions = [str(record.meta["caption"]) for record in sample.records]
    best = (twin.texts(captions) @ images.T).argmax(axis=1)

    assert np.mean([captions[row] == caption for row, caption in zip(best, captions, strict=True)]) >= 0.85


def test_a_collection_of_pocket_refuses_its_pictures_and_stays_as_it_was(tmp_path: Path, sample: Sample):
    workspace = Workspace(tmp_path / "home")
    try:
        collection = workspace.add_sample()
        before = (collection.info.images, collection.info.revision)
        shutil.copy(sample.files[0], tmp_path / "again.webp")

        with pytest.raises(SpaceMismatch, match=r"the space of pocket \(128-d.* of pocket-twin \(128-d"):
            workspace.ingest("sample", [tmp_path / "again.webp"], model="pocket-twin")
        assert (collection.info.images, collection.info.revision) == before
    finally:
        workspace.close()
