"""What can go wrong with voice profiles."""

from __future__ import annotations

from collections.abc import Sequence

from avatar_appliance.errors import AvatarError, BadRequest

from .remark import Remark
from .remark_texts import remark_text


class RecordingRefused(BadRequest):
    """No voice can be made of the recording; `remarks` say why and what to do better."""

    code = "recording-refused"
    default_hint = "Record half a minute in a quiet room, close to a good microphone; docs/voices.md says how."
    http_status = 422

    def __init__(self, remarks: Sequence[Remark]) -> None:
        """Keep `remarks`, at least one of which is a refusal."""
        self.remarks = tuple(remarks)
        reasons = [remark for remark in remarks if remark.severity == "refused"]
        super().__init__(" ".join(remark_text(remark, "en") for remark in reasons))


class RecordingUnreadable(BadRequest):
    """The process that opened the recording ended or took too long: the file is damaged, or made to do harm."""

    code = "recording-unreadable"
    default_hint = "Convert it with another program (`ffmpeg -i FILE -ac 1 out.wav`), or record again."
    http_status = 422


class TooManyProfiles(AvatarError):
    """There are as many profiles as `voices.max_profiles` allows."""

    code = "voices-full"
    default_hint = "Delete one that nobody uses, or raise `voices.max_profiles` in config.yaml."
    http_status = 409


class ArchiveInvalid(BadRequest):
    """An imported file is no archive of a voice profile, or holds what no such archive holds."""

    code = "voice-archive-invalid"
    default_hint = "Import a file that `avatar voices export` wrote; nothing of this one was kept."
    http_status = 422
