"""Spoken turns and announcements, as the three servers ask for workers on their behalf."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from avatar_appliance.coordinator.actions import Deny
from avatar_appliance.leases import Urgency

from .clients import Ask, Clients, Script
from .household import ASR, COMPUTE_S, LLM, STUDIO, TTS
from .shell import SimulatedShell

MEMORY_CODES = frozenset({"no-memory", "guest-mode", "out-of-memory"})
"""A turn that failed with one of these failed for lack of memory."""
TRIES = 3
"""A worker that dies, or a coordinator that restarts, costs a try; the servers ask again at once."""


@dataclass(slots=True)
class Turn:
    """One spoken exchange, or an announcement, and how it went."""

    at_s: float
    kind: str
    """"turn" or "announcement"."""
    satellite: str
    language: str
    degraded: list[str] = field(default_factory=list)
    """Which rung instead of which, and why, stage by stage."""
    failed: str | None = None
    """The code of what ended it."""
    took_s: float = 0.0

    @property
    def failed_for_memory(self) -> bool:
        """Whether it failed for lack of memory."""
        return self.failed in MEMORY_CODES


class Household:
    """The people of the house: their turns, by satellite."""

    def __init__(self, shell: SimulatedShell, clients: Clients, random: Random) -> None:
        self._shell = shell
        self._clients = clients
        self._random = random
        self.turns: list[Turn] = []

    def speak(self, satellite: str, language: str) -> None:
        """Have somebody begin to speak to a satellite."""
        self._clients.run(self._turn(self._begun("turn", satellite, language)))

    def announce(self, satellite: str, language: str) -> None:
        """Have the house announce something, in the high-quality voice."""
        self._clients.run(self._announcement(self._begun("announcement", satellite, language)))

    def _begun(self, kind: str, satellite: str, language: str) -> Turn:
        turn = Turn(self._shell.clock.now_s, kind, satellite, language)
        self.turns.append(turn)
        return turn

    def _turn(self, turn: Turn) -> Script:
        random = self._random
        # The lease for listening lets the coordinator warm what thinking and speaking will need.
        listening = [(Urgency.IDLE, random.uniform(1.5, 5.0)), (Urgency.FINAL, None)]
        yield from self._stage(turn, ASR, listening, warm=(LLM[0], TTS[0]))
        for _ in range(1 + (random.random() < 0.3)):  # sometimes a tool is called, and its result thought about
            yield random.uniform(0.02, 0.1)
            yield from self._stage(turn, LLM, [(Urgency.FIRST, None), (Urgency.LATER, random.uniform(0.1, 0.5))])
        for clause in range(random.randint(1, 4)):
            urgency = Urgency.FIRST if clause == 0 else Urgency.LATER
            yield from self._stage(turn, TTS, [(urgency, None)])
        turn.took_s = self._shell.clock.now_s - turn.at_s

    def _announcement(self, turn: Turn) -> Script:
        """Made ahead of time, so it can wait for the good voice; if that does not come, another one speaks."""
        answer = yield from self._stage(turn, STUDIO, [(Urgency.BACKGROUND, None)] * 3, wait_s=60.0, must=False)
        if isinstance(answer, Deny):
            turn.degraded.append(f"{TTS[0]} instead of {STUDIO[0]}: {answer.text}")
            yield from self._stage(turn, TTS, [(Urgency.LATER, None)] * 3)
        turn.took_s = self._shell.clock.now_s - turn.at_s

    def _stage(
        self,
        turn: Turn,
        ladder: tuple[str, ...],
        work: Sequence[tuple[Urgency, float | None]],
        *,
        warm: tuple[str, ...] = (),
        wait_s: float = 2.0,
        must: bool = True,
    ) -> Generator[Ask | float, Any, Deny | None]:
        """Do one stage; `work` is how urgent each part is and how long it takes (None: as long as the worker takes)."""
        if turn.failed is not None:
            return None
        ask = Ask(ladder=ladder, urgency=work[0][0], warm=warm, wait_s=wait_s, client=turn.kind)
        answer: Deny | None = None
        for _ in range(TRIES):
            given = yield ask
            if isinstance(given, Deny):
                answer = given
                if given.retry_after_s == 0.0:
                    continue
                break
            if given.degraded is not None:
                turn.degraded.append(given.degraded)
            if not self._shell.workers.use(given.worker):
                turn.failed = "out-of-memory"
                self._clients.release(given.lease_id)
                return None
            for urgency, duration_s in work:
                self._clients.tell(given.lease_id, urgency)
                slow = self._random.uniform(0.8, 1.5)
                yield COMPUTE_S[given.worker] * slow if duration_s is None else duration_s
            if self._clients.holds(given.lease_id):
                self._clients.release(given.lease_id)
                return None
            answer = Deny(given.lease_id, "worker-failed", f"{given.worker} died under it")
        if must and answer is not None:
            turn.failed = answer.code
        return answer
