"""What the HTTP API works with, and how a route gets hold of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from avatar_appliance.coordinator.state import CoordinatorControl
from avatar_appliance.errors import ShuttingDown
from avatar_appliance.store import Store

from .authentication import TokenVerifier
from .health import HealthCheck
from .system_info import System


@dataclass(frozen=True, slots=True)
class AdminDependencies:
    """Ready collaborators of the HTTP API; the control plane makes and ends them."""

    store: Store
    token: TokenVerifier
    system: System
    coordinator: CoordinatorControl | None = None
    """None while it is not up."""


async def _dependencies(request: Request) -> AdminDependencies:
    return cast("AdminDependencies", request.app.state.dependencies)


async def _health_check(request: Request) -> HealthCheck:
    return cast("HealthCheck", request.app.state.health_check)


async def _coordinator(request: Request) -> CoordinatorControl:
    coordinator = (await _dependencies(request)).coordinator
    if coordinator is None:
        raise ShuttingDown("the coordinator is not running")
    return coordinator


Dependencies = Annotated[AdminDependencies, Depends(_dependencies)]
Checker = Annotated[HealthCheck, Depends(_health_check)]
Coordinator = Annotated[CoordinatorControl, Depends(_coordinator)]
