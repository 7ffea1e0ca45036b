"""The store as one piece: `<state>/avatar.db` and `<state>/audio/`, opened together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from .audio_store import AudioStore
from .audio_sweep import sweep_audio
from .conversation_repository import ConversationRepository
from .database import Database
from .decision_repository import DecisionRepository
from .fact_repository import FactRepository
from .measurement_repository import MeasurementRepository
from .retention import Retention, RetentionLimits
from .turn_repository import TurnRepository

DATABASE_FILE = "avatar.db"
AUDIO_FOLDER = "audio"


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that is remembered; made by `Store.open`."""

    database: Database
    turns: TurnRepository
    conversations: ConversationRepository
    audio: AudioStore
    retention: Retention
    measurements: MeasurementRepository
    decisions: DecisionRepository
    facts: FactRepository

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        state: Path,
        *,
        limits: RetentionLimits | None = None,
        max_decisions: int = 20_000,
        decision_days: float = 30,
        max_facts: int = 100,
    ) -> AsyncIterator[Store]:
        """Open the store in the folder `state` and sweep its audio; raises what `Database.open` raises."""
        audio = AudioStore(state / AUDIO_FOLDER)
        async with Database.open(state / DATABASE_FILE) as database:
            await sweep_audio(database, audio)
            turns = TurnRepository(database, audio)
            yield cls(
                database=database,
                turns=turns,
                conversations=ConversationRepository(database, turns),
                audio=audio,
                retention=Retention(database, audio, limits or RetentionLimits()),
                measurements=MeasurementRepository(database),
                decisions=DecisionRepository(database, max_rows=max_decisions, days=decision_days),
                facts=FactRepository(database, max_per_speaker=max_facts),
            )
