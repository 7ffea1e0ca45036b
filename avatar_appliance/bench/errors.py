"""What can be wrong before or while a benchmark runs."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, BadRequest


class NoRecordings(BadRequest):
    """The folder holds no WAV file to speak."""

    code = "bench-no-recordings"
    default_hint = "Give a folder with PCM WAV files: `avatar bench FOLDER`."


class PeerMissing(AvatarError):
    """A stock server that shall be compared with is not installed."""

    code = "bench-peer-missing"
    default_hint = (
        "Install them beside the appliance (`pip install 'avatar-appliance[peer]'`), or in a virtual environment of "
        "their own (`pip install 'wyoming-faster-whisper>=3.8,<4' 'wyoming-piper>=2.5,<3'`) and name its interpreter: "
        "`avatar bench --peer --peer-python VENV/bin/python`."
    )


class NothingToCompare(AvatarError):
    """The configuration has no worker that a stock server could stand beside."""

    code = "bench-nothing-to-compare"
    default_hint = "The ladders `asr.workers` and `tts.workers` need a faster-whisper or a piper worker."


class ServerDidNotStart(AvatarError):
    """A server started for the comparison ended, or was not ready in time."""

    code = "bench-start-failed"
    default_hint = "Run `avatar doctor`; the last lines of the server's own log are in the message."
