"""The report of a benchmark: everything needed to judge a figure, and nothing that says who was measured.

The JSON form is stable: fields are added, never renamed or removed, without a new `schema_version`
(benchmarks/report.schema.json is its JSON schema).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Stage = Literal["transcript", "first_token", "answer", "first_audio", "speech", "speech_rtf"]
STAGES: tuple[Stage, ...] = ("transcript", "first_token", "answer", "first_audio", "speech", "speech_rtf")
Mode = Literal["turn", "burst"]
Arm = Literal["appliance", "ours", "ours-same-settings", "peer"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class MachineFacts(_Part):
    """The machine."""

    cpu: str
    cpus: int
    usable_cpus: int
    """CPUs this process may use."""
    memory_bytes: int
    gpus: tuple[str, ...]
    os: str
    kernel: str
    architecture: str
    python: str


class Program(_Part):
    """What a server said on `describe`."""

    role: Literal["asr", "tts", "conversation"]
    name: str
    version: str | None
    models: tuple[str, ...]
    """Models or voices; of a list longer than ten the first ten."""


class ArmFacts(_Part):
    """One side of the measurement."""

    name: Arm
    meaning: str
    programs: tuple[Program, ...]
    settings: dict[str, str | int | float | None]
    """What it was started with, as far as this run decided it."""
    packages: dict[str, str]
    """Versions of the speech packages in its interpreter, where they could be found out."""


class RecordingFacts(_Part):
    """One WAV file that was spoken."""

    name: str
    """File name of a bundled recording; others are numbered, since names may say what is said."""
    language: str | None
    duration_s: float
    last_loud_s: float
    """Where the speaking ends: start of the last loud 10 ms frame."""
    sha256: str
    reference: str | None
    """What is said; only for the bundled, public recordings."""
    licence: str | None


class Measurement(_Part):
    """All values of one stage."""

    arm: Arm
    mode: Mode
    """turn: at microphone pace, milliseconds since the last loud sample. burst: one stage alone, milliseconds since the
    connection was opened."""
    stage: Stage
    """transcript; first_token and answer (whole) of the conversation server; first_audio and speech (whole) of the
    speech; speech_rtf: seconds of work per second of speech."""
    item: str | None
    """Recording or text; null is all of them together."""
    unit: Literal["ms", "ratio"]
    count: int
    median: float
    p95: float
    minimum: float
    maximum: float
    values: tuple[float, ...]


class WordErrors(_Part):
    """Errors of all transcripts of a recording against its reference (item null: of all recordings of the metric)."""

    arm: Arm
    mode: Mode
    item: str | None
    metric: Literal["wer", "cer"]
    errors: int
    length: int
    rate: float
    heard: tuple[str, ...]
    """The different transcripts; only for the bundled, public recordings."""


class Failure(_Part):
    """Measurements that brought no figure; they are in no median."""

    arm: Arm
    mode: Mode
    stage: Stage
    item: str
    code: str
    """Code of docs/errors.md, or: cut-short (answered before the last loud sample), no-transcript, no-answer,
    no-audio."""
    count: int


class Comparison(_Part):
    """One of our arms against the peer, pair by pair."""

    arm: Arm
    mode: Mode
    stage: Stage
    item: str | None
    pairs: int
    ratio: float
    """Median of ours/peer; below 1 ours is faster."""
    ratio_low: float | None
    ratio_high: float | None
    """Distribution-free 95 % bounds of that median; null with fewer than six pairs."""
    difference_ms: float | None
    """Median of ours - peer; null for a ratio such as speech_rtf."""
    within_bound: bool | None
    """Whether ours takes at most 10 % or 15 ms more; null where the bound does not apply (other settings)."""


class BenchReport(_Part):
    """What `avatar bench` found."""

    schema_version: Literal[1] = 1
    kind: Literal["appliance", "peer"]
    made_at: str
    """UTC, ISO 8601."""
    command: str
    """Command line, without host names and folders."""
    appliance_version: str
    machine: MachineFacts
    load_before: tuple[float, float, float]
    load_after: tuple[float, float, float]
    rounds: int
    warm_up_rounds: int
    """Measured like the others and thrown away."""
    trailing_silence_s: float
    arms: tuple[ArmFacts, ...]
    recordings: tuple[RecordingFacts, ...]
    texts: dict[str, str]
    """The built-in texts that were asked or spoken in bursts, by item name."""
    measurements: tuple[Measurement, ...]
    word_errors: tuple[WordErrors, ...]
    failures: tuple[Failure, ...]
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...] = Field(default=())
    """In plain words: what was compared, and what to keep in mind."""

    def to_json(self) -> str:
        """Return the report as JSON, two spaces of indent, non-ASCII as it is."""
        return self.model_dump_json(indent=2)
