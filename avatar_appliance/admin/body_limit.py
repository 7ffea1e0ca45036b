"""No request may fill the memory with its body."""

from __future__ import annotations

import re
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import RequestTooLarge
from .problem import refuse


class BodyLimit:
    """Refuses bodies of more than `max_bytes`, announced or not."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, upload_paths: re.Pattern[str], max_upload_bytes: int) -> None:
        """Wrap `app`; a path that is one of `upload_paths` may have `max_upload_bytes`."""
        self._app = app
        self._max_bytes = max_bytes
        self._upload_paths = upload_paths
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `request-too-large` as soon as the body is known to be."""
        announced = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        uploads = self._upload_paths.fullmatch(scope.get("path", "")) is not None
        max_bytes = self._max_upload_bytes if uploads else self._max_bytes
        if not announced.isdecimal() or int(announced) > max_bytes:
            await refuse(RequestTooLarge(f"a body has at most {max_bytes} bytes"), scope, receive, send)
            return
        received_bytes = 0

        async def counting_receive() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if received_bytes > max_bytes:
                # FastAPI passes this one on and turns any other error while reading into a 400.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, counting_receive, send)
