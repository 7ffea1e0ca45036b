"""HTTP to a worker on its unix socket."""

from __future__ import annotations

from pathlib import Path

import httpx

MAX_ERROR_CHARS = 300


def worker_client(socket: Path) -> httpx.AsyncClient:
    """Return a client whose requests go to the worker; deadlines are the caller's."""
    # No TLS on a unix socket: reading the certificate store would cost a tenth of a second.
    transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False)
    return httpx.AsyncClient(
        base_url="http://worker", transport=transport, timeout=httpx.Timeout(None), trust_env=False
    )


def error_text(response: httpx.Response) -> str:
    """Return what an OpenAI-compatible server says went wrong, for people."""
    try:
        body = response.json()
        error = body.get("error", body)
        words = error.get("message", "") if isinstance(error, dict) else error
    except (ValueError, AttributeError, RecursionError):
        words = response.text
    text = " ".join(str(words).split())[:MAX_ERROR_CHARS]
    return f"HTTP {response.status_code}: {text}" if text else f"HTTP {response.status_code}"
