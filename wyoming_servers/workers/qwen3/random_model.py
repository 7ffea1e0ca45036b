"""Qwen3-TTS with made-up numbers, the same each time: the time and memory of a real one, for benchmarks and tests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

from .imports import Qwen3Package
from .model import RATE_HZ, dtype_of

_SEED = 0
_SCALE = 0.05
"""Of the numbers that stand in for those that training would make of zeros."""
_LOUD, _MOST_HALVINGS = 0.2, 30

# config.json of the Base models: the tokens' numbers are those of the published ones.
_LANGUAGE_IDS = {
    "chinese": 2055, "english": 2050, "german": 2053, "italian": 2070, "portuguese": 2071,
    "spanish": 2054, "japanese": 2058, "korean": 2064, "french": 2061, "russian": 2069,
}  # fmt: skip
_TALKER = {
    "vocab_size": 3072, "num_code_groups": 16, "num_hidden_layers": 28, "num_attention_heads": 16,
    "num_key_value_heads": 8, "head_dim": 128, "text_hidden_size": 2048, "text_vocab_size": 151_936,
    "rope_theta": 1_000_000, "codec_bos_id": 2149, "codec_eos_token_id": 2150, "codec_pad_id": 2148,
    "codec_think_id": 2154, "codec_nothink_id": 2155, "codec_think_bos_id": 2156, "codec_think_eos_id": 2157,
    "codec_language_id": _LANGUAGE_IDS, "spk_id": {}, "spk_is_dialect": {},
    "rope_scaling": {"interleaved": True, "mrope_section": [24, 20, 20], "rope_type": "default", "type": "default"},
}  # fmt: skip
_PREDICTOR = {
    "vocab_size": 2048, "num_code_groups": 16, "hidden_size": 1024, "intermediate_size": 3072,
    "num_hidden_layers": 5, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
}  # fmt: skip
_TEXT_IDS = {"tts_pad_token_id": 151_671, "tts_bos_token_id": 151_672, "tts_eos_token_id": 151_673}
# The codec: an encoder that is Mimi's, of whose 32 codebooks 16 are used, and a decoder of their own.
_ENCODER = {"frame_rate": 12.5, "num_quantizers": 32}
_DECODER = {
    "codebook_dim": 512, "hidden_size": 512, "latent_dim": 1024, "num_attention_heads": 16, "num_key_value_heads": 16,
    "head_dim": 64, "intermediate_size": 1024, "num_hidden_layers": 8, "decoder_dim": 1536, "num_quantizers": 16,
}  # fmt: skip
_TINY_HEADS = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}

_Part = Mapping[str, Any]
_SHAPES: Mapping[str, Mapping[str, _Part]] = {
    "0.6b": {"talker": {"hidden_size": 1024, "intermediate_size": 3072}, "speaker": {"enc_dim": 1024}},
    "1.7b": {"talker": {"hidden_size": 2048, "intermediate_size": 6144}, "speaker": {"enc_dim": 2048}},
    # The smallest that has every part: the rotary sections ask for heads of 128 numbers, the codec for its strides.
    "tiny": {
        "talker": {
            **_TINY_HEADS, "hidden_size": 64, "intermediate_size": 128, "text_hidden_size": 64, "text_vocab_size": 300,
        },
        "predictor": {**_TINY_HEADS, "hidden_size": 32, "intermediate_size": 64, "head_dim": 16},
        "speaker": {
            "enc_dim": 64, "enc_channels": [16, 16, 16, 16, 48], "enc_attention_channels": 8, "enc_se_channels": 8,
        },
        "text": {"tts_pad_token_id": 290, "tts_bos_token_id": 291, "tts_eos_token_id": 292},
        "encoder": {
            **_TINY_HEADS, "hidden_size": 32, "num_filters": 4, "head_dim": 16, "intermediate_size": 64,
            "codebook_dim": 16, "vector_quantization_hidden_dimension": 16, "upsample_groups": 32,
        },
        "decoder": {
            "codebook_dim": 16, "hidden_size": 16, "latent_dim": 32, "num_attention_heads": 2,
            "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 32, "num_hidden_layers": 1, "decoder_dim": 32,
        },
    },
}  # fmt: skip


def model_config(size: str) -> dict[str, Any]:
    """Return what the config.json of a model of that size says."""
    shape = _SHAPES[size]
    predictor = {**_PREDICTOR, **shape.get("predictor", {})}
    return {
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_type": "base",
        "tts_model_size": size,
        "talker_config": {**_TALKER, **shape["talker"], "code_predictor_config": predictor},
        "speaker_encoder_config": {"sample_rate": RATE_HZ, **shape["speaker"]},
        **_TEXT_IDS,
        **shape.get("text", {}),
    }


def codec_config(size: str) -> dict[str, Any]:
    """Return what the config.json of its codec says."""
    shape = _SHAPES[size]
    return {
        "model_type": "qwen3_tts_tokenizer_12hz",
        "encoder_config": {**_ENCODER, **shape.get("encoder", {})},
        "decoder_config": {**_DECODER, **shape.get("decoder", {})},
    }


def random_base(package: Qwen3Package, size: str, device: str) -> Any:
    """Return the package's `Qwen3TTSModel` of that size, built where and in the format it will have."""
    from qwen_tts.core import Qwen3TTSTokenizerV2Config, Qwen3TTSTokenizerV2Model
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration, Qwen3TTSProcessor
    from qwen_tts.inference.qwen3_tts_tokenizer import Qwen3TTSTokenizer
    from transformers import EncodecFeatureExtractor

    config = Qwen3TTSConfig(**model_config(size))
    of_codec = Qwen3TTSTokenizerV2Config(**codec_config(size))
    with _made_up(package.torch, device):
        model = Qwen3TTSForConditionalGeneration(config).eval()
        codec_model = Qwen3TTSTokenizerV2Model(of_codec).eval()
        _fill(package.torch, model)
        _fill(package.torch, codec_model)
        _level(package.torch, codec_model.decoder)
        with package.torch.no_grad():  # it never ends by chance, so that each text takes its whole time
            model.talker.codec_head.weight[config.talker_config.codec_eos_token_id] = 0
    codec = Qwen3TTSTokenizer()
    codec.model, codec.config, codec.device = codec_model, of_codec, codec_model.device
    codec.feature_extractor = EncodecFeatureExtractor(feature_size=1, sampling_rate=RATE_HZ)
    model.load_speech_tokenizer(codec)
    model.load_generate_config({})
    return package.Qwen3TTSModel(model, Qwen3TTSProcessor(tokenizer=_tokenizer()), {})


