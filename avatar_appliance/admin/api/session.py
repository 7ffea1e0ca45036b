"""`/api/session`: a browser that brought the owner's token once keeps it, until it signs out."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from avatar_appliance.admin.bearer import bearer_in
from avatar_appliance.admin.session_cookie import came_encrypted, drop, keep
from avatar_appliance.errors import BadRequest

from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/session", tags=["session"], dependencies=NEEDS_TOKEN)


@router.get("", status_code=HTTPStatus.NO_CONTENT)
async def is_signed_in() -> None:
    """Answer 204; who is not signed in gets 401, as everywhere."""


@router.post("", status_code=HTTPStatus.NO_CONTENT)
async def sign_in(request: Request, response: Response) -> None:
    """Have the browser keep the token that this request brings as its bearer token."""
    token = bearer_in(request.headers)
    if token is None:
        raise BadRequest("there is no bearer token to keep", hint="Send the token in the Authorization header.")
    keep(response, token.decode("latin-1"), secure=came_encrypted(request.url.scheme, request.headers))


@router.delete("", status_code=HTTPStatus.NO_CONTENT)
async def sign_out(response: Response) -> None:
    """Have the browser forget it."""
    drop(response)
