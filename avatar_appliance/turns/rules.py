"""The limits of the joiner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRules:
    """How far apart stages of one turn may be, and how much is kept open.

    `window_s`: at most this long from the end of a stage to the start of the next. `prompt_s`: Home
    Assistant hands on within milliseconds; of several candidates one within this time outranks later
    ones. `overlap_s`: how late a transcribe stage may report its end after its transcript left.
    `stage_limit_s`: a stage running for longer was lost; it is also how late a report may come (300 s is
    Home Assistant's limit for a whole pipeline). At most `max_open_stages` are open at once, and of these
    about `max_alike` with the same words are weighed together.
    """

    window_s: float = 30.0
    prompt_s: float = 2.0
    overlap_s: float = 1.0
    stage_limit_s: float = 300.0
    max_open_stages: int = 512
    max_alike: int = 48

    @property
    def keep_s(self) -> float:
        """How long a stage stays open to be joined after the last word about it."""
        return self.window_s + self.stage_limit_s
