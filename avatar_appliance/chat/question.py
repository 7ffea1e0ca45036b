"""What somebody wants to know, and how the answer shall come."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A typed question, or (`text` None) one whose sound follows in pieces."""

    text: str | None = field(default=None, repr=False)
    rate_hz: int | None = None
    """Of the sound that follows: 16 bits, one channel."""
    patient: bool = False
    """Whether pauses may be long: somebody holds a button."""
    conversation_id: str | None = None
    """The conversation that goes on; None begins one."""
    language: str | None = None
    """Of question and answer; None: whatever is spoken or written."""
    voice: str | None = None
    """Who speaks the answer, of the text-to-speech server's list; None: the house's voice."""
    aloud: bool = True
    """Whether the answer is spoken at all."""
