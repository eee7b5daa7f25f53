"""SigLIP, and SigLIP 2 of one fixed resolution: the same two towers as CLIP's, read as they were trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sharedspace.encoders.clip import ClipEncoder, device
from sharedspace.errors import ModelUnavailable

TOKENIZER = "tokenizer.json"


class SiglipEncoder(ClipEncoder):
    """A SigLIP (Zhai et al. 2023; Tschannen et al. 2025); see `Encoder` for the promises."""

    # A text's vector is that of its last place, mostly padding: trained at full length, and without a mask.
    padding: Mapping[str, Any] = {"padding": "max_length", "return_attention_mask": False}

    def _open(self, name: str, folder: Path) -> tuple[Any, Any, Any]:
        import torch
        from transformers import AutoImageProcessor, SiglipModel

        tokenizer = _tokenizer(name, folder)
        model = SiglipModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        ).eval()
        return model.to(device()), tokenizer, AutoImageProcessor.from_pretrained(folder, local_files_only=True)

    def _dimension(self, config: Any) -> int:
        return int(config.vision_config.hidden_size)


def _tokenizer(name: str, folder: Path) -> Any:
    """The checkpoint's own, from its tokenizer.json, reading small letters only.

    Never by the class that it names: SiglipTokenizer needs sentencepiece and tells no places in the text, and
    GemmaTokenizer (SigLIP 2) keeps the capitals that the model never saw (huggingface/transformers, issue 43054).
    """
    from tokenizers import normalizers
    from transformers import PreTrainedTokenizerFast

    if not (folder / TOKENIZER).is_file():
        raise ModelUnavailable(
            f"The model {name!r} in {folder} has no {TOKENIZER}. Most SigLIP models of the hub have one: "
            "fetch it anew, or put that of the model that it was made from beside its weights."
        )
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True, padding_side="right")
    except Exception as error:  # tokenizers raises nothing narrower
        raise ModelUnavailable(f"The model {name!r} in {folder} cannot be loaded: {error}") from error
    core = tokenizer.backend_tokenizer
    core.normalizer = normalizers.Sequence([normalizers.Lowercase(), *([core.normalizer] if core.normalizer else [])])
    return tokenizer
