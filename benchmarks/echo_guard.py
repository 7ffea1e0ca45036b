"""How much of its own speech the echo guard ignores, and what of people's.

    avatar models fetch resemblyzer piper-en-us-joe-medium whisper-base
    python3 -m benchmarks.echo_guard > benchmarks/results/echo-guard.json

A Piper voice and eSpeak NG's Chinese say answers into simulated rooms (reverberation, a small loudspeaker, noise: no
recordings of real ones), Whisper base writes them down, the product's own rules judge: by the words alone, and with the
speaker encoder, which has learnt each voice from six dry seconds of other sentences. Then somebody else (an eSpeak NG
variant, and the recordings of tests/data) says the box's words while it says them, and goes on after it. Last, every
command of the fast path's corpus is held against every answer, as if the box's own voice had said it.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rapidfuzz import fuzz

from avatar_appliance.config.echo_guard import EchoGuardSettings
from avatar_appliance.config.settings import Settings
from avatar_appliance.config.workers import EspeakVoice, EspeakWorker, FasterWhisperWorker, PiperWorker
from avatar_appliance.models import ModelStore, load_catalogue
from avatar_appliance.speakers import SpeakerEmbedding, SpeechEmbedded
from avatar_appliance.speech.said import Said, VoiceVector
from avatar_appliance.transcripts.word_errors import count_errors
from benchmarks.speaker_identification import RATE_HZ, SPEECH, Audio, processor, read, spoken
from wyoming_servers.echo.evidence import Evidence, evidence_of
from wyoming_servers.echo.verdict import EchoVerdict, judge_echo
from wyoming_servers.speaker.judgement import Judgement
from wyoming_servers.text import speakable
from wyoming_servers.workers.engine import StopFlag, TextToSpeech, TranscribeOptions
from wyoming_servers.workers.espeak import EspeakEngine
from wyoming_servers.workers.faster_whisper import FasterWhisperEngine
from wyoming_servers.workers.piper import PiperEngine
from wyoming_servers.workers.resemblyzer import MODEL, ResemblyzerEngine

COMMANDS = SPEECH.parent
LEARNT_S = 6.0
LEARNT_FROM = {
    "en": "I have closed the blinds in the bedroom. Your next appointment is at the dentist on Friday afternoon. "
    "There are three messages for you, and the washing machine has finished.",
    "zh": "臥室的窗簾已經關上了。您的下一個行程是星期五下午去看牙醫。您有三則新訊息，洗衣機也洗好了。"
    "今天的晚餐要吃什麼？",
}
ANSWERS = {
    "en": (
        "The light in the kitchen is on.",
        "It is 21 degrees in the living room and 14 degrees outside.",
        "I have set a timer for ten minutes.",
        "Do you mean the light in the kitchen or the light in the hall?",
        "Tomorrow will be mostly sunny, with a chance of rain in the evening.",
        "Canberra is the capital of Australia, not Sydney, as many people think.",
        "The front door is locked and all windows on the ground floor are closed.",
        "Okay, I have turned off everything in the bedroom.",
    ),
    "zh": (
        "明天早上七點叫您起床。",
        "廚房的燈已經打開了。",
        "現在客廳是二十一度，外面是十八度。",
        "您是說廚房的燈，還是走廊的燈？",
        "明天大部分時間是晴天，晚上可能會下雨。",
        "前門已經鎖好了，一樓的窗戶也都關上了。",
    ),
}
REPLIES = {"en": "Thank you, turn it off again.", "zh": "明天早上會下雨嗎？"}


@dataclass(frozen=True, slots=True)
class Room:
    """How sound gets from a loudspeaker into a microphone."""

    name: str
    reverberation_s: float
    reverberant_share: float
    noise_db: float

    def of(self, audio: Audio, rng: np.random.Generator) -> Audio:
        """Return `audio` as it is heard there."""
        length = int(self.reverberation_s * RATE_HZ)
        tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
        response = tail * self.reverberant_share / np.sqrt(np.sum(tail**2))
        response[0] += 1
        size = len(audio) + length
        spectrum = np.fft.rfft(audio, size) * np.fft.rfft(response, size)
        hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE_HZ), 1.0)
        heard = np.fft.irfft(spectrum / (1 + (250 / hz) ** 4) / (1 + (hz / 6000) ** 4), size)
        level = np.sqrt(np.mean(heard**2))
        heard += rng.standard_normal(size) * level * 10 ** (-self.noise_db / 20)
        return np.asarray(heard / np.abs(heard).max() / 2, dtype=np.float32)


ROOMS = (
    None,
    Room("near", 0.3, 0.5, 25),
    Room("living room", 0.5, 0.8, 20),
    Room("across a bare room", 0.8, 1.2, 10),
)


class Ears:
    """The recogniser and the speaker encoder."""

    def __init__(self, store: ModelStore) -> None:
        catalogue = load_catalogue()
        self._whisper = FasterWhisperEngine(
            FasterWhisperWorker(engine="faster-whisper"), store.entry(catalogue.get("whisper-base")), "whisper-base"
        )
        self._encoder = ResemblyzerEngine(store.entry(catalogue.get("resemblyzer")))
        self._whisper.load()
        self._encoder.load()

    def words(self, audio: Audio, language: str) -> str:
        return self._whisper.transcribe(audio, TranscribeOptions(language=language), StopFlag()).text.strip()

    def voice(self, audio: Audio) -> SpeechEmbedded:
        found = self._encoder.embed(audio, StopFlag())
        return SpeechEmbedded(vector=found.embedding.values, speech_s=min(found.speech_s, 30.0), model=MODEL)


@dataclass(frozen=True, slots=True)
class Mouth:
    """A voice of the box."""

    engine: TextToSpeech
    name: str
    language: str
    learnt: VoiceVector

    @classmethod
    def learning(cls, engine: TextToSpeech, name: str, language: str, ears: Ears) -> Mouth:
        sample = spoken(engine, LEARNT_FROM[language], name)[: int(LEARNT_S * RATE_HZ)]
        found = ears.voice(sample)
        return cls(engine, name, language, VoiceVector(vector=found.vector, model=found.model))

    @property
    def embedding(self) -> SpeakerEmbedding:
        """What it sounds like."""
        return SpeakerEmbedding(self.learnt.vector)

    def says(self, text: str) -> Audio:
        return spoken(self.engine, text, self.name)

    def said(self, text: str) -> Said:
        return Said(text=speakable(text, self.language), playing=True, voices=(self.learnt,))


def judged(said: Said, heard: str, language: str, voice: SpeechEmbedded | None) -> EchoVerdict:
    """Return the product's verdict on what was heard while `said` was being said."""
    similarity = EchoGuardSettings().similarity
    least_s = Settings().speaker.min_speech_s
    who = Judgement(voice=voice if voice is not None and voice.speech_s >= least_s else None)

    def of(one: Said) -> Evidence:
        return evidence_of(one, who, similarity=similarity, is_same_person=str.__eq__)

    return judge_echo(heard, language, [said], of)


