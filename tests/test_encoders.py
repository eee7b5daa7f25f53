"""A tiny CLIP and SigLIP of random weights go the way of every one: their promises against transformers' answers."""

import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
import torch
from checkpoints import LIMIT, LOGIT_BIAS, LOGIT_SCALE, SIDE, edit_json
from drawn import encoded, png
from PIL import Image

from sharedspace import encoders, explain
from sharedspace.encoders import Encoder, tower
from sharedspace.errors import BadInput, ModelUnavailable
from sharedspace.images import decode
from sharedspace.records import Space
from sharedspace.testing import FakeEncoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.clip(tmp_path_factory.mktemp("models") / "tiny", checkpoints.words_tokenizer())


@pytest.fixture(scope="module")
def clip(folder: Path) -> Encoder:
    return encoders.load(str(folder))


@pytest.fixture(scope="module")
def byte_pairs(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("models") / "bpe"
    return encoders.load(str(checkpoints.clip(folder, checkpoints.byte_pair_tokenizer())))


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("models") / "siglip"
    return encoders.load(str(checkpoints.siglip(folder, checkpoints.sentence_pieces(), "SiglipTokenizer")))


@pytest.fixture(scope="module")
def siglip2(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("models") / "siglip2"
    return encoders.load(str(checkpoints.siglip(folder, checkpoints.gemma_pieces(), "GemmaTokenizer", 2)))


@pytest.fixture(scope="module")
def pocket() -> Encoder:
    return encoders.load("pocket")


PICTURES = [
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20 + seed, 30, 3), dtype=np.uint8))
    for seed in range(40)
]
TEXTS = ["a red boat", "the cat", "a green photo of the sea", "a blue boat at sea .", "red"] * 8


# -- what every encoder promises


@pytest.fixture(params=["fake", "clip", "byte_pairs", "siglip", "siglip2", "pocket"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return FakeEncoder() if request.param == "fake" else request.getfixturevalue(request.param)


def test_rows_are_unit_float32_of_the_spaces_dimension(encoder: Encoder):
    for rows in (encoder.images(PICTURES[:5]), encoder.texts(TEXTS[:5])):
        assert rows.shape == (5, encoder.space.dimension)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_nothing_given_gives_no_rows(encoder: Encoder):
    for rows in (encoder.images([]), encoder.texts([])):
        assert rows.shape == (0, encoder.space.dimension)
        assert rows.dtype == np.float32


def test_the_order_is_kept_and_the_size_of_a_batch_does_not_change_the_rows(encoder: Encoder):
    for encode, inputs in ((encoder.images, PICTURES), (encoder.texts, TEXTS)):
        together = encode(inputs)  # more than one batch
        for row in (0, 7, 31, 32, 39):
            np.testing.assert_allclose(together[row : row + 1], encode(inputs[row : row + 1]), atol=1e-5)
        np.testing.assert_allclose(together[::-1], encode(inputs[::-1]), atol=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "\ud800 lone",
        "a\0b",
        "x" * 1_000_000,
        "red " * 250_000,
        "🦄 שלום 你好",
        "\n",
        "<|endoftext|> red",
        "<eos>",
        "</s> a",
    ],
)
def test_no_text_can_crash_an_encoder(encoder: Encoder, text: str):
    started = time.perf_counter()
    row = encoder.texts([text])
    tokens = encoder.tokens(text)

    assert np.isfinite(row).all()
    assert len(tokens.pieces) <= tokens.limit
    assert (tokens.cut > 0) <= (len(tokens.pieces) == tokens.limit)
    assert time.perf_counter() - started < 2


def test_a_special_token_that_was_typed_ends_no_text(byte_pairs: Encoder):
    plain, marked = byte_pairs.texts(["a", "a <|endoftext|>"])

    assert abs(float(plain @ marked)) < 0.9999
    assert "<|endoftext|>" not in byte_pairs.tokens("a cat <|endoftext|> red").pieces


def test_pieces_are_the_words_of_the_text_and_what_is_over_the_limit_is_counted(encoder: Encoder):
    tokens = encoder.tokens("red")
    assert (tokens.pieces, tokens.cut, tokens.unknown) == (("red",), 0, ())
    many = encoder.tokens(" ".join(["red"] * (tokens.limit + 3)))
    assert many.pieces == ("red",) * tokens.limit
    assert many.cut == 3


# -- against transformers


def theirs(folder: Path) -> tuple[Any, Any, Any]:
    from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

    return (
        CLIPModel.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
        CLIPImageProcessorPil.from_pretrained(folder),
    )


def pooled(output: Any) -> np.ndarray:
    rows = getattr(output, "pooler_output", output).detach().numpy().astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("which", ["clip", "byte_pairs"])
def test_vectors_equal_transformers_own_features_normalised(which: str, request: pytest.FixtureRequest):
    encoder = request.getfixturevalue(which)
    model, tokenizer, processor = theirs(Path(encoder.space.model))

    for text in TEXTS[:5]:
        inputs = tokenizer([text], return_tensors="pt", truncation=True, max_length=LIMIT)
        np.testing.assert_allclose(encoder.texts([text]), pooled(model.get_text_features(**inputs)), atol=1e-5)
    inputs = processor(PICTURES[:8], return_tensors="pt")
    np.testing.assert_allclose(encoder.images(PICTURES[:8]), pooled(model.get_image_features(**inputs)), atol=1e-5)


SIZES = [(1, 1), (16, 16), (17, 16), (31, 100), (100, 31), (333, 500), (500, 333), (640, 97), (64, 48), (800, 800)]
SIZES += [(1, 40), (900, 100)]  # longer than LONG times their width


def middle(side: int) -> Any:
    """CLIP's preprocessing."""
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})


