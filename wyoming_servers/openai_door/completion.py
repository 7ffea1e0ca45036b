"""The shapes of OpenAI's chat completions."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from avatar_appliance.errors import AvatarError
from wyoming_servers.backends.chat_message import ChatUsage, ToolCall

MODEL = "avatar"
"""The one model there is: which worker answers is decided by the ladder."""


def models() -> dict[str, Any]:
    """Return the list of models."""
    return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "avatar"}]}


def error_body(error: AvatarError) -> dict[str, Any]:
    """Return an error as clients of OpenAI read it."""
    kind = "server_error" if error.http_status >= 500 else "invalid_request_error"
    return {"error": {"message": f"{error.text} {error.hint}", "type": kind, "param": None, "code": error.code}}


@dataclass(slots=True)
class Completion:
    """One completion in the making."""

    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        """Return one event of a stream."""
        return self._event([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def call_chunk(self, index: int, call: ToolCall) -> bytes:
        """Return the event of one tool call, whole."""
        return self.chunk({"tool_calls": [{"index": index, **call.as_json()}]})

    def usage_chunk(self, usage: ChatUsage) -> bytes:
        """Return the last event of a stream whose client wants to know what it cost."""
        return self._event([], usage=_usage(usage))

    def whole(self, text: str, calls: list[ToolCall], finish_reason: str, usage: ChatUsage) -> dict[str, Any]:
        """Return the answer in one piece."""
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
        if calls:
            message["tool_calls"] = [call.as_json() for call in calls]
        choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head("chat.completion"), "choices": [choice], "usage": _usage(usage)}

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        body = {**self._head("chat.completion.chunk"), "choices": choices, **more}
        return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL}


DONE = b"data: [DONE]\n\n"


def error_event(error: AvatarError) -> bytes:
    """Return the end of a stream that broke."""
    return f"data: {json.dumps(error_body(error), ensure_ascii=False)}\n\n".encode()


def _usage(usage: ChatUsage) -> dict[str, Any]:
    prompt, answer = usage.prompt_tokens or 0, usage.completion_tokens or 0
    body: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    if usage.cached_tokens is not None:
        body["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    return body
