"""Zero-shot labels equal, to 1e-4 in probability, those of transformers' pipeline and of CLIP's written-out procedure.

Of pictures that are decoded at full scale: none here is so large that `images.decode` reduces it.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
import torch
from drawn import encoded
from PIL import Image

from sharedspace import encoders, images
from sharedspace.records import Classification
from sharedspace.workspace import Workspace

TEMPLATE = "a photo of a {}"
LABELS = ["boat", "house", "tree", "red cat", "blue car", "the sea at night"]
FORMATS = {"png": {}, "webp": {"quality": 80}, "jpg": {"quality": 85}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models of these tests."""
    root = tmp_path_factory.mktemp("models")
    return {
        "pocket": encoders.POCKET,
        "clip": checkpoints.clip(root / "clip", checkpoints.words_tokenizer()),
        "siglip": checkpoints.siglip(root / "siglip", checkpoints.sentence_pieces(), "SiglipTokenizer"),
        "siglip2": checkpoints.siglip(root / "siglip2", checkpoints.gemma_pieces(), "GemmaTokenizer", 2),
    }


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Drawings of the sample set and noise, of several shapes and formats."""
    folder = tmp_path_factory.mktemp("pictures")
    drawn = [Image.open(path).convert("RGB") for path in sorted(Path("sample_data/images").glob("*.webp"))[:300:25]]
    random = np.random.default_rng(0)
    noise = [Image.fromarray(random.integers(0, 256, (40 + 9 * n, 64, 3), dtype=np.uint8)) for n in range(6)]
    paths = []
    for number, picture in enumerate([*drawn, *(drawing.resize((320, 200)) for drawing in drawn[:3]), *noise]):
        suffix = list(FORMATS)[number % 3]
        paths.append(folder / f"{number:02}.{suffix}")
        form = {"jpg": "JPEG"}.get(suffix, suffix.upper())
        paths[-1].write_bytes(encoded(picture, form, **FORMATS[suffix]))
    return paths


@pytest.fixture(params=["pocket", "clip", "siglip", "siglip2"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def classified(
    name: str, folders: dict[str, Path], pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Classification:
    """What our own way answers, from the files to the probabilities."""
    monkeypatch.setenv("SHAREDSPACE_PRECISION", "float32")
    with closing(Workspace(tmp_path / "home")) as workspace:
        workspace.ingest("all", [str(path) for path in pictures], model=str(folders[name]))
        mode = "many" if name.startswith("siglip") else "one"
        return workspace.collection("all").classify(LABELS, [TEMPLATE], mode=mode)


def by_picture(found: Classification, pictures: list[Path]) -> np.ndarray:
    """Our probabilities (n, L) in the order of the files."""
    place = {Path(path).name: row for row, path in enumerate(found.paths)}
    return found.probabilities[[place[path.name] for path in pictures]]


def test_no_picture_here_is_reduced_when_it_is_decoded(pictures: list[Path]):
    for path in pictures:
        found = images.decode(path.read_bytes(), path.name, 16)
        assert found.image.size == (found.width, found.height)


def tokenizer_of(name: str, folder: Path) -> Any:
    """The one that the checkpoint names, but for SigLIP's: that needs sentencepiece, and is the same in its json."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    return (PreTrainedTokenizerFast if name == "siglip" else AutoTokenizer).from_pretrained(folder)


def test_labels_equal_those_of_the_pipeline_of_transformers(
    name: str, folders: dict[str, Path], pictures: list[Path], classified: Classification
):
    from transformers import pipeline

    asked = pipeline(
        "zero-shot-image-classification", model=str(folders[name]), tokenizer=tokenizer_of(name, folders[name])
    )
    answers = asked([str(path) for path in pictures], candidate_labels=LABELS, hypothesis_template=TEMPLATE)
    scores = [{one["label"]: one["score"] for one in answer} for answer in answers]
    theirs = np.array([[of[label] for label in LABELS] for of in scores])

    ours = by_picture(classified, pictures)
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.ptp(ours, axis=0).max() > 0.01  # the pictures differ


@pytest.mark.parametrize("name", ["pocket", "clip"], indirect=True)
def test_labels_equal_those_of_the_written_out_procedure_of_clip(
    name: str, folders: dict[str, Path], pictures: list[Path], classified: Classification
):
    """As the README of openai/CLIP has it: preprocess, encode both, normalise, 100 times the cosine, softmax.

    With the model's own scale in place of 100, to which those of OpenAI were clipped.
    """
    from transformers import CLIPImageProcessorPil, CLIPModel

    model = CLIPModel.from_pretrained(folders[name]).eval()
    preprocess = CLIPImageProcessorPil.from_pretrained(folders[name])
    tokenize = tokenizer_of(name, folders[name])
    pixels = preprocess([Image.open(path).convert("RGB") for path in pictures], return_tensors="pt")
    tokens = tokenize([TEMPLATE.format(label) for label in LABELS], padding=True, return_tensors="pt")
    with torch.inference_mode():
        seen = model.get_image_features(**pixels).pooler_output
        read = model.get_text_features(**tokens).pooler_output
        seen, read = (rows / rows.norm(dim=-1, keepdim=True) for rows in (seen, read))
        theirs = (model.logit_scale.exp() * seen @ read.T).softmax(dim=-1).numpy()

    ours = by_picture(classified, pictures)
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.ptp(ours, axis=0).max() > 0.01
