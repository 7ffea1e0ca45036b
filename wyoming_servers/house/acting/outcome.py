"""What became of an intent."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of carrying out one intent: what Home Assistant says happened, not what was hoped for."""

    speech: str
    """The answer to speak; may be empty (never mind)."""
    done: bool
    """Whether all of it was done."""
    changed: tuple[str, ...] = ()
    """Names of what was changed."""
    failed: tuple[str, ...] = ()
    """Names of what was not: Home Assistant said so, or it cannot be reached."""
    unconfirmed: tuple[str, ...] = ()
    """Names of what was told to change and has not reported it yet."""
    code: str | None = None
    """Error code, where nothing was done (docs/errors.md, or Home Assistant's own)."""
    details: dict[str, object] = field(default_factory=dict)
    """For the history: which way it was carried out."""
