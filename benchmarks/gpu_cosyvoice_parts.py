"""What the parts of CosyVoice take on a GPU, in its true size with random weights, inside one process.

    PYTHON -m benchmarks.gpu_cosyvoice_parts MODEL > benchmarks/results/gpu-cosyvoice-parts.json

The worker's own engine, without its process: `gpu_cosyvoice` has the whole. Needs what that needs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from avatar_appliance.config.gpu_workers import CosyVoiceWorker
from avatar_appliance.voices.voice_index import VoiceIndex, voice_index_path, write_voice_index
from wyoming_servers.workers.cosyvoice import CosyVoiceEngine

from .gpu_cosyvoice import TEXTS, VOICE, gpu_name, profile

HOPS = (25, 50, 100, 200)
ROUNDS = 8


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path)
    options.add_argument("--folder", type=Path, default=Path("/tmp/gpu-cosyvoice-parts"))
    options.add_argument("--device", default="cuda")
    options.add_argument("--half", action="store_true")
    chosen = options.parse_args()
    index = voice_index_path(chosen.folder)
    index.parent.mkdir(parents=True, exist_ok=True)
    anna = profile(index.parent)
    write_voice_index(index, [anna])
    settings = CosyVoiceWorker(
        engine="cosyvoice", model=str(chosen.model), device=chosen.device, half_precision=chosen.half
    )
    began = time.perf_counter()
    engine = CosyVoiceEngine(settings, chosen.model, index=VoiceIndex(index))
    engine.load()
    report: dict[str, Any] = {
        "command": "PYTHON -m benchmarks.gpu_cosyvoice_parts MODEL",
        "gpu": gpu_name(),
        "weights": "random, of the true architecture",
        "model": engine.program().description,
        "precision": "half" if chosen.half else "single",
        "load_s": round(time.perf_counter() - began, 1),
    }
    json.dump(report | Parts(engine).measure(anna.reference, anna.transcript), sys.stdout, indent=1)
    print()


class Parts:
    """The parts of a loaded engine."""

    def __init__(self, engine: CosyVoiceEngine) -> None:
        self._engine = engine
        self._cosy: Any = engine._cosy
        self._torch: Any = engine._package.torch if engine._package else None

    def measure(self, reference: Path, transcript: str) -> dict[str, Any]:
        """Return milliseconds: medians of a few rounds, after one that does not count."""
        frontend, file = self._cosy.frontend, str(reference)
        found: dict[str, Any] = {
            "register_ms": {
                "speech_tokens": self._timed(lambda: frontend._extract_speech_token(file)),
                "speaker_embedding": self._timed(lambda: frontend._extract_spk_embedding(file)),
                "mel": self._timed(lambda: frontend._extract_speech_feat(file)),
            }
        }
        self._engine._register(VOICE, reference, transcript)
        voice, model = frontend.spk2info[VOICE], self._cosy.model
        asked = frontend.frontend_zero_shot(TEXTS["9.6 s"], "", "", 24_000, VOICE)["text"]
        prompt = voice["prompt_text"], voice["llm_prompt_speech_token"], voice["llm_embedding"]
        tokens: list[int] = []

        def think() -> None:
            model.tts_speech_token_dict["x"], model.llm_end_dict["x"] = [], False
            model.llm_job(asked, *prompt, "x")
            tokens[:] = model.tts_speech_token_dict["x"]

        encoder = model.llm.llm
        ours, upstream = encoder.forward_one_step, type(encoder).forward_one_step.__get__(encoder)
        for name, step in (("upstream", upstream), ("ours", ours)):
            encoder.forward_one_step = step
            whole_ms = self._timed(think)
            found[f"language_model_{name}"] = {"tokens": len(tokens), "ms_per_token": round(whole_ms / len(tokens), 2)}
        found["steps_differ_by"] = self._difference(upstream, ours)
        found["sampling_ms_per_token"] = self._sampling()
        found["sound_ms"] = {str(hop): self._sound(voice, tokens, hop) for hop in HOPS}
        found["allocated_mib"] = self._allocated_mib()
        return found

    def _difference(self, upstream: Any, ours: Any) -> float:
        """Return how far the thoughts on 10 and 200 single tokens are apart, relative to their size."""
        torch, device = self._torch, self._cosy.model.device
        with torch.inference_mode():
            heard = torch.randn(1, 210, self._cosy.model.llm.llm_input_size, device=device)
            thoughts = []
            for step in (upstream, ours):
                thought, cache = step(heard[:, :10], torch.ones(1, 10, 10, dtype=torch.bool, device=device), None)
                said = [thought.clone()]
                for place in range(10, 210):
                    masks = torch.ones(1, 1, 1, dtype=torch.bool, device=device)
                    thought, cache = step(heard[:, place : place + 1], masks, cache)
                    said.append(thought.clone())
                thoughts.append(torch.cat(said, dim=1).double())
            return float((thoughts[0] - thoughts[1]).norm() / thoughts[0].norm())

    def _sampling(self) -> float:
        llm, torch = self._cosy.model.llm, self._torch
        scores = torch.randn(llm.llm_decoder.out_features, device=self._cosy.model.device).log_softmax(dim=-1)
        said = list(range(100, 130))
        return self._timed(lambda: [llm.sampling(scores.clone(), said, 25) for _ in range(20)]) / 20

    def _sound(self, voice: Any, tokens: list[int], hop: int) -> float:
        model, torch = self._cosy.model, self._torch
        count = hop + model.flow.pre_lookahead_len

        def once() -> None:
            model.hift_cache_dict["x"] = None
            model.token2wav(
                token=torch.tensor(tokens[:count]).unsqueeze(dim=0), prompt_token=voice["flow_prompt_speech_token"],
                prompt_feat=voice["prompt_speech_feat"], embedding=voice["flow_embedding"], token_offset=0, uuid="x",
                stream=True, finalize=False,
            ).cpu()  # fmt: skip

        return self._timed(once)

    def _allocated_mib(self) -> dict[str, int]:
        if not self._torch.cuda.is_available():
            return {}
        cuda = self._torch.cuda
        return {"now": cuda.memory_allocated() >> 20, "peak": cuda.max_memory_allocated() >> 20}

    def _timed(self, run: Callable[[], object]) -> float:
        times = []
        for _ in range(ROUNDS + 1):
            self._wait()
            began = time.perf_counter()
            run()
            self._wait()
            times.append((time.perf_counter() - began) * 1000)
        return round(median(times[1:]), 2)

    def _wait(self) -> None:
        if self._torch.cuda.is_available():
            self._torch.cuda.synchronize()


if __name__ == "__main__":
    main()
