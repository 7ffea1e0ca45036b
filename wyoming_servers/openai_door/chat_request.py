"""A request of OpenAI's chat completions, checked, and what it means to the brain."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avatar_appliance.errors import BadRequest
from wyoming_servers.backends.chat_message import Message, ToolCall
from wyoming_servers.conversation.asking import Wish
from wyoming_servers.conversation.house_tools import ToolOffer
from wyoming_servers.conversation.question import Question
from wyoming_servers.conversation.question_language import question_language
from wyoming_servers.house.asker import Asker
from wyoming_servers.house.quoting import as_tool_data, without_control_tokens
from wyoming_servers.house.tools import Tool
from wyoming_servers.own_voice.mark import unmarked

MAX_MESSAGES = 2000
MAX_TOOLS = 256
# What a client's tool found: as data, and no more than a large model reads of it.
MAX_RESULT_CHARS = 100_000
MAX_SPEAKER_CHARS = 128
# A ULID (Home Assistant's), a UUID, or a long number in hexadecimal: no person is called that.
_MACHINE_MADE = re.compile(
    r"[0-9A-HJKMNP-TV-Z]{26}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}"
)
# Fields of a request that go on to a model as they are.
_OPTIONS = ("top_p", "stop", "seed", "presence_penalty", "frequency_penalty", "response_format", "parallel_tool_calls")


class _Lenient(BaseModel):
    """Clients send many fields that nobody here needs."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Function(_Lenient):
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class _Tool(_Lenient):
    type: Literal["function"] = "function"
    function: _Function


class _CalledFunction(_Lenient):
    name: str
    arguments: str = ""


class _Call(_Lenient):
    id: str
    function: _CalledFunction


class _Part(_Lenient):
    type: str
    text: str = ""


class _Message(_Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return unmarked("\n".join(part.text for part in self.content if part.type == "text"))
        return unmarked(self.content or "")  # answers of ours come back

    def as_message(self) -> Message:
        assert self.role not in ("system", "developer")
        calls = tuple(ToolCall(c.id, c.function.name, c.function.arguments) for c in self.tool_calls or ())
        role: Any = self.role
        text = _result(self.text) if role == "tool" else self.text
        return Message(role, text, calls, self.tool_call_id if role == "tool" else None)


@lru_cache(maxsize=64)  # a client sends the same results again with each request
def _result(text: str) -> str:
    return as_tool_data(text, MAX_RESULT_CHARS)


class _StreamOptions(_Lenient):
    include_usage: bool = False


class ChatRequest(_Lenient):
    """What a client asks."""

    messages: Annotated[list[_Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    tools: Annotated[list[_Tool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required"] | dict[str, Any] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_format: dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    metadata: dict[str, Any] | None = None
    user: str | None = Field(default=None, max_length=512)

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Return a request; raise BadRequest naming the field that is wrong (never what is in it)."""
        try:
            request = cls.model_validate_json(body)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(map(str, problem["loc"])) or "body"
            raise BadRequest(f"{place}: {problem['msg']}") from None
        if not any(message.role == "user" for message in request.messages):
            raise BadRequest("messages: there is none of a user")
        return request

    @property
    def is_spoken(self) -> bool:
        """Whether somebody listens: Home Assistant names the conversation then, and does not when it tries us out."""
        return bool(self.user) and not self.wish.has_form

    @property
    def most_tokens(self) -> int | None:
        """The longest answer the client wants."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Whether a stream shall end with what it cost."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def has_tools(self) -> bool:
        """Whether the client carries out tools of its own."""
        return bool(self.tools) and self.tool_choice != "none"

    @property
    def wish(self) -> Wish:
        """How the client wants the answer."""
        options = {name: value for name in _OPTIONS if (value := getattr(self, name)) is not None}
        return Wish(self.tool_choice or "auto", self.most_tokens, self.temperature, options)

    @property
    def conversation_id(self) -> str:
        """Identity of the conversation; empty where the client gives none."""
        return (
            hashlib.sha256(self.user.encode()).hexdigest()[:26]
            if self.user and len(self.user) > 100
            else self.user or ""
        )

    @property
    def speaker(self) -> str | None:
        """Who speaks: `metadata.speaker`; else `user`, where that is a person and no conversation's id.

        Home Assistant, which has tools of its own, names the conversation in `user`.
        """
        given = (self.metadata or {}).get("speaker")
        if given is None and self.user and not self.has_tools and not _MACHINE_MADE.fullmatch(self.user):
            given = self.user
        if not isinstance(given, str):
            return None
        name = " ".join(given.split())
        return name if 0 < len(name) <= MAX_SPEAKER_CHARS and name.isprintable() else None

    @property
    def link_id(self) -> str | None:
        """Equal for the several requests of one thought: the rounds after the client's tools."""
        if not self.user:
            return None
        users = sum(message.role == "user" for message in self.messages)
        return f"door-{hashlib.sha256(f'{self.user} {users}'.encode()).hexdigest()[:32]}"

    def offer(self) -> ToolOffer:
        """Return the client's tools."""
        if not self.has_tools:
            return ToolOffer()
        return ToolOffer(
            tuple(
                Tool(tool.function.name, tool.function.description or "", tool.function.parameters)
                for tool in self.tools or ()
            )
        )

    def question(self, languages: Sequence[str], client: str) -> tuple[Question, list[Message]]:
        """Return what is asked, and the messages of this turn: the question and what the client did for it so far.

        `client` is who sends it.
        """
        said = [message for message in self.messages if message.role not in ("system", "developer")]
        last = max(index for index, message in enumerate(said) if message.role == "user")
        text = said[last].text.strip()
        instructions = without_control_tokens(
            "\n\n".join(m.text for m in self.messages if m.role in ("system", "developer") and m.text)
        )
        language = question_language(text, languages)
        # A client that names the conversation and sends one message relies on our memory.
        remembers = bool(self.conversation_id) and last == 0 and not self.has_tools
        question = Question(
            text,
            self.conversation_id,
            Asker(language),
            speaker=self.speaker,
            instructions=instructions,
            earlier=None if remembers else tuple(message.as_message() for message in said[:last]),
            client=client,
            takes_intents=self.has_tools,
            has_own_tools=self.has_tools or self.wish.has_form,
        )
        return question, [message.as_message() for message in said[last:]]
