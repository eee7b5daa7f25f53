"""A tiny CLIP of random weights goes the way of every CLIP: its promises against transformers' own answers."""

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn import encoded, png
from PIL import Image

from sharedspace import encoders
from sharedspace.encoders import Encoder, tower
from sharedspace.errors import BadInput, ModelUnavailable
from sharedspace.images import decode
from sharedspace.records import Space
from sharedspace.testing import FakeEncoder

WORDS = ["a", "red", "green", "blue", "boat", "at", "sea", "photo", "of", "the", "cat", ".", "/", ":"]
LIMIT = 12  # pieces with begin and end
SIDE = 16  # pixels


def words_tokenizer() -> Any:
    """Whole words, as the pocket model has; with an end of id 2 transformers would take it for an old checkpoint."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {token: i for i, token in enumerate(["<pad>", "<unk>", "<bos>", "<eos>", *WORDS])}
    core = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), behavior="removed", invert=True)
    core.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", ids["<bos>"]), ("<eos>", ids["<eos>"])]
    )
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>"}
    return PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=LIMIT, padding_side="right", **special)


def byte_pair_tokenizer() -> Any:
    """CLIP's own kind: letters, and what of them was merged."""
    from transformers import CLIPTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz0123456789./:<|>"
    merges = [("r", "e"), ("re", "d</w>"), ("a", "t</w>"), ("c", "at</w>"), ("s", "e"), ("a", "</w>")][:5]
    tokens = ["!", *letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocab = {token: i for i, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LIMIT)


def build(folder: Path, tokenizer: Any) -> Path:
    """A CLIP checkpoint of random weights, 24-dimensional."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        **layers,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": LIMIT,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    torch.set_num_threads(1)  # so small a model gains nothing from two, and they wait for each other
    torch.manual_seed(0)
    model = CLIPModel(
        CLIPConfig(
            text_config=text,
            vision_config={**layers, "image_size": SIDE, "patch_size": 8},
            projection_dim=24,
            logit_scale_init_value=3.0,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    half = [0.5] * 3
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, image_mean=half, image_std=half
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("models") / "tiny", words_tokenizer())


@pytest.fixture(scope="module")
def clip(folder: Path) -> Encoder:
    return encoders.load(str(folder))


@pytest.fixture(scope="module")
def byte_pairs(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return encoders.load(str(build(tmp_path_factory.mktemp("models") / "bpe", byte_pair_tokenizer())))


@pytest.fixture(scope="module")
def pocket() -> Encoder:
    return encoders.load("pocket")


PICTURES = [
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20 + seed, 30, 3), dtype=np.uint8))
    for seed in range(40)
]
TEXTS = ["a red boat", "the cat", "a green photo of the sea", "a blue boat at sea .", "red"] * 8


# -- what every encoder promises


@pytest.fixture(params=["fake", "clip", "byte_pairs", "pocket"])
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
    ["\ud800 lone", "a\0b", "x" * 1_000_000, "red " * 250_000, "🦄 שלום 你好", "\n", "<|endoftext|> red", "<eos>"],
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


SIZES = [(1, 1), (16, 16), (17, 16), (31, 100), (100, 31), (333, 500), (500, 333), (640, 97), (1, 40), (64, 48)]


@pytest.mark.parametrize("side", [16, 64, 224])
def test_the_pixels_that_the_model_reads_are_those_of_transformers(side: int):
    from transformers import CLIPImageProcessorPil

    from sharedspace.encoders.pixels import Crop

    processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    crop, device = Crop.of(processor), torch.device("cpu")
    for number, (width, height) in enumerate(SIZES):
        pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels)
        expected = processor([picture], return_tensors="np")["pixel_values"]
        found = crop.normalise([crop.cut(picture)], device).numpy()
        far = np.abs(found - expected) > 1.01 / 255 / min(processor.image_std)  # more than one step of a byte
        reduced = min(width, height) > 12 * side  # in two steps, for speed
        assert far.mean() < (0.5 if reduced else 0.03)  # Pillow knows where to cut in float32 only
        assert np.abs(found - expected).mean() < (0.05 if reduced else 0.01)  # of values of -2 to 2


def test_a_large_photograph_gives_the_vector_that_it_has_when_it_is_decoded_whole(pocket: Encoder):
    for number in range(3):
        tiles = [Image.open(path).convert("RGB") for path in sorted(Path("sample_data/images").glob("*.webp"))]
        mosaic = Image.new("RGB", (2048, 1536))
        for row, tile in enumerate(tiles[number * 48 : number * 48 + 48]):
            mosaic.paste(tile, (row % 8 * 256, row // 8 * 256))
        data = encoded(mosaic, "JPEG", quality=90)
        whole = Image.open(io.BytesIO(data)).convert("RGB")
        reduced = decode(data, "large.jpg", pocket.side).image
        assert reduced.width < whole.width
        ours, theirs = pocket.images([reduced])[0], pocket.images([whole])[0]
        assert ours @ theirs > 0.999


def test_a_thread_of_pixels_stays_small(clip: Encoder):
    for size in ((1, 20_000), (20_000, 1)):
        tracemalloc.start()
        prepared = clip.prepare(Image.new("RGB", size, "red"))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert prepared.shape == (SIDE, SIDE, 3)
        assert (prepared == [255, 0, 0]).all()
        assert most < 10**6  # bytes; a picture of 16 x 320,000 would be 15 million


UNUSUAL = {
    "another shape": {"do_center_crop": False, "size": {"height": SIDE, "width": SIDE}},
    "no resizing": {"do_resize": False},
    "cut smaller than resized": {"size": {"shortest_edge": 20}},
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


@pytest.mark.parametrize("which", ["clip", "byte_pairs", "pocket"])
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


def edit_json(name: str, **values: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        given = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**given, **values}))

    return edit


def edit_weight(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["text_projection.weight"][0, 0] += 1e-3
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
def test_the_fingerprint_changes_with_whatever_decides_a_vector(
    folder: Path, clip: Encoder, tmp_path: Path, edit: Callable
):
    from sharedspace.encoders.clip import _fingerprint

    changed = shutil.copytree(folder, tmp_path / "changed")
    assert _fingerprint(changed) == clip.space.fingerprint
    edit(changed)
    assert _fingerprint(changed) != clip.space.fingerprint


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
    del weights["visual_projection.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def cut_weights(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_weight, r"lacks 1 weights?, visual_projection\.weight"),
        (cut_weights, "cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "config.json").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be loaded"),
        (edit_json("config.json", model_type="no-such-model"), "cannot be loaded"),
    ],
    ids=["weight missing", "cut short", "no weights", "no config", "bad config", "bad tokenizer", "unknown kind"],
)
def test_a_damaged_checkpoint_is_refused_with_its_name(folder: Path, tmp_path: Path, damage: Callable, message: str):
    damaged = shutil.copytree(folder, tmp_path / "damaged")
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
    words_tokenizer().save_pretrained(tmp_path / "bert")

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
