"""Getting embeddings out of the speaker workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from avatar_appliance.errors import AudioTooLong, BadRequest, DeadlineExceeded, SpeechTooShort, WorkerFailed
from avatar_appliance.leases import Urgency
from avatar_appliance.speakers import EmbedSpeech, SpeechEmbedded
from avatar_appliance.speakers.messages import EMBEDDED_EVENT
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink


class SpeakerEmbedder:
    """Asks the best speaker worker there is, with a lease."""

    def __init__(self, links: Sequence[WyomingWorkerLink], access: WorkerAccess) -> None:
        self._links = list(links)
        self._access = access

    async def embed(self, pcm: bytes, rate_hz: int, *, urgency: Urgency, timeout_s: float) -> SpeechEmbedded:
        """Return whose voice 16-bit mono `pcm` has.

        Raises DeadlineExceeded after `timeout_s`, WorkerUnavailable, WorkerFailed or Busy;
        SpeechTooShort or AudioTooLong for audio that is.
        """
        try:
            async with asyncio.timeout(timeout_s):
                use = await self._access.open(self._links, WyomingWorkerLink.open, urgency=urgency)
                with use, contextlib.closing(use.opened) as connection:
                    await connection.send(EmbedSpeech(rate_hz=rate_hz, audio=pcm).to_event())
                    while (event := await connection.receive()).type != EMBEDDED_EVENT:
                        pass
                    return SpeechEmbedded.from_event(event)
        except TimeoutError:
            raise DeadlineExceeded(f"no embedding within {timeout_s:g} s") from None
        except (SpeechTooShort, AudioTooLong):
            raise
        except BadRequest:
            raise WorkerFailed("the speaker worker sent something unusable") from None
