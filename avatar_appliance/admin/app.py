"""Wires the HTTP API and the panel: who may come in (middlewares), what there is (routers), how errors look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from avatar_appliance import __version__

from .api import ROUTERS
from .api.responses import PROBLEM_RESPONSES
from .api.voices import UPLOAD_PATHS
from .authentication import Authentication
from .body_limit import BodyLimit
from .defect_barrier import DefectBarrier
from .dependencies import AdminDependencies
from .failed_attempts import FailedAttempts
from .health import HealthCheck
from .host_check import HostCheck
from .problem import install_problem_handlers
from .security_headers import SecurityHeaders
from .store_probe import StoreProbe
from .views import mount_panel, open_paths

OPEN_PATHS = frozenset({"/health"}) | open_paths()
"""What needs no token: health, and the panel's own files. Everything else does, whether it exists or not."""

_MAX_BODY_BYTES = 64 * 1024
# FastAPI can report to OpenTelemetry, where the environment sets it up: queries and exception texts, which hold what
# people said. (Versions that cannot do that yet ignore the argument.)
_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}


def create_app(deps: AdminDependencies, *, allowed_hosts: Iterable[str] = ()) -> FastAPI:
    """Return the HTTP API over `deps`.

    `allowed_hosts` are further names in the Host header, such as that of a reverse proxy. Raises ConfigError for
    one that is no name.
    """
    app = FastAPI(
        title="AVATAR Appliance",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,  # both would load their scripts from the internet
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_TELEMETRY,
        responses=PROBLEM_RESPONSES,
        middleware=[  # from the outside in
            Middleware(SecurityHeaders),
            Middleware(DefectBarrier),
            Middleware(HostCheck, allowed_hosts=tuple(allowed_hosts)),
            Middleware(Authentication, verifier=deps.token, attempts=FailedAttempts(), open_paths=OPEN_PATHS),
            Middleware(
                BodyLimit, max_bytes=_MAX_BODY_BYTES, upload_paths=UPLOAD_PATHS, max_upload_bytes=deps.max_upload_bytes
            ),
        ],
    )
    app.state.dependencies = deps
    app.state.event_streams = set()
    app.state.health_check = HealthCheck(StoreProbe(deps.store.database), deps.system)
    install_problem_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    mount_panel(app)
    return app
