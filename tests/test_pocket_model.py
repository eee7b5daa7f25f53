"""The shipped pocket model: loads as users load it, and does what its card says; and its training, step by step."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import CLIPImageProcessorPil, CLIPModel

from sharedspace.pocket import evaluate as evaluation
from sharedspace.pocket import pool, train
from sharedspace.pocket.captions import caption, words
from sharedspace.pocket.package import UNKNOWN, new_image_processor, new_tokenizer
from sharedspace.pocket.paint import draw
from sharedspace.pocket.world import Scene, sample_scene

MODEL = Path(train.__file__).parent / "model"


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(str(MODEL), device="cpu")


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    return evaluation.evaluate(MODEL, seed=1, n=120)


def test_folder_is_small_and_readable_by_all() -> None:
    files = list(MODEL.iterdir())
    assert sum(file.stat().st_size for file in files) < 8_000_000
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in files)
    assert (MODEL / "README.md") in files


def test_half_precision_weights_compute_in_single(model: SentenceTransformer) -> None:
    config = json.loads((MODEL / "config.json").read_text())
    assert {part["dtype"] for part in (config, config["text_config"], config["vision_config"])} == {"float32"}
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_end_token_is_not_the_legacy_one() -> None:
    text = json.loads((MODEL / "config.json").read_text())["text_config"]
    assert text["eos_token_id"] == new_tokenizer().eos_token_id != 2


def test_sentence_transformer_gives_what_the_clip_model_gives(model: SentenceTransformer) -> None:
    scenes = [Scene("cat", "red", "snow", seed=1), Scene("boat", "blue", "sea", count=3, seed=2)]
    texts = ["a photo of a cat", "three blue boats at sea, in the evening light of a dragon"]
    clip = CLIPModel.from_pretrained(MODEL)
    pictures = [draw(scene, 256) for scene in scenes]
    pixels = CLIPImageProcessorPil.from_pretrained(MODEL)(pictures, return_tensors="pt")
    with torch.no_grad():
        images = clip.get_image_features(**pixels).pooler_output.numpy()
        tokens = new_tokenizer()(texts, padding=True, truncation=True, return_tensors="pt")
        words = clip.get_text_features(**tokens).pooler_output.numpy()
    for ours, theirs in (
        (model.encode(pictures, normalize_embeddings=True), images),
        (model.encode([{"text": text} for text in texts], normalize_embeddings=True), words),
    ):
        np.testing.assert_allclose(ours, theirs / np.linalg.norm(theirs, axis=1, keepdims=True), atol=1e-5)


def test_shipped_preprocessing_is_the_trained_one() -> None:
    shipped, trained = CLIPImageProcessorPil.from_pretrained(MODEL), new_image_processor()
    for name in ("size", "crop_size", "resample", "image_mean", "image_std"):
        assert getattr(shipped, name) == getattr(trained, name)
    picture = draw(Scene("cat", "red", "snow", seed=1), train.PIXELS)
    pixels = np.moveaxis(np.asarray(picture, np.float32), 2, 0) / 127.5 - 1
    np.testing.assert_allclose(np.asarray(shipped(picture)["pixel_values"])[0], pixels, atol=1e-6)


def test_shipped_tokenizer_is_the_worlds_and_marks_what_it_does_not_know(model: SentenceTransformer) -> None:
    shipped = model.tokenizer
    assert shipped.get_vocab() == new_tokenizer().get_vocab()
    assert shipped.tokenize("A photo of a Dragon, in the SNOW.") == [
        *("a", "photo", "of", "a", UNKNOWN, ",", "in", "the", "snow", ".")
    ]
    rng = np.random.default_rng(0)
    for _ in range(500):
        text = caption(sample_scene(rng), rng).text
        assert shipped.tokenize(text) == words(text)


@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("setting (8)", 0.98),
        ("colour (10)", 0.97),
        ("object (40)", 0.95),
        ("object, never-seen object x colour", 0.88),
        ("object, drawn at 64 px", 0.95),
        ("caption to image, unique captions, R@5", 0.98),
        ("image to caption, unique captions, R@5", 0.98),
        ("caption to image, 40 alike but for the object, R@1", 0.95),
        ("image to caption, 40 alike but for the object, R@1", 0.95),
        ("object word", 0.95),
        ("synonym", 0.95),
        ("colour word", 0.97),
        ("setting word", 0.98),
        ("hypernym", 0.9),
        ("both of two objects are the best two (40)", 0.9),
        ("stripes or dots", 0.93),
    ],
)
def test_figure_on_held_out_scenes_is_over_its_floor(table: dict[str, Any], name: str, floor: float) -> None:
    value = next(row["value"] for row in table["rows"] if row["name"] == name)
    assert value >= floor


def test_table_says_how_many_and_marks_what_falls_short(table: dict[str, Any]) -> None:
    text = evaluation.format_table(table)
    assert all(row["n"] > 0 for row in table["rows"])
    assert len(text.splitlines()) == len(table["rows"]) + 2
    short = [row for row in table["rows"] if row["target"] is not None and row["value"] < row["target"]]
    assert text.count("short of it") == len(short)
    json.dumps(table)


def test_unique_pairs_have_no_caption_that_fits_two() -> None:
    pairs = evaluation.unique_pairs(np.random.default_rng(0), 200)
    matches = evaluation.match_matrix([told for _, told in pairs], [scene for scene, _ in pairs])
    np.testing.assert_array_equal(matches, np.eye(200, dtype=bool))


def unit(rows: int, seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_loss_with_one_positive_each_is_clips() -> None:
    images, texts, scale = unit(6, 0), unit(6, 1), torch.tensor(1.5)
    logits = scale.exp() * texts @ images.T
    own = torch.arange(6)
    clip = (torch.nn.functional.cross_entropy(logits, own) + torch.nn.functional.cross_entropy(logits.T, own)) / 2
    torch.testing.assert_close(train.contrastive_loss(images, texts, torch.eye(6), scale), clip)


def test_loss_with_several_positives_is_even_over_the_true_ones() -> None:
    images, texts, scale = unit(3, 2), unit(3, 3), torch.tensor(0.7)
    matches = torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 0, 1]])
    e = (scale.exp() * texts @ images.T).exp().tolist()
    row = [[e[i][j] / sum(e[i]) for j in range(3)] for i in range(3)]
    column = [[e[i][j] / sum(e[k][j] for k in range(3)) for j in range(3)] for i in range(3)]
    by_text = -(math.log(row[0][0]) + math.log(row[0][1])) / 2 - math.log(row[1][1]) - math.log(row[2][2])
    by_image = -math.log(column[0][0]) - (math.log(column[0][1]) + math.log(column[1][1])) / 2 - math.log(column[2][2])
    expected = torch.tensor((by_text + by_image) / 6)
    torch.testing.assert_close(train.contrastive_loss(images, texts, matches, scale), expected)


def test_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    factors = [train.rate_factor(step, 5000) for step in range(5001)]
    assert factors[0] == 1 / train.WARM_UP
    assert set(factors[train.WARM_UP : 3500]) == {1.0}
    assert factors[4250] == pytest.approx(0.5)
    assert factors[5000] == 0


class Stopped(Exception):
    """The power cut of the test below."""


def test_resumed_training_gives_what_an_unbroken_run_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BATCH": 16, "POOL_SHARDS": 1, "WATCH_EVERY": 2, "WATCHED": 8}.items():
        monkeypatch.setattr(train, name, value)
    monkeypatch.setattr(pool, "SHARD", 64)
    for name in ("whole", "broken"):
        pool.render_shards(tmp_path / name / "pool", 0, 1, train.PIXELS)

    def cut(line: str) -> None:
        raise Stopped(line)

    whole = train.train(tmp_path / "whole", steps=4, report=[].append)
    with pytest.raises(Stopped, match=r"step 2/4 .* images/s"):
        train.train(tmp_path / "broken", steps=4, report=cut)
    resumed = train.train(tmp_path / "broken", steps=4, resume=True, report=[].append)
    assert (resumed.step, resumed.loss) == (4, whole.loss)
    kept = [torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)["model"] for name in ("whole", "broken")]
    assert all(torch.equal(value, kept[1][key]) for key, value in kept[0].items())
    SentenceTransformer(str(tmp_path / "broken" / "model"), device="cpu")
