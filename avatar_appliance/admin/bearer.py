"""The bearer token of a request."""

from __future__ import annotations

from starlette.datastructures import Headers


def bearer_in(headers: Headers) -> bytes | None:
    """Return the token of the one Authorization header; None where there is none, or several."""
    values = headers.getlist("authorization")
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    # Starlette reads header bytes as latin-1; the same back gives what was sent.
    return token.strip(" ").encode("latin-1") if scheme.lower() == "bearer" and token.strip(" ") else None
