"""How far sound may be ahead of being heard."""

from __future__ import annotations

from avatar_appliance.chat.pace import LEAD_S, Pace


class Clock:
    """Time that goes on only where somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []

    def time(self) -> float:
        return self.now_s

    async def sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)
        self.now_s += duration_s


async def test_a_short_answer_leaves_at_once() -> None:
    clock = Clock()
    pace = Pace(clock.time, clock.sleep)
    for _ in range(int(LEAD_S)):
        await pace.wait(1.0)
    assert clock.slept_s == []


async def test_a_long_answer_leaves_as_it_is_heard() -> None:
    clock = Clock()
    pace = Pace(clock.time, clock.sleep)
    for _ in range(100):
        await pace.wait(1.0)
    assert clock.now_s - 100.0 == 100 - LEAD_S - 1
    assert set(clock.slept_s) == {1.0}


async def test_who_was_slow_is_not_made_slower() -> None:
    clock = Clock()
    pace = Pace(clock.time, clock.sleep)
    for _ in range(100):
        await pace.wait(1.0)
        clock.now_s += 1.5  # the engine
    assert clock.slept_s == []
