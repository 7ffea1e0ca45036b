"""The end of tasks that talk through aiomqtt."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

_AGAIN_S = 0.2


async def end_tasks(tasks: Collection[asyncio.Task[None]]) -> list[BaseException]:
    """Cancel `tasks` until they have ended; return what they failed with.

    Again and again: aiomqtt waits for answers by `asyncio.wait_for`, which up to Python 3.11 loses a cancellation that
    comes together with the answer (python/cpython#86296).
    """
    for task in tasks:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody else may ask
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_S)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]
