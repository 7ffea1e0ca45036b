"""What answering used, for the report."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from avatar_appliance.turns.report import StagePart
from wyoming_servers.backends.chat_message import ChatUsage

# The control plane takes no more.
MAX_PARTS = 32


@dataclass(slots=True)
class Thought:
    """Filled in while an answer comes into being; right at any moment, also when it is cancelled."""

    worker: str | None = None
    speaker: str | None = None
    degraded: str | None = None
    pieces: int = 0
    error_code: str | None = None
    """Why nothing was done, where the answer says just that."""
    nothing_to_say: bool = False
    """The answer is meant to be empty ("never mind")."""
    stopped: bool = False
    """Somebody said "stop": nothing of the answer shall be spoken any more."""
    dropped_messages: int = 0
    """Earlier messages that did not fit into the model's window, and that no summary tells."""
    cut: int = 0
    """Of a history that the client keeps: so many messages of its beginning were not shown, but perhaps told."""
    usage: ChatUsage = field(default_factory=ChatUsage)
    """Of the last request."""
    finish_reason: str = "stop"
    detail: dict[str, object] = field(default_factory=dict)
    parts: list[StagePart] = field(default_factory=list)

    @contextlib.contextmanager
    def acting(self, **detail: object) -> Iterator[dict[str, object]]:
        """Note one action with its times; add to the detail given (no words of people) what becomes of it."""
        started_at = time.time()
        error_code: str | None = "cancelled"
        try:
            yield detail
            error_code = str(detail.pop("code")) if detail.get("code") else None
        finally:
            if len(self.parts) < MAX_PARTS:
                ended_at = max(time.time(), started_at)
                detail.pop("code", None)
                self.parts.append(
                    StagePart(
                        kind="act", started_at=started_at, ended_at=ended_at, error_code=error_code, detail=detail
                    )
                )

    def note_usage(self, usage: ChatUsage) -> None:
        """Take what a request cost, one of several; the share of the prompts found in the prefix cache is the hit rate.

        An endpoint that does not tell of its cache leaves the hit rate unknown, not zero.
        """
        self.usage = usage
        for name, tokens in (("prompt_tokens", usage.prompt_tokens), ("cached_tokens", usage.cached_tokens)):
            if tokens is not None:
                former = self.detail.get(name, 0)
                self.detail[name] = tokens + (former if isinstance(former, int) else 0)
