"""Silence and hallucination gate: an empty text with a reason rather than an invented sentence.

Whisper was trained on subtitles and fills silence with what subtitles end with. The rules, strongest first: no speech
by our own VAD; the model's own doubt (OpenAI's no-speech rule); loops; text that is only noise marks; and last a list
of known inventions, which counts only where little was said, since people do say "thank you".
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

# whisper/transcribe.py: no_speech_threshold, logprob_threshold, compression_ratio_threshold.
NO_SPEECH_PROB = 0.6
MIN_AVG_LOGPROB = -1.0
MAX_COMPRESSION_RATIO = 2.4
# Below this the model is guessing, whatever it says about speech.
HOPELESS_AVG_LOGPROB = -1.5
# Inventions are believed with this much confidence...
SURE_AVG_LOGPROB = -0.5
# ... and this much speech; with less, if it is still enough to have said just that, as fast as people speak.
SHORT_SPEECH_S = 0.8
SHORTEST_SPEECH_S = 0.3
S_PER_LETTER = 0.04
S_PER_HAN = 0.12
# zlib needs some text before its ratio says anything.
MIN_CHARS_FOR_RATIO = 40
# A word or syllable said this often in a row is a loop; people stop at five or six ("no, no, no", "對對對").
LOOP_REPEATS = 10

_NOISE_MARK = re.compile(r"[\[(（【♪*][^\])）】♪*]{0,40}[\])）】♪*]|♪+")
_WORDLESS = re.compile(r"[\W_]+")
_LOOP = re.compile(rf"(\w{{1,12}}?)\1{{{LOOP_REPEATS - 1},}}")
_INVENTIONS = frozenset(
    re.sub(r"[\W_]+", "", line).casefold()
    for line in (
        "Thank you.",
        "Thank you very much.",
        "Thanks for watching!",
        "Thank you for watching.",
        "Please subscribe to my channel.",
        "Like and subscribe.",
        "Subtitles by the Amara.org community",
        "See you next time.",
        "Bye.",
        "you",
        "謝謝觀看",
        "謝謝收看",
        "謝謝大家",
        "感謝觀看",
        "谢谢观看",
        "谢谢大家",
        "感谢观看",
        "請訂閱",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "請不吝點贊訂閱轉發打賞支持明鏡與點點欄目",
        "字幕由Amara.org社区提供",
        "字幕由 Amara.org 社群提供",
        "中文字幕志愿者",
        "MING PAO CANADA",
        "MING PAO TORONTO",
    )
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The text to answer with, and why it is empty if the gate emptied it."""

    text: str
    rejected: str | None = None


def judge(text: str, metrics: Mapping[str, float], speech_s: float | None) -> Verdict:
    """Judge a transcript.

    `metrics` are the engine's (`avg_logprob`, `no_speech_prob`, `compression_ratio`), as far as it gives any;
    `speech_s` is how long the VAD heard speech, None where it did not listen.
    """
    text = text.strip()
    if not text:
        return Verdict("")
    if speech_s == 0.0:
        return Verdict("", "no-speech")
    logprob = metrics.get("avg_logprob", 0.0)
    if metrics.get("no_speech_prob", 0.0) > NO_SPEECH_PROB and logprob < MIN_AVG_LOGPROB:
        return Verdict("", "no-speech-by-model")
    if logprob < HOPELESS_AVG_LOGPROB:
        return Verdict("", "unsure")
    if metrics.get("compression_ratio", 0.0) > MAX_COMPRESSION_RATIO or _loops(text):
        return Verdict("", "repetition")
    text = " ".join(_NOISE_MARK.sub(" ", text).split())
    core = _WORDLESS.sub("", text).casefold()
    if not core:
        return Verdict("", "noise-mark")
    if core in _INVENTIONS and (logprob < SURE_AVG_LOGPROB or _too_short(core, metrics, speech_s)):
        return Verdict("", "known-invention")
    return Verdict(text)


def _too_short(core: str, metrics: Mapping[str, float], speech_s: float | None) -> bool:
    """Return whether there was less speech than a phrase that Whisper likes to invent must have behind it."""
    if speech_s is None or speech_s >= SHORT_SPEECH_S:
        return False
    if "avg_logprob" not in metrics:
        return True  # a worker that does not say how sure it is
    needed_s = sum(S_PER_LETTER if char.isascii() else S_PER_HAN for char in core)
    return speech_s < max(SHORTEST_SPEECH_S, needed_s)


def _loops(text: str) -> bool:
    """Return whether a text repeats itself as loops do.

    For workers that report no compression ratio, and for loops too short for one: Whisper's token limit ends "4, 4, 4"
    before zlib gains much by it. Only one that is most of the text counts: phone numbers have zeros in a row.
    """
    core = _WORDLESS.sub("", text)
    if any(2 * len(loop.group()) > len(core) for loop in _LOOP.finditer(core)):
        return True
    raw = text.encode()
    return len(raw) >= MIN_CHARS_FOR_RATIO and len(raw) / len(zlib.compress(raw)) > MAX_COMPRESSION_RATIO
