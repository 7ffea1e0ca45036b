"""Voice profiles as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from avatar_appliance.voices.cloners import Cloners, ClonerTier
from avatar_appliance.voices.profile import Consent, ProfileState, TranscriptSource, Trial, VoiceProfile
from avatar_appliance.voices.reason_texts import reason_text
from avatar_appliance.voices.remark import Remark, Severity
from avatar_appliance.voices.remark_texts import remark_text
from avatar_appliance.voices.voice_index import VoicePurpose, VoiceTier

from .times import moment


class Texts(BaseModel):
    """The same sentence in the owners' languages."""

    en: str
    zh_tw: str = Field(serialization_alias="zh-TW")


class RemarkView(BaseModel):
    """Something the doctor has to say."""

    code: str
    severity: Severity = Field(description="refused: no voice can be made of it; warning: it sounds worse; note.")
    parameters: Mapping[str, float | int | str]
    text: Texts

    @classmethod
    def of(cls, remark: Remark) -> Self:
        """Return the view of a remark."""
        text = Texts(en=remark_text(remark, "en"), zh_tw=remark_text(remark, "zh-TW"))
        return cls(code=remark.code, severity=remark.severity, parameters=remark.parameters, text=text)


class ReasonView(BaseModel):
    """Why something is not."""

    code: str
    text: Texts

    @classmethod
    def of(cls, reason: str | None) -> Self | None:
        """Return the view of a reason, None for none."""
        if reason is None:
            return None
        return cls(code=reason, text=Texts(en=reason_text(reason, "en"), zh_tw=reason_text(reason, "zh-TW")))


class ConsentView(BaseModel):
    """Who allowed what, and when."""

    given_by: str
    purpose: str
    at: datetime

    @classmethod
    def of(cls, consent: Consent | None) -> Self | None:
        """Return the view of a consent, None for none."""
        if consent is None:
            return None
        return cls(given_by=consent.given_by, purpose=consent.purpose, at=moment(consent.at))


class TrialView(BaseModel):
    """How the voice's first sentence came out."""

    worker: str
    language: str
    at: datetime
    error_percent: float | None = Field(description="Words (Chinese: characters) heard wrong; null: nobody listened.")
    similarity: float | None = Field(description="To the recording, 1 is the same; null: nobody compared.")
    score: int | None = Field(description="0 to 100, of what could be measured.")

    @classmethod
    def of(cls, trial: Trial | None) -> Self | None:
        """Return the view of a trial, None for none."""
        if trial is None:
            return None
        return cls(
            worker=trial.worker,
            language=trial.language,
            at=moment(trial.at),
            error_percent=None if trial.error_share is None else round(100 * trial.error_share, 1),
            similarity=trial.similarity,
            score=trial.score,
        )


class VoiceView(BaseModel):
    """A voice profile."""

    id: str
    name: str
    languages: Sequence[str]
    tier: VoiceTier
    purpose: VoicePurpose
    speed: float
    is_default: bool
    version: int = Field(description="Grows whenever the sound changes.")
    state: ProfileState
    is_voice: bool = Field(description="Whether the appliance can speak with it.")
    reason: ReasonView | None = Field(description="Why it is no voice, where the owner can do something about it.")
    consent: ConsentView | None
    reference_s: float
    transcript: str
    transcript_language: str
    transcript_source: TranscriptSource
    measurements: Mapping[str, float | int | str]
    remarks: Sequence[RemarkView]
    trial: TrialView | None
    knows_speaker: bool = Field(description="Whether the speaker can be recognised by this recording.")
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, profile: VoiceProfile) -> Self:
        """Return the view of a profile."""
        return cls(
            id=profile.id,
            name=profile.name,
            languages=profile.languages,
            tier=profile.tier,
            purpose=profile.purpose,
            speed=profile.speed,
            is_default=profile.is_default,
            version=profile.version,
            state=profile.state,
            is_voice=profile.is_voice,
            reason=ReasonView.of(profile.reason),
            consent=ConsentView.of(profile.consent),
            reference_s=round(profile.reference_s, 2),
            transcript=profile.transcript,
            transcript_language=profile.transcript_language,
            transcript_source=profile.transcript_source,
            measurements=profile.measurements,
            remarks=[RemarkView.of(remark) for remark in profile.remarks],
            trial=TrialView.of(profile.trial),
            knows_speaker=profile.embedding is not None,
            created_at=moment(profile.created_at),
            changed_at=moment(profile.changed_at),
        )


class ClonerView(BaseModel):
    """A worker that clones voices."""

    worker: str
    engine: str
    tier: ClonerTier
    languages: Sequence[str]


class VoiceList(BaseModel):
    """All profiles, the oldest first, and what can speak with them."""

    items: list[VoiceView]
    cloners: list[ClonerView]
    reason: ReasonView | None = Field(description="Why no profile can be a voice, where none can.")

    @classmethod
    def of(cls, profiles: Sequence[VoiceProfile], cloners: Cloners) -> Self:
        """Return the view of all profiles."""
        views = [
            ClonerView(worker=each.worker, engine=each.engine, tier=each.tier, languages=each.languages)
            for each in cloners.all
        ]
        items = [VoiceView.of(profile) for profile in profiles]
        return cls(items=items, cloners=views, reason=ReasonView.of(None if views else "no-cloning-worker"))