def squeezed(side: int) -> Any:
    """SigLIP's."""
    from transformers import SiglipImageProcessorPil

    return SiglipImageProcessorPil(size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.4] * 3)


@pytest.mark.parametrize("kind", [middle, squeezed])
@pytest.mark.parametrize("side", [16, 64, 224])
def test_the_pixels_that_the_model_reads_are_those_of_transformers(side: int, kind: Callable[[int], Any]):
    from sharedspace.encoders.pixels import LONG, Square

    processor = kind(side)
    square, device = Square.of(processor), torch.device("cpu")
    for number, (width, height) in enumerate(SIZES):
        pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels)
        expected = processor([picture], return_tensors="np")["pixel_values"]
        found = square.normalise([square.cut(picture)], device).numpy()
        if max(width, height) <= LONG * min(width, height):
            np.testing.assert_allclose(found, expected, atol=1e-5)
        else:  # cut before it is resized, and in two steps
            assert np.abs(found - expected).mean() < 0.05  # of values of -2 to 2


def test_a_large_photograph_gives_the_vector_that_it_has_when_it_is_decoded_whole(pocket: Encoder, siglip: Encoder):
    for number, encoder in enumerate((pocket, pocket, siglip)):
        tiles = [Image.open(path).convert("RGB") for path in sorted(Path("sample_data/images").glob("*.webp"))]
        mosaic = Image.new("RGB", (2560, 1536))
        for row, tile in enumerate(tiles[number * 60 : number * 60 + 60]):
            mosaic.paste(tile, (row % 10 * 256, row // 10 * 256))
        data = encoded(mosaic, "JPEG", quality=90)
        whole = Image.open(io.BytesIO(data)).convert("RGB")
        reduced = decode(data, "large.jpg", encoder.side).image
        assert reduced.width < whole.width
        ours, theirs = encoder.images([reduced])[0], encoder.images([whole])[0]
        assert ours @ theirs > 0.999
        off = encoder.prepare(reduced).astype(np.float32) - encoder.prepare(whole)
        assert np.abs(off).mean() < 1  # of 255


@pytest.mark.parametrize("which", ["clip", "siglip"])
def test_a_thread_of_pixels_stays_small(which: str, request: pytest.FixtureRequest):
    encoder = request.getfixturevalue(which)
    for size in ((1, 20_000), (20_000, 1)):
        tracemalloc.start()
        prepared = encoder.prepare(Image.new("RGB", size, "red"))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert prepared.shape == (SIDE, SIDE, 3)
        assert (prepared == [255, 0, 0]).all()
        assert most < 10**6  # bytes; a picture of 16 x 320,000 would be 15 million


UNUSUAL = {
    "neither cut nor square": {"do_center_crop": False, "size": {"shortest_edge": SIDE}},
    "no resizing": {"do_resize": False},
    "cut smaller than resized": {"size": {"shortest_edge": 20}},
    "cut from a squeezed square": {"size": {"height": 20, "width": 20}},
}


@pytest.mark.parametrize("change", UNUSUAL.values(), ids=UNUSUAL)
def test_an_unusual_preprocessing_is_left_to_transformers(folder: Path, tmp_path: Path, change: dict[str, object]):
    shutil.copytree(folder, tmp_path / "odd")
    edit_json("preprocessor_config.json", **change)(tmp_path / "odd")
    model, _, processor = theirs(tmp_path / "odd")

    pictures = [picture.resize((24, 24)) for picture in PICTURES[:4]]
    inputs = processor(pictures, return_tensors="pt")
    found = encoders.load(str(tmp_path / "odd")).images(pictures)
    np.testing.assert_allclose(found, pooled(model.get_image_features(**inputs)), atol=1e-5)


def test_batches_side_by_side_give_the_rows_of_one_after_the_other(encoder: Encoder):
    prepared = [encoder.prepare(picture) for picture in PICTURES]
    with encoder.workers() as pool:
        rows = list(pool.map(encoder.encode, [prepared[at : at + 5] for at in range(0, 40, 5)]))

    np.testing.assert_allclose(np.concatenate(rows), encoder.images(PICTURES), atol=1e-5)


def test_after_work_side_by_side_every_thread_has_all_cores_again(clip: Encoder):
    cores: list[int] = []
    torch.set_num_threads(3)
    with clip.workers() as pool:
        assert {pool.submit(torch.get_num_threads).result() for _ in range(6)} == {1}
    thread = threading.Thread(target=lambda: cores.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    cores.append(torch.get_num_threads())
    torch.set_num_threads(1)

    assert cores == [3, 3]


@pytest.mark.parametrize("which", ["byte_pairs", "siglip"])
def test_texts_and_tokens_at_once_do_not_change_each_other(which: str, request: pytest.FixtureRequest):
    encoder = request.getfixturevalue(which)
    texts = ["a red boat at sea " * times for times in range(1, 30)]  # the last are cut
    rows, pieces = encoder.texts(texts), [len(encoder.tokens(text).pieces) for text in texts]

    def both(place: int) -> tuple[np.ndarray, int]:
        if place % 2:
            return rows[place], len(encoder.tokens(texts[place]).pieces)
        return encoder.texts([texts[place]])[0], pieces[place]

    with ThreadPoolExecutor(8) as pool:
        for place, (row, count) in enumerate(pool.map(both, list(range(29)) * 30)):
            np.testing.assert_allclose(row, rows[place % 29], atol=1e-5)
            assert count == pieces[place % 29]


# -- precision


def test_bfloat16_gives_nearly_the_same_vectors_and_leaves_texts_alone(pocket: Encoder):
    half = encoders.load("pocket", "bfloat16")

    assert (pocket.precision, half.precision) == ("float32", "bfloat16")
    assert half.space == pocket.space
    pictures = [Image.open(path) for path in sorted(Path("sample_data/images").glob("*.webp"))[:60]]
    exact, near = pocket.images(pictures), half.images(pictures)
    assert 1e-4 < np.abs(exact - near).max() < 0.02  # it does compute otherwise
    assert (exact * near).sum(axis=1).min() > 0.999
    assert near.dtype == np.float32
    assert np.array_equal(half.texts(["a red boat"]), pocket.texts(["a red boat"]))
    weights = {name: weight.dtype for name, weight in half._clip.named_parameters()}
    multiplied = ("_proj.", ".fc1.", ".fc2.", "patch_embedding")
    for name, dtype in weights.items():
        lowered = name.startswith("vision_model") and any(part in name for part in multiplied)
        assert dtype == (torch.bfloat16 if lowered else torch.float32), name


def test_the_precision_is_the_one_asked_for_by_argument_or_setting(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHAREDSPACE_PRECISION", "bfloat16")
    assert encoders.load(str(folder)).precision == "bfloat16"
    assert encoders.load(str(folder), "float32").precision == "float32"
    monkeypatch.setenv("SHAREDSPACE_PRECISION", "int4")
    with pytest.raises(BadInput, match="no precision 'int4': use auto, float32, bfloat16"):
        encoders.load(str(folder))


@pytest.mark.parametrize(("fast", "chosen"), [(1.0, "float32"), (1.2, "float32"), (2.0, "bfloat16")])
def test_the_faster_precision_is_taken_where_it_pays(
    clip: Encoder, monkeypatch: pytest.MonkeyPatch, fast: float, chosen: str
):
    seconds = {torch.float32: 1.0, torch.bfloat16: 1.0 / fast}
    monkeypatch.setattr(tower, "WIDE", 32)
    monkeypatch.setattr(tower, "_seconds", lambda layer, rows: seconds[layer.mlp.fc1.weight.dtype])

    assert tower.choose(theirs(Path(clip.space.model))[0]) == chosen


def test_a_text_over_the_limit_is_cut_as_its_tokens_say(clip: Encoder):
    tokens = clip.tokens("red green " * 20)

    assert (tokens.limit, tokens.cut) == (LIMIT - 2, 30)
    np.testing.assert_allclose(clip.texts(["red green " * 20]), clip.texts([" ".join(tokens.pieces)]), atol=1e-6)


def test_words_without_a_token_are_listed_once_as_they_were_written(clip: Encoder):
    tokens = clip.tokens("A Dragon at sea, dragon Zeppelin Dragon")

    assert tokens.pieces == ("A", "Dragon", "at", "sea", ",", "dragon", "Zeppelin", "Dragon")
    assert tokens.unknown == ("Dragon", "dragon", "Zeppelin")  # a comma is no word
    assert clip.tokens("a red boat").unknown == ()


def test_the_logit_scale_is_e_to_the_parameter_and_the_space_says_what_it_is(clip: Encoder, folder: Path):
    assert clip.space == Space(clip.space.fingerprint, str(folder), 24, pytest.approx(np.exp(3.0), rel=1e-6))
    assert len(clip.space.fingerprint) == 16


# -- SigLIP


def their_siglip(encoder: Encoder) -> tuple[Any, Any, Any]:
    """The model, its tokenizer and its image processor, by classes that are named here and not by the checkpoint."""
    from transformers import PreTrainedTokenizerFast, SiglipImageProcessorPil, SiglipModel

    folder = encoder.space.model
    return (
        SiglipModel.from_pretrained(folder).eval(),
        PreTrainedTokenizerFast.from_pretrained(folder),
        SiglipImageProcessorPil.from_pretrained(folder),
    )


@pytest.mark.parametrize("which", ["siglip", "siglip2"])
def test_a_siglips_vectors_are_its_own_features_at_the_length_of_its_training(
    which: str, request: pytest.FixtureRequest
):
    encoder = request.getfixturevalue(which)
    model, tokenizer, processor = their_siglip(encoder)
    texts = [*TEXTS[:5], "red " * 100, "", *["the boat"] * 30]

    inputs = tokenizer(texts, padding="max_length", truncation=True, max_length=64, return_tensors="pt")
    assert list(inputs) == ["input_ids"]  # no mask: it reads its padding too
    np.testing.assert_allclose(encoder.texts(texts), pooled(model.get_text_features(**inputs)), atol=1e-5)
    inputs = processor(PICTURES[:20], return_tensors="pt")
    np.testing.assert_allclose(encoder.images(PICTURES[:20]), pooled(model.get_image_features(**inputs)), atol=1e-5)


@pytest.mark.parametrize("which", ["siglip", "siglip2"])
def test_the_space_of_a_siglip_gives_the_probabilities_that_the_model_gives(which: str, request: pytest.FixtureRequest):
    encoder = request.getfixturevalue(which)
    model, tokenizer, processor = their_siglip(encoder)
    inputs = tokenizer(TEXTS[:5], padding="max_length", max_length=64, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs, **processor(PICTURES[:8], return_tensors="pt")).logits_per_image

    space = encoder.space
    cosines = encoder.images(PICTURES[:8]) @ encoder.texts(TEXTS[:5]).T
    found = 1 / (1 + np.exp(-(space.logit_scale * cosines + space.logit_bias)))
    np.testing.assert_allclose(found, torch.sigmoid(logits).numpy(), atol=1e-4)
    assert np.ptp(found) > 0.01
    assert (space.logit_scale, space.logit_bias) == pytest.approx((LOGIT_SCALE, LOGIT_BIAS))
    assert space.dimension == model.config.vision_config.hidden_size


def test_a_softmax_model_has_no_bias(pocket: Encoder, clip: Encoder):
    assert pocket.space.logit_bias is None
    assert clip.space.logit_bias is None


@pytest.mark.parametrize("which", ["siglip", "siglip2"])
def test_a_siglip_reads_capitals_as_the_small_letters_of_its_training(which: str, request: pytest.FixtureRequest):
    encoder = request.getfixturevalue(which)

    np.testing.assert_allclose(encoder.texts(["A Red Boat"]), encoder.texts(["a red boat"]), atol=1e-6)
    assert encoder.tokens("A Red cat").pieces[-1] == "cat"
    assert encoder.tokens("Red red").pieces == ("Red", "red")  # shown as they were written


def test_what_a_siglip_has_no_piece_for_is_unknown_and_of_siglip2_nothing_is(siglip: Encoder, siglip2: Encoder):
    assert siglip.tokens("a red zz, 🦄 zz").unknown == ("zz", "🦄")
    assert siglip2.tokens("a red zz, 🦄 zz").unknown == ()


@pytest.mark.parametrize("which", ["siglip", "siglip2"])
def test_a_text_over_a_siglips_limit_is_cut_as_its_tokens_say(which: str, request: pytest.FixtureRequest):
    encoder = request.getfixturevalue(which)
    tokens = encoder.tokens("red " * 80 + "cat")

    assert (tokens.limit, tokens.pieces) == (63, ("red",) * 63)  # 64 with the end
    assert tokens.cut == 18
    np.testing.assert_allclose(encoder.texts(["red " * 80 + "cat"]), encoder.texts([" ".join(["red"] * 63)]), atol=1e-6)


def test_bfloat16_gives_nearly_the_same_vectors_of_a_siglip_and_leaves_texts_alone(siglip: Encoder):
    half = encoders.load(siglip.space.model, "bfloat16")

    exact, near = siglip.images(PICTURES), half.images(PICTURES)
    assert 1e-4 < np.abs(exact - near).max() < 0.02  # it does compute otherwise
    assert (exact * near).sum(axis=1).min() > 0.999
    assert np.array_equal(half.texts(TEXTS), siglip.texts(TEXTS))


def test_why_a_picture_fits_is_shown_over_all_of_what_a_siglip_reads(siglip: Encoder):
    picture = Image.new("RGB", (90, 40), "white")
    picture.paste((200, 0, 40), (60, 0, 90, 20))
    text = siglip.texts(["a red boat"])[0]
    why = explain.patches(siglip, picture, text)

    assert why.box == (0, 0, 1, 1)
    assert why.score == pytest.approx(float(siglip.images([picture])[0] @ text), abs=1e-3)
    assert np.ptp(why.heat) > 1e-4
    assert len(explain.words(siglip, "a red boat", siglip.images([picture])[0]).words) == 3


def test_a_siglip_without_the_tokenizer_that_is_read_says_so(siglip: Encoder, tmp_path: Path):
    bare = shutil.copytree(siglip.space.model, tmp_path / "bare")
    (bare / "tokenizer.json").unlink()

    with pytest.raises(ModelUnavailable, match=r"has no tokenizer\.json.* put that of the model that it was made from"):
        encoders.load(str(bare))


def test_a_siglip_of_pictures_in_their_own_shape_is_refused_with_the_way_out(siglip2: Encoder, tmp_path: Path):
    naflex = shutil.copytree(siglip2.space.model, tmp_path / "naflex")
    edit_json("config.json", model_type="siglip2")(naflex)

    with pytest.raises(ModelUnavailable, match=r"\(NaFlex\)\. Use one of a fixed resolution, such as 'google/siglip2-"):
        encoders.load(str(naflex))


# -- a text is only ever text


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server of this machine with one picture, and the requests that came."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(png("red"))

        def log_message(self, *_: object) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", asked
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.mark.parametrize("which", ["clip", "byte_pairs", "siglip", "pocket"])
def test_a_text_that_is_a_path_or_an_address_opens_nothing_and_fetches_nothing(
    which: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
):
    encoder = request.getfixturevalue(which)
    picture = tmp_path / "private photo.png"
    picture.write_bytes(png("red", (SIDE, SIDE)))
    url, asked = server
    opened: list[object] = []
    open_image = Image.open
    monkeypatch.setattr(Image, "open", lambda *given, **more: opened.append(given) or open_image(*given, **more))

    seen = encoder.images([Image.new("RGB", (SIDE, SIDE), "red")])[0]
    monkeypatch.chdir(tmp_path)
    for text in (str(picture), picture.name, f"{url}/x.jpg", f"{url}/x.png?a=b", "data:image/png;base64,AAAA"):
        row = encoder.texts([text])[0]
        assert float(row @ seen) < 0.99
        # the same words, in a form that no one takes for a path or address
        np.testing.assert_allclose(row, encoder.texts([f"{text} "])[0], atol=1e-6)
        encoder.tokens(text)
    assert opened == []
    assert asked == []


def test_the_server_of_these_tests_would_notice_a_request(server: tuple[str, list[str]]):
    from urllib.request import urlopen

    url, asked = server
    with urlopen(f"{url}/x.jpg") as answer:
        assert answer.read() == png("red")
    assert asked == ["/x.jpg"]


# -- fingerprints


def edit_weight(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["vision_model.post_layernorm.weight"][0] += 1e-3
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    "edit",
    [
        edit_weight,
        edit_json("preprocessor_config.json", image_mean=[0.4, 0.5, 0.5]),
        edit_json("tokenizer.json", version="2"),
    ],
    ids=["weight", "preprocessing", "tokenizer"],
)
@pytest.mark.parametrize("which", ["clip", "siglip"])
def test_the_fingerprint_changes_with_whatever_decides_a_vector(
    which: str, request: pytest.FixtureRequest, tmp_path: Path, edit: Callable
):
    from sharedspace.encoders.clip import _fingerprint

    space = request.getfixturevalue(which).space
    changed = shutil.copytree(space.model, tmp_path / "changed")
    assert _fingerprint(changed) == space.fingerprint
    edit(changed)
    assert _fingerprint(changed) != space.fingerprint


def test_the_fingerprint_does_not_change_with_the_place_of_the_folder_or_its_papers(
    folder: Path, clip: Encoder, tmp_path: Path
):
    moved = shutil.copytree(folder, tmp_path / "some" / "where")
    (moved / "README.md").write_text("a model card")
    (moved / "LICENSE").write_text("MIT")

    assert encoders.load(str(moved)).space.fingerprint == clip.space.fingerprint


# -- what cannot be loaded


def drop_weight(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["vision_model.post_layernorm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def cut_weights(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_weight, r"lacks 1 weights?, vision_model\.post_layernorm\.weight"),
        (cut_weights, "cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "config.json").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be loaded"),
        (edit_json("config.json", model_type="no-such-model"), "cannot be loaded"),
    ],
    ids=["weight missing", "cut short", "no weights", "no config", "bad config", "bad tokenizer", "unknown kind"],
)
@pytest.mark.parametrize("which", ["clip", "siglip"])
def test_a_damaged_checkpoint_is_refused_with_its_name(
    which: str, request: pytest.FixtureRequest, tmp_path: Path, damage: Callable, message: str
):
    damaged = shutil.copytree(request.getfixturevalue(which).space.model, tmp_path / "damaged")
    damage(damaged)

    with pytest.raises(ModelUnavailable, match=message) as caught:
        encoders.load(str(damaged))
    assert str(damaged) in str(caught.value)


def test_a_model_that_is_no_clip_is_refused(tmp_path: Path):
    from transformers import BertConfig, BertModel

    model = BertModel(
        BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=99)
    )
    model.save_pretrained(tmp_path / "bert")
    checkpoints.words_tokenizer().save_pretrained(tmp_path / "bert")

    with pytest.raises(ModelUnavailable, match="not of the CLIP family"):
        encoders.load(str(tmp_path / "bert"))


def test_a_pickled_checkpoint_is_refused_and_its_code_not_run(folder: Path, tmp_path: Path):
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    ran = tmp_path / "ran"
    # what pickle runs when it is read: os.system("touch …")
    (pickled / "pytorch_model.bin").write_bytes(f"cos\nsystem\n(S'touch {ran}'\ntR.".encode())

    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        encoders.load(str(pickled))
    assert not ran.exists()


@pytest.mark.parametrize("name", ["clip-ViT-B-32", "openai/clip-vit-base-patch32"])
def test_a_model_of_the_hub_that_is_not_here_names_the_ways_out_at_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    started = time.perf_counter()

    with pytest.raises(ModelUnavailable, match=rf"'{name}' is not on this machine .* Go online once, .* use 'pocket'"):
        encoders.load(name)
    assert time.perf_counter() - started < 5
    assert not encoders.on_disk(name)


@pytest.mark.parametrize("name", ["no such model!", "a/b/c", "../..x", "/no/such/folder"])
def test_a_name_that_can_be_no_model_is_refused_as_such(name: str):
    with pytest.raises(ModelUnavailable, match=rf"'{name}' is neither a folder nor"):
        encoders.load(name)


def test_every_model_of_the_table_is_named_once_and_pocket_comes_first():
    assert encoders.MODELS[0].name == "pocket"
    assert len({info.name for info in encoders.MODELS}) == len(encoders.MODELS)
    assert encoders.find("pocket") == encoders.POCKET


def test_the_pocket_model_is_what_the_table_says(pocket: Encoder):
    assert pocket.space.dimension == encoders.MODELS[0].dimension
    assert pocket.space.model == "pocket"
    assert encoders.on_disk("pocket")
    assert pocket.tokens("a dragon").unknown == ("dragon",)


# -- the layout in which the hub holds clip-ViT-B-32


def test_a_model_is_found_by_its_short_name_in_the_hubs_cache_and_read_in_the_hubs_layout(
    folder: Path, clip: Encoder, tmp_path: Path
):
    stored = tmp_path / "hub" / "models--sentence-transformers--clip-ViT-B-32"
    revision = "0" * 40
    snapshot = stored / "snapshots" / revision
    shutil.copytree(folder, snapshot / "0_CLIPModel")
    (stored / "refs").mkdir()
    (stored / "refs" / "main").write_text(revision)
    module = {"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}
    (snapshot / "modules.json").write_text(json.dumps([module]))
    code = (
        "import sys, numpy; from sharedspace import encoders; encoder = encoders.load('clip-ViT-B-32');"
        "assert encoders.on_disk('clip-ViT-B-32') and not encoders.on_disk('clip-ViT-L-14');"
        f"numpy.save(sys.argv[1], encoder.texts({TEXTS[:3]!r}))"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "rows.npy")], check=True, env=environment, timeout=120)

    np.testing.assert_allclose(np.load(tmp_path / "rows.npy"), clip.texts(TEXTS[:3]), atol=1e-5)


def test_workers_asked_for_amid_others_leave_later_threads_their_cores():
    encoder, before, counts = encoders.load("pocket"), torch.get_num_threads(), []
    inside, leave = threading.Event(), threading.Event()

    def amid() -> None:
        with encoder.workers():
            inside.set()
            leave.wait()

    second = threading.Thread(target=amid)
    with encoder.workers() as pool:
        pool.submit(int).result()  # its thread now has one core, and so has every thread that begins
        second.start()
        inside.wait()
    leave.set()
    second.join()
    later = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    later.start()
    later.join()

    assert counts == [before]
