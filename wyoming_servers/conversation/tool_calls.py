"""A model's tool calls carried out by Home Assistant's tools, and what really became of them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from avatar_appliance.errors import AvatarError
from wyoming_servers.backends.chat_message import ToolCall
from wyoming_servers.house.acting.failure_sentences import failure_sentence, has_sentence, listed
from wyoming_servers.house.acting.intent_response import IntentResponse
from wyoming_servers.house.errors import HomeAssistantTimeout
from wyoming_servers.house.house_prompt import HousePrompt
from wyoming_servers.house.naming import name_in
from wyoming_servers.house.source import HouseholdSource
from wyoming_servers.house.tools import Tool, Toolbox, ToolResult

from .house_tools import ToolAnswer, ToolOffer
from .meant_names import unknown_name, which_one, with_true_names
from .question import Question
from .thought import Thought

_LOGGER = logging.getLogger(__name__)

# What one round may do; a model that wants more is told so.
MAX_CALLS: Final = 8
# The toolbox bounds each call itself: beyond that, it broke its word.
SLACK_S: Final = 3.0


class ToolCalls:
    """Carries out the calls of a round side by side. Never raises AvatarError: a failure is an answer."""

    def __init__(self, toolbox: Toolbox, source: HouseholdSource, timeout_s: float) -> None:
        self._toolbox = toolbox
        self._source = source
        self._timeout_s = timeout_s

    async def carry_out(
        self, calls: Sequence[ToolCall], question: Question, offer: ToolOffer, shown: HousePrompt, thought: Thought
    ) -> list[ToolAnswer]:
        """Return the answers in the order of the calls; cancelled, nothing of it runs on here."""
        tools = {tool.name: tool for tool in offer.tools}
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._one(call, tools.get(call.name), question, shown, thought))
                for call in calls[:MAX_CALLS]
            ]
        answers = [task.result() for task in tasks]
        refusal = failure_sentence("failed-to-handle", question.language)
        return answers + [ToolAnswer(call, "Not carried out: too many at once.", refusal) for call in calls[MAX_CALLS:]]

    async def _one(
        self, call: ToolCall, tool: Tool | None, question: Question, shown: HousePrompt, thought: Thought
    ) -> ToolAnswer:
        layout = self._source.household().layout
        arguments = call.read_arguments()
        if tool is None or arguments is None:
            why = "There is no such tool." if tool is None else "The arguments are no JSON object."
            return self._failed(call, tool, {"error": why}, question, "failed-to-handle")
        arguments = with_true_names(arguments, shown, layout)
        with thought.acting(tool=tool.name) as part:
            try:
                async with asyncio.timeout(2 * self._timeout_s + SLACK_S):
                    result = await self._toolbox.call(tool.name, arguments, question.asker)
            except (AvatarError, TimeoutError) as error:
                code = error.code if isinstance(error, AvatarError) else HomeAssistantTimeout.code
                _LOGGER.warning("tool %s failed: %s", tool.name, code)
                part["code"] = code
                return self._failed(call, tool, {"error": code}, question, code)
            answer = self._judge(call, tool, arguments, result, question)
            part["failed"] = answer.apology is not None
            return answer

    def _judge(
        self, call: ToolCall, tool: Tool, arguments: Mapping[str, Any], result: ToolResult, question: Question
    ) -> ToolAnswer:
        """Say what became of a call: Home Assistant's word, and the states it did not look at."""
        layout, language = self._source.household().layout, question.language
        response = IntentResponse.read(result.data)
        if result.failed or response.error is not None or "error" in result.data:
            if (name := unknown_name(tool.name, arguments, layout)) is not None:
                sentence, near = which_one(name, layout, language)
                text = json.dumps({"error": "no device of that name", "nearest": near}, ensure_ascii=False)
                return ToolAnswer(call, text, None if tool.is_read_only else sentence)
            return self._failed(call, tool, result.text, question, response.error or "failed-to-handle")
        if tool.is_read_only:
            return ToolAnswer(call, result.text)
        # Home Assistant passes silently over what it cannot reach, and calls that a success.
        unreachable = self._unreachable(response.succeeded)
        lost = response.failed | unreachable
        if not lost:
            return ToolAnswer(call, result.text, changes=True)
        names = [name_in(layout.entities_by_id[i].names, language) for i in sorted(lost) if i in layout.entities_by_id]
        key = "unreachable" if lost == unreachable else "failed"
        sentence = failure_sentence(key, language, names=listed(names or ["?"], language))
        text = json.dumps({"result": result.text, "failed": names}, ensure_ascii=False)
        return ToolAnswer(call, text, sentence, changes=bool(response.succeeded - lost))

    def _unreachable(self, entity_ids: frozenset[str]) -> frozenset[str]:
        if not self._source.is_live:
            return frozenset()
        household = self._source.household()
        by_id = household.layout.entities_by_id
        return frozenset(i for i in entity_ids if i in by_id and not household.state_of(by_id[i]).is_available)

    def _failed(
        self, call: ToolCall, tool: Tool | None, reason: str | Mapping[str, Any], question: Question, code: str
    ) -> ToolAnswer:
        text = reason if isinstance(reason, str) else json.dumps(reason, ensure_ascii=False)
        key = code if has_sentence(code) else "failed-to-handle"
        reads = tool is not None and tool.is_read_only
        return ToolAnswer(call, f"FAILED. {text}", None if reads else failure_sentence(key, question.language))
