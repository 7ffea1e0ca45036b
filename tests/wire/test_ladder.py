"""The ladder: the best rung that answers, patience for one that restarts, an honest end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from avatar_appliance.errors import AvatarError, VoiceUnknown, WorkerBusy, WorkerFailed, WorkerUnavailable
from wyoming_servers.backends import ladder
from wyoming_servers.backends.chat_model import ContextTooLong
from wyoming_servers.backends.ladder import climb_down


@dataclass(eq=False)
class Rung:
    name: str
    errors: list[AvatarError] = field(default_factory=list)
    always: AvatarError | None = None
    tries: int = 0
    down_since_s: float | None = None

    async def open(self) -> str:
        self.tries += 1
        error = self.errors.pop(0) if self.errors else self.always
        if error is not None:
            raise error
        return f"opened {self.name}"


AWAY, BUSY, BROKEN = WorkerUnavailable("away"), WorkerBusy("busy"), WorkerFailed("broken")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "RETRY_INTERVAL_S", 0.002)
    monkeypatch.setattr(ladder, "RESTART_WAIT_S", 0.1)


async def test_the_first_rung_is_not_degraded() -> None:
    best, second = Rung("best"), Rung("second")
    step = await climb_down([best, second], Rung.open)
    assert (step.rung, step.opened, step.degraded) == (best, "opened best", None)
    assert second.tries == 0


@pytest.mark.parametrize("error", [AWAY, BUSY, BROKEN])
async def test_the_next_rung_takes_over_and_says_why(error: AvatarError) -> None:
    step = await climb_down([Rung("best", always=error), Rung("second")], Rung.open)
    assert step.rung.name == "second"
    assert step.degraded == f"second instead of best: {error.code}"


async def test_a_rung_that_restarts_in_time_keeps_its_turn() -> None:
    best, second = Rung("best", errors=[AWAY] * 3), Rung("second")
    step = await climb_down([best, second], Rung.open, patience_s=10)
    assert (step.rung, step.degraded) == (best, None)
    assert second.tries == 0


async def test_patience_ends() -> None:
    step = await climb_down([Rung("best", always=AWAY), Rung("second")], Rung.open, patience_s=0.01)
    assert step.rung.name == "second"


async def test_a_rung_that_is_away_for_long_is_not_waited_for_again() -> None:
    best = Rung("best", always=AWAY, down_since_s=asyncio.get_running_loop().time() - 60)
    step = await climb_down([best, Rung("second")], Rung.open, patience_s=10)
    assert step.rung.name == "second"
    assert best.tries == 1


@pytest.mark.parametrize("error", [BUSY, BROKEN])
async def test_patience_is_for_restarts_only(error: AvatarError) -> None:
    best = Rung("best", always=error)
    step = await climb_down([best, Rung("second")], Rung.open, patience_s=10)
    assert step.rung.name == "second"
    assert best.tries == 1


async def test_when_all_are_away_they_are_tried_again_for_a_while() -> None:
    second = Rung("second", errors=[AWAY] * 4)
    step = await climb_down([Rung("best", always=AWAY), second], Rung.open)
    assert step.rung is second


@pytest.mark.parametrize("error", [AWAY, BUSY, BROKEN])
async def test_when_nobody_opens_the_trouble_is_told(error: AvatarError) -> None:
    with pytest.raises(type(error)):
        await climb_down([Rung("best", always=error), Rung("second", always=error)], Rung.open)


@pytest.mark.parametrize("error", [VoiceUnknown("x"), ContextTooLong("x")])
async def test_what_is_the_requests_own_fault_is_raised_at_once(error: AvatarError) -> None:
    second = Rung("second")
    with pytest.raises(type(error)):
        await climb_down([Rung("best", always=error), second], Rung.open)
    assert second.tries == 0


async def test_an_empty_ladder_is_unavailable() -> None:
    with pytest.raises(WorkerUnavailable):
        await climb_down([], Rung.open)
