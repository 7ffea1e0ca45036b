"""Ask the text-to-speech server how its speech is doing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wyoming.error import Error

from avatar_appliance.errors import WorkerFailed, WorkerUnavailable
from avatar_appliance.wire import open_reader, read_event, write_event

from .messages import LIMITS, SPEECH_SOCKET, FiguresWanted, SpeechFigures, from_event, to_event

ANSWER_S = 2.0


async def speech_figures(runtime_dir: Path) -> SpeechFigures:
    """Return the figures of now; raises WorkerUnavailable where no server answers, WorkerFailed for nonsense."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await open_reader(str(runtime_dir / SPEECH_SOCKET), limits=LIMITS)
            try:
                await write_event(writer, to_event(FiguresWanted()))
                event = await read_event(reader, LIMITS)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        raise WorkerUnavailable("the text-to-speech server does not answer on its speech socket") from None
    if event is None or Error.is_type(event.type):
        raise WorkerFailed("the text-to-speech server would not say how its speech is doing")
    return from_event(event, (SpeechFigures,))
