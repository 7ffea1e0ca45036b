"""Speech-to-text by faster-whisper (CTranslate2), with a short encoder window.

Whisper always encodes 30 s. Most commands last two, so that most of the time on a CPU goes into padding. CTranslate2's
encoder takes fewer frames; this engine cuts the features to `window_s` (never below the speech itself plus a margin)
and falls back to the stock 30 s path, with its temperature fallbacks, when the result looks wrong.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wyoming.info import AsrModel, AsrProgram, Attribution

from avatar_appliance.config.workers import FasterWhisperWorker

from .engine import StopFlag, TranscribeOptions, Transcription
from .threads import cpu_threads

_LOGGER = logging.getLogger(__name__)

RATE_HZ = 16_000
FRAMES_PER_S = 100
WHISPER_WINDOW_S = 30.0
# Encoded silence behind the speech: without it Whisper repeats the last words (measured with a 4 s window).
MARGIN_S = 2.0
# OpenAI's own thresholds for "this decode went wrong" (whisper/transcribe.py).
MAX_COMPRESSION_RATIO = 2.4
MIN_AVG_LOGPROB = -1.0
# Half of Whisper's 448 tokens of context may be prompt.
MAX_PROMPT_TOKENS = 223
# Nobody says more: fast speech has about 6 tokens per second in English and 8 in Chinese. A decode that loops would go
# on to 448 tokens, and take seconds for nothing.
TOKENS_PER_S = 12
SPARE_TOKENS = 24
# Two tries, not OpenAI's six: each costs a second or more on a CPU, and a voice user would rather say it again.
FALLBACK_TEMPERATURES = (0.0, 0.4)


class FasterWhisperEngine:
    """One Whisper model."""

    def __init__(self, settings: FasterWhisperWorker, model_dir: Path, model_name: str) -> None:
        self._settings = settings
        self._model_dir = model_dir
        self._model_name = model_name
        self._model: Any = None
        self._languages: list[str] = []
        self._multilingual = True
        self._version = ""

    def load(self) -> None:
        """Import faster-whisper, load the model, run it once over silence."""
        import faster_whisper

        settings = self._settings
        device, _, index = settings.device.partition(":")
        compute_type = settings.compute_type
        if compute_type == "auto":
            compute_type = "int8" if device == "cpu" or not _has_cuda() else "float16"
        self._model = faster_whisper.WhisperModel(
            str(self._model_dir),
            device=device,
            device_index=int(index or 0),
            compute_type=compute_type,
            cpu_threads=cpu_threads(settings.threads),
            local_files_only=True,
        )
        self._version = faster_whisper.__version__
        self._multilingual = bool(self._model.model.is_multilingual)
        self._languages = sorted(self._model.supported_languages)
        self.transcribe(np.zeros(RATE_HZ, dtype=np.float32), TranscribeOptions(language="en"), StopFlag())

    def program(self) -> AsrProgram:
        """Return the program entry: one model, every language it knows."""
        # Whisper writes Mandarin as "zh"; the ASR server turns that into the script that was asked for.
        return AsrProgram(
            name="faster-whisper",
            description="Whisper on CTranslate2",
            attribution=Attribution(name="SYSTRAN", url="https://github.com/SYSTRAN/faster-whisper"),
            installed=True,
            version=self._version,
            models=[
                AsrModel(
                    name=self._model_name,
                    description=f"Whisper ({self._model_name})",
                    attribution=Attribution(name="OpenAI", url="https://github.com/openai/whisper"),
                    installed=True,
                    version=None,
                    languages=self._languages,
                )
            ],
        )

    def transcribe(self, audio: NDArray[np.float32], options: TranscribeOptions, stop: StopFlag) -> Transcription:
        """Transcribe mono 16 kHz audio of any length."""
        language = self._known(options.language)
        duration_s = len(audio) / RATE_HZ
        window_s = max(self._settings.window_s, duration_s + MARGIN_S)
        if window_s < WHISPER_WINDOW_S:
            result = self._short(audio, window_s, language, options)
            if stop.is_set() or _looks_right(result):
                return result
            _LOGGER.debug("short window went wrong (%s); taking the 30 s path", result.metrics)
        return self._stock(audio, language, options, stop)

    def _known(self, language: str | None) -> str | None:
        """Return Whisper's code of a language tag (zh-TW -> zh), or None for "find out"."""
        if not self._multilingual:
            return "en"  # an English-only model can neither find out nor be told
        if not language:
            return None
        code = language.replace("_", "-").split("-")[0].lower()
        return code if code in self._languages else None

    def _short(
        self, audio: NDArray[np.float32], window_s: float, language: str | None, options: TranscribeOptions
    ) -> Transcription:
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens

        model = self._model
        samples = int(window_s * RATE_HZ)
        # `padding` adds silence behind the speech, as the stock path does up to 30 s.
        features = model.feature_extractor(audio, padding=samples - len(audio))[..., : int(window_s * FRAMES_PER_S)]
        encoded = model.encode(features)
        probability = 1.0
        if language is None:
            (token, probability), *_ = model.model.detect_language(encoded)[0]
            language = token[2:-2]
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
        prompt = model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=_bias(tokenizer, options) or None)
        most_tokens = min(model.max_length - len(prompt), _most_tokens(len(audio) / RATE_HZ))
        generated = model.model.generate(
            encoded,
            [prompt],
            beam_size=self._settings.beam_size,
            max_length=len(prompt) + most_tokens,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        )[0]
        tokens = generated.sequences_ids[0]
        text = tokenizer.decode(tokens).strip()
        return Transcription(
            text=text,
            language=language,
            metrics={
                "avg_logprob": float(generated.scores[0] * len(tokens) / (len(tokens) + 1)),
                "no_speech_prob": float(generated.no_speech_prob),
                "compression_ratio": float(get_compression_ratio(text)) if text else 0.0,
                "language_probability": float(probability),
                "window_s": window_s,
                # Ended by the limit and not by the model: it was looping, or could not stop.
                "truncated": float(len(tokens) >= most_tokens),
            },
        )

    def _stock(
        self, audio: NDArray[np.float32], language: str | None, options: TranscribeOptions, stop: StopFlag
    ) -> Transcription:
        segments, info = self._model.transcribe(
            audio,
            language=language,
            beam_size=self._settings.beam_size,
            hotwords=_bias(self._model.hf_tokenizer, options) or None,
            temperature=FALLBACK_TEMPERATURES,
            max_new_tokens=min(MAX_PROMPT_TOKENS, _most_tokens(len(audio) / RATE_HZ)),
            # Conditioning on earlier text is how Whisper gets into loops.
            condition_on_previous_text=False,
            without_timestamps=len(audio) < WHISPER_WINDOW_S * RATE_HZ,
        )
        texts: list[str] = []
        logprobs: list[float] = []
        no_speech: list[float] = []
        ratios: list[float] = []
        for segment in segments:  # lazily decoded: each step is one engine call
            texts.append(segment.text.strip())
            logprobs.append(segment.avg_logprob)
            no_speech.append(segment.no_speech_prob)
            ratios.append(segment.compression_ratio)
            if stop.is_set():
                break
        joiner = "" if info.language in ("zh", "ja", "yue", "th", "lo", "my") else " "
        return Transcription(
            text=joiner.join(text for text in texts if text),
            language=info.language,
            metrics={
                "avg_logprob": float(np.mean(logprobs)) if logprobs else 0.0,
                "no_speech_prob": float(np.max(no_speech)) if no_speech else 1.0,
                "compression_ratio": float(np.max(ratios)) if ratios else 0.0,
                "language_probability": float(info.language_probability),
                "window_s": WHISPER_WINDOW_S,
            },
        )


def _looks_right(result: Transcription) -> bool:
    metrics = result.metrics
    return (
        not metrics["truncated"]
        and metrics["compression_ratio"] <= MAX_COMPRESSION_RATIO
        and metrics["avg_logprob"] >= MIN_AVG_LOGPROB
    )


def _most_tokens(duration_s: float) -> int:
    return int(duration_s * TOKENS_PER_S) + SPARE_TOKENS


def _bias(tokenizer: Any, options: TranscribeOptions) -> str:
    """Return the vocabulary as a prompt within Whisper's budget, names before terms."""
    chosen: list[str] = []
    used = 0
    for word in (*options.names, *options.terms):
        tokens = tokenizer.encode(f" {word},")
        used += len(getattr(tokens, "ids", tokens))
        if used > MAX_PROMPT_TOKENS:
            break
        chosen.append(word)
    return ", ".join(chosen)


def _has_cuda() -> bool:
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count()) > 0
