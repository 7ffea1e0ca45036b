"""Without a coordinator: the best rung that answers, patience for one that restarts, an honest end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from avatar_appliance.errors import AvatarError, VoiceUnknown, WorkerBusy, WorkerFailed, WorkerUnavailable
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.client import LeaseClient
from wyoming_servers.backends import climb
from wyoming_servers.backends.chat_model import ContextTooLong
from wyoming_servers.backends.worker_access import WorkerAccess


@dataclass(eq=False)
class Rung:
    name: str
    errors: list[AvatarError] = field(default_factory=list)
    always: AvatarError | None = None
    tries: int = 0
    down_since_s: float | None = None

    @property
    def worker(self) -> str:
        return self.name

    async def wait_idle(self) -> None:
        pass

    async def open(self) -> str:
        self.tries += 1
        error = self.errors.pop(0) if self.errors else self.always
        if error is not None:
            raise error
        return f"opened {self.name}"


AWAY, BUSY, BROKEN = WorkerUnavailable("away"), WorkerBusy("busy"), WorkerFailed("broken")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climb, "RETRY_INTERVAL_S", 0.002)
    monkeypatch.setattr(climb, "RESTART_WAIT_S", 0.1)


@pytest.fixture
async def access(tmp_path: Path) -> AsyncIterator[WorkerAccess]:
    """One whose coordinator never comes."""
    made = WorkerAccess(LeaseClient(tmp_path, "test"), wait_s=2.0)
    yield made
    await made.aclose()


async def test_the_first_rung_is_not_degraded(access: WorkerAccess) -> None:
    best, second = Rung("best"), Rung("second")
    use = await access.open([best, second], Rung.open, urgency=Urgency.FIRST)
    assert (use.rung, use.opened, use.degraded) == (best, "opened best", None)
    assert second.tries == 0


@pytest.mark.parametrize("error", [AWAY, BUSY, BROKEN])
async def test_the_next_rung_takes_over_and_says_why(access: WorkerAccess, error: AvatarError) -> None:
    use = await access.open([Rung("best", always=error), Rung("second")], Rung.open, urgency=Urgency.FIRST)
    assert use.rung.name == "second"
    assert use.degraded == f"second instead of best: {error.code}"


async def test_a_rung_that_restarts_in_time_keeps_its_turn(access: WorkerAccess) -> None:
    best, second = Rung("best", errors=[AWAY] * 3), Rung("second")
    use = await access.open([best, second], Rung.open, urgency=Urgency.FIRST, patience_s=10)
    assert (use.rung, use.degraded) == (best, None)
    assert second.tries == 0


async def test_patience_ends(access: WorkerAccess) -> None:
    use = await access.open(
        [Rung("best", always=AWAY), Rung("second")], Rung.open, urgency=Urgency.FIRST, patience_s=0.01
    )
    assert use.rung.name == "second"


async def test_a_rung_that_is_away_for_long_is_not_waited_for_again(access: WorkerAccess) -> None:
    best = Rung("best", always=AWAY, down_since_s=asyncio.get_running_loop().time() - 60)
    use = await access.open([best, Rung("second")], Rung.open, urgency=Urgency.FIRST, patience_s=10)
    assert use.rung.name == "second"
    assert best.tries == 1


@pytest.mark.parametrize("error", [BUSY, BROKEN])
async def test_patience_is_for_restarts_only(access: WorkerAccess, error: AvatarError) -> None:
    best = Rung("best", always=error)
    use = await access.open([best, Rung("second")], Rung.open, urgency=Urgency.FIRST, patience_s=10)
    assert use.rung.name == "second"
    assert best.tries == 1


async def test_when_all_are_away_they_are_tried_again_for_a_while(access: WorkerAccess) -> None:
    second = Rung("second", errors=[AWAY] * 4)
    use = await access.open([Rung("best", always=AWAY), second], Rung.open, urgency=Urgency.FIRST)
    assert use.rung is second


@pytest.mark.parametrize("error", [AWAY, BUSY, BROKEN])
async def test_when_nobody_opens_the_trouble_is_told(access: WorkerAccess, error: AvatarError) -> None:
    with pytest.raises(type(error)):
        await access.open([Rung("best", always=error), Rung("second", always=error)], Rung.open, urgency=Urgency.FIRST)


@pytest.mark.parametrize("error", [VoiceUnknown("x"), ContextTooLong("x")])
async def test_what_is_the_requests_own_fault_is_raised_at_once(access: WorkerAccess, error: AvatarError) -> None:
    second = Rung("second")
    with pytest.raises(type(error)):
        await access.open([Rung("best", always=error), second], Rung.open, urgency=Urgency.FIRST)
    assert second.tries == 0


async def test_an_empty_ladder_is_unavailable(access: WorkerAccess) -> None:
    with pytest.raises(WorkerUnavailable):
        await access.open([], Rung.open, urgency=Urgency.FIRST)
