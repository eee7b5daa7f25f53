"""The pocket model's architecture, its word-level tokenizer, and the transformers folder that users load."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sharedspace.pocket.captions import vocabulary

if TYPE_CHECKING:
    import torch
    from transformers import CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast

PIXELS = 64
MAX_TOKENS = 32
PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<bos>", "<eos>"
# <eos> must not be id 2: transformers then pools at the highest id, as old CLIP checkpoints want it.
_SPECIAL = (PAD, UNKNOWN, BEGIN, END)


def new_tokenizer() -> "PreTrainedTokenizerFast":
    """Lower-cased words and single punctuation marks; what is not in the world's vocabulary becomes <unk>."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {token: i for i, token in enumerate((*_SPECIAL, *vocabulary()))}
    core = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), behavior="removed", invert=True)
    core.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=[(BEGIN, ids[BEGIN]), (END, ids[END])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        model_max_length=MAX_TOKENS,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        padding_side="right",
    )


def new_model(small: bool = False) -> "CLIPModel":
    """A CLIPModel of 3 million random parameters: ViT 192 x 5 on patches of 8, text 128 x 3, shared space of 128.

    The `small` one, of the pocket twin, has 0.7 million, ViT 96 x 4 and text 64 x 2, and a space of 128 of its own.
    """
    from transformers import CLIPConfig, CLIPModel

    read, layers = (64, 2) if small else (128, 3)
    seen, depth = (96, 4) if small else (192, 5)
    text = {
        "vocab_size": len(_SPECIAL) + len(vocabulary()),
        "hidden_size": read,
        "intermediate_size": 4 * read,
        "num_hidden_layers": layers,
        "num_attention_heads": read // 32,
        "max_position_embeddings": MAX_TOKENS,
        "hidden_act": "gelu",
        "projection_dim": 128,
        "pad_token_id": _SPECIAL.index(PAD),
        "bos_token_id": _SPECIAL.index(BEGIN),
        "eos_token_id": _SPECIAL.index(END),
    }
    vision = {
        "hidden_size": seen,
        "intermediate_size": 4 * seen,
        "num_hidden_layers": depth,
        "num_attention_heads": 3,
        "image_size": PIXELS,
        "patch_size": 8,
        "hidden_act": "gelu",
        "projection_dim": 128,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=128))


def new_image_processor() -> "CLIPImageProcessorPil":
    """Shortest side to 64 px (bicubic), the middle 64 x 64, values from -1 to 1."""
    from transformers import CLIPImageProcessorPil

    half = [0.5, 0.5, 0.5]
    return CLIPImageProcessorPil(
        size={"shortest_edge": PIXELS},
        crop_size={"height": PIXELS, "width": PIXELS},
        resample=3,
        image_mean=half,
        image_std=half,
    )


def save_model(weights: dict[str, "torch.Tensor"], folder: Path, small: bool = False) -> None:
    """Write a folder that SentenceTransformer and CLIPModel load offline: weights in half, computing in float32."""

    folder.mkdir(parents=True, exist_ok=True)
    model = new_model(small)
    model.load_state_dict(weights)
    model.half().save_pretrained(folder)
    new_tokenizer().save_pretrained(folder)
    new_image_processor().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    for part in (config, config["text_config"], config["vision_config"]):
        part["dtype"] = "float32"  # else the half-precision weights would also compute in half
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for file in folder.iterdir():
        file.chmod(0o644)
