"""`/api/guest-mode`: who has the GPUs, voice or somebody else."""

from __future__ import annotations

import time

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from avatar_appliance.admin.dependencies import Coordinator
from avatar_appliance.coordinator.guest_mode import GuestSetting

from .responses import NEEDS_TOKEN
from .vram_models import GuestModeView

router = APIRouter(prefix="/api/guest-mode", tags=["guest mode"], dependencies=NEEDS_TOKEN)

_LONGEST_S = 30 * 86_400.0


class GuestModeWish(BaseModel):
    """What guest mode shall be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: GuestSetting = Field(description="on: others have the GPUs; off: voice keeps them; auto: as others need.")
    duration_s: float | None = Field(
        default=None,
        gt=0,
        le=_LONGEST_S,
        description="After which it is `auto` again; null: until somebody changes it.",
    )


@router.get("")
async def get_guest_mode(coordinator: Coordinator) -> GuestModeView:
    """Return whether somebody else has the GPUs."""
    return GuestModeView.of(coordinator.state().guest_mode, time.time())


@router.post("")
async def set_guest_mode(coordinator: Coordinator, wish: GuestModeWish) -> GuestModeView:
    """Give the GPUs away, keep them, or let others' use decide."""
    return GuestModeView.of(await coordinator.guest_mode(wish.mode, wish.duration_s), time.time())
