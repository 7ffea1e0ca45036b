"""Speech of a text in a prepared voice, in pieces while it is made: `FasterQwen3TTS` with our stop and our limits."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import Any

from wyoming_servers.workers.engine import StopFlag
from wyoming_servers.workers.spoken_length import spoken_length

from .imports import Qwen3Package, quiet
from .language import AUTO
from .model import STEPS_PER_S, dtype_of
from .reference import Reference
from .steps import Abandoned, StoppablePredictor, step_classes

_LOGGER = logging.getLogger(__name__)

# Positions of the attention cache: 15.5 s of recording, and a minute of speech after it. 110 KiB each (0.6B and 1.7B).
_POSITIONS = 1024
# A model of this kind sometimes does not find the end of a sentence, and babbles on.
_MOST_TIMES_AS_LONG, _MOST_LONGER_S = 2.0, 2.0
_WARM_PREFILL = 100


class Speech:
    """One loaded model, ready to speak; used by one thread."""

    def __init__(
        self, package: Qwen3Package, base: Any, device: str, *, graphs: bool, temperature: float, chunk_steps: int
    ) -> None:
        """`base` is the package's `Qwen3TTSModel`."""
        self._temperature = temperature
        self._chunk_steps = chunk_steps
        self._languages = {str(name).lower() for name in base.model.get_supported_languages()}
        talker, config = base.model.talker, base.model.config.talker_config
        place = {"device": f"{device}:0" if device == "cpu" else device, "dtype": dtype_of(package.torch, device)}
        predictor_class, talker_class = step_classes(package, graphs=graphs)
        predictor = predictor_class(
            talker.code_predictor, talker.code_predictor.model.config, config.hidden_size,
            do_sample=True, top_k=50, temperature=temperature, **place,
        )  # fmt: skip
        self._predictor = StoppablePredictor(predictor)
        self._faster = package.FasterQwen3TTS(
            base_model=base,
            predictor_graph=self._predictor,
            talker_graph=talker_class(talker.model, config, max_seq_len=_POSITIONS, **place),
            max_seq_len=_POSITIONS,
            **place,
        )
        if not package.torch.cuda.is_available():
            # The package waits for the GPU after each piece; where there is none, torch calls that an error.
            package.torch.cuda.synchronize = _nothing_to_wait_for

    def record(self) -> None:
        """Record the graphs."""
        with quiet():
            self._faster.warmup(prefill_len=_WARM_PREFILL)

    def say(self, text: str, language: str, reference: Reference, stop: StopFlag) -> Iterator[Any]:
        """Yield pieces of sound, float arrays of one channel; ends early, within a step, when `stop` is set."""
        most_steps = longest(text, reference.syllable_s)
        steps = 0
        self._predictor.stop = stop
        speech = self._faster.generate_voice_clone_streaming(
            text=text,
            language=language if language.lower() in self._languages else AUTO,
            voice_clone_prompt=reference.prompt,
            ref_text=reference.transcript,
            max_new_tokens=most_steps,
            temperature=self._temperature,
            chunk_size=self._chunk_steps,
        )
        try:
            for sound, _rate_hz, timing in speech:
                if stop.is_set():
                    return
                yield sound
                steps = timing["total_steps_so_far"]
        except Abandoned:
            return
        finally:
            speech.close()
            self._predictor.stop = None
        if steps >= most_steps:
            _LOGGER.warning("the model found no end: cut after %.1f s of speech", steps / STEPS_PER_S)


def longest(text: str, syllable_s: float) -> int:
    """Return after how many steps the speech of `text` is cut, by somebody who takes so long for a syllable."""
    seconds = spoken_length(text) * syllable_s * _MOST_TIMES_AS_LONG + _MOST_LONGER_S
    return math.ceil(seconds * STEPS_PER_S)


def _nothing_to_wait_for(*_: Any) -> None:
    pass
