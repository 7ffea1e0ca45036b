"""How well, and at what cost, the speaker worker tells people apart.

    avatar models fetch resemblyzer piper-en-us-joe-medium
    python3 -m benchmarks.speaker_identification [--recordings FOLDER] > benchmarks/results/speaker-identification.json

FOLDER has a folder per person with WAV files; without it there are only the three recordings of tests/data. (For the
figures in results: what pocketsphinx 5.1.1's source package and f5-tts 1.1.22 carry, and JFK.) Each person's longest
recording, up to 8 s, enrols, as a profile's reference would; the others, cut into utterances, are tried against all.
Where there is one recording, its first half enrols: same microphone, same day, so that those figures flatter.
Synthetic voices (Piper, and eSpeak NG's variants, which are one larynx with other formants) are counted apart: they say
what machines sound like to it. Prints equal error rates by length of the utterance, in quiet and in noise, what
thresholds do, the confusion table of the product's own rule, and the CPU time and memory of one question.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from avatar_appliance.config.settings import Settings
from avatar_appliance.config.speaker import SpeakerSettings
from avatar_appliance.config.workers import EspeakVoice, EspeakWorker, PiperWorker
from avatar_appliance.errors import AvatarError
from avatar_appliance.models import ModelStore, load_catalogue
from avatar_appliance.speakers import SpeakerEmbedding
from wyoming_servers.speaker.judgement import Enrolled, judge
from wyoming_servers.workers.engine import StopFlag, TextToSpeech
from wyoming_servers.workers.espeak import EspeakEngine
from wyoming_servers.workers.piper import PiperEngine
from wyoming_servers.workers.resemblyzer import ResemblyzerEngine
from wyoming_servers.workers.speaker.speech_only import speech_only

Audio = NDArray[np.float32]
People = Mapping[str, Sequence[Audio]]

RATE_HZ = 16_000
SPEECH = Path(__file__).parents[1] / "tests" / "data" / "speech"
ENROL_S = 8.0
LENGTHS_S = (1.0, 1.5, 2.0, 3.0)
NOISES_DB: tuple[float | None, ...] = (None, 20.0, 10.0)
THRESHOLDS = (0.60, 0.65, 0.70, 0.75, 0.80, 0.85)
ESPEAK_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
TEXTS = (
    "Turn on the light in the kitchen and close the blinds in the living room, please.",
    "What will the weather be tomorrow morning, and do I need an umbrella for the way to school?",
    "Set the thermostat in the bedroom to twenty one degrees, and remind me to water the plants.",
    "Tell me a short story about a dog that travels around the world in a red balloon.",
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One utterance against one enrolled voice."""

    score: float
    same: bool


class Encoder:
    """The product's engine."""

    def __init__(self, folder: Path) -> None:
        self._engine = ResemblyzerEngine(folder)
        self._engine.load()

    def __call__(self, audio: Audio) -> SpeakerEmbedding | None:
        try:
            return self._engine.embed(audio, StopFlag()).embedding
        except AvatarError:
            return None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--recordings", type=Path)
    folder = options.parse_args().recordings
    settings = Settings()
    store = ModelStore(settings.paths.cache_dir)
    model_dir = store.entry(load_catalogue().get("resemblyzer"))
    encode = Encoder(model_dir)
    human, machine = human_voices(folder), synthetic_voices(store)
    report = {
        "machine": {"python": platform.python_version(), "processor": processor(), "load_1_min": os.getloadavg()[0]},
        "human": described(human),
        "synthetic": described(machine),
        "equal_error_rate": {
            "human": rates(encode, human),
            "synthetic": rates(encode, machine),
        },
        "thresholds_human": thresholds(encode, human, 2.0),
        "identification_human": identification(encode, human, 2.0),
        "human_against_synthetic": strangers(encode, human, machine, 2.0),
        "cost": cost(model_dir),
    }
    json.dump(report, sys.stdout, indent=2)
    print()


def human_voices(folder: Path | None) -> dict[str, list[Audio]]:
    """Return the recordings by person."""
    if folder is None:
        return {name: [read(SPEECH / f"en_{name}.wav")] for name in ("jfk", "librivox_0880", "cards_005")}
    return {
        person.name: [read(file) for file in sorted(person.glob("*.wav"))]
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }


