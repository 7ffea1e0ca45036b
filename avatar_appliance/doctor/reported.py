"""What the running appliance says of itself."""

from __future__ import annotations

import asyncio
from typing import Any

from avatar_appliance.client.admin import admin_client
from avatar_appliance.config import Settings
from avatar_appliance.errors import AvatarError, Unauthorized, WorkerUnavailable

from .finding import Finding, Severity


async def reported(settings: Settings) -> list[Finding]:
    """Return a finding per problem that the running appliance reports; none where it does not run."""
    try:
        problems = await asyncio.to_thread(_problems, settings)
    except WorkerUnavailable:
        return []  # that the servers do not answer says it all
    except Unauthorized as error:
        return [Finding("appliance", Severity.WARNING, error.text, error.hint)]
    except AvatarError as error:
        return [Finding("appliance", Severity.PROBLEM, error.text, error.hint)]
    if not problems:
        return [Finding("appliance", Severity.FINE, "it reports no problem")]
    return [
        Finding(
            "appliance",
            Severity.PROBLEM,
            f"{problem['text']}, since {problem['since']}",
            problem["hint"],
        )
        for problem in problems
    ]


def _problems(settings: Settings) -> list[dict[str, Any]]:
    with admin_client(settings) as client:
        # One of an earlier release has no such list.
        found: list[dict[str, Any]] = client.get("/api/system/info").get("problems", [])
        return found
