"""No request may fill the memory with its body."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import RequestTooLarge
from .problem import refuse


class BodyLimit:
    """Refuses bodies of more than `max_bytes`, announced or not."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        """Wrap `app`."""
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `request-too-large` as soon as the body is known to be."""
        announced = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        if not announced.isdecimal() or int(announced) > self._max_bytes:
            await refuse(RequestTooLarge(f"a body has at most {self._max_bytes} bytes"), scope, receive, send)
            return
        received_bytes = 0

        async def counting_receive() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if received_bytes > self._max_bytes:
                # FastAPI passes this one on and turns any other error while reading into a 400.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, counting_receive, send)
