"""The one error tree of the appliance.

    AvatarError                     anything we can name; everything below derives from it
    +-- BadRequest                  the client sent something we cannot use
    |   +-- FrameTooLarge           a Wyoming frame beyond the limits
    |   +-- AudioTooLong            more audio than `max_audio_s`
    |   +-- SpeechTooShort          too little speech to tell a voice by
    |   +-- TextTooLong             more text than `max_text_chars`
    |   +-- VoiceUnknown            a voice that no TTS worker has
    |   +-- ProgramUnknown          `select-program` named a program we do not offer
    +-- NotFound                    the thing asked for does not exist (any more)
    +-- Unauthorized                no token, or a wrong one
    +-- Busy                        try again soon
    |   +-- ServerFull              too many connections or turns
    |   +-- WorkerBusy              the worker is still computing
    |   +-- NoMemory                the worker does not fit beside what is loaded
    |   +-- GuestMode               somebody else has the GPU
    +-- DeadlineExceeded            took longer than allowed
    |   +-- IdleTimeout             the client sent nothing for too long
    +-- WorkerUnavailable           no worker of that role is ready
    |   +-- WorkerLoading           it is on its way
    +-- WorkerFailed                the worker broke in the middle of a request
    +-- OutOfMemory                 a worker could not be loaded for lack of it
    +-- CoordinatorAway             nobody is there to give a lease
    +-- ShuttingDown                the server drains and takes no new request
    +-- ConfigError                 config.yaml (or its sources) cannot be used
    +-- InternalError               a defect of ours

A class carries what every boundary needs: `code` (kebab-case, documented in docs/errors.md), `hint` (what the owner
can do), `http_status`, `retryable` (whether the same request may succeed later). Texts never contain what people said.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AvatarError(Exception):
    """Base of every error we can name; `text` is for people, `code` for programs."""

    code: ClassVar[str] = "avatar-error"
    default_hint: ClassVar[str] = "See the log of the process that reported this."
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, text: str, *, hint: str | None = None, retry_after_s: float | None = None) -> None:
        """Keep `text` (one sentence, no private speech), a better `hint`, and when asking again may help (if known)."""
        super().__init__(text)
        self.text = text
        self.hint = self.default_hint if hint is None else hint
        self.retry_after_s = retry_after_s

    def as_dict(self) -> dict[str, Any]:
        """Return code, text, hint and retryable for a machine-readable answer."""
        return {"code": self.code, "text": self.text, "hint": self.hint, "retryable": self.retryable}


class BadRequest(AvatarError):
    """The client sent something we cannot use."""

    code = "bad-request"
    default_hint = "The client sent a message this server does not understand; check its version."
    http_status = 400


class FrameTooLarge(BadRequest):
    """A Wyoming frame (header, data or payload) is beyond the limits."""

    code = "frame-too-large"
    default_hint = "Send smaller frames; the limits are under `limits` in config.yaml."
    http_status = 413


class AudioTooLong(BadRequest):
    """More audio than `limits.max_audio_s`."""

    code = "audio-too-long"
    default_hint = "Speak shorter, or raise `limits.max_audio_s` in config.yaml."
    http_status = 413


class SpeechTooShort(BadRequest):
    """Too little speech in the audio to tell a voice by."""

    code = "speech-too-short"
    default_hint = "Speak for a second or two."
    http_status = 422


class TextTooLong(BadRequest):
    """More text than `limits.max_text_chars`."""

    code = "text-too-long"
    default_hint = "Send less text, or raise `limits.max_text_chars` in config.yaml."
    http_status = 413


class VoiceUnknown(BadRequest):
    """The voice asked for is on no TTS worker."""

    code = "voice-unknown"
    default_hint = "Choose a voice from the list the TTS server reports (`avatar voices`)."
    http_status = 404


class ProgramUnknown(BadRequest):
    """`select-program` named a program this server does not offer."""

    code = "program-unknown"
    default_hint = "Ask the server with `describe` which programs it has."
    http_status = 404


class NotFound(AvatarError):
    """The thing asked for does not exist (any more)."""

    code = "not-found"
    default_hint = "It may have been deleted by retention; list what there is."
    http_status = 404


class Unauthorized(AvatarError):
    """No bearer token, or a wrong one."""

    code = "unauthorized"
    default_hint = "Send `Authorization: Bearer TOKEN`; `avatar token` shows or renews the owner's token."
    http_status = 401


class Busy(AvatarError):
    """Nothing is wrong, there is just too much to do at this moment."""

    code = "busy"
    default_hint = "Try again in a moment."
    http_status = 503
    retryable = True


class ServerFull(Busy):
    """Too many connections or concurrent turns."""

    code = "server-full"
    default_hint = "Try again in a moment, or raise `limits.max_connections` / `limits.max_turns`."


class WorkerBusy(Busy):
    """The worker still computes (perhaps for somebody who hung up)."""

    code = "worker-busy"
    default_hint = "Try again in a moment; a cancelled engine call has to end by itself first."


class NoMemory(Busy):
    """No worker fits beside what is loaded and in use."""

    code = "no-memory"
    default_hint = "`avatar vram plan` shows what would fit; a smaller worker at the end of the ladder always answers."


class GuestMode(Busy):
    """Somebody else has the GPU (a game, a transcoder), and no worker of the ladder runs without it."""

    code = "guest-mode"
    default_hint = "Voice comes back by itself; until then give the ladder a worker that runs on the CPU."


class DeadlineExceeded(AvatarError):
    """A request took longer than allowed."""

    code = "deadline-exceeded"
    default_hint = "The machine is slower than the deadline; see `limits.request_timeout_s`."
    http_status = 504
    retryable = True


class IdleTimeout(DeadlineExceeded):
    """The client sent nothing for too long and holds a connection others may need."""

    code = "idle-timeout"
    default_hint = "Open a new connection when you have something to say."
    http_status = 408


class WorkerUnavailable(AvatarError):
    """No worker of the role needed is ready."""

    code = "worker-unavailable"
    default_hint = "`avatar doctor` says which worker is down; a starting worker is ready in seconds."
    http_status = 503
    retryable = True


class WorkerLoading(WorkerUnavailable):
    """The worker is starting or waking, and was not ready in time."""

    code = "worker-loading"
    default_hint = "It is ready in a moment: `preload: true` has it loaded before anybody asks."


class WorkerFailed(AvatarError):
    """The worker broke in the middle of a request."""

    code = "worker-failed"
    default_hint = "It is restarted by itself; try again."
    http_status = 502
    retryable = True


class OutOfMemory(AvatarError):
    """The memory of its device did not suffice to load a worker."""

    code = "out-of-memory"
    default_hint = "Free some (`avatar vram plan`), or take a smaller model; the coordinator tries once more by itself."
    http_status = 503
    retryable = True


class CoordinatorAway(AvatarError):
    """The control plane cannot be asked for a lease; the servers go on with the workers that are up."""

    code = "coordinator-away"
    default_hint = "See the log of the control plane; the servers find it again by themselves."
    http_status = 503
    retryable = True


class ShuttingDown(AvatarError):
    """The server drains: it finishes what runs and takes nothing new."""

    code = "shutting-down"
    default_hint = "The service restarts; try again in a few seconds."
    http_status = 503
    retryable = True


class ConfigError(AvatarError):
    """The configuration cannot be used; the text names file, key and value."""

    code = "config-invalid"
    default_hint = "`avatar config check` shows every problem; `avatar config schema` what is allowed."


class InternalError(AvatarError):
    """A defect of ours; the details are in the log, not in the answer."""

    code = "internal"
    default_hint = "This is a bug: please report it with the log around this time."
