"""The `voices` section: what may be uploaded, and how much is kept."""

from __future__ import annotations

from pydantic import Field

from .section import Section
from .size import Size

MIB = 1024 * 1024


class VoicesSettings(Section):
    """Voice profiles: recordings of the household's own voices (docs/voices.md)."""

    max_profiles: int = Field(default=32, ge=1, le=1000)
    """Profiles that are kept."""
    max_upload: Size = Field(default=32 * MIB, ge=MIB, le=512 * MIB)
    """Largest recording or archive that may be uploaded."""
    max_recording_s: float = Field(default=120, ge=10, le=600)
    """Longest recording that may be uploaded, in seconds."""
    reference_s: float = Field(default=8, ge=4, le=15)
    """How much of a recording an engine learns from, in seconds: the best stretch of at most this length. A longer one
    is closer to the person, a shorter one speaks sooner."""
    studio_memory: Size = Field(default=1536 * MIB, ge=512 * MIB, le=8192 * MIB)
    """Address space of the process that opens recordings; several times what it really uses."""
    studio_timeout_s: float = Field(default=60, ge=5, le=600)
    """Seconds after which that process is killed."""
    patience_s: float = Field(default=300, ge=0, le=3600)
    """Seconds for which a worker that is loading or busy is asked again before a check goes on without it."""
