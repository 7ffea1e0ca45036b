"""What the control plane remembers: turns and their audio, facts about people, measured workers and decisions.

Only the control plane opens it for writing. `Store.open` gives all of it.
"""

from __future__ import annotations

from .audio_store import AudioStore
from .audio_sweep import SweepResult, sweep_audio
from .conversation_repository import ConversationRepository
from .database import Database, Transaction
from .decision_record import DecisionRecord
from .decision_repository import DecisionRepository
from .errors import DatabaseBusy, DatabaseDamaged, DatabaseTooNew, DiskFull, StoreUnavailable
from .fact_repository import FactFilter, FactRepository
from .measurement_repository import MeasurementRepository, read_measurements
from .page import MAX_PAGE_ROWS, Page
from .retention import Retention, RetentionLimits, RetentionResult
from .store import AUDIO_FOLDER, DATABASE_FILE, Store
from .turn import AudioDirection, AudioFile, Conversation, Stage, StageKind, Turn, TurnStatus, new_turn_id
from .turn_filter import TurnFilter
from .turn_repository import TurnRepository

__all__ = [
    "AUDIO_FOLDER",
    "DATABASE_FILE",
    "MAX_PAGE_ROWS",
    "AudioDirection",
    "AudioFile",
    "AudioStore",
    "Conversation",
    "ConversationRepository",
    "Database",
    "DatabaseBusy",
    "DatabaseDamaged",
    "DatabaseTooNew",
    "DecisionRecord",
    "DecisionRepository",
    "DiskFull",
    "FactFilter",
    "FactRepository",
    "MeasurementRepository",
    "Page",
    "Retention",
    "RetentionLimits",
    "RetentionResult",
    "Stage",
    "StageKind",
    "Store",
    "StoreUnavailable",
    "SweepResult",
    "Transaction",
    "Turn",
    "TurnFilter",
    "TurnRepository",
    "TurnStatus",
    "new_turn_id",
    "read_measurements",
    "sweep_audio",
]
