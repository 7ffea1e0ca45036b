"""The control plane's side of a brain that remembers people: a real store behind the real socket."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from wire_harness.house import House

from avatar_appliance.control.fact_server import FactServer
from avatar_appliance.facts import Fact
from avatar_appliance.facts.messages import MOST_FACTS
from avatar_appliance.store import FactFilter, Stage, Store, Turn, new_turn_id
from avatar_appliance.turns.report import StageReport


@dataclass
class Remembering:
    """What the control plane keeps."""

    store: Store
    server: FactServer
    _numbers: Any = field(default_factory=itertools.count)

    async def facts(self, speaker: str | None) -> list[Fact]:
        """Return the facts of a person, newest first, with their turns."""
        wanted = FactFilter(speaker=speaker, unknown=speaker is None)
        return list((await self.store.facts.list(wanted, limit=MOST_FACTS)).items)

    async def texts(self, speaker: str | None) -> list[str]:
        """Return what is remembered of a person."""
        return [fact.text for fact in await self.facts(speaker)]

    async def save_turn(self, think: StageReport, speaker: str | None = None, **speak: Any) -> str:
        """Put a turn into the history as the joiner would: a think stage, whose voice it was, what was spoken of it."""
        turn_id = new_turn_id(think.started_at)
        stages = [
            Stage(
                id=f"{next(self._numbers)}t",
                kind="think",
                connection_id=think.connection_id,
                started_at=think.started_at,
                ended_at=think.ended_at,
            )
        ]
        if speaker is not None:
            stages.append(
                Stage(
                    id=f"{next(self._numbers)}h",
                    kind="transcribe",
                    connection_id="asr-1",
                    started_at=think.started_at - 1,
                    speaker=speaker,
                )
            )
        if speak:
            stages.append(Stage(id=f"{next(self._numbers)}s", kind="speak", connection_id="tts-1", **speak))
        turn = Turn(id=turn_id, started_at=think.started_at, speaker=speaker, stages=tuple(stages))
        await self.store.turns.save([turn], new=[turn_id], merged=())
        return turn_id


@contextlib.asynccontextmanager
async def remembering_in(planes: House) -> AsyncIterator[Remembering]:
    """Keep what people want remembered while the block runs."""
    async with Store.open(planes.runtime_dir / "store") as store:
        server = FactServer(planes.runtime_dir, store)
        await server.start()
        try:
            yield Remembering(store, server)
        finally:
            await server.stop()
