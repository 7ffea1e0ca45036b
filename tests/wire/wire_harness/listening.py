"""Asking a speech-to-text server."""

from __future__ import annotations

import asyncio
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart

from wire_harness.clients import Client, ask, utterance

SILENCE = bytes(2 * 32_000)
"""Two seconds of nothing."""
CHUNK_BYTES = 640
"""Of a live stream: 20 ms."""


async def hear(uri: str, pcm: bytes, **options: Any) -> Transcript:
    """Send a whole utterance and return its transcript."""
    events = await ask(uri, *utterance(pcm, **options), until=["transcript-stop"])
    assert events[-1].type == "transcript-stop", events[-1].data
    return Transcript.from_event(next(event for event in events if event.type == "transcript"))


async def _stream(client: Client, pcm: bytes, done: asyncio.Event) -> float:
    """Send `pcm` as fast as it was spoken, then silence, until `done`; return how long that took."""
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    while not done.is_set():
        chunk = pcm[sent : sent + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")
        await client.send(AudioChunk(16_000, 2, 1, chunk))
        sent += CHUNK_BYTES
        await asyncio.sleep(max(0.0, began + sent / 32_000 - loop.time()))
    return loop.time() - began


async def hear_live(client: Client, pcm: bytes, wish: Transcribe) -> tuple[str, float]:
    """Return the transcript of a live stream that has no `audio-stop`, and when it came."""
    done = asyncio.Event()
    await client.send(wish, AudioStart(16_000, 2, 1))
    streaming = asyncio.create_task(_stream(client, pcm, done))
    events = await client.receive_until("transcript")
    done.set()
    return Transcript.from_event(events[-1]).text, await streaming
