"""A model's tool calls as intents that go back to Home Assistant: a house without a token."""

from __future__ import annotations

import json
from collections.abc import Sequence

from avatar_appliance.errors import AvatarError
from wyoming_servers.backends.chat_message import ToolCall
from wyoming_servers.house.acting.failure_sentences import failure_sentence
from wyoming_servers.house.acting.intent_call import IntentCall
from wyoming_servers.house.acting.intent_tools import call_of_tool
from wyoming_servers.house.house_prompt import HousePrompt
from wyoming_servers.house.source import HouseholdSource

from .house_tools import HandedBack, ToolAnswer
from .meant_names import unknown_name, which_one, with_true_names
from .question import Question


class IntentCalls:
    """All calls of a round go back together, or none: half of a wish carried out is a surprise."""

    def __init__(self, source: HouseholdSource) -> None:
        self._source = source

    def hand_back(
        self, calls: Sequence[ToolCall], question: Question, shown: HousePrompt
    ) -> list[ToolAnswer] | HandedBack:
        """Return the intents, or why they cannot be."""
        layout = self._source.household().layout
        intents: list[IntentCall] = []
        answers: list[ToolAnswer] = []
        for call in calls:
            arguments = call.read_arguments()
            try:
                if arguments is None:
                    answers.append(_refused(call, "The arguments are no JSON object.", question))
                    continue
                arguments = with_true_names(arguments, shown, layout)
                if (name := unknown_name(call.name, arguments, layout)) is not None:
                    sentence, near = which_one(name, layout, question.language)
                    reason = {"error": "no device of that name", "nearest": near}
                    answers.append(ToolAnswer(call, json.dumps(reason, ensure_ascii=False), sentence))
                    continue
                intents.append(call_of_tool(call.name, arguments, _answer_language(question.language)))
            except AvatarError as error:
                answers.append(_refused(call, error.text, question))
            else:
                answers.append(ToolAnswer(call, "Not carried out: another call of the same answer was wrong."))
        return answers if len(intents) < len(calls) else HandedBack(tuple(intents))


def _refused(call: ToolCall, reason: str, question: Question) -> ToolAnswer:
    sentence = failure_sentence("failed-to-handle", question.language)
    return ToolAnswer(call, json.dumps({"error": reason}, ensure_ascii=False), sentence)


def _answer_language(language: str) -> str:
    """The language data that has the answer's template."""
    tag = language.replace("_", "-").lower()
    if not tag.startswith(("zh", "cmn", "yue")):
        return tag.split("-")[0]
    return "zh-CN" if tag.startswith(("zh-cn", "zh-hans")) else "zh-TW"
