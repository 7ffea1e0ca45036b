"""Carries out intents in Home Assistant, and answers from what really became of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from avatar_appliance.errors import AvatarError
from wyoming_servers.house.asker import Asker
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.errors import HomeAssistantAway
from wyoming_servers.house.home_assistant.intent_api import IntentApiMissing
from wyoming_servers.house.household import Household
from wyoming_servers.house.naming import name_in
from wyoming_servers.house.source import HouseholdSource
from wyoming_servers.house.tools import ToolResult
from wyoming_servers.text import to_traditional
from wyoming_servers.text.language import parse_language

from .answer_templates import Facts, StateView, render_answer
from .expected_states import expected_states
from .failure_sentences import failure_sentence, has_sentence, listed
from .intent_call import IntentCall
from .intent_response import IntentResponse
from .intent_table import INTENTS, Handler, IntentRule
from .outcome import Outcome
from .snapshot_answer import answer_from_snapshot

logger = logging.getLogger(__name__)

# Most devices report within a few hundred milliseconds; what takes longer is told as it is.
CONFIRM_S = 1.0


class SendsIntents(Protocol):
    """Home Assistant's intent API."""

    async def handle(self, intent: str, slots: dict[str, Any], asker: Asker) -> dict[str, Any]:
        """Return the intent response."""
        ...


class CallsTools(Protocol):
    """Home Assistant's tools."""

    async def call(self, name: str, arguments: dict[str, Any], asker: Asker) -> ToolResult:
        """Return what the tool answered."""
        ...


class HomeAssistantExecutor:
    """An Executor with a token: intents go to Home Assistant, questions are answered from the live snapshot.

    Intents go through the intent API, which knows all of them and the asker's language; the MCP tool of the same
    intent stands in where a Home Assistant has no intent API.
    """

    def __init__(
        self,
        household: HouseholdSource,
        intents: SendsIntents,
        tools: CallsTools | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        confirm_s: float = CONFIRM_S,
    ) -> None:
        self._household = household
        self._intents = intents
        self._tools = tools
        self._now = now
        self._confirm_s = confirm_s

    async def carry_out(self, call: IntentCall, asker: Asker) -> Outcome:
        """Carry out one intent; a failure is an outcome with an honest sentence."""
        rule = INTENTS.get(call.intent)
        if rule is None:
            return _failure("failed-to-handle", call)
        if rule.handler is Handler.NOBODY:
            return Outcome("", done=True)
        if rule.handler is Handler.CLOCK:
            now = self._now()
            speech = render_answer(call, Facts(slots={"date": now.date(), "time": now.time()}))
            return _spoken(Outcome(speech or now.strftime("%H:%M"), done=True), asker)
        if rule.handler is Handler.SNAPSHOT:
            if not self._household.is_live:
                return _failure(HomeAssistantAway.code, call)
            return _spoken(answer_from_snapshot(call, self._household.household()), asker)
        return _spoken(await self._act(call, rule, asker), asker)

    async def _act(self, call: IntentCall, rule: IntentRule, asker: Asker) -> Outcome:
        before = self._household.household()
        # Home Assistant passes silently over what it cannot reach, and calls that a success.
        unreachable = [e for e in call.targets if self._household.is_live and not before.state_of(e).is_available]
        if unreachable and len(unreachable) == len(call.targets):
            names = _names(unreachable, call)
            speech = failure_sentence("unreachable", call.language, names=listed(names, call.language))
            return Outcome(speech, done=False, failed=names, code="unreachable")
        try:
            answer, way = await self._send(call, rule, asker)
        except AvatarError as error:
            logger.warning("%s was not carried out: %s", call.intent, error.text)
            return _failure(error.code, call)
        response = IntentResponse.read(answer)
        if response.error is not None:
            no_timers = call.intent == "HassStartTimer" and response.error == "failed-to-handle"
            return _failure("no-timer-support" if no_timers else response.error, call, way=way)
        failed = [e for e in call.targets if e in unreachable or e.entity_id in response.failed]
        worked = [e for e in call.targets if e not in failed]
        unconfirmed = await self._unconfirmed(call.intent, worked)
        changed = [entity for entity in worked if entity not in unconfirmed]
        after = self._household.household()
        return Outcome(
            self._say(call, response, changed, unconfirmed, failed, unreachable, after),
            done=not failed and not unconfirmed,
            changed=_names(changed, call),
            failed=_names(failed, call),
            unconfirmed=_names(unconfirmed, call),
            details={"way": way},
        )

    async def _send(self, call: IntentCall, rule: IntentRule, asker: Asker) -> tuple[dict[str, Any], str]:
        slots = {name: slot.value for name, slot in call.slots.items()}
        try:
            return await self._intents.handle(call.intent, slots, asker), "intent"
        except IntentApiMissing:
            if self._tools is None or rule.tool is None:
                raise
        result = await self._tools.call(rule.tool, slots, asker)
        if result.failed or not result.data:
            return {"response_type": "error", "data": {"code": "failed_to_handle"}}, "tool"
        return dict(result.data), "tool"

    async def _unconfirmed(self, intent: str, targets: Iterable[Entity]) -> list[Entity]:
        """Wait a moment for the states to change; return the entities whose did not."""
        expected = {entity: states for entity in targets if (states := expected_states(intent, entity)) is not None}
        if not expected or not self._household.is_live:
            return []

        def pending(household: Household) -> list[Entity]:
            return [entity for entity, states in expected.items() if household.state_of(entity).value not in states]

        await self._household.wait_until(lambda household: not pending(household), self._confirm_s)
        return pending(self._household.household())

    def _say(
        self,
        call: IntentCall,
        response: IntentResponse,
        changed: list[Entity],
        unconfirmed: list[Entity],
        failed: list[Entity],
        unreachable: list[Entity],
        after: Household,
    ) -> str:
        language = call.language
        parts = []
        if changed or not call.targets:
            views = [StateView.of(entity, after.state_of(entity), language) for entity in changed]
            parts.append(render_answer(call, Facts(matched=views, slots=response.slots)) or "")
        for key, entities in (
            ("unconfirmed", unconfirmed),
            ("unreachable", unreachable),
            ("failed", [entity for entity in failed if entity not in unreachable]),
        ):
            if entities:
                parts.append(failure_sentence(key, language, names=listed(_names(entities, call), language)))
        return _sentences([part for part in parts if part], language)


def _sentences(parts: list[str], language: str) -> str:
    """Join sentences; the templates' have no full stop."""
    if len(parts) < 2:
        return "".join(parts)
    stop, space = ("。", "") if language.startswith("zh") else (".", " ")
    return space.join(part if part[-1] in ".!?。！？" else f"{part}{stop}" for part in parts)


def _names(entities: Iterable[Entity], call: IntentCall) -> tuple[str, ...]:
    return tuple(name_in(entity.names, call.language) for entity in entities)


def _failure(code: str, call: IntentCall, *, way: str | None = None) -> Outcome:
    names = _names(call.targets, call)
    key = code if has_sentence(code) else "failed-to-handle"
    return Outcome(
        failure_sentence(key, call.language), done=False, failed=names, code=code, details={"way": way} if way else {}
    )


def _spoken(outcome: Outcome, asker: Asker) -> Outcome:
    """In the asker's characters: a sentence may have been understood by the grammar of another Chinese."""
    tag = parse_language(asker.language)
    if tag.primary != "zh" or tag.is_simplified_chinese:
        return outcome
    return replace(outcome, speech=to_traditional(outcome.speech))
