"""Every error leaves as RFC 9457 problem details; the one translator of the HTTP boundary."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from avatar_appliance.errors import AvatarError, BadRequest, NotFound
from avatar_appliance.voices.errors import RecordingRefused
from avatar_appliance.voices.remark import Remark
from avatar_appliance.voices.remark_texts import remark_text

from .errors import MethodNotAllowed, RequestTooLarge

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_MAX_NAME_CHARS = 40
_POLICY_VIOLATION = 1008


class WrongField(BaseModel):
    """A field of the request that cannot be used, and why; never its value."""

    place: str = Field(description="query, path, header or body")
    field: str
    text: str


class Problem(BaseModel):
    """Problem details (RFC 9457); `code` and `hint` are those of docs/errors.md."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    hint: str
    retryable: bool
    errors: list[WrongField] | None = Field(default=None, description="What is wrong, field by field.")
    remarks: list[dict[str, Any]] | None = Field(
        default=None, description="What the doctor said of a refused recording, as in a profile's `remarks`."
    )
    matching: int | None = Field(default=None, description="Turns an unconfirmed deletion would delete.")


class ProblemResponse(JSONResponse):
    """A JSON response of the problem media type."""

    media_type = MEDIA_TYPE


def problem(
    error: AvatarError, *, status: int | None = None, headers: Mapping[str, str] | None = None, **members: Any
) -> ProblemResponse:
    """Return the response for an error; `members` are the optional ones of `Problem`."""
    number = error.http_status if status is None else status
    body = Problem(
        title=HTTPStatus(number).phrase,  # what RFC 9457 asks for with about:blank
        status=number,
        detail=error.text,
        code=error.code,
        hint=error.hint,
        retryable=error.retryable,
        **members,
    )
    return ProblemResponse(body.model_dump(exclude_none=True), number, headers)


async def refuse(
    error: AvatarError, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str] | None = None
) -> None:
    """Answer from a middleware: a problem over HTTP, a policy violation over WebSocket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": error.code})
    else:
        await problem(error, headers=headers)(scope, receive, send)


def install_problem_handlers(app: FastAPI) -> None:
    """Make the application answer every foreseen exception with a problem."""
    app.add_exception_handler(AvatarError, _named)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _from_framework)


async def _named(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, AvatarError)
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("%s of the HTTP API failed: %s (%s)", request.method, error.text, error.code)
    wait_s = error.retry_after_s
    headers = None if wait_s is None else {"Retry-After": str(math.ceil(wait_s))}
    if isinstance(error, RecordingRefused):
        return problem(error, headers=headers, remarks=[_remark(remark) for remark in error.remarks])
    return problem(error, headers=headers)


def _remark(remark: Remark) -> dict[str, Any]:
    text = {"en": remark_text(remark, "en"), "zh-TW": remark_text(remark, "zh-TW")}
    return {"code": remark.code, "severity": remark.severity, "parameters": dict(remark.parameters), "text": text}


async def _invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [_wrong_field(each) for each in error.errors()]
    text = "; ".join(f"{each.field}: {each.text}" for each in wrong)
    refused = BadRequest(text, hint="/api/openapi.json lists what each request may say.")
    return problem(refused, errors=wrong)


def _wrong_field(error: Mapping[str, Any]) -> WrongField:
    # pydantic's sentence names what is allowed; the value (`input`, `ctx`) stays out: it may be what people said.
    place, *names = (str(part) for part in error["loc"])
    field = ".".join(names) or place
    return WrongField(place=place, field=field[:_MAX_NAME_CHARS], text=str(error["msg"]))


async def _from_framework(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    named: AvatarError
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            named = NotFound("there is nothing at this path", hint="/api/openapi.json lists the paths.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            named = MethodNotAllowed("this path has no such method")
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            named = RequestTooLarge("the body of the request is too large")
        case _:
            named = BadRequest("the request cannot be understood")
    return problem(named, status=error.status_code, headers=error.headers)
