"""A captioner of random weights: what it says is nonsense, how it is loaded and asked is not."""

import json
import shutil
import time
from pathlib import Path

import pytest
import shown
from checkpoints import LAYERS, SIDE, edit_json, words_tokenizer
from PIL import Image

from sharedspace import captioner
from sharedspace.errors import ModelUnavailable
from sharedspace.ui import cache


@pytest.fixture(scope="module")
def blip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BLIP as it lies on the hub, some ten thousand weights."""
    import torch
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil

    folder, tokenizer = tmp_path_factory.mktemp("blip"), words_tokenizer()
    special = {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    text = {**LAYERS, **special, "encoder_hidden_size": 32, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    torch.set_num_threads(1)  # so small a model gains nothing from two, and they wait for each other
    torch.manual_seed(0)
    vision = {**LAYERS, "image_size": SIDE, "patch_size": 8, "initializer_range": 0.3}  # BLIP's own is 1e-10
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=24))
    with torch.no_grad():  # as it begins, the text hardly sees the picture
        for name, weight in model.named_parameters():
            if "crossattention" in name:
                weight *= 20
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    BlipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


def picture(colour: str, size: tuple[int, int] = (40, 20)) -> Image.Image:
    return Image.new("RGB", size, colour)


def test_each_picture_gets_the_sentence_that_it_gets_alone(blip: Path) -> None:
    opened = captioner.load(str(blip))
    pictures = [picture("red"), picture("blue", (9, 70)), Image.new("L", (5, 5), 80)]

    together = opened.describe(pictures)

    assert together == [opened.describe([one])[0] for one in pictures]
    assert all(together)
    assert len(set(together)) > 1, "the sentences do not depend on the pictures, so that this shows nothing"
    assert opened.describe([]) == []


def test_a_sentence_is_the_likeliest_next_word_each_time(blip: Path) -> None:
    import torch

    opened = captioner.load(str(blip))
    pixels = opened._processor(images=[picture("green")], return_tensors="pt")["pixel_values"]
    said = [2]
    with torch.inference_mode():
        while len(said) < 64 and said[-1] != 3:
            logits = opened._model(pixel_values=pixels, input_ids=torch.tensor([said])).logits
            said.append(int(logits[0, -1].argmax()))

    words = opened._tokenizer.decode(said[: captioner.LONGEST + 1], skip_special_tokens=True)
    assert opened.describe([picture("green")]) == [" ".join(words.split())]


def test_the_environment_names_the_captioner(blip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert captioner.chosen() == captioner.DEFAULT
    monkeypatch.setenv("SHAREDSPACE_CAPTIONER", str(blip))

    assert captioner.chosen() == str(blip)
    assert captioner.on_disk()
    assert captioner.load().name == str(blip)


def test_one_that_is_not_here_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captioner.encoders, "_hub_folder", lambda name, offline: None)

    assert not captioner.on_disk("nobody/nothing")
    with pytest.raises(ModelUnavailable, match=r"nobody/nothing.*SHAREDSPACE_CAPTIONER"):
        captioner.load("nobody/nothing")


@pytest.mark.parametrize("fetch", [False, True])
def test_the_hub_is_asked_only_where_that_is_allowed(fetch: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(captioner.encoders, "_hub_folder", lambda name, offline: asked.append(offline))

    with pytest.raises(ModelUnavailable):
        captioner.load("nobody/nothing", fetch)

    assert (False in asked) == fetch


def test_a_model_of_another_kind_is_refused() -> None:
    assert not captioner.on_disk("pocket")
    with pytest.raises(ModelUnavailable, match="'clip'"):
        captioner.load("pocket")


def test_one_that_lacks_a_weight_is_refused(blip: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(blip, tmp_path / "lacking"))
    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if "crossattention" in name)
    del weights[lost]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})

    with pytest.raises(ModelUnavailable, match=f"lacks 1 weights, {lost}"):
        captioner.load(str(folder))


def test_a_damaged_one_is_refused(blip: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(blip, tmp_path / "damaged"))
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        captioner.load(str(folder))

    (folder / "config.json").write_text("{")
    assert not captioner.on_disk(str(folder))
    with pytest.raises(ModelUnavailable):
        captioner.load(str(folder))


def test_the_processor_of_a_checkpoint_is_the_one_that_is_used(blip: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(blip, tmp_path / "other"))
    edit_json("preprocessor_config.json", image_mean=[0.0, 0.0, 0.0], image_std=[1.0, 1.0, 1.0])(folder)
    assert json.loads((folder / "preprocessor_config.json").read_text())["image_mean"] == [0.0, 0.0, 0.0]

    pixels = captioner.load(str(folder))._processor(images=[picture("white")], return_tensors="np")["pixel_values"]

    assert pixels.shape == (1, 3, SIDE, SIDE)
    assert (pixels == 1).all()


def test_lesson_eleven_has_the_captioners_sentence_for_each_source(
    blip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAREDSPACE_CAPTIONER", str(blip))
    with shown.new_home(tmp_path / "home"):
        at = shown.open_page("learn_retrieve", collection="sample")
        at = shown.run(at.text_input[0].set_value("a guitar"))
        at.radio[0].set_value(3)
        at = shown.press(at, "Commit")
        while cache.jobs().active():
            time.sleep(0.02)
        at = shown.run(at)

    prompt = at.code[0].value
    assert prompt.count("described by a captioning model: ") == prompt.count("words that fit best") > 1
    assert "No captioning model is on this machine" not in shown.texts(at)
