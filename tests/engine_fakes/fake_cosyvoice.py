"""A stand-in for the source tree of CosyVoice (commit ace7c47) and for torch, with numpy in its place.

Upstream is not a package and is not copied here. Names and parameters of what the worker uses are exactly upstream's;
`tests/engine/test_cosyvoice_source.py` compares them with a checkout where there is one. The sound of a token is 960
samples (24 kHz, 25 tokens a second) whose value is the number of the token, so that a test can see each token once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SAMPLES_PER_TOKEN = 960
PROMPT_TOKENS = 82
"""Of every recording: 3.28 s, no whole number of chunks."""


class Tensor(np.ndarray):
    """A numpy array with the few names of torch that the worker uses."""

    def unsqueeze(self, dim: int) -> Tensor:
        return np.expand_dims(self, dim).view(Tensor)

    def cpu(self) -> Tensor:
        return self

    def float(self) -> Tensor:
        return self.astype(np.float32).view(Tensor)

    def to(self, dtype: Any) -> Tensor:
        return self.astype(dtype).view(Tensor)

    def clamp(self, low: float, high: float) -> Tensor:
        return np.clip(self, low, high).view(Tensor)

    def numpy(self) -> np.ndarray:
        return np.asarray(self)


def tensor(values: Any) -> Tensor:
    return np.asarray(values).view(Tensor)


class FakeFlow:
    pre_lookahead_len = 3
    token_mel_ratio = 2


class FakeLanguageModel:
    sampling = None


class FakeModel:
    """`CosyVoice2Model`, as far as it is used."""

    def __init__(self) -> None:
        self.flow = FakeFlow()
        self.llm = FakeLanguageModel()
        self.lock = threading.Lock()
        self.token_hop_len = 25
        self.tts_speech_token_dict: dict[str, Any] = {}
        self.llm_end_dict: dict[str, bool] = {}
        self.hift_cache_dict: dict[str, Any] = {}
        self.calls: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.make: Callable[[int], Iterator[int]] = lambda count: iter(range(count))
        """The tokens of a text of so many characters: by default ten for each."""

    def llm_job(self, text: Any, prompt_text: Any, llm_prompt_speech_token: Any, llm_embedding: Any, uuid: str) -> None:
        for token in self.make(10 * text.shape[1]):
            self.tts_speech_token_dict[uuid].append(token)
        self.llm_end_dict[uuid] = True

    def token2wav(
        self,
        token: Any,
        prompt_token: Any,
        prompt_feat: Any,
        embedding: Any,
        token_offset: int,
        uuid: str,
        stream: bool = False,
        finalize: bool = False,
        speed: float = 1.0,
    ) -> Tensor:
        assert prompt_feat.shape[1] == prompt_token.shape[1] * self.flow.token_mel_ratio
        heard = list(token[0])[token_offset : None if finalize else token.shape[1] - self.flow.pre_lookahead_len]
        self.calls.append({"tokens": len(heard), "stream": stream, "finalize": finalize, "speed": speed})
        wave = np.repeat(np.asarray(heard, dtype=np.float32) / 1000, int(SAMPLES_PER_TOKEN / speed))
        return wave[None].view(Tensor)


class FakeFrontEnd:
    """`CosyVoiceFrontEnd`, as far as it is used."""

    def __init__(self) -> None:
        self.spk2info: dict[str, dict[str, Any]] = {}

    def frontend_zero_shot(
        self, tts_text: str, prompt_text: str, prompt_wav: str, resample_rate: int, zero_shot_spk_id: str
    ) -> dict[str, Any]:
        text = {"text": tensor([list(range(len(tts_text)))]), "text_len": tensor([len(tts_text)])}
        if zero_shot_spk_id:
            return {**self.spk2info[zero_shot_spk_id], **text, "said": tts_text}
        Path(prompt_wav).read_bytes()
        tokens = tensor([list(range(PROMPT_TOKENS))])
        features = np.zeros((1, 2 * PROMPT_TOKENS, 80), dtype=np.float32).view(Tensor)
        return {
            **text,
            "prompt_text": prompt_text,
            "prompt_text_len": tensor([len(prompt_text)]),
            "llm_prompt_speech_token": tokens,
            "llm_prompt_speech_token_len": tensor([PROMPT_TOKENS]),
            "flow_prompt_speech_token": tokens,
            "flow_prompt_speech_token_len": tensor([PROMPT_TOKENS]),
            "prompt_speech_feat": features,
            "prompt_speech_feat_len": tensor([2 * PROMPT_TOKENS]),
            "llm_embedding": tensor([[0.0]]),
            "flow_embedding": tensor([[0.0]]),
        }


class FakeCosyVoice2:
    """`CosyVoice2`, as far as it is used."""

    sample_rate = 24_000

    def __init__(self, model_dir: str, fp16: bool = False) -> None:
        self.model_dir = model_dir
        self.fp16 = fp16
        self.frontend = FakeFrontEnd()
        self.model = FakeModel()

    def add_zero_shot_spk(self, prompt_text: str, prompt_wav: str, zero_shot_spk_id: str) -> bool:
        voice = self.frontend.frontend_zero_shot("", prompt_text, prompt_wav, self.sample_rate, "")
        del voice["text"], voice["text_len"]
        self.frontend.spk2info[zero_shot_spk_id] = voice
        return True


def install(monkeypatch: pytest.MonkeyPatch) -> list[FakeCosyVoice2]:
    """Put the stand-ins where the worker imports from; return the list that each loaded model is added to."""
    made: list[FakeCosyVoice2] = []

    def auto_model(**kwargs: Any) -> FakeCosyVoice2:
        made.append(FakeCosyVoice2(**kwargs))
        return made[-1]

    def module(name: str, **members: Any) -> ModuleType:
        found = ModuleType(name)
        vars(found).update(members)
        monkeypatch.setitem(sys.modules, name, found)
        return found

    def nan_to_num(values: Any, nan: float) -> Tensor:
        return np.nan_to_num(values, nan=nan).view(Tensor)

    module("torch", tensor=tensor, nan_to_num=nan_to_num, int16=np.int16, manual_seed=np.random.seed)
    engine = module("cosyvoice.cli.cosyvoice", AutoModel=auto_model)
    front_end = module("cosyvoice.cli.frontend", load_wav=None)
    module("cosyvoice")
    module("cosyvoice.cli", cosyvoice=engine, frontend=front_end)
    for name in ("modelscope", "wetext"):  # the worker puts something in their place: gone after the test
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    return made
