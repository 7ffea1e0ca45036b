"""What a data-plane server tells about a stage when it starts and when it ended, and its form on the wire.

This module is light on purpose (no database): the data-plane servers import it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints
from wyoming.event import Event

from avatar_appliance.errors import BadRequest, FrameTooLarge
from avatar_appliance.wire.typed import as_json, decode, encode

ReportedKind = Literal["transcribe", "think", "speak"]
PartKind = Literal["listen", "act"]

Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Words = Annotated[str, StringConstraints(max_length=32_768)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
ErrorCode = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Epoch = Annotated[float, Field(ge=0, le=1e11)]

STARTED_EVENT = "avatar-stage-started"
ENDED_EVENT = "avatar-stage"
MAX_DETAIL_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A stage began; its report repeats `kind`, `connection_id` and `started_at` (epoch seconds) exactly.

    `text_in` is what is known already: a think stage knows its transcript, the others usually nothing.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    kind: ReportedKind
    connection_id: Id
    started_at: Epoch
    link_id: Id | None = None
    worker: Id | None = None
    voice: Name | None = None
    language: Id | None = None
    conversation_id: Id | None = None
    satellite_id: Id | None = None
    device_id: Id | None = None
    text_in: Words | None = field(default=None, repr=False)

    def to_event(self) -> Event:
        """Return the message for the control socket."""
        return encode(STARTED_EVENT, self)

    @classmethod
    def from_event(cls, event: Event) -> StageStarted:
        """Return the value of a message; raises BadRequest for anything unknown, oversized or malformed."""
        return decode(STARTED_EVENT, cls, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePart:
    """A span inside a stage: `listen` (of transcribe) or `act` (of think: one tool call); epoch seconds."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    kind: PartKind
    started_at: Epoch
    ended_at: Epoch
    worker: Id | None = None
    error_code: ErrorCode | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """A stage ended, well or not; all times are epoch seconds.

    transcribe: `text_out` is the transcript. think: `text_in` is the transcript, `text_out` the answer as
    sent. speak: `text_in` is what to speak. `first_output_at`: the first transcript, token or audio left.
    `connection_id`, `kind` and `started_at` together name the stage; a report sent twice counts once.
    Stages with the same `link_id` are one turn for certain. It is set by a door that runs a whole turn
    itself (browser chat) and for the several requests of one thought (tool rounds). `detail` is at most
    16 KiB of JSON; `audio` is a WAV file of what was heard or spoken.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    kind: ReportedKind
    connection_id: Id
    started_at: Epoch
    ended_at: Epoch
    first_output_at: Epoch | None = None
    link_id: Id | None = None
    worker: Id | None = None
    voice: Name | None = None
    language: Id | None = None
    speaker: Name | None = None
    conversation_id: Id | None = None
    satellite_id: Id | None = None
    device_id: Id | None = None
    text_in: Words | None = field(default=None, repr=False)
    text_out: Words | None = field(default=None, repr=False)
    error_code: ErrorCode | None = None
    cancelled: bool = False
    degraded: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)
    parts: Annotated[tuple[StagePart, ...], Field(max_length=32)] = ()
    audio_duration_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    audio: bytes | None = field(default=None, repr=False)

    def to_event(self) -> Event:
        """Return the message for the control socket, its payload the audio."""
        return encode(ENDED_EVENT, self)

    @classmethod
    def from_event(cls, event: Event) -> StageReport:
        """Return the value of a message; raises BadRequest for anything unknown, oversized or malformed."""
        report = decode(ENDED_EVENT, cls, event)
        _check(report)
        for part in report.parts:
            _check(part)
        if report.audio is not None and (report.audio[:4] != b"RIFF" or report.audio[8:12] != b"WAVE"):
            raise BadRequest(f"{ENDED_EVENT}: the audio is not a WAV file")
        return report


def _check(span: StageReport | StagePart) -> None:
    if span.ended_at < span.started_at:
        raise BadRequest(f"{ENDED_EVENT}: the {span.kind} ended before it started")
    if len(as_json(dict(span.detail))) > MAX_DETAIL_BYTES:
        raise FrameTooLarge(f"{ENDED_EVENT}: the detail is larger than {MAX_DETAIL_BYTES} bytes")
