"""What somebody asks, and everything known about the asking."""

from __future__ import annotations

from dataclasses import dataclass

from avatar_appliance.facts import Origin
from wyoming_servers.backends.chat_message import Message
from wyoming_servers.house.asker import Asker


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a conversation."""

    text: str
    conversation_id: str
    asker: Asker
    speaker: str | None = None
    """Name of the person, where the client says so or the voice was recognised."""
    origin: Origin | None = None
    """The stage that answers, by the name its report has."""
    utterance: str | None = None
    """Id of the utterance it was heard in, where its answer may be spoken in the asker's own voice."""
    instructions: str = ""
    """What the client adds to the persona."""
    earlier: tuple[Message, ...] | None = None
    """What was said before, where the client keeps that itself; None: we remember it."""
    client: str = ""
    """Whose history `earlier` is: nothing that is kept of it is shown to another client."""
    takes_intents: bool = True
    """Whether the client carries out intents that are handed back to it."""
    has_own_tools: bool = False
    """Whether the client controls the house itself, and says so in its instructions and tools."""

    @property
    def language(self) -> str:
        """The language to answer in."""
        return self.asker.language
