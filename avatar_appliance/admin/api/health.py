"""`/health`: for monitors and deployment scripts, without a token."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from avatar_appliance.admin.dependencies import Checker
from avatar_appliance.admin.health import Health

router = APIRouter(tags=["health"])

_DOWN: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "The store or a server is down."}}


@router.head("/health", include_in_schema=False)
@router.get("/health", responses=_DOWN)
async def health(checker: Checker, response: Response) -> Health:
    """Say whether the appliance can be used; `degraded` still is 200."""
    found = await checker.check()
    if found.status == "down":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return found
