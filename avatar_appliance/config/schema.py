"""The JSON schema of config.yaml, generated from the settings so that it cannot drift."""

from __future__ import annotations

from typing import Any

from .settings import Settings

# Folders depend on the machine that generates the schema; the file must not.
_MACHINE_DEPENDENT = "PathSettings"


def config_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12)."""
    schema = Settings.model_json_schema(mode="validation")
    for field in schema["$defs"][_MACHINE_DEPENDENT]["properties"].values():
        field.pop("default", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
