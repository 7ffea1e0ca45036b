"""A WAV file, or a part of it, as a response."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import BinaryIO

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .byte_range import ByteRange

_CHUNK_BYTES = 64 * 1024


class RecordingResponse(Response):
    """Sends an open file and closes it: a deletion meanwhile does not cut the answer short."""

    media_type = "audio/wav"

    def __init__(self, file: BinaryIO, size_bytes: int, wanted: ByteRange | None, headers: Mapping[str, str]) -> None:
        """Send `wanted` of `file`, or all of it."""
        self._file = file
        self._first = 0 if wanted is None else wanted.first
        self._left_bytes = size_bytes if wanted is None else wanted.length
        of_range = {} if wanted is None else {"Content-Range": str(wanted)}
        super().__init__(
            status_code=HTTPStatus.OK if wanted is None else HTTPStatus.PARTIAL_CONTENT,
            headers={
                "Accept-Ranges": "bytes",
                **headers,
                **of_range,
                "Content-Length": str(self._left_bytes),
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; a HEAD request gets the headers alone."""
        with self._file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            left_bytes = 0 if scope["method"] == "HEAD" else self._left_bytes
            if left_bytes:
                await asyncio.to_thread(self._file.seek, self._first)
            while left_bytes:
                chunk = await asyncio.to_thread(self._file.read, min(_CHUNK_BYTES, left_bytes))
                if not chunk:
                    raise EOFError("the recording is shorter than it was")
                left_bytes -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": left_bytes > 0})
            if scope["method"] == "HEAD" or not self._left_bytes:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
