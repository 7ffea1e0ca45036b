"""Answers to questions about the house, from the live snapshot."""

from __future__ import annotations

from typing import Any

from wyoming_servers.house.household import Household
from wyoming_servers.house.naming import name_in

from .answer_templates import Facts, StateView, render_answer
from .failure_sentences import failure_sentence, listed
from .intent_call import IntentCall
from .outcome import Outcome


def answer_from_snapshot(call: IntentCall, household: Household) -> Outcome:
    """Answer HassGetState, HassClimateGetTemperature and HassGetWeather."""
    language = call.language
    if not call.targets:
        return Outcome(failure_sentence("no-valid-targets", language), done=False, code="no-valid-targets")
    views = [StateView.of(entity, household.state_of(entity), language) for entity in call.targets]
    if all(not household.state_of(entity).is_available for entity in call.targets):
        names = tuple(name_in(entity.names, language) for entity in call.targets)
        speech = failure_sentence("unreachable", language, names=listed(names[:3], language))
        return Outcome(speech, done=False, failed=names, code="unreachable")
    if call.intent == "HassGetState":
        wanted = _wanted(call)
        facts = Facts(
            matched=[view for view in views if wanted is None or view.state in wanted],
            unmatched=[view for view in views if wanted is not None and view.state not in wanted],
        )
    else:
        facts = Facts(matched=views[:1])
    plain = listed([f"{view.name}: {view.state_with_unit}" for view in views[:3]], language)
    return Outcome(render_answer(call, facts) or plain, done=True)


def _wanted(call: IntentCall) -> set[str] | None:
    """The states asked about ("which lights are on"); None where all are wanted."""
    slot = call.slots.get("state")
    if slot is None:
        return None
    values: Any = slot.value if isinstance(slot.value, (list, tuple)) else (slot.value,)
    return {str(value) for value in values}
