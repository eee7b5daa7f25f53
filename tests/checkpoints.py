"""Tiny checkpoints of random weights: the architectures, files and tokenizers of the real ones, some ten thousand
weights in place of hundreds of millions."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = ["a", "red", "green", "blue", "boat", "at", "sea", "photo", "of", "the", "cat", ".", "/", ":"]
LIMIT = 12  # pieces with begin and end, of a CLIP
SIDE = 16  # pixels
LAYERS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
LOGIT_SCALE, LOGIT_BIAS = 9.0, -2.5  # of a SigLIP here: of its probabilities none is near 0 or 1


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


def sentence_pieces() -> Any:
    """SigLIP's own kind: small letters, no punctuation, pieces that begin with the space before them, an end."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -9.0)]
    pieces += [(f"▁{word}", -3.0) for word in WORDS if word.isalpha()]
    pieces += [(letter, -8.0) for letter in "abcdefghijklmnopqrstuvwxy"]  # no z
    core = Tokenizer(models.Unigram(pieces, unk_id=2))
    punctuation = normalizers.Replace(Regex(r"""[!-/:-@\[-`{-~]"""), "")
    core.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), punctuation, normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="</s>", unk_token="<unk>", pad_token="</s>")


def gemma_pieces() -> Any:
    """SigLIP 2's own kind: byte pairs over spaces too, bytes for what is unknown, capitals kept, an end."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    merges = [("r", "e"), ("re", "d"), ("▁", "red"), ("c", "a"), ("ca", "t"), ("▁", "cat"), ("▁", "a"), ("R", "e")]
    letters = [chr(code) for code in range(33, 127)]
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *letters]
    tokens += ["".join(pair) for pair in merges]
    ids = {token: i for i, token in enumerate(tokens)}
    core = Tokenizer(models.BPE(ids, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    core.normalizer = normalizers.Replace(" ", "▁")
    core.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    core.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>"}
    return PreTrainedTokenizerFast(tokenizer_object=core, **special)


def clip(folder: Path, tokenizer: Any) -> Path:
    """A CLIP, 24-dimensional."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    text = {
        **LAYERS,
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
            vision_config={**LAYERS, "image_size": SIDE, "patch_size": 8},
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


def siglip(folder: Path, tokenizer: Any, names: str, resample: int = 3) -> Path:
    """A SigLIP, 32-dimensional, whose tokenizer's class is named as on the hub.

    `resample` is Pillow's filter for its pictures: 3 (bicubic, SigLIP) or 2 (bilinear, SigLIP 2).
    """
    import torch
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    torch.set_num_threads(1)
    torch.manual_seed(0)
    special = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": None, "eos_token_id": 1}
    text = {**LAYERS, **special, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config={**LAYERS, "image_size": SIDE, "patch_size": 8}))
    with torch.no_grad():  # as they begin, the last place of a text sees next to nothing of the others
        for layer in model.text_model.encoder.layers:
            for part in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
                part.weight *= 4
    model.logit_scale.data.fill_(math.log(LOGIT_SCALE))
    model.logit_bias.data.fill_(LOGIT_BIAS)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    edit_json(
        "tokenizer_config.json",
        tokenizer_class=names,
        processor_class="SiglipProcessor",
        do_lower_case=True,
        model_input_names=["input_ids"],
        model_max_length=64,
        padding_side="right",
    )(folder)
    half = [0.5] * 3
    SiglipImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_mean=half, image_std=half, resample=resample
    ).save_pretrained(folder)
    return folder


def edit_json(name: str, **values: object) -> Callable[[Path], None]:
    """What changes some values of a JSON file in a folder."""

    def edit(folder: Path) -> None:
        given = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**given, **values}))

    return edit
