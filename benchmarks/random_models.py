"""Models of the true architecture with random weights: what they say is noise, their memory and time are real.

    python3 -m benchmarks.random_models whisper FOLDER     the shape of large-v3-turbo as a CTranslate2 folder
    python3 -m benchmarks.random_models qwen3-8b FOLDER    config.json and a made-up tokenizer for `load_format: dummy`

Shapes are those of the published config.json files of openai/whisper-large-v3-turbo and Qwen/Qwen3-8B-AWQ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

WHISPER = {"layers": 32, "decoder_layers": 4, "width": 1280, "heads": 20, "vocabulary": 51_866, "mels": 128}
QWEN3_8B: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 151_936, "hidden_size": 4096,
    "intermediate_size": 12_288, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
    "head_dim": 128, "hidden_act": "silu", "max_position_embeddings": 40_960, "rms_norm_eps": 1e-6,
    "rope_theta": 1_000_000, "rope_scaling": None, "attention_bias": False, "attention_dropout": 0.0,
    "tie_word_embeddings": False, "use_sliding_window": False, "sliding_window": None, "max_window_layers": 36,
    "use_cache": True, "torch_dtype": "float16", "bos_token_id": 151_643, "eos_token_id": 151_645,
    "quantization_config": {
        "quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm",
        "modules_to_not_convert": None,
    },
}  # fmt: skip
# A prompt of twenty words is a prompt of twenty tokens: enough for a tokenizer that nobody reads.
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }} {% endfor %}"


def main(kind: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    match kind:
        case "whisper":
            write_whisper(folder)
        case "qwen3-8b":
            write_qwen3(folder)
        case _:
            raise SystemExit(__doc__)
    print(f"{kind} written to {folder}")


def write_qwen3(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    size = int(QWEN3_8B["vocab_size"])
    special = {"<|endoftext|>": 151_643, "<|im_start|>": 151_644, "<|im_end|>": 151_645}
    taken = set(special.values())
    vocabulary = {f"w{index}": index for index in range(size) if index not in taken} | special
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<|endoftext|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(special))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(QWEN3_8B))
    names = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHAT_TEMPLATE, **names})
    )


def write_whisper(folder: Path) -> None:
    import numpy as np
    from ctranslate2.specs import WhisperSpec

    layers, decoder_layers, width, heads, vocabulary, mels = WHISPER.values()
    random = np.random.default_rng(0)
    pool = (random.standard_normal(2**22, dtype=np.float32) * 0.02).astype(np.float16)

    def numbers(*shape: int) -> Any:
        # Each another cut of the pool: CTranslate2 stores equal tensors once, and the model would be half as large.
        return np.resize(np.roll(pool, int(random.integers(len(pool)))), shape).astype(np.float32)

    def linear(layer: Any, outputs: int, inputs: int) -> None:
        layer.weight, layer.bias = numbers(outputs, inputs), np.zeros(outputs, np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    def block(layer: Any, *, decoder: bool) -> None:
        linear(layer.self_attention.linear[0], 3 * width, width)
        linear(layer.self_attention.linear[1], width, width)
        norm(layer.self_attention.layer_norm)
        if decoder:
            linear(layer.attention.linear[0], width, width)
            linear(layer.attention.linear[1], 2 * width, width)
            linear(layer.attention.linear[2], width, width)
            norm(layer.attention.layer_norm)
        linear(layer.ffn.linear_0, 4 * width, width)
        linear(layer.ffn.linear_1, width, 4 * width)
        norm(layer.ffn.layer_norm)

    spec = WhisperSpec(layers, heads, decoder_layers, heads)
    encoder, decoder = spec.encoder, spec.decoder
    for layer, inputs in ((encoder.conv1, mels), (encoder.conv2, width)):
        layer.weight, layer.bias = numbers(width, inputs, 3), np.zeros(width, np.float32)
    encoder.position_encodings.encodings = numbers(1500, width)
    decoder.position_encodings.encodings = numbers(448, width)
    decoder.embeddings.weight = numbers(vocabulary, width)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.scale_embeddings = False
    for layer in (encoder.layer_norm, decoder.layer_norm):
        norm(layer)
    for layer in encoder.layer:
        block(layer, decoder=False)
    for layer in decoder.layer:
        block(layer, decoder=True)
    config = spec.config
    config.suppress_ids, config.suppress_ids_begin = [], []
    config.lang_ids, config.alignment_heads = list(range(50_259, 50_359)), [(0, 0)]
    words = [f"t{index}" for index in range(vocabulary)]
    special = {50_257: "endoftext", 50_258: "startoftranscript", 50_359: "translate", 50_360: "transcribe"}
    special |= {50_361: "startoflm", 50_362: "startofprev", 50_363: "nospeech", 50_364: "notimestamps"}
    special |= dict(zip(range(50_259, 50_359), LANGUAGES, strict=True))
    for index, name in special.items():
        words[index] = f"<|{name}|>"
    spec.register_vocabulary(words)
    spec.validate()
    spec.optimize(quantization="float16")
    spec.save(str(folder))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": mels}))
    write_tokenizer(folder, words)


def write_tokenizer(folder: Path, words: list[str]) -> None:
    """Write a tokenizer.json, or faster-whisper would ask a hub for one."""
    from tokenizers import AddedToken, Tokenizer, models

    plain = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(plain, unk_token="<|endoftext|>"))
    tokenizer.add_special_tokens([AddedToken(word) for word in words if word.startswith("<|")])
    tokenizer.save(str(folder / "tokenizer.json"))


# In the order of Whisper's language tokens (openai/whisper, tokenizer.py); large-v3 has Cantonese as the last.
_LANGUAGES = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi
ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd
gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue
"""
LANGUAGES = tuple(_LANGUAGES.split())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