def echoes(mouth: Mouth, ears: Ears, room: Room | None, person: tuple[TextToSpeech, str]) -> dict[str, Any]:
    """Return what becomes of the box's own answers in one room, and of a person's reply to them."""
    rng, lang = np.random.default_rng(1), mouth.language
    by_words = by_voice = replies = lost = cut = 0
    similarities, errors = [], []
    pause = np.zeros(int(0.3 * RATE_HZ), dtype=np.float32)
    for text in ANSWERS[lang]:
        heard_in = (lambda audio: room.of(audio, rng)) if room is not None else (lambda audio: audio)
        said, own = mouth.said(text), heard_in(mouth.says(text))
        words, voice = ears.words(own, lang), ears.voice(own)
        count = count_errors(text, words, "zh-TW" if lang == "zh" else lang)
        errors.append(count.errors / count.length)
        similarities.append(voice.embedding.similarity(mouth.embedding))
        by_words += judged(said, words, lang, None).rejected is not None
        by_voice += judged(said, words, lang, voice).rejected is not None
        both = np.concatenate([own, pause, spoken(person[0], REPLIES[lang], person[1])])
        words = ears.words(both, lang)
        left = judged(said, words, lang, ears.voice(both))
        if is_in(REPLIES[lang], words):  # the recogniser leaves one out now and then
            replies += 1
            lost += not is_in(REPLIES[lang], left.text)
            cut += left.cut
    return {
        "answers": len(ANSWERS[lang]),
        "error_rate_mean": round(float(np.mean(errors)), 3),
        "similarity_min": round(min(similarities), 3),
        "similarity_max": round(max(similarities), 3),
        "ignored_by_words_alone": by_words,
        "ignored_with_voice": by_voice,
        "replies_heard": replies,
        "replies_lost": lost,
        "replies_cut_free": cut,
    }


