"""What came of a wish, held against what should have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wyoming_servers.house.household import Household
from wyoming_servers.text.chinese_script import is_simplified_only

from .house_state import IntentRun
from .intent_effects import has_no_targets
from .questions import Wish

_HAN: Final = re.compile("[\u3400-\u9fff]")
# Nobody can act on a name that does not exist: to say so is as good as to ask.
_ADMITS: Final = re.compile(
    r"\?|？|\b(no|not|nothing|cannot|can't|could not|couldn't|don't|doesn't|unable|sorry|which)\b"
    r"|沒有|没有|找不到|無法|不能|抱歉|不知道|不確定|哪",
    re.IGNORECASE,
)
# They look and change nothing.
_READS: Final = frozenset({"HassTimerStatus", "HassGetState", "HassClimateGetTemperature", "HassGetWeather"})

Change = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Verdict:
    """None: the wish does not ask for it, or nobody answered."""

    left: bool
    """Whether it was not taken at all (the fast path leaves a sentence to the model)."""
    call_right: bool | None
    state_right: bool
    wrong_action: tuple[str, ...]
    """What was changed and should not have been: the worst."""
    asked_back: bool | None
    answer_right: bool | None
    language_right: bool | None

    @property
    def passed(self) -> bool:
        """Whether a person would be content."""
        parts = (self.call_right, self.asked_back, self.answer_right, self.language_right)
        return not self.left and self.state_right and not self.wrong_action and False not in parts


def judge(wish: Wish, answer: str | None, before: Household, after: Household, runs: Sequence[IntentRun]) -> Verdict:
    """Return the verdict; an `answer` of None means that nobody took the wish."""
    changed = _changes(before, after)
    wrong = (*_unwanted(wish, changed), *_unwanted_calls(wish, runs))
    asked = answer is not None and not changed and bool(_ADMITS.search(answer))
    asked_instead = wish.may_ask and asked
    return Verdict(
        left=answer is None,
        call_right=None if answer is None or not wish.calls or asked_instead else _called(wish, runs),
        state_right=not wrong and (asked_instead or _reached(wish, changed)),
        wrong_action=wrong,
        asked_back=None if answer is None or wish.asks is None else asked and _has_one(answer, wish.asks),
        answer_right=None if answer is None or wish.answers is None else _answered(answer, wish.answers),
        language_right=_in_language(answer, wish.language) if answer else None,
    )


def _changes(before: Household, after: Household) -> Change:
    found = {}
    for entity_id, state in after.states.items():
        was = before.states[entity_id]
        change = {"state": state.value} if state.value != was.value else {}
        change |= {key: value for key, value in state.attributes.items() if was.attributes.get(key) != value}
        if change:
            found[entity_id] = change
    return found


def _unwanted(wish: Wish, changed: Change) -> Iterable[str]:
    for entity_id, change in changed.items():
        wanted = wish.becomes.get(entity_id, {})
        for key, value in change.items():
            if key not in wanted or not _is(value, wanted[key]):
                yield f"{entity_id} {key}={value}"


def _unwanted_calls(wish: Wish, runs: Iterable[IntentRun]) -> Iterable[str]:
    """Timers and announcements: they change no entity."""
    return (run.name for run in runs if has_no_targets(run.name) and run.name not in {*wish.calls, *_READS})


def _reached(wish: Wish, changed: Change) -> bool:
    return all(
        key in changed.get(entity_id, {}) and _is(changed[entity_id][key], value)
        for entity_id, wanted in wish.becomes.items()
        for key, value in wanted.items()
    )


def _called(wish: Wish, runs: Sequence[IntentRun]) -> bool:
    acted = {run.name for run in runs if run.name not in _READS}
    return not acted - wish.calls.keys() and all(
        any(run.name == name and all(_is(run.slots.get(key), slots[key]) for key in slots) for run in runs)
        for name, slots in wish.calls.items()
    )


def _is(value: Any, wanted: Any) -> bool:
    plain = list(value) if isinstance(value, tuple) else value
    return any(plain == one or str(plain) == str(one) for one in (wanted if isinstance(wanted, list) else [wanted]))


def _answered(answer: str, wanted: Sequence[str]) -> bool:
    return bool(answer.strip()) and _has_one(answer, wanted)


def _has_one(answer: str, wanted: Sequence[str]) -> bool:
    if not wanted:
        return True
    return any(
        one in answer
        if _HAN.search(one)
        else re.search(rf"(?<![a-z0-9]){re.escape(one)}(?![a-z0-9])", answer, re.IGNORECASE)
        for one in wanted
    )


def _in_language(answer: str, language: str) -> bool:
    if not language.startswith("zh"):
        return not _HAN.search(answer)
    words = bool(re.search(r"[^\W\d_]", answer))
    return (bool(_HAN.search(answer)) or not words) and not any(map(is_simplified_only, answer))