def synthetic_voices(store: ModelStore) -> dict[str, list[Audio]]:
    """Return what Piper and eSpeak NG say, by voice."""
    variants = [EspeakVoice(name=name, voice=f"en-us+{name}", language="en-US") for name in ESPEAK_VARIANTS]
    espeak = EspeakEngine(EspeakWorker(engine="espeak-ng", voices=variants))
    espeak.load()
    voices = {f"espeak-{name}": [spoken(espeak, text, name) for text in TEXTS] for name in ESPEAK_VARIANTS}
    model = load_catalogue().get("piper-en-us-joe-medium")
    piper = PiperEngine(PiperWorker(engine="piper"), [store.entry(model)])
    piper.load()
    name = piper.program().voices[0].name
    voices["piper-joe"] = [spoken(piper, text, name) for text in TEXTS]
    return voices


def spoken(engine: TextToSpeech, text: str, voice: str) -> Audio:
    """Return a text as 16 kHz audio."""
    pieces = list(engine.synthesize(text, voice, None, StopFlag()))
    pcm = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2") / np.float32(32768)
    return np.asarray(soxr.resample(pcm, pieces[0].rate_hz, RATE_HZ), dtype=np.float32)


def read(file: Path) -> Audio:
    """Return a 16-bit mono WAV file as 16 kHz audio."""
    with wave.open(str(file)) as reader:
        pcm = np.frombuffer(reader.readframes(reader.getnframes()), "<i2") / np.float32(32768)
        return np.asarray(soxr.resample(pcm, reader.getframerate(), RATE_HZ), dtype=np.float32)


