"""What the OpenAPI document says about errors and about the token."""

from __future__ import annotations

from typing import Any

from fastapi import Security
from fastapi.security import HTTPBearer

from avatar_appliance.admin.problem import MEDIA_TYPE, Problem


def _problem_schema() -> dict[str, Any]:
    """Return the schema of a problem in one piece: FastAPI takes no definitions with a media type of our own."""
    schema = Problem.model_json_schema()
    definitions = schema.pop("$defs")
    schema["properties"]["errors"]["anyOf"][0]["items"] = definitions["WrongField"]
    return schema


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Problem details (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": _problem_schema()}},
    }
}

# For the document only: the middleware has checked the token before any route runs.
NEEDS_TOKEN = [Security(HTTPBearer(auto_error=False, scheme_name="owner", description="The owner's token."))]
