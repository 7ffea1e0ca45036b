"""The facts socket: what the conversation server wants remembered, forgotten and recalled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from avatar_appliance.facts import Fact, Origin
from avatar_appliance.facts.messages import (
    FACTS_SOCKET,
    LIMITS,
    WANTED,
    Answered,
    ForgetWanted,
    Forgotten,
    Recalled,
    RecallWanted,
    Remembered,
    RememberWanted,
    Spoken,
    Wanted,
    from_event,
    to_event,
)
from avatar_appliance.store import Store
from avatar_appliance.store.stage_lookup import StageLookup
from avatar_appliance.wire import UnixServer, read_event, write_event

# Five turns at once, each with one request, and as many again of a server that restarts.
MAX_CONNECTIONS: Final = 32
# A client asks at once; who does not is none of ours.
REQUEST_S: Final = 5.0
LOOK_AGAIN_S: Final = 0.005
# How often it is looked whether anybody's voice is recognised in this house by now.
LOOK_FOR_SPEAKERS_S: Final = 5.0


class FactServer:
    """Serves processes of this user (the socket's mode keeps others out); one request on a connection."""

    def __init__(self, runtime_dir: Path, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns epoch seconds."""
        self._facts = store.facts
        self._stages = StageLookup(store.database)
        self._clock = clock
        self._hears_speakers = False
        self._looked_s = -LOOK_FOR_SPEAKERS_S
        self._server = UnixServer(
            runtime_dir / FACTS_SOCKET, self._serve, limits=LIMITS, max_connections=MAX_CONNECTIONS
        )

    async def start(self) -> None:
        """Listen; a left-over socket file is replaced."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening and end the connections."""
        await self._server.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                event = await read_event(reader, LIMITS)
        except TimeoutError:
            return
        if event is not None:
            await write_event(writer, to_event(await self._answer(from_event(event, WANTED))))

    async def _answer(self, wanted: Wanted) -> Answered:
        match wanted:
            case RecallWanted():
                return await self._recall(wanted)
            case RememberWanted():
                fact = await self._facts.remember(
                    wanted.text,
                    learned_by=wanted.learned_by,
                    origin=wanted.origin,
                    at=self._clock(),
                    speaker=wanted.speaker,
                    language=wanted.language,
                    conversation_id=wanted.conversation_id,
                )
                return Remembered(fact=fact)
            case ForgetWanted():
                ids = None if wanted.everything else wanted.ids
                return Forgotten(count=await self._facts.forget(wanted.speaker, ids))

    async def _recall(self, wanted: RecallWanted) -> Recalled:
        speaker = wanted.speaker
        if speaker is None and wanted.asking is not None:
            speaker = await self._speaker(wanted.asking, wanted.wait_s)
        facts: tuple[Fact, ...] = ()
        if wanted.most and (speaker is not None or wanted.includes_unknown):
            facts = await self._facts.of(speaker, limit=wanted.most)
        spoken = None if wanted.before is None else await self._spoken(wanted.before)
        return Recalled(speaker=speaker, facts=facts, spoken=spoken)

    async def _speaker(self, asking: Origin, wait_s: float) -> str | None:
        """Return whose voice was recognised in the turn of a stage, which may be reported a moment after we are asked.

        The joiner puts transcript and thought together, as for the history: there is no second way to do that.
        """
        loop = asyncio.get_running_loop()
        if not self._hears_speakers and loop.time() >= self._looked_s + LOOK_FOR_SPEAKERS_S:
            self._looked_s = loop.time()
            self._hears_speakers = await self._stages.hears_speakers()
        if not self._hears_speakers:
            return None
        until_s = loop.time() + wait_s
        while True:
            is_there, speaker = await self._stages.speaker(asking)
            if is_there or loop.time() >= until_s:
                return speaker
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _spoken(self, before: Origin) -> Spoken | None:
        stages = await self._stages.spoken(before)
        if not stages:
            return None
        sounds = [stage["first_output_at"] for stage in stages if stage["first_output_at"] is not None]
        ends = [stage["ended_at"] for stage in stages]
        return Spoken(
            text=" ".join(stage["text_in"] for stage in stages if stage["text_in"])[:32_768],
            first_sound_at=min(sounds, default=None),
            ended_at=None if None in ends else max(ends),
            cancelled=any(stage["cancelled"] for stage in stages),
        )