@contextmanager
def _made_up(torch: Any, device: str) -> Any:
    """Let modules be made on `device` in its format, with the same numbers each time."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype_of(torch, device))
    try:
        with torch.random.fork_rng(devices=[] if device == "cpu" else [device]), torch.device(device):
            torch.manual_seed(_SEED)
            yield
    finally:
        torch.set_default_dtype(before)


def _fill(torch: Any, module: Any) -> None:
    """Put numbers where training would, such that what goes in is still heard after many layers."""
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if not tensor.is_floating_point():
                continue
            if tensor.ndim > 1:
                tensor.normal_(0, (tensor.numel() / len(tensor)) ** -0.5)
            elif not tensor.any():
                tensor.normal_(0, _SCALE)


def _level(torch: Any, decoder: Any) -> None:
    """Make its noise as loud as speech, around zero: at the last layer, with some codes to hear it on."""
    weight = decoder.decoder[-1].conv.weight
    codes = torch.randint(0, decoder.config.codebook_size, (1, decoder.config.num_quantizers, 8))
    with torch.no_grad():
        weight -= weight.mean(dim=-1, keepdim=True)
        for _ in range(_MOST_HALVINGS):
            if decoder(codes).float().std() < _LOUD:
                break
            weight *= 0.5


def _tokenizer() -> Any:
    """Return a tokenizer of single bytes, and of the words of the frame that texts are put into."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    vocabulary = {character: number for number, character in enumerate(sorted(ByteLevel.alphabet()))}
    vocabulary["<|endoftext|>"] = len(vocabulary)
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", "assistant"]})
    return tokenizer
