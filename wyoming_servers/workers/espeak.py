"""Text-to-speech by eSpeak NG: no model, instant, over a hundred languages. GPL-3.0, so in a process of its own.

Mandarin needs care. eSpeak NG's `cmn` voice reads Chinese characters through a small table and falls back to reading
their romanisation as English letters with digits ("3K3Q4"); its `cmn-latn-pinyin` voice reads pinyin well. So Chinese
characters become pinyin here, by pypinyin, which also knows words (銀行 yín háng, 行走 xíng zǒu), and Latin words
inside a Chinese sentence are read by the English voice.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator

from wyoming.info import Attribution, TtsProgram, TtsVoice

from avatar_appliance.config.workers import EspeakWorker
from avatar_appliance.errors import VoiceUnknown

from .engine import AudioPiece, StopFlag

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_RATE_PARAMETER = 1
_PINYIN_VOICE = "cmn-latn-pinyin"
_MANDARIN = frozenset({"cmn", "zh", _PINYIN_VOICE})
_LATIN_RUN = re.compile(r"[A-Za-z][A-Za-z0-9'’ .\-]*[A-Za-z0-9]|[A-Za-z]")
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakEngine:
    """The configured eSpeak NG voices."""

    def __init__(self, settings: EspeakWorker) -> None:
        self._settings = settings
        self._voices = {voice.name: voice for voice in settings.voices}
        self._library: ctypes.CDLL | None = None
        self._rate_hz = 0
        self._audio = bytearray()
        self._stop = StopFlag()
        # ctypes keeps no reference: without this attribute the callback would be freed under the C library.
        self._callback = _CALLBACK(self._receive)

    def load(self) -> None:
        """Load the shared library and let each voice speak once; raises ValueError for an unknown voice."""
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        rate_hz = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        if rate_hz <= 0:
            raise ValueError("eSpeak NG did not start")
        library.espeak_SetSynthCallback(self._callback)
        library.espeak_SetParameter(_RATE_PARAMETER, self._settings.words_per_minute, 0)
        self._library, self._rate_hz = library, rate_hz
        for voice in self._voices:
            for _ in self.synthesize("1", voice, None, StopFlag()):
                pass

    def program(self) -> TtsProgram:
        """Return the program entry with the configured voices."""
        attribution = Attribution(name="eSpeak NG", url="https://github.com/espeak-ng/espeak-ng")
        return TtsProgram(
            name="espeak-ng",
            description="eSpeak NG formant synthesis",
            attribution=attribution,
            installed=True,
            version=None,
            voices=[
                TtsVoice(
                    name=voice.name,
                    description=f"eSpeak NG ({voice.language})",
                    attribution=attribution,
                    installed=True,
                    version=None,
                    languages=[voice.language],
                )
                for voice in self._voices.values()
            ],
        )

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Speak `text`, one piece of audio per run of one language."""
        chosen = self._voices.get(voice)
        if chosen is None or speaker is not None:
            raise VoiceUnknown("this eSpeak worker has no such voice")
        for espeak_voice, run in _runs(text, chosen.voice):
            if stop.is_set():
                return
            if pcm := self._speak(run, espeak_voice, stop):
                yield AudioPiece(self._rate_hz, pcm)

    def _speak(self, text: str, espeak_voice: str, stop: StopFlag) -> bytes:
        library = self._library
        if library is None:
            raise RuntimeError("load() comes first")
        self._audio, self._stop = bytearray(), stop
        if library.espeak_SetVoiceByName(espeak_voice.encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {espeak_voice!r}")
        raw = text.encode()
        if library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, _CHARS_UTF8, None, None) != 0:
            raise ValueError("eSpeak NG could not speak this")
        return bytes(self._audio)

    def _receive(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: object) -> int:
        if count > 0:  # 0 samples (and a null pointer) mark the end of a text
            self._audio += ctypes.string_at(samples, count * 2)
        return 1 if self._stop.is_set() else 0  # 1 ends the synthesis


def _runs(text: str, voice: str) -> Iterator[tuple[str, str]]:
    """Split text for a Mandarin voice into (eSpeak voice, text) runs; other voices get it whole."""
    if voice not in _MANDARIN:
        yield voice, text
        return
    position = 0
    for match in _LATIN_RUN.finditer(text):
        if before := _pinyin(text[position : match.start()]):
            yield _PINYIN_VOICE, before
        yield "en-us", match.group()
        position = match.end()
    if rest := _pinyin(text[position:]):
        yield _PINYIN_VOICE, rest


def _pinyin(text: str) -> str:
    """Return Hanyu pinyin with tone digits; 5 is the neutral tone. Punctuation stays, for the pauses."""
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)).strip()