def split(recordings: Sequence[Audio], length_s: float) -> tuple[Audio, list[Audio]]:
    """Return what enrols a person, and utterances with so much speech each that are none of it."""
    speech = sorted((speech_only(one) for one in recordings), key=len, reverse=True)
    first, *others = speech
    most = int(ENROL_S * RATE_HZ)
    if not others:  # one recording: its first half enrols
        most = min(most, len(first) // 2)
    enrolled, rest = first[:most], [first[most:], *others]
    size = int(length_s * RATE_HZ)
    return enrolled, [one[start : start + size] for one in rest for start in range(0, len(one) - size + 1, size)]


def noisy(audio: Audio, noise_db: float | None, draw: np.random.Generator) -> Audio:
    """Return audio in pink noise, `noise_db` below it; None: as it is."""
    if noise_db is None:
        return audio
    spectrum = np.fft.rfft(draw.normal(size=len(audio)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), len(audio))
    level = np.sqrt(np.mean(audio**2)) / np.sqrt(np.mean(pink**2)) * 10 ** (-noise_db / 20)
    return np.asarray(audio + level * pink, dtype=np.float32)


def trials(encode: Encoder, people: People, length_s: float, noise_db: float | None = None) -> Iterator[Trial]:
    """Yield every utterance against everybody's enrolled voice."""
    draw = np.random.default_rng(7)
    parts = {name: split(recordings, length_s) for name, recordings in people.items()}
    enrolled = {name: found for name, (audio, _) in parts.items() if (found := encode(audio)) is not None}
    for name, (_, utterances) in parts.items():
        for utterance in utterances:
            found = encode(noisy(utterance, noise_db, draw))
            if found is not None:
                for other, known in enrolled.items():
                    yield Trial(found.similarity(known), other == name)


def rates(encode: Encoder, people: People) -> list[dict[str, Any]]:
    """Return the equal error rate by length of the utterance and noise."""
    return [
        {"speech_s": length_s, "noise_db": noise_db, **equal_error(list(trials(encode, people, length_s, noise_db)))}
        for noise_db in NOISES_DB
        for length_s in LENGTHS_S
    ]


def equal_error(found: Sequence[Trial]) -> dict[str, Any]:
    """Return where as many strangers are taken for a person as persons for strangers."""
    same = np.array([one.score for one in found if one.same])
    other = np.array([one.score for one in found if not one.same])
    if not len(same) or not len(other):
        return {"trials": len(found)}
    levels = np.unique(np.concatenate([same, other]))
    missed = np.searchsorted(np.sort(same), levels) / len(same)
    taken = 1 - np.searchsorted(np.sort(other), levels) / len(other)
    best = int(np.argmin(np.abs(missed - taken)))
    return {
        "same": len(same),
        "other": len(other),
        "equal_error_rate": round(float(missed[best] + taken[best]) / 2, 4),
        "at_threshold": round(float(levels[best]), 3),
        "same_median": round(float(np.median(same)), 3),
        "other_median": round(float(np.median(other)), 3),
        "other_max": round(float(other.max()), 3),
    }


def thresholds(encode: Encoder, people: People, length_s: float) -> list[dict[str, float]]:
    """Return how many are missed and confused at each threshold."""
    found = list(trials(encode, people, length_s))
    return [
        {
            "threshold": level,
            "missed": round(float(np.mean([one.score < level for one in found if one.same])), 4),
            "confused": round(float(np.mean([one.score >= level for one in found if not one.same])), 4),
        }
        for level in THRESHOLDS
    ]


def identification(encode: Encoder, people: People, length_s: float) -> dict[str, Any]:
    """Return what the product's rule says: everybody enrolled, and each person in turn a guest who is not."""
    wishes = SpeakerSettings()
    parts = {name: split(recordings, length_s) for name, recordings in people.items()}
    enrolled = [
        Enrolled(name, name, found) for name, (audio, _) in parts.items() if (found := encode(audio)) is not None
    ]
    table: dict[str, dict[str, int]] = {}
    right = wrong = unknown = guests = admitted = 0
    for name, (_, utterances) in parts.items():
        row = table.setdefault(name, {})
        for utterance in utterances:
            voice = encode(utterance)
            if voice is None:
                continue
            rule = {"threshold": wishes.threshold, "margin": wishes.margin}
            said = judge(voice, enrolled, **rule).profile
            row[said or "unknown"] = row.get(said or "unknown", 0) + 1
            right, wrong, unknown = right + (said == name), wrong + (said not in (name, None)), unknown + (said is None)
            guests += 1
            strangers = [one for one in enrolled if one.profile != name]
            admitted += judge(voice, strangers, **rule).profile is not None
    total = max(1, right + wrong + unknown)
    return {
        "speech_s": length_s,
        "threshold": wishes.threshold,
        "margin": wishes.margin,
        "utterances": total,
        "right": round(right / total, 4),
        "unknown": round(unknown / total, 4),
        "taken_for_another": round(wrong / total, 4),
        "guest_taken_for_a_resident": round(admitted / max(1, guests), 4),
        "confusion": table,
    }


def strangers(encode: Encoder, people: People, machines: People, length_s: float) -> dict[str, Any]:
    """Return how alike a machine's voice ever is to an enrolled person's."""
    known = [found for recordings in people.values() if (found := encode(split(recordings, length_s)[0])) is not None]
    scores = [
        voice.similarity(one)
        for recordings in machines.values()
        for utterance in split(recordings, length_s)[1]
        if (voice := encode(utterance)) is not None
        for one in known
    ]
    level = SpeakerSettings().threshold
    return {
        "trials": len(scores),
        "max": round(max(scores), 3),
        "above_threshold": round(float(np.mean([score >= level for score in scores])), 4),
    }


_COST = """
import json, os, sys, time
from pathlib import Path
import numpy as np
from wyoming_servers.workers.engine import StopFlag
from wyoming_servers.workers.resemblyzer import ResemblyzerEngine
began = time.perf_counter()
engine = ResemblyzerEngine(Path(sys.argv[1]))
engine.load()
load_s = time.perf_counter() - began
draw = np.random.default_rng(1)
found = []
for seconds in (1, 2, 4, 8, 30):
    audio = draw.normal(0, 0.1, seconds * 16000).astype(np.float32)
    wall, cpu = [], []
    for _ in range(7):
        a, b = time.perf_counter(), time.process_time()
        engine.embed(audio, StopFlag())
        wall.append(time.perf_counter() - a)
        cpu.append(time.process_time() - b)
    found.append({"audio_s": seconds, "cpu_s_median": round(float(np.median(cpu)), 4),
                  "wall_s_median": round(float(np.median(wall)), 4)})
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
rest, peak = (int(status[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))
print(json.dumps({"load_s": round(load_s, 3), "resident_bytes": rest, "peak_bytes": peak, "questions": found}))
"""


def cost(model_dir: Path) -> dict[str, Any]:
    """Return time and memory of an engine in a process of its own, with the environment that a worker gets."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _COST, str(model_dir)], capture_output=True, text=True, check=True, env=environment
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def described(people: People) -> dict[str, dict[str, float]]:
    """Return how much there is of each person."""
    return {
        name: {
            "recordings": len(recordings),
            "speech_s": round(sum(len(speech_only(r)) for r in recordings) / RATE_HZ, 1),
        }
        for name, recordings in people.items()
    }


def processor() -> str:
    """Return the name of this machine's processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
