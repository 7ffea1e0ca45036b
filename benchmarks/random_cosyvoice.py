"""A CosyVoice 2 or 3 model folder of the real layout with random weights: it speaks noise, at the true cost.

    PYTHON -m benchmarks.random_cosyvoice SOURCE FOLDER [--version 2] [--small]

PYTHON is that of CosyVoice's environment (`avatar workers install cosyvoice`) with the package `onnx` in it, SOURCE the
checkout of CosyVoice. Sizes are those of upstream's configuration files and of Qwen2-0.5B; --small is for tests. The
language model never ends by itself: it says 20 tokens (0.8 s) for each token of the text, which is upstream's limit; a
token is a word, a Chinese character or a punctuation mark here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.random_onnx import SMALL_TOKENIZER, TOKENIZER_SIZES, write_speaker_embedding, write_speech_tokenizer

VERSIONS = (2, 3)
SPEECH_TOKENS = 6561
TOKENS_PER_TEXT_TOKEN = 20
QWEN: dict[str, Any] = {
    "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
    "num_key_value_heads": 2, "vocab_size": 151_936, "max_position_embeddings": 32_768, "rope_theta": 1_000_000.0,
    "rms_norm_eps": 1e-6, "tie_word_embeddings": True,
}  # fmt: skip
SMALL_QWEN = {
    **QWEN, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1,
}  # fmt: skip
WORDS = 151_643
"""Tokens of Qwen2's vocabulary before its special ones, so that those have their numbers: CosyVoice 3 looks for one."""
CHINESE_CHARACTERS = range(0x4E00, 0xA000)
SMALL: dict[int, dict[str, Any]] = {
    2: {
        "encoder": {"attention_heads": 2, "linear_units": 64, "num_blocks": 1},
        "estimator": {"channels": [64], "n_blocks": 1, "num_mid_blocks": 1, "num_heads": 2},
    },
    3: {"pre_lookahead_layer": {"channels": 64}, "estimator": {"dim": 128, "depth": 1, "heads": 2}},
}


def write_model(source: Path, folder: Path, version: int = 3, *, small: bool = False) -> None:
    """Write the model; replaces what is there."""
    import torch

    torch.manual_seed(0)
    language_model = folder / "CosyVoice-BlankEN"
    language_model.mkdir(parents=True, exist_ok=True)
    _write_tokenizer(language_model)
    _write_language_model(language_model, SMALL_QWEN if small else QWEN)
    write_speaker_embedding(folder / "campplus.onnx")
    tokenizer_size = SMALL_TOKENIZER if small else TOKENIZER_SIZES[version]
    write_speech_tokenizer(folder / f"speech_tokenizer_v{version}.onnx", tokenizer_size)
    _write_configuration(source, folder, version, small=small)
    parts = _load_configuration(folder, version)
    for name in ("llm", "flow", "hift"):
        weights = parts[name].state_dict()
        if name == "llm":
            _never_ends(weights)
        torch.save(weights, folder / f"{name}.pt")


def _write_tokenizer(folder: Path) -> None:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    unknown, end = "<unknown>", "<|endoftext|>"
    words = [unknown, *map(chr, CHINESE_CHARACTERS)]
    words += [f"never-{number}" for number in range(len(words), WORDS)]
    vocabulary = {word: number for number, word in enumerate([*words, end])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    every_one = Regex(r"\p{Han}|\p{P}|[^\s\p{Han}\p{P}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(every_one, "removed", invert=True)
    names = {"unk_token": unknown, "eos_token": end, "pad_token": end}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)


def _write_language_model(folder: Path, size: Mapping[str, Any]) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    Qwen2ForCausalLM(Qwen2Config(**size)).save_pretrained(folder)


def _write_configuration(source: Path, folder: Path, version: int, *, small: bool) -> None:
    from ruamel.yaml import YAML  # keeps the tags that say which class to make

    yaml = YAML()
    name = f"cosyvoice{version}"
    written = yaml.load((source / f"examples/libritts/{name}/conf/{name}.yaml").read_text("utf-8"))
    written["llm"]["sampling"]["tau_r"] = 100  # no second draw after a repetition, which might draw an end
    for discriminator in ("hifigan", "mel_spec_transform1"):  # for training
        del written[discriminator]
    if small:
        written["llm_input_size"] = written["llm_output_size"] = SMALL_QWEN["hidden_size"]
        flow = written["flow"]
        for part, sizes in SMALL[version].items():
            (flow["decoder"][part] if part == "estimator" else flow[part]).update(sizes)
        written["hift"]["base_channels"] = written["hift"]["f0_predictor"]["cond_channels"] = 64
    with (folder / f"{name}.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(written, file)


def _load_configuration(folder: Path, version: int) -> dict[str, Any]:
    from hyperpyyaml import load_hyperpyyaml

    with (folder / f"cosyvoice{version}.yaml").open(encoding="utf-8") as file:
        overrides = {"qwen_pretrain_path": str(folder / "CosyVoice-BlankEN")}
        parts: dict[str, Any] = load_hyperpyyaml(file, overrides=overrides)
    return parts


def _never_ends(weights: dict[str, Any]) -> None:
    # Ends have the likelihood 1 before the division: always some thousand tokens are likelier.
    weights["llm_decoder.weight"][SPEECH_TOKENS:] = 0
    if "llm_decoder.bias" in weights:
        weights["llm_decoder.bias"][SPEECH_TOKENS:] = 0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("source", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("--version", type=int, choices=VERSIONS, default=3)
    options.add_argument("--small", action="store_true")
    chosen = options.parse_args()
    sys.path[:0] = [str(chosen.source), str(chosen.source / "third_party/Matcha-TTS")]
    write_model(chosen.source, chosen.folder, chosen.version, small=chosen.small)
    print(f"CosyVoice {chosen.version} written to {chosen.folder}")


if __name__ == "__main__":
    main()
