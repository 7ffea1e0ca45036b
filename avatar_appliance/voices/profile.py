"""A person's voice as its owner sees it: what it is for, where it comes from, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .remark import Parameter, Remark
from .voice_index import VoicePurpose, VoiceTier

ProfileState = Literal["recorded", "checking", "kept", "cloning", "ready", "refused"]
"""`recorded`: it waits for its check; `kept`: checked, but no voice, as `reason` says; `cloning`: a voice that has not
said its test sentence yet; `ready`: a voice; `refused`: no voice can be made of it, as `reason` says."""

TranscriptSource = Literal["owner", "heard"]

VOICE_STATES: frozenset[ProfileState] = frozenset({"cloning", "ready"})
UNFINISHED_STATES: frozenset[ProfileState] = frozenset({"recorded", "checking", "cloning"})

NO_CONSENT = "no-consent"
NO_CLONING_WORKER = "no-cloning-worker"
LANGUAGE_NOT_SPOKEN = "language-not-spoken"
NO_TRANSCRIPT = "no-transcript"
RECORDING_MISSING = "recording-missing"
CHECK_FAILED = "check-failed"


@dataclass(frozen=True, slots=True)
class Consent:
    """Who allowed that their voice is cloned, what for, and when (epoch seconds)."""

    given_by: str
    purpose: str
    at: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The first sentence of the new voice: how well it was understood, how alike it sounds."""

    worker: str
    language: str
    at: float
    error_share: float | None
    """Words (Chinese: characters) that were heard wrong, of all; None where nobody listened."""
    similarity: float | None
    """Cosine of the speaker embeddings of reference and sentence; None where nobody compared them."""

    @property
    def score(self) -> int | None:
        """How good the voice is, 0 to 100, of what could be measured."""
        parts = []
        if self.error_share is not None:
            parts.append(_within_one(1 - self.error_share))
        if self.similarity is not None:
            parts.append(_within_one((self.similarity - _UNLIKE) / (_ALIKE - _UNLIKE)))
        return round(100 * sum(parts) / len(parts)) if parts else None


@dataclass(frozen=True, slots=True)
class VoiceProfile:
    """One voice. `id` is for ever; `version` grows whenever the sound changes."""

    id: str
    name: str
    languages: tuple[str, ...]
    tier: VoiceTier
    purpose: VoicePurpose
    speed: float
    is_default: bool
    consent: Consent | None
    reference: str
    """Name of the WAV file in the profile's folder."""
    reference_s: float
    transcript: str = field(repr=False)
    transcript_language: str
    transcript_source: TranscriptSource
    version: int
    state: ProfileState
    reason: str | None
    created_at: float
    changed_at: float
    measurements: Mapping[str, Parameter] = field(default_factory=dict)
    recording_remarks: tuple[Remark, ...] = ()
    """What the doctor said of the recording."""
    check_remarks: tuple[Remark, ...] = ()
    """What the last check said of speakers and words."""
    trial: Trial | None = None
    trial_remarks: tuple[Remark, ...] = ()
    embedding: tuple[float, ...] | None = field(default=None, repr=False)
    """What a speaker worker says of the reference; None until one was asked."""
    embedding_model: str | None = None

    @property
    def is_voice(self) -> bool:
        """Whether the cloning workers may speak with it."""
        return self.state in VOICE_STATES

    @property
    def remarks(self) -> Sequence[Remark]:
        """Everything the doctor has to say."""
        return (*self.recording_remarks, *self.check_remarks, *self.trial_remarks)

    def is_take_of(self, other: VoiceProfile) -> bool:
        """Whether both are the same sound of the same profile."""
        return (self.id, self.created_at, self.version) == (other.id, other.created_at, other.version)


# Where the similarity of two recordings counts nothing, and everything.
_UNLIKE, _ALIKE = 0.5, 0.9


def _within_one(value: float) -> float:
    return min(1.0, max(0.0, value))
