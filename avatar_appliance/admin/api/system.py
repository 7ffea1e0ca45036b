"""`/api/system`: what runs, on what, since when."""

from __future__ import annotations

from fastapi import APIRouter

from avatar_appliance.admin.dependencies import Dependencies
from avatar_appliance.admin.system_info import SystemInfo

from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/system", tags=["system"], dependencies=NEEDS_TOKEN)


@router.get("/info")
async def info(deps: Dependencies) -> SystemInfo:
    """Return processes, versions, disks, memory and discovery."""
    return await deps.system.info()
