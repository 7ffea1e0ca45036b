"""The HTTP API of the running appliance, as its owner: what `avatar vram|workers|guest` speak with.

Two doors, the first that opens: the owner's unix socket on this machine, which needs no token; else the API's address
with `admin.token` (AVATAR_ADMIN__TOKEN).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from avatar_appliance import paths
from avatar_appliance.config import Settings
from avatar_appliance.errors import AvatarError, DeadlineExceeded, Unauthorized, WorkerUnavailable

SYSTEM_RUNTIME_DIR = Path("/run/avatar")
"""Where the systemd units keep their sockets; a shell does not have their RUNTIME_DIRECTORY."""
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_UPLOAD_TIMEOUT = httpx.Timeout(120.0, connect=5.0)  # a recording is looked at before the answer
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


class AdminClient:
    """Requests to the running appliance; made by `admin_client`."""

    def __init__(self, client: httpx.Client, where: str) -> None:
        self._client = client
        self._where = where

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a resource; raises what the appliance answers, WorkerUnavailable where it does not."""
        return self._ask("GET", path, query, None)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """Send a command and return the JSON of its answer; raises as `get` does."""
        return self._ask("POST", path, query, body)

    def put(self, path: str, body: Any = None, **query: Any) -> Any:
        """Set a resource and return the JSON of the answer; raises as `get` does."""
        return self._ask("PUT", path, query, body)

    def patch(self, path: str, body: Any) -> Any:
        """Change a resource and return the JSON of the answer; raises as `get` does."""
        return self._ask("PATCH", path, {}, body)

    def upload(self, method: str, path: str, files: Mapping[str, BinaryIO], fields: Mapping[str, str]) -> Any:
        """Send files and fields as a form and return the JSON of the answer; raises as `get` does."""
        # Not the file's own name: it may say more than its owner wants to.
        parts = {name: ("file", file, "application/octet-stream") for name, file in files.items()}
        return _content(self._send(method, path, files=parts, data=fields, timeout=_UPLOAD_TIMEOUT))

    def download(self, path: str) -> bytes:
        """Return the bytes of a resource; raises as `get` does."""
        return self._send("GET", path).content

    def delete(self, path: str, **query: Any) -> Any:
        """Delete a resource and return the JSON of the answer (None where it has none); raises as `get` does."""
        return self._ask("DELETE", path, query, None)

    def _ask(self, method: str, path: str, query: dict[str, Any], body: Any) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        return _content(self._send(method, path, params=given, json=body))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **request)
        except httpx.TimeoutException:
            raise DeadlineExceeded(f"the appliance did not answer in time on {self._where}") from None
        except httpx.TransportError:
            raise _not_running(self._where) from None
        if answer.is_success:
            return answer
        raise _error_of(answer)


@contextlib.contextmanager
def admin_client(settings: Settings) -> Iterator[AdminClient]:
    """Give a client of the running appliance; raises WorkerUnavailable where none runs, Unauthorized without a key."""
    closed: Path | None = None
    for path in _sockets(settings):
        try:
            _knock(path)
        except PermissionError:
            closed = path
            continue
        except OSError:  # nothing there, or left over by a killed appliance
            continue
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, base_url="http://localhost", timeout=_TIMEOUT) as client:
            yield AdminClient(client, str(path))
        return
    if settings.admin.token is None:
        if closed is None:
            raise _not_running(str(_sockets(settings)[0]))
        raise Unauthorized(
            f"the appliance belongs to another user: {closed} cannot be opened",
            hint="Run the command as that user or with sudo, or set AVATAR_ADMIN__TOKEN to the owner's token.",
        )
    base_url = _address(settings)
    headers = {"Authorization": f"Bearer {settings.admin.token.get_secret_value()}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=_TIMEOUT, trust_env=False) as client:
        yield AdminClient(client, base_url)


def _content(answer: httpx.Response) -> Any:
    return answer.json() if answer.content else None


def _sockets(settings: Settings) -> list[Path]:
    folders = [settings.paths.runtime_dir]
    if settings.paths.runtime_dir == paths.default_runtime_dir():
        folders.append(SYSTEM_RUNTIME_DIR)
    return [paths.owner_socket(folder) for folder in folders]


def _knock(path: Path) -> None:
    """Raise OSError where nobody listens (any more), PermissionError where we may not come in."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.connect(str(path))


def _address(settings: Settings) -> str:
    host = _LOOPBACK.get(settings.admin.host, settings.admin.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.admin.port}"


def _not_running(where: str) -> AvatarError:
    return WorkerUnavailable(
        f"the appliance does not answer on {where}",
        hint="Is it running? `avatar up` starts it. For another machine's set AVATAR_ADMIN__HOST and _TOKEN.",
    )


def _error_of(answer: httpx.Response) -> AvatarError:
    """Return the error that the appliance meant, so that this command line shows it and exits as if it were its own."""
    try:
        problem = answer.json()
        text, code, hint = str(problem["detail"]), str(problem["code"]), str(problem["hint"])
    except (ValueError, KeyError, TypeError):
        return AvatarError(f"the appliance answered {answer.status_code} without saying why")
    kind = next((each for each in _kinds(AvatarError) if each.code == code), AvatarError)
    # Some want more than a text; they are told apart by their own constructor.
    while kind.__init__ is not AvatarError.__init__:
        kind = kind.__mro__[1]
    return kind(text if kind.code == code else f"{text} ({code})", hint=hint)


def _kinds(kind: type[AvatarError]) -> Iterator[type[AvatarError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)
