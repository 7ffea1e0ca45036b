"""The hub as a source: one file over HTTPS, resumed where it stopped, given up soon when nobody answers."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path

import httpx

from avatar_appliance import __version__
from avatar_appliance.models.catalogue import HubSource, ModelFile
from avatar_appliance.models.errors import SourceFailed
from avatar_appliance.models.partial_file import PartialFile
from avatar_appliance.models.progress import FetchProgress


class Hub:
    """Downloads from the hub; after it could not be reached once, it is not asked again by this object."""

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 15.0,
        reach_within_s: float = 4.0,
        attempts: int = 4,
        retry_wait_s: float = 1.0,
    ) -> None:
        """`endpoint` None: the hub library's own (HF_ENDPOINT). `attempts` counts connections per file."""
        self._endpoint = endpoint
        self._timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)
        self._reach_within_s = reach_within_s
        self._attempts = attempts
        self._retry_wait_s = retry_wait_s
        self._reached = False
        self._unreachable: str | None = None

    def download(self, source: HubSource, file: ModelFile, partial: Path, progress: FetchProgress) -> None:
        """Leave the verified bytes of `file` at `partial`, going on from what is there.

        Raises SourceFailed; what came so far stays at `partial`.
        """
        url = self._url(source)
        self._require_reachable(url)
        reason = ""
        progress.step(f"{file.path} from the hub", file.size_bytes)
        with PartialFile(partial, file.size_bytes, file.sha256) as target:
            for attempt in range(self._attempts):
                if attempt:
                    time.sleep(self._retry_wait_s)
                began_bytes = target.have_bytes
                progress.at(began_bytes)
                try:
                    self._append(url, target, progress)
                except httpx.RequestError as error:
                    reason = f"the transfer from the hub broke off ({_reason(error)})"
                    continue
                if target.is_whole():
                    return
                reason = "the hub sent other bytes than the catalogue promises"
                target.restart()
                # An earlier run's bytes may be what is wrong; those that came in one piece are the hub's.
                if not began_bytes:
                    break
        raise SourceFailed(reason)

    def _url(self, source: HubSource) -> str:
        # Imported here: it costs a third of a second, and offline use must not pay for it.
        from huggingface_hub import constants, hf_hub_url

        if constants.HF_HUB_OFFLINE:
            self._unreachable = "the hub is switched off (HF_HUB_OFFLINE)"
        return hf_hub_url(source.repo, source.filename, revision=source.revision, endpoint=self._endpoint)

    def _require_reachable(self, url: str) -> None:
        """Knock once per object. In a thread, because neither the look-up of a name nor the sum of the
        connection attempts (one per address of the host) is bounded by the connect timeout.
        """
        if self._unreachable is not None:
            raise SourceFailed(self._unreachable, repeated=True)
        if self._reached:
            return
        answer: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        threading.Thread(target=self._knock, args=(url, answer), name="hub-knock", daemon=True).start()
        try:
            error = answer.get(timeout=self._reach_within_s)
        except queue.Empty:
            self._unreachable = f"the hub cannot be reached (no answer within {self._reach_within_s:g} s)"
        else:
            if error is not None:
                self._unreachable = f"the hub cannot be reached ({_reason(error)})"
        if self._unreachable is not None:
            raise SourceFailed(self._unreachable)
        self._reached = True

    def _knock(self, url: str, answer: queue.SimpleQueue[Exception | None]) -> None:
        """Any HTTP answer, also an error status, means that somebody is there."""
        try:
            httpx.head(url, timeout=self._timeout, follow_redirects=False)
        except Exception as error:  # noqa: BLE001 - whatever a proxy setting or a name look-up can raise
            answer.put(error)
        else:
            answer.put(None)

    def _append(self, url: str, target: PartialFile, progress: FetchProgress) -> None:
        """Ask for what is missing and append it; take the whole where the hub does not resume."""
        if not target.missing_bytes:
            return
        headers = {"User-Agent": f"avatar-appliance/{__version__}", "Accept-Encoding": "identity"}
        if target.have_bytes:
            headers["Range"] = f"bytes={target.have_bytes}-"
        with (
            httpx.Client(timeout=self._timeout, follow_redirects=True) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                target.restart()
                raise httpx.RemoteProtocolError("it cannot go on from there")
            if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                raise SourceFailed(f"the hub answered with HTTP {response.status_code}")
            if not _continues(response, target.have_bytes):
                target.restart()
            length = response.headers.get("Content-Length", "")
            if length.isdigit() and int(length) != target.missing_bytes:
                target.restart()
                raise SourceFailed("the hub's file has another size than the catalogue promises")
            for piece in response.iter_raw():
                if len(piece) > target.missing_bytes:
                    target.restart()
                    raise SourceFailed("the hub sent more bytes than the catalogue promises")
                target.append(piece)
                progress.at(target.have_bytes)
        if target.missing_bytes:
            raise httpx.RemoteProtocolError("the body ended early")


def _continues(response: httpx.Response, have_bytes: int) -> bool:
    """Tell whether the body goes on right behind the bytes we have."""
    return bool(response.headers.get("Content-Range", "").startswith(f"bytes {have_bytes}-"))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
