"""The three servers behind a talk from the panel, and what they do by default; a test changes what it is about."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.handle import Handled, HandledChunk, HandledStart
from wyoming.tts import SynthesizeStopped

from avatar_appliance.chat import Chat
from avatar_appliance.chat.servers import Servers
from avatar_appliance.turns.turn_feed import TurnFeed

from .fake_servers import Client, FakeServer, Script

RATE_HZ = 24_000
SPEECH = bytes(range(256)) * 8


class House:
    """Three servers, and what the history is told."""

    def __init__(self, asr: FakeServer, conversation: FakeServer, tts: FakeServer) -> None:
        self.asr, self.conversation, self.tts = asr, conversation, tts
        self.feed = TurnFeed()
        asr.script, conversation.script, tts.script = writes_down("turn on the light"), answers("Done", "."), speaks()
        servers = Servers(asr.endpoint, conversation.endpoint, tts.endpoint)
        self.chat = Chat(servers, self.feed, ["en", "zh-TW"])

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls) -> AsyncIterator[House]:
        async with contextlib.AsyncExitStack() as stack:
            yield cls(*[await stack.enter_async_context(FakeServer().running()) for _ in range(3)])


def writes_down(text: str) -> Script:
    async def script(client: Client) -> None:
        await client.until("audio-stop")
        await client.say(Transcript(text=text, language="en"))

    return script


def answers(*pieces: str) -> Script:
    async def script(client: Client) -> None:
        await client.next()
        await client.say(HandledStart(), *(HandledChunk(piece) for piece in pieces), Handled("".join(pieces)))

    return script


def speaks(pcm: bytes = SPEECH) -> Script:
    async def script(client: Client) -> None:
        await client.until("synthesize-stop")
        await client.say(AudioStart(RATE_HZ, 2, 1), AudioChunk(RATE_HZ, 2, 1, pcm), AudioStop(), SynthesizeStopped())

    return script


def says(*events: Any) -> Script:
    async def script(client: Client) -> None:
        await client.next()
        await client.say(*events)

    return script


async def never(client: Client) -> None:
    """Take everything, and never answer."""
    while await client.next() is not None:
        pass