def is_in(reply: str, heard: str) -> bool:
    """Return whether a reply is in what was heard, more or less."""
    return fuzz.partial_ratio(reply.lower(), heard.lower()) >= 70


def quotations(mouth: Mouth, ears: Ears, person: tuple[TextToSpeech, str]) -> dict[str, Any]:
    """Return what becomes of the box's words in another synthetic voice, dry, while the box says them."""
    similarities, ignored = [], 0
    for text in ANSWERS[mouth.language]:
        audio = spoken(person[0], text, person[1])
        voice = ears.voice(audio)
        similarities.append(voice.embedding.similarity(mouth.embedding))
        verdict = judged(mouth.said(text), ears.words(audio, mouth.language), mouth.language, voice)
        ignored += verdict.rejected is not None
    return {
        "quotations": len(similarities),
        "similarity_min": round(min(similarities), 3),
        "similarity_max": round(max(similarities), 3),
        "ignored_with_voice": ignored,
    }


def people(mouth: Mouth, ears: Ears) -> dict[str, Any]:
    """Return how many human recordings are ignored while the box says the very words."""
    found = {}
    for clip in json.loads((SPEECH / "manifest.json").read_text("utf-8"))["clips"]:
        audio = read(SPEECH / clip["file"])
        words, voice = ears.words(audio, "en"), ears.voice(audio)
        said = mouth.said(clip["reference"])
        score = voice.embedding.similarity(mouth.embedding)
        found[clip["file"]] = {
            "similarity": round(score, 3),
            "ignored_by_words_alone": judged(said, words, "en", None).rejected is not None,
            "ignored_with_voice": judged(said, words, "en", voice).rejected is not None,
        }
    return found


def commands(language: str) -> Iterator[str]:
    """Yield what people say to their house."""
    for line in (COMMANDS / f"commands_{language}.tsv").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")[0]


def collisions(language: str) -> dict[str, int]:
    """Return how many commands would be taken for an answer of the box, with each kind of evidence."""
    tag, pairs, lost = ("zh-TW" if language == "zh" else language), 0, {Evidence.BOX: 0, Evidence.NONE: 0}
    answers: Sequence[str] = (*ANSWERS[language], *LEARNT_FROM[language].split("。" if language == "zh" else ". "))
    for command in commands(language):
        for answer in answers:
            pairs += 1
            said = Said(text=speakable(answer, tag), playing=True)
            for evidence in lost:
                verdict = judge_echo(command, tag, [said], lambda _: evidence)  # noqa: B023 - called at once
                lost[evidence] += verdict.text != command
    return {"pairs": pairs, "ignored_by_words_alone": lost[Evidence.NONE], "in_the_box_s_voice": lost[Evidence.BOX]}


def main() -> None:
    store = ModelStore(Settings().paths.cache_dir)
    ears = Ears(store)
    voices = [
        EspeakVoice(name="zh", voice="cmn", language="zh-TW"),
        EspeakVoice(name="person-en", voice="en-us+f3", language="en-US"),
        EspeakVoice(name="person-zh", voice="cmn+f3", language="zh-TW"),
    ]
    espeak = EspeakEngine(EspeakWorker(engine="espeak-ng", voices=voices))
    piper = PiperEngine(PiperWorker(engine="piper"), [store.entry(load_catalogue().get("piper-en-us-joe-medium"))])
    espeak.load()
    piper.load()
    english = Mouth.learning(piper, piper.program().voices[0].name, "en", ears)
    chinese = Mouth.learning(espeak, "zh", "zh", ears)
    rooms: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for mouth, name in ((english, "piper-joe"), (chinese, "espeak-zh")):
        person = (espeak, f"person-{mouth.language}")
        others[name] = quotations(mouth, ears, person)
        rooms[name] = {room.name if room else "dry": echoes(mouth, ears, room, person) for room in ROOMS}
        print(f"{name}: {rooms[name]} {others[name]}", file=sys.stderr, flush=True)
    report = {
        "machine": {"python": platform.python_version(), "processor": processor()},
        "similarity": EchoGuardSettings().similarity,
        "echoes": rooms,
        "quotations_in_another_synthetic_voice": others,
        "human_recordings": people(english, ears),
        "commands_against_answers": {language: collisions(language) for language in ("en", "zh")},
    }
    json.dump(report, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
