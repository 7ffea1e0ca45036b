"""The last line of defence: an exception nobody foresaw becomes `internal`, without its text."""

from __future__ import annotations

import itertools
import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avatar_appliance.errors import InternalError
from avatar_appliance.log import connection_log, log_defect

from .problem import refuse

_log = logging.getLogger(__name__)


class DefectBarrier:
    """Keeps exceptions, whose text may hold what somebody said, from client and log alike."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request; answer `internal` if it breaks before its response began."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        started = False

        async def noticing_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        with connection_log(f"http{next(self._numbers)}"):
            try:
                await self._app(scope, receive, noticing_send)
            except ClientDisconnect:
                _log.debug("the client hung up")
            except Exception as error:  # noqa: BLE001 - the server would log text and traceback
                log_defect(_log, "defect in the HTTP API", error)
                # A response that has begun cannot be taken back: the server cuts the connection.
                if not started:
                    await refuse(InternalError("something went wrong here"), scope, receive, send)
